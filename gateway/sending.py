"""`wardline send`: HL7 messages from a file over MLLP, each acknowledgement shown."""

from __future__ import annotations

import argparse
import gzip
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, DeferredQueue
from twisted.internet.endpoints import clientFromString, connectProtocol
from twisted.internet.error import ConnectError
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.task import react
from twisted.python.failure import Failure

from gateway.errors import Rejected
from gateway.hl7 import Frame, Framer, peek, read_ack, split, wrap


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file", type=Path, help="HL7 v2, one or many messages; .gz too; - for input"
    )
    parser.add_argument("--to", required=True, metavar="ENDPOINT", help="tcp:127.0.0.1:2575")
    parser.add_argument(
        "--timeout", type=float, default=30.0, help="seconds to wait for each answer"
    )
    parser.add_argument("--limit", type=int, default=0, help="send no more than this many")
    parser.add_argument("--every", type=float, default=0.0, help="seconds between messages")


def run(options: argparse.Namespace) -> int:
    """Exit code 0 when every message was accepted (AA or CA), 1 otherwise."""
    try:
        raw = _content(options.file)
    except OSError as error:
        print(f"wardline: {options.file}: {error.strerror}", file=sys.stderr)
        return 1
    outcome: list[int] = []

    async def work(reactor: Any) -> None:
        outcome.append(await send(reactor, list(messages(raw, limit=options.limit)), options))

    try:
        react(lambda reactor: Deferred.fromCoroutine(work(reactor)))
    except SystemExit as stop:
        return outcome[0] if outcome else int(stop.code or 0)
    return outcome[0]


def messages(raw: bytes, *, limit: int = 0) -> Iterator[bytes]:
    """Each message of a file: MLLP-framed, separated by blank lines, or back to back."""
    framed = [f.data for f in Framer().feed(raw) if isinstance(f, Frame)] if b"\x0b" in raw else []
    count = 0
    for part in framed or [raw]:
        for message in split(part.strip()).messages:
            yield message.strip(b"\r\n") + b"\r"
            count += 1
            if count == limit:
                return


async def send(reactor: Any, each: list[bytes], options: argparse.Namespace) -> int:
    """Send them one after the other on one connection, each waiting for its answer."""
    try:
        peer = await connectProtocol(clientFromString(reactor, options.to), _Peer())
    except (ConnectError, OSError) as error:
        print(f"wardline: {options.to}: {error}", file=sys.stderr)
        return 1
    refused = 0
    for index, message in enumerate(each, 1):
        if options.every and index > 1:
            await _pause(reactor, options.every)
        refused += await _one(reactor, peer, message, place=f"{index}/{len(each)}", options=options)
    peer.transport.loseConnection()
    return 1 if refused else 0


async def _one(
    reactor: Any, peer: _Peer, message: bytes, *, place: str, options: argparse.Namespace
) -> int:
    head = peek(message)
    peer.transport.write(wrap(message))  # type: ignore[union-attr]
    try:
        answer = await peer.answers.get().addTimeout(options.timeout, reactor)
        ack = read_ack(answer)
    except (Exception, Rejected) as error:  # noqa: BLE001 - each is one line to the person
        print(f"{place} {head.type} {head.control_id}: no answer ({type(error).__name__})")
        return 1
    print(f"{place} {head.type} {head.control_id}: {ack.code} {ack.text}".rstrip(), flush=True)
    return 0 if ack.positive else 1


async def _pause(reactor: Any, seconds: float) -> None:
    waited: Deferred[None] = Deferred()
    reactor.callLater(seconds, waited.callback, None)
    await waited


def _content(path: Path) -> bytes:
    raw = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    return gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw


class _Peer(Protocol):
    def __init__(self) -> None:
        self.answers: DeferredQueue[bytes] = DeferredQueue()
        self._framer = Framer()

    def dataReceived(self, data: bytes) -> None:
        for frame in self._framer.feed(data):
            if isinstance(frame, Frame):
                self.answers.put(frame.data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.answers.put(b"")
