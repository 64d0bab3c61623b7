"""`python -m benchmarks.printers PORT,PORT… FILE`: many printers that print in no time.

Each answers the status questions and the mark at once, so what is measured is the service. For every
slip one line goes to FILE: the moment of its first byte (monotonic seconds), the port, the order numbers
that stand on it.
"""

from __future__ import annotations

import asyncio
import re
import sys
import time
from typing import TextIO

_QUESTION = re.compile(rb"\x10\x04[\x01-\x04]")
_SHORTEST = 3  # bytes: fewer may be the beginning of a question
_MARK = re.compile(rb"\x1d\(H\x06\x0000(.{4})", re.DOTALL)
_ORDER = re.compile(rb"BX\d{8}")
#: DLE EOT 1 to 4 of a printer that is online and lacks nothing: bits 1 and 4 are always set.
_WELL = b"\x12"


class Fake(asyncio.Protocol):
    """One connection: questions before the slip, the slip with its mark, one question behind it."""

    def __init__(self, port: int, slips: TextIO) -> None:
        self._port = port
        self._slips = slips
        self._began = 0.0  # when the slip did that is being received
        self._held = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        now = time.monotonic()
        self._held += data
        while self._held and self._take(now):
            pass

    def _take(self, now: float) -> bool:
        """A question or a whole slip from the beginning of what is held; False when there is none."""
        if not self._began:
            self._held = self._held.lstrip(
                b"\x00"
            )  # flushes what an earlier job left: prints nothing
            if question := _QUESTION.match(self._held):
                self._held = self._held[question.end() :]
                self._transport.write(_WELL)
                return True
            if len(self._held) < _SHORTEST:
                return False
            self._began = now
        marked = _MARK.search(self._held)
        if marked is not None:
            self._printed(marked)
        return marked is not None

    def _printed(self, marked: re.Match[bytes]) -> None:
        orders = sorted({x.decode() for x in _ORDER.findall(self._held, 0, marked.start())})
        self._slips.write(f"{self._began:.6f}\t{self._port}\t{' '.join(orders)}\n")
        self._held, self._began = self._held[marked.end() :], 0.0
        self._transport.write(b"\x37\x22" + marked[1] + b"\x00")


async def main(ports: list[int], slips: TextIO) -> None:
    loop = asyncio.get_running_loop()
    for port in ports:
        await loop.create_server(
            lambda port=port: Fake(port, slips),  # type: ignore[misc]
            "127.0.0.1",
            port,
        )
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    with open(sys.argv[2], "a", buffering=1, encoding="ascii") as file:  # noqa: PTH123
        asyncio.run(main([int(port) for port in sys.argv[1].split(",")], file))
