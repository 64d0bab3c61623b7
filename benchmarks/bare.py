"""`python -m benchmarks.bare PORT FILE`: the least that any receiver does which acknowledges durably.

MLLP frames are cut out, the same bytes go into one table of one SQLite file in WAL mode, synced, by a
thread that commits for all who wait; then a fixed acknowledgement leaves. Nothing is read, nothing is
planned, nobody is told. What Wardline does beyond this is the price of doing something with a message.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

from twisted.internet import asyncioreactor

asyncioreactor.install()

import apsw  # noqa: E402
from twisted.internet import reactor  # noqa: E402, TID253
from twisted.internet.protocol import Factory, Protocol  # noqa: E402

_ACK = b"\x0bMSH|^~\\&|BARE|||||ACK||P|2.5\rMSA|AA|\r\x1c\r"
_MOST = 256  # of one commit, as in the service's writer

_reactor: Any = reactor
_queue: SimpleQueue[tuple[Any, bytes]] = SimpleQueue()


class Session(Protocol):
    """One sender."""

    transport: Any

    def __init__(self) -> None:
        self._rest = b""

    def dataReceived(self, data: bytes) -> None:
        *frames, self._rest = (self._rest + data).split(b"\x1c\r")
        for frame in frames:
            _queue.put((self.transport, frame[1:]))


def write(connection: apsw.Connection) -> None:
    """Everything that waits goes into one commit; one alone never lingers."""
    execute = connection.cursor().execute
    while True:
        batch = [_queue.get()]
        with suppress(Empty):
            while len(batch) < _MOST:
                batch.append(_queue.get_nowait())
        execute("BEGIN IMMEDIATE")
        for _, raw in batch:
            execute("INSERT INTO message VALUES (NULL, ?)", (raw,))
        execute("COMMIT")
        _reactor.callFromThread(answer, [transport for transport, _ in batch])


def answer(transports: list[Any]) -> None:
    for transport in transports:
        transport.write(_ACK)


def main(port: int, path: Path) -> None:
    connection = apsw.Connection(str(path))
    connection.pragma("journal_mode", "wal")
    connection.pragma("synchronous", "FULL")
    connection.execute("CREATE TABLE message (id INTEGER PRIMARY KEY, raw BLOB)")
    Thread(target=write, args=(connection,), daemon=True).start()
    _reactor.listenTCP(port, Factory.forProtocol(Session), backlog=1024, interface="127.0.0.1")
    _reactor.callWhenRunning(print, "ready", flush=True)
    _reactor.run()


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
