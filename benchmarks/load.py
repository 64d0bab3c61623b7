"""`python -m benchmarks.load`: many senders in one process of their own; what they found comes out as JSON.

Closed: each connection sends its next message when the last one is acknowledged. Paced: messages leave at
their moments whatever comes back, as many laboratories together send them.
"""

from __future__ import annotations

import argparse
import json
import selectors
import socket
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from itertools import count
from pathlib import Path

from benchmarks import messages
from benchmarks.site import ward

_END = b"\x1c\r"
_PATIENCE = 20.0  # seconds for the first answers of many connections


@dataclass
class Found:
    """`sent`: by order number, the moment after the last byte (monotonic seconds). Lengths in seconds."""

    acknowledged: int = 0
    refused: int = 0
    took: float = 0.0
    waits: list[float] = field(default_factory=list)
    sent: dict[str, float] = field(default_factory=dict)
    lost: int = 0  # connections


class Sender:
    """One connection. Messages it has sent are answered in their order."""

    def __init__(self, port: int, found: Found) -> None:
        self._found = found
        self._waiting: list[float] = []
        self._rest = b""
        self.socket = socket.create_connection(("127.0.0.1", port), 10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    @property
    def idle(self) -> bool:
        return not self._waiting

    def send(self, raw: bytes) -> float:
        """The moment after its last byte was handed to the network."""
        self.socket.sendall(b"\x0b" + raw + _END)
        now = time.monotonic()
        self._waiting.append(now)
        return now

    def hear(self) -> None:
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionResetError
        *answers, self._rest = (self._rest + data).split(_END)
        now = time.monotonic()
        for answer in answers:
            self._found.waits.append(now - self._waiting.pop(0))
            if b"\rMSA|AA" in answer:
                self._found.acknowledged += 1
            else:
                self._found.refused += 1


class Load:
    """The senders, and what they send."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self.found = Found()
        self._numbers = count(options.first)
        self._selector = selectors.DefaultSelector()
        self._senders = [Sender(options.port, self.found) for _ in range(options.connections)]
        for sender in self._senders:
            self._selector.register(sender.socket, selectors.EVENT_READ, sender)

    def closed(self) -> None:
        """For so many seconds, and until each connection could have been answered once."""
        began = time.monotonic()
        end = began + self._options.seconds
        for sender in self._senders:
            sender.send(self._next()[1])
        while (now := time.monotonic()) < end or (self._unheard and now < end + _PATIENCE):
            for sender in self._heard(max(end, now + 1)):
                if sender.idle:
                    sender.send(self._next()[1])
        self.found.took = time.monotonic() - began

    @property
    def _unheard(self) -> bool:
        return len(self.found.waits) < len(self._senders)

    def paced(self) -> None:
        """`rate` messages a second over all connections in turn; then wait for what is owed."""
        began = time.monotonic()
        total = self._options.count or int(self._options.rate * self._options.seconds)
        for n in range(total):
            due = began + n / self._options.rate
            while (now := time.monotonic()) < due:
                self._heard_until(due, now)
            number, raw = self._next()
            sender = self._senders[n % len(self._senders)]
            self._guarded(sender, lambda s=sender, m=raw, k=number: self._send(s, m, k))  # type: ignore[misc]
        self.found.took = time.monotonic() - began
        end = time.monotonic() + self._options.linger
        while not all(s.idle for s in self._senders) and time.monotonic() < end:
            self._heard_until(end, time.monotonic())

    def _send(self, sender: Sender, raw: bytes, number: int) -> None:
        self.found.sent[messages.order(number)] = sender.send(raw)

    def _heard_until(self, end: float, now: float) -> None:
        for _ in self._heard(end, most=max(end - now, 0.0)):
            pass

    def _heard(self, end: float, *, most: float | None = None) -> Iterator[Sender]:
        wait = max(end - time.monotonic(), 0.0) if most is None else most
        for key, _ in self._selector.select(wait):
            sender: Sender = key.data
            if self._guarded(sender, sender.hear):
                yield sender

    def _guarded(self, sender: Sender, act: Callable[[], object]) -> bool:
        try:
            act()
        except OSError:
            self.found.lost += 1
            self._selector.unregister(sender.socket)
            self._senders.remove(sender)
            if not self._senders:
                raise
            return False
        return True

    def _next(self) -> tuple[int, bytes]:
        number = next(self._numbers)
        place = ward(number % self._options.wards)
        every = self._options.critical_every
        return number, messages.result(
            number, ward=place, critical=bool(every) and number % every == 0
        )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load")
    parser.add_argument("port", type=int)
    parser.add_argument("--connections", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--rate", type=float, default=0.0, help="a second, paced; 0: closed")
    parser.add_argument("--count", type=int, default=0, help="paced: this many instead of SECONDS")
    parser.add_argument("--first", type=int, default=0, help="number of the first message")
    parser.add_argument("--wards", type=int, default=1)
    parser.add_argument("--critical-every", type=int, default=0)
    parser.add_argument("--linger", type=float, default=5.0, help="paced: seconds for late answers")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    load = Load(options)
    if options.rate:
        load.paced()
    else:
        load.closed()
    text = json.dumps(asdict(load.found))
    if options.output:
        options.output.write_text(text, "utf-8")
    else:
        sys.stdout.write(text)


if __name__ == "__main__":
    main()
