"""The whole service with a page printer of another hand: from HL7 to paper."""

from __future__ import annotations

import contextlib
import io
import json
import socket
import subprocess
import sys
import time
from pathlib import Path

import pypdfium2 as pdfium
import pytest

from demo import laboratory as lab
from demo.hospital import free_ports
from gateway.cli import main
from tests.system.eve import Eve, shim

pytestmark = pytest.mark.system
WARDLINE = str(Path(sys.executable).with_name("wardline"))
SITE = """
[site]
code = "HEX"
name = "Hôpital Exemple"

[[intakes]]
name = "lab"
kind = "mllp"
listen = "tcp:{intake}:interface=127.0.0.1"
mode = "direct"

[[devices]]
name = "cardio-page"
kind = "ipp"
connect = "{uri}"

[[wards]]
code = "CARD"
name = "Cardiologie"
devices = ["cardio-page"]

[lab]
devices = ["cardio-page"]

[plans.routine]
steps = [{{ by = "page", within = "60s" }}, {{ by = "courier" }}]
"""


@pytest.fixture
def eve(tmp_path):
    printer = Eve(tmp_path / "eve", shim(tmp_path))
    try:
        yield printer.start()
    finally:
        printer.close()


@pytest.fixture
def config(eve, tmp_path):
    (intake,) = free_ports(1)
    file = tmp_path / "site.toml"
    file.write_text(SITE.format(intake=intake, uri=eve.uri), "utf-8")
    return file, intake


def send(port, message):
    """Over MLLP; what it is answered."""
    with socket.create_connection(("127.0.0.1", port), 10) as peer:
        peer.sendall(b"\x0b" + message + b"\x1c\r")
        return peer.recv(4096)


def messages(file):
    """In this process: starting one takes a second."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        assert main(["messages", "--config", str(file), "--json"]) == 0
    return json.loads(out.getvalue())


def test_a_result_comes_out_as_a_page_that_can_be_read_and_is_proved(eve, config):
    file, intake = config
    service = subprocess.Popen(
        [WARDLINE, "run", "--config", str(file)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        assert service.stdout.readline().strip() == b"ready"
        assert b"MSA|AA|A1" in send(intake, lab.result("A1", lab.ELOISE, lab.SODIUM))
        end = time.monotonic() + 30
        while not (found := messages(file)) or found[0]["state"] != "delivered":
            assert time.monotonic() < end, found
            time.sleep(0.2)
    finally:
        service.terminate()
        service.wait()
        service.stdout.close()
    (attempt,) = found[0]["deliveries"][0]["attempts"]
    assert attempt["outcome"] == "delivered"
    assert "completed, sides printed: 1" in attempt["detail"]
    (paper,) = eve.printed
    document = pdfium.PdfDocument(paper)
    text = document[0].get_textpage().get_text_range()
    document.close()
    assert "Cardiologie" in text
    assert "Sodium" in text


def test_check_prints_a_page_and_says_what_proves_it(eve, config):
    file, _ = config
    words = [WARDLINE, "check", "--config", str(file), "--devices"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "cardio-page: ok" in done.stdout
    assert "sides it counted" in done.stdout
    assert len(eve.printed) == 1
