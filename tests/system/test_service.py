"""The whole service as a process: what its administrator and its laboratory rely on."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from demo import laboratory as lab
from demo.hospital import Hospital, free_ports

pytestmark = pytest.mark.system
WARDLINE = str(Path(sys.executable).with_name("wardline"))


@pytest.fixture
def hospital(tmp_path):
    hospital = Hospital(folder=tmp_path / "hospital", speed=5000)
    yield hospital
    hospital.close()


def result(control_id, *analytes, **more):
    return lab.result(control_id, lab.ELOISE, *(analytes or (lab.SODIUM,)), **more)


def run(*words):
    return subprocess.run([WARDLINE, *words], capture_output=True, text=True, timeout=30)


def test_a_result_reaches_its_ward_within_a_second_of_the_platforms_death(hospital):
    hospital.open()
    assert hospital.send(result("A1")) == "AA"
    hospital.until("the platform has it", hospital.at_platform)
    hospital.kill("platform")

    sent = time.monotonic()
    assert hospital.send(result("A2", lab.potassium("6.9", "HH"))) == "AA"
    hospital.until("a slip", lambda: hospital.slips("cardio-slip"), within=5)

    assert time.monotonic() - sent < 3, "printing itself takes about one"
    (slip,) = [s.read_text("utf-8") for s in hospital.slips("cardio-slip")][:1]
    assert "MODE DÉGRADÉ" in slip


def test_sigterm_ends_it_within_five_seconds_and_what_was_open_goes_on(hospital):
    hospital.open()
    hospital.kill("platform")
    hospital.programs["cardio-slip"].say("freeze")
    hospital.programs["neuro-slip"].say("freeze")
    assert hospital.send(result("B1")) == "AA"
    time.sleep(1)

    process = hospital.programs["wardline"].process
    began = time.monotonic()
    process.terminate()

    assert process.wait(6) == 0
    assert time.monotonic() - began < 5
    for name in ("cardio-slip", "neuro-slip"):
        hospital.programs[name].say("thaw")
    hospital.start_wardline()
    hospital.until("a slip", lambda: hospital.slips("cardio-slip"), within=30)


@pytest.mark.parametrize("pause", [0.0, 0.01, 0.3])
def test_kill_minus_nine_loses_nothing_that_was_acknowledged(hospital, pause):
    hospital.open()
    hospital.kill("platform")
    sent = [f"K{n:02d}" for n in range(12)]
    for name in sent[:-1]:
        assert hospital.send(result(name, order=f"27{name}")) == "AA"
    assert hospital.send(result(sent[-1], lab.potassium("6.9", "HH"), order="27last")) == "AA"
    time.sleep(pause)
    hospital.kill("wardline")
    hospital.start_wardline()

    def all_final():
        rows = {m["control_id"]: m for m in hospital.messages()}
        assert set(sent) <= set(rows), "acknowledged and gone"
        return all(rows[name]["state"] == "delivered" for name in sent)

    hospital.until("every message is delivered", all_final, within=60)
    paper = [s.read_text("utf-8") for p in hospital.printer_ports for s in hospital.slips(p)]
    for name in sent[:-1]:
        copies = [text for text in paper if f"27{name}" in text]
        assert copies
        assert sum("DUPLICATA" not in text for text in copies) <= 1, "twice without saying so"
    assert "none altered" in hospital.tell("journal", "verify")


def test_a_port_that_is_taken_is_one_line_and_exit_one(hospital):
    hospital.open()

    second = run("run", "--config", str(hospital.config))

    assert second.returncode == 1
    assert len(second.stderr.strip().splitlines()[-1:]) == 1
    assert str(hospital.intake_port) in second.stderr


def test_every_fault_of_the_file_is_listed_with_its_place(tmp_path):
    config = tmp_path / "site.toml"
    config.write_text(
        '[site]\ncode = "H"\nname = "H"\nlanguage = "de"\ncolour = "red"\n'
        '[[intakes]]\nname = "a"\nkind = "mlp"\n'
        '[[intakes]]\nname = "b"\nkind = "mllp"\nlisten = "2575"\nmode = "direct"\n'
        '[[devices]]\nname = "d"\nkind = "escpos"\nconnect = "tcp:h:1"\nmodel = "XX"\n'
        '[lab]\ndevices = ["nope"]\n'
    )

    for verb in ("check", "run"):
        done = run(verb, "--config", str(config))
        assert done.returncode == 2
        for place in ("site.language", "site.colour", 'intakes["a"].kind', 'intakes["b"].listen',
                      'devices["d"].model'):  # fmt: skip
            assert place in done.stderr


def test_status_messages_and_verify_work_without_the_service(hospital):
    hospital.open()
    assert hospital.send(result("C1")) == "AA"
    hospital.until("delivered", lambda: hospital.status()["counts"]["delivered"] == 1)
    hospital.programs["wardline"].stop()

    assert hospital.status()["platform"]["state"] == "up"
    (message,) = hospital.messages()
    assert message["control_id"] == "C1"
    (delivery,) = message["deliveries"]
    assert (delivery["channel"], delivery["state"]) == ("platform", "delivered")
    assert [a["outcome"] for a in delivery["attempts"]] == ["delivered"]
    assert "none altered" in hospital.tell("journal", "verify")


def test_a_persons_word_is_obeyed_while_it_runs_and_remembered_over_a_restart(hospital):
    hospital.open()
    hospital.tell("outage", "begin", "--reason", "coupure annoncée")
    hospital.until("down", lambda: hospital.status()["platform"]["state"] == "down", within=3)
    hospital.programs["wardline"].stop()
    hospital.start_wardline()
    assert hospital.send(result("W1")) == "AA"
    hospital.until("paper", lambda: len(hospital.slips("cardio-slip")) == 2)
    assert hospital.at_platform() == []

    hospital.tell("outage", "end", "--reason", "fini")

    hospital.until("handed back", lambda: len(hospital.at_platform()) == 1, within=20)


def test_send_shows_each_acknowledgement(hospital, tmp_path):
    hospital.open()
    path = tmp_path / "two.hl7"
    path.write_bytes(result("S1") + b"\r\n" + result("S2"))

    done = run("send", str(path), "--to", f"tcp:127.0.0.1:{hospital.intake_port}")

    assert done.returncode == 0, done.stderr
    assert [line.split(": ")[1].split()[0] for line in done.stdout.splitlines()] == ["AA", "AA"]


def test_check_devices_names_the_one_that_does_not_answer(hospital):
    hospital.open()
    hospital.programs["neuro-slip"].stop()

    done = run("check", "--config", str(hospital.config), "--devices")

    assert done.returncode == 1
    assert "cardio-slip: ok" in done.stdout
    assert "neuro-slip: unreachable" in done.stdout


def test_the_contracts_site_is_accepted_as_it_stands(tmp_path):
    """A whole site, every key of which an administrator may write."""
    site = Path(__file__).with_name("site.toml")
    text = site.read_text("utf-8")
    ports = iter(free_ports(text.count("@port@")))
    while "@port@" in text:
        text = text.replace("@port@", str(next(ports)), 1)
    config = tmp_path / "site.toml"
    config.write_text(text, "utf-8")

    with subprocess.Popen(
        [WARDLINE, "run", "--config", str(config)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "ready\n"
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(6) == 0


def test_ten_connections_are_answered_while_one_printer_is_frozen(hospital):
    hospital.open()
    hospital.kill("platform")
    hospital.programs["cardio-slip"].say("freeze")
    peers = [socket.create_connection(("127.0.0.1", hospital.intake_port), 5) for _ in range(10)]
    for number, peer in enumerate(peers):
        peer.sendall(b"\x0b" + result(f"F{number}", ward="NEURO") + b"\x1c\r")

    for peer in peers:
        peer.settimeout(5)
        assert b"MSA|AA" in peer.recv(65536)
        peer.close()
    hospital.until("slips", lambda: len(hospital.slips("neuro-slip")) >= 10, within=30)
