"""The service as a process with an HTTP intake: 201 means on disk, and it is what it says of itself."""

from __future__ import annotations

import http.client
import json
import re
import signal
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path

import pytest

from demo.hospital import free_ports

pytestmark = pytest.mark.system
WARDLINE = str(Path(sys.executable).with_name("wardline"))
TOKEN = "a-token-of-the-lab"
SITE = """
[site]
code = "HEX"
name = "Hôpital"
[[intakes]]
name = "web"
kind = "http"
listen = "tcp:{port}:interface=127.0.0.1"
mode = "direct"
[[intakes.senders]]
name = "labo"
token_file = "token"
sends_as = ["SIL|LABO"]
may = ["hl7", "fhir", "document", "status", "outage", "pack"]
[[devices]]
name = "slip"
kind = "escpos"
connect = "tcp:127.0.0.1:{dead}"
model = "TM-T20III"
[[wards]]
code = "CARD"
name = "Cardiologie"
devices = ["slip"]
[lab]
devices = ["slip"]
"""
PATIENT = {"resourceType": "Patient", "id": "p", "name": [{"family": "Roux"}]}


def report(number):
    value = {"resourceType": "Observation", "id": "o", "status": "final", "code": {"text": "K"},
             "valueQuantity": {"value": 4.1}}  # fmt: skip
    return {
        "resourceType": "DiagnosticReport", "id": f"r{number}", "status": "final", "code": {"text": "K"},
        "subject": {"reference": "#p"}, "contained": [PATIENT, value], "result": [{"reference": "#o"}],
    }  # fmt: skip


@pytest.fixture
def service(tmp_path):
    port, dead = free_ports(2)
    (tmp_path / "site.toml").write_text(SITE.format(port=port, dead=dead))
    (tmp_path / "token").write_text(sha256(TOKEN.encode()).hexdigest())
    config = str(tmp_path / "site.toml")
    started = []

    def start():
        process = subprocess.Popen(
            [WARDLINE, "run", "--config", config],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        started.append(process)
        assert process.stdout.readline() == "ready\n"
        return process

    start.port, start.config = port, config
    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.mark.parametrize("count", [1, 20])
def test_kill_minus_nine_loses_nothing_that_was_called_created(service, count):
    process = service()
    line = http.client.HTTPConnection("127.0.0.1", service.port, timeout=20)
    head = {"Authorization": f"Bearer {TOKEN}"}
    created = set()
    for n in range(count):
        fhir = json.dumps(report(n)).encode()
        for path, media, body in (
            ("/fhir", "application/fhir+json", fhir),
            ("/api/v1/messages?ward=CARD", "application/pdf", b"%%PDF-1.4 %d" % n),
        ):
            line.request("POST", path, body, head | {"Content-Type": media})
            answer = line.getresponse()
            answer.read()
            assert answer.status == 201
            created.add(int(answer.getheader("Location").rpartition("/")[2]))
    process.send_signal(signal.SIGKILL)
    process.wait()
    line.close()

    told = subprocess.run(
        [WARDLINE, "messages", "--config", service.config, "--json"], capture_output=True, text=True
    )
    assert created <= {m["id"] for m in json.loads(told.stdout)}
    service()
    verified = subprocess.run(
        [WARDLINE, "journal", "verify", "--config", service.config], capture_output=True, text=True
    )
    assert verified.returncode == 0


def test_a_persons_word_over_http_outranks_what_the_watch_sees(service):
    """Nobody listens where its platform should be, and somebody knows better."""
    dead = free_ports(1)[0]
    table = f'[platform]\nkind = "mllp"\nconnect = "tcp:127.0.0.1:{dead}"\n'
    Path(service.config).write_text(Path(service.config).read_text("utf-8") + table, "utf-8")
    service()
    line = http.client.HTTPConnection("127.0.0.1", service.port, timeout=20)
    head = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}

    def ask(method, path, **words):
        line.request(method, f"/api/v1/{path}", json.dumps(words) if words else None, head)
        answer = line.getresponse()
        return answer.status, json.loads(answer.read())

    def until(state, by):
        end = time.monotonic() + 20
        while True:
            platform = ask("GET", "status")[1]["platform"]
            if (platform["state"], platform["by"]) == (state, by):
                return
            assert time.monotonic() < end, platform
            time.sleep(0.05)

    until("down", "")
    assert ask("POST", "outage", word="end", reason="c'est la sonde", by="Dr A")[0] == 200
    until("up", "Dr A (labo)")
    assert ask("POST", "outage", word="begin", reason="travaux", by="Dr B")[0] == 200
    until("down", "Dr B (labo)")
    line.close()

    told = subprocess.run(
        [WARDLINE, "status", "--config", service.config, "--json"], capture_output=True, text=True
    )
    assert json.loads(told.stdout)["outage"]["reason"] == "travaux"


#: Left out of what schemathesis checks: whether all that the description allows is taken. It says that
#: HL7 is a text, not which one.
BEYOND = "positive_data_acceptance"


def test_a_tool_that_knows_only_the_description_finds_no_fault(service, tmp_path):
    service()
    done = subprocess.run(
        [
            Path(sys.executable).with_name("schemathesis"),
            "run",
            f"http://127.0.0.1:{service.port}/openapi.json",
            *("--header", f"Authorization: Bearer {TOKEN}"),
            *("--exclude-checks", BEYOND),
            *("--phases", "examples,coverage,fuzzing"),
            *("--max-examples", "10"),
            *("--seed", "1"),
            *("--request-timeout", "20"),
            "--no-color",
        ],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "11 selected" in done.stdout
    made, passed = re.search(r"(\d+) generated, (\d+) passed", done.stdout).groups()
    assert made == passed and int(made) > 300
    # The description's own examples are taken: what is generated blindly seldom gets so far.
    told = subprocess.run(
        [WARDLINE, "messages", "--config", service.config, "--json"], capture_output=True, text=True
    )
    kept = [m for m in json.loads(told.stdout) if m["state"] != "refused"]
    assert {"result", "order", "document"} <= {m["kind"] for m in kept}
    assert "EXAMPLE-1" in {m["control_id"] for m in kept}
