"""Every stream of the torture set through the real intake over real sockets, and what it must answer."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import clientFromString
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import LoopingCall

from gateway.clock import ReactorClock
from gateway.hl7 import Framer, peek, read, read_ack
from gateway.intakes.mllp import MllpIntake, Settings


@pytest.fixture
def streams():
    where = os.environ.get("WARDLINE_CORPORA")
    if not where:
        pytest.skip("WARDLINE_CORPORA names no folder: the corpora are not part of the project")
    return Path(where) / "own" / "mllp-streams"


class Inbox:
    """Judges as the real one does, and keeps what it took."""

    def __init__(self):
        self.taken, self.refused = [], []

    async def accept(self, raw, *, door, peer):
        read(raw, default_charset=door.charset)
        self.taken.append(raw)

    async def refuse(self, raw, rejected, *, door, peer):
        self.refused.append(raw)


class Sender(Protocol):
    """A client that only listens to what it is told."""

    def __init__(self):
        self.answers, self.closed = [], Deferred()
        self._framer, self._wanted = Framer(), []

    def dataReceived(self, data):
        for frame in self._framer.feed(data):
            ack = read_ack(frame.data)
            self.answers.append((ack.code, ack.control_id))
        for count, fired in list(self._wanted):
            if len(self.answers) >= count and not fired.called:
                fired.callback(None)

    def connectionLost(self, reason):
        self.closed.callback(None)

    def until(self, count):
        """Fires once there are so many answers."""
        fired = Deferred()
        self._wanted.append((count, fired))
        self.dataReceived(b"")
        return fired


class Site:
    """An intake on a free port, and senders to it."""

    def __init__(self, **settings):
        base = {
            "kind": "mllp",
            "name": "lab",
            "listen": "tcp:0:interface=127.0.0.1",
            "mode": "direct",
        }
        self.inbox = Inbox()
        self.intake = MllpIntake(
            Settings(**(base | {"within": "350ms", "idle": "400ms"} | settings)),
            inbox=self.inbox,
            reactor=reactor,
            clock=ReactorClock(reactor),
            zone="Europe/Paris",
            base=Path(),
            on_broken=lambda error: None,
        )

    async def __aenter__(self):
        await self.intake.startService()
        return self

    async def __aexit__(self, *_):
        await self.intake.stopService()

    async def dial(self):
        endpoint = clientFromString(reactor, f"tcp:127.0.0.1:{self.intake.port}")
        return await endpoint.connect(Factory.forProtocol(Sender))

    async def play(self, stream):
        """Send a stream whole; what was answered until the intake closed the connection."""
        sender = await self.dial()
        sender.transport.write(stream)
        await sender.closed
        return sender.answers

    @property
    def ids(self):
        return [peek(raw).control_id for raw in self.inbox.taken]


@pytest.mark.parametrize(
    ("name", "answers"),
    [
        ("ok_one", [("AA", "A00073")]),
        ("cr_only_between", [("AA", "A00135"), ("AA", "A00136")]),
        ("dup_twice", [("AA", "A00140"), ("AA", "A00140")]),
        ("fs_without_cr_then_next", [("AA", "A00127"), ("AA", "A00128")]),
        ("garbage_before", [("AA", "A00132")]),
        ("garbage_between", [("AA", "A00133"), ("AA", "A00134")]),
        ("mllp2_ack_bytes", [("AA", "A00139")]),
        ("nested_start", [("AR", ""), ("AA", "A00129")]),
        ("no_final_cr", [("AA", "A00126")]),
        ("proxy_header", [("AA", "A00138")]),
        ("empty_frame", []),
        ("many_empty_frames", []),
        ("only_VT_flood", []),
        ("no_end", []),
        ("no_start", []),
        ("http_get", []),
        ("smtp", []),
    ],
)
async def test_a_stream_is_answered_as_it_deserves(streams, name, answers):
    async with Site() as site:
        assert await site.play((streams / f"{name}.bin").read_bytes()) == answers
        assert site.ids == [i for code, i in answers if code == "AA"]


async def test_fifty_messages_in_one_piece_are_answered_in_order(streams):
    stream = (streams / "ok_pipelined_50.bin").read_bytes()
    async with Site() as site:
        answers = await site.play(stream)
        assert answers == [("AA", f"A{n:05}") for n in range(74, 124)]
        assert b"".join(b"\x0b" + raw + b"\x1c\r" for raw in site.inbox.taken) == stream


async def test_bytes_that_come_one_by_one_mean_the_same(streams):
    async with Site(within="10s") as site:
        sender = await site.dial()
        for byte in (streams / "nested_start.bin").read_bytes():
            sender.transport.write(bytes([byte]))
        await sender.until(2)
        assert sender.answers == [("AR", ""), ("AA", "A00129")]
        sender.transport.loseConnection()
        await sender.closed


async def test_a_message_with_a_separator_in_it_is_one_message_or_none(streams):
    stream = (streams / "fs_in_body.bin").read_bytes()
    async with Site() as site:
        answers = await site.play(stream)
        assert [i for _, i in answers] == ["A00130"]
        assert all(raw == stream[1:-2] for raw in site.inbox.taken)


async def test_utf16_is_refused(streams):
    async with Site() as site:
        answers = await site.play((streams / "utf16.bin").read_bytes())
        assert [code for code, _ in answers] == ["AR"]
        assert site.inbox.taken == []


async def test_a_message_without_end_is_cut_off_at_its_longest(streams):
    head = (streams / "giant_64MB_head.bin").read_bytes()
    before = _resident()
    async with Site(within="20s", idle="20s") as site:
        sender = await site.dial()
        sender.transport.write(head)
        for _ in range(31):
            sender.transport.write(b"A" * 2**21)
        await sender.closed
        assert sender.answers == [("AR", "A00137")]
        assert [peek(raw).control_id for raw in site.inbox.refused] == ["A00137"]
        assert len(site.inbox.refused[0]) < 10_000
    assert _resident() - before < 2**26 + 2**26  # ours, and as much for the sender in this process


async def test_a_sender_of_one_byte_at_a_time_is_cut_off_and_disturbs_nobody(streams):
    [message] = json.loads((streams / "slowloris.hexlist.json").read_text())
    rest = iter(bytes.fromhex(message))
    async with Site() as site:
        slow, well = await site.dial(), await site.dial()
        dripping = LoopingCall(lambda: slow.transport.write(bytes([next(rest)])))
        dripping.start(0.02).addErrback(lambda failure: failure.trap(StopIteration))
        well.transport.write((streams / "ok_one.bin").read_bytes())
        await well.until(1)
        await slow.closed
        dripping.stop()
        assert slow.answers == []
        assert well.answers == [("AA", "A00073")]
        well.transport.loseConnection()
        await well.closed


def _resident():
    """Memory of this process, bytes."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
