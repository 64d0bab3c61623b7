"""The stand-in platform as a process of its own: ready, spoken to, troubled, ended."""

from __future__ import annotations

import json
import socket
import subprocess
import sys

import pytest


def free_port():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return held.getsockname()[1]


def start(*options):
    return subprocess.Popen(
        [sys.executable, "-m", "demo.standin", *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def standin(tmp_path):
    """The process, the port it listens on, its control port and its log."""
    port, control, log = free_port(), free_port(), tmp_path / "received.jsonl"
    process = start(
        *("--listen", f"tcp:{port}:interface=127.0.0.1", "--log", str(log)),
        *("--control", f"tcp:{control}:interface=127.0.0.1"),
    )
    assert process.stdout.readline() == "ready\n"
    yield process, port, control, log
    process.kill()
    process.communicate()


def send(port, control_id):
    """What it answers to a message."""
    raw = f"MSH|^~\\&|SIL|LABO|X|Y|20260101||ORU^R01|{control_id}|P|2.5\rPID|1||7||ÉLOÏSE\r"
    with socket.create_connection(("127.0.0.1", port), 5) as peer:
        peer.settimeout(5)
        peer.sendall(b"\x0b" + raw.encode() + b"\x1c\r")
        return peer.recv(4096)


def test_it_takes_messages_and_writes_them_down(standin):
    _, port, _, log = standin
    assert b"MSA|AA|A1" in send(port, "A1")

    [line] = log.read_text("utf-8").splitlines()
    entry = json.loads(line)
    assert (entry["control_id"], entry["sender"], entry["answer"]) == ("A1", "SIL|LABO", "AA")
    assert "ÉLOÏSE" in entry["raw"]


def test_trouble_is_typed_or_said_over_the_control_port(standin):
    process, port, control, _ = standin
    process.stdin.write("refuse AE 1\n")
    process.stdin.flush()
    assert process.stdout.readline() == "ok\n"
    assert b"MSA|AE|A1" in send(port, "A1")
    assert b"MSA|AA|A2" in send(port, "A2")

    with socket.create_connection(("127.0.0.1", control), 5) as keyboard:
        keyboard.sendall(b"cut\nnonsense\n")
        answers = keyboard.makefile()
        assert answers.readline() == "ok\n"
        assert answers.readline().startswith("error: not understood")
    with pytest.raises(ConnectionResetError):
        send(port, "A3")


def test_it_ends_when_told(standin):
    process, _, _, _ = standin
    process.terminate()

    assert process.wait(5) == 0


def test_a_port_that_is_taken_is_said_in_one_line(standin):
    _, port, _, _ = standin
    other = start("--listen", f"tcp:{port}:interface=127.0.0.1")
    _, said = other.communicate(timeout=20)

    assert other.returncode == 1
    assert len(said.splitlines()) == 1
    assert str(port) in said
