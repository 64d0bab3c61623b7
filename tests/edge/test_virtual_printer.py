"""The virtual printer as a process, its files, and what other programs make of both."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest
from PIL import Image
from twisted.internet import reactor
from twisted.internet.endpoints import TCP4ClientEndpoint

from gateway.channels.escpos_link import print_job
from printers import command
from printers.model import Fence
from printers.virtual import VirtualPrinter
from printers.virtual.serve import served

PROGRAM = """
import argparse, sys
from twisted.internet import asyncioreactor
asyncioreactor.install()
from printers.virtual import add_arguments, run
parser = argparse.ArgumentParser()
add_arguments(parser)
sys.exit(run(parser.parse_args()))
"""
TICKET = command.code_page(16) + "Créatinine 88 µmol/L\n".encode("cp1252") + command.cut()
TEXT = "Créatinine 88 µmol/L\n"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Process:
    """`wardline printer` running."""

    def __init__(self, out, *options, port=None):
        self.port = port or free_port()
        listen = f"tcp:{self.port}:interface=127.0.0.1"
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, "--listen", listen, "--out", str(out), *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )

    def says(self):
        return self.process.stdout.readline().rstrip("\n")

    def type(self, words):
        """What it says to them."""
        self.process.stdin.write(words + "\n")
        self.process.stdin.flush()
        return self.says()

    def connect(self, port=None):
        host = socket.create_connection(("127.0.0.1", port or self.port), timeout=5)
        host.settimeout(5)
        return host

    def print(self, data):
        """Print, and wait for the mark."""
        with self.connect() as host:
            host.sendall(data + command.fence("MARK"))
            heard = b""
            while not heard.endswith(b"MARK\x00"):
                heard += host.recv(100)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        out, err = self.process.communicate(timeout=5)
        return self.process.returncode, out, err


@contextmanager
def running(out, *options):
    printer = Process(out, "--speed", "0", *options)
    try:
        assert printer.says() == "ready"
        yield printer
    finally:
        if printer.process.poll() is None:
            printer.process.kill()
        printer.process.communicate()


def names(folder):
    return sorted(path.name for path in folder.iterdir())


# --- as a process


def test_each_slip_is_a_picture_a_text_and_a_record(tmp_path):
    with running(tmp_path, "--name", "cardio") as printer:
        printer.print(TICKET)
        printer.print(b"\x1bB" + TICKET)

    assert names(tmp_path) == [
        f"slip-000{number}.{kind}" for number in (1, 2) for kind in ("json", "png", "txt")
    ]
    assert (tmp_path / "slip-0001.txt").read_text() == TEXT
    with Image.open(tmp_path / "slip-0001.png") as picture:
        assert picture.size == (640, 142)
    record = json.loads((tmp_path / "slip-0002.json").read_text())
    assert (record["printer"], record["model"], record["number"]) == ("cardio", "TM-T20II", 2)
    assert (record["text"], record["cut"], record["unknown"]) == (TEXT, "partial", ["1b 42"])
    assert record["lines"][0]["runs"] == [{"text": TEXT.strip()}]
    assert record["at"].startswith("20")


def test_it_takes_trouble_typed_on_standard_input(tmp_path):
    with running(tmp_path) as printer, printer.connect() as host:
        assert printer.type("paper out") == "ok"
        host.sendall(command.status(4))
        assert host.recv(1) == b"\x7e"

        assert printer.type("paper in") == "ok"
        host.sendall(command.status(4))
        assert host.recv(1) == b"\x12"

        assert printer.type("paper blue").startswith("error: not understood")
        assert printer.type("status").startswith("printer (TM-T20II): on line")


def test_it_goes_on_when_nobody_types_any_more(tmp_path):
    with running(tmp_path) as printer:
        printer.process.stdin.close()
        printer.process.stdin = None
        printer.print(TICKET)

    assert (tmp_path / "slip-0001.txt").exists()


def test_it_takes_trouble_over_its_control_endpoint(tmp_path):
    control = free_port()
    with (
        running(tmp_path, "--control", f"tcp:{control}:interface=127.0.0.1") as printer,
        printer.connect(control) as words,
        words.makefile("rw") as lines,
    ):
        lines.write("cut off\nstatus\n")
        lines.flush()
        assert lines.readline() == "ok\n"
        assert "cut off" in lines.readline()
        with pytest.raises(ConnectionRefusedError):
            printer.connect()

        lines.write("plug in\n")
        lines.flush()
        assert lines.readline() == "ok\n"
        printer.print(TICKET)


def test_it_stops_cleanly_and_tears_off_what_was_printed(tmp_path):
    with running(tmp_path) as printer, printer.connect() as host:
        host.sendall(b"half a slip\n" + command.status(1))
        host.recv(1)

        began = time.monotonic()
        code, _, errors = printer.stop()

    assert (code, errors) == (0, "")
    assert time.monotonic() - began < 3
    assert json.loads((tmp_path / "slip-0001.json").read_text())["cut"] == "torn"


def test_it_numbers_on_from_the_slips_that_lie_there(tmp_path):
    (tmp_path / "slip-0041.txt").write_text("older")
    with running(tmp_path) as printer:
        printer.print(TICKET)

    assert (tmp_path / "slip-0042.txt").read_text() == TEXT


def test_a_taken_port_is_one_line_and_exit_1(tmp_path):
    with running(tmp_path) as printer:
        second = Process(tmp_path, port=printer.port)
        out, err = second.process.communicate(timeout=20)
        assert printer.process.poll() is None

    assert second.process.returncode == 1
    assert out == ""
    assert err.count("\n") == 1
    assert "in use" in err


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        ("tcp:9101", "tcp:9101"),
        ("tcp:9101:interface=127.0.0.1", "tcp:9101:interface=127.0.0.1"),
        ("tcp:127.0.0.1:9101", "tcp:9101:interface=127.0.0.1"),
        ("tcp:host=localhost:port=9101", "tcp:9101:interface=localhost"),
        ("unix:/run/printer", "unix:/run/printer"),
    ],
)
def test_the_address_a_site_connects_to_can_be_listened_on(endpoint, expected):
    assert served(endpoint) == expected


# --- proof and files


async def test_what_is_proved_lies_in_the_folder(tmp_path):
    printer = VirtualPrinter(reactor, out=tmp_path)
    port = await printer.listen()

    async def build():
        return TICKET

    try:
        await print_job(
            TCP4ClientEndpoint(reactor, "127.0.0.1", port),
            build,
            clock=reactor,
            fence=Fence.PROCESS_ID,
            token="7K2Q",
        )
        assert names(tmp_path) == ["slip-0001.json", "slip-0001.png", "slip-0001.txt"]
    finally:
        await printer.close()


async def test_a_slip_that_cannot_be_written_does_not_stop_the_printer(tmp_path, capsys):
    folder = tmp_path / "out"
    printer = VirtualPrinter(reactor, out=folder, name="cardio")
    port = await printer.listen()
    shutil.rmtree(folder)

    async def build():
        return TICKET

    try:
        proof = await print_job(
            TCP4ClientEndpoint(reactor, "127.0.0.1", port),
            build,
            clock=reactor,
            fence=Fence.PROCESS_ID,
            token="7K2Q",
        )
        assert proof.confirmed
        assert capsys.readouterr().err.startswith("cardio: slip 1 not written: ")
    finally:
        await printer.close()


# --- other programs


def test_it_reads_what_python_escpos_writes(tmp_path):
    from escpos.printer import Dummy

    ticket = Dummy(profile="TM-T20II")
    ticket.set(align="center", bold=True, double_width=True, double_height=True)
    ticket.text("Cardiologie\n")
    ticket.set(align="left", bold=False, normal_textsize=True)
    ticket.text("Hémoglobine ≥ 12 µmol/L œuf β 10² 12 €\n")
    ticket.set(invert=True)
    ticket.text("CRITIQUE\n")
    ticket.set(invert=False)
    ticket.qr("WL:0042", native=True, size=5)
    ticket.image(Image.new("1", (64, 16)), impl="bitImageRaster")
    ticket.image(Image.new("1", (64, 24)), impl="bitImageColumn")
    ticket.cut()

    with running(tmp_path) as printer:
        printer.print(ticket.output)

    record = json.loads((tmp_path / "slip-0001.json").read_text())
    assert record["unknown"] == []
    assert [line["text"] for line in record["lines"] if line["text"]] == [
        "Cardiologie",
        "Hémoglobine ≥ 12 µmol/L œuf β 10² 12 €",
        "CRITIQUE",
        "[QR WL:0042]",
        "[raster 64x16]",
        "[image 64x24]",
    ]
    large, plain, loud = (line["runs"][0] for line in record["lines"][:3])
    assert large == {"text": "Cardiologie", "bold": True, "width": 2, "height": 2}
    assert plain.keys() == {"text"}
    assert loud == {"text": "CRITIQUE", "inverse": True}


@pytest.mark.skipif(
    shutil.which("zbarimg") is None, reason="zbarimg (package zbar-tools) is missing"
)
def test_a_scanner_reads_its_codes(tmp_path):
    with running(tmp_path) as printer:
        centred = command.centre(True)
        codes = command.code128("WL-CARD-K7Q", module=2) + b"\n" + command.qr("WL:0042", module=5)
        printer.print(centred + codes + b"\n" + command.cut())

    picture = Image.open(tmp_path / "slip-0001.png").convert("L")
    picture.save(tmp_path / "scan.png")
    scan = subprocess.run(
        ["zbarimg", "-q", str(tmp_path / "scan.png")],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )

    assert set(scan.stdout.split()) == {"CODE-128:WL-CARD-K7Q", "QR-Code:WL:0042"}
