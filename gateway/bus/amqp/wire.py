"""The bytes of an AMQP 0-9-1 connection: how it is made and cut, and what the library does not pass on.

RabbitMQ says with `connection.blocked` that it takes no messages for now, and why (disk, memory). The
library only logs that, so the frames are watched on their way in.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Iterator
from typing import Any

from aiormq.connection import TransportFactory
from yarl import URL

from gateway.bus.role import REFUSED, SILENT, Trouble

_METHOD, _CONNECTION = 1, 10  # frame type; class id of the connection's own methods
_BLOCKED, _UNBLOCKED = 60, 61  # method ids; RabbitMQ's extension of AMQP 0-9-1
_HEAD = 7  # octets before a frame's payload: type, channel, size
_LONGEST = 512  # of a method of the connection that is looked at


class Wire(TransportFactory):
    """One TCP or TLS connection for the library, with its end in our hands."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        trust: ssl.SSLContext | None,
        within: float,
        blocked: Callable[[str], None],
    ) -> None:
        self._host = host
        self._port = port
        self._trust = trust
        self._within = within
        self._blocked = blocked
        self._transport: asyncio.Transport | None = None

    async def create(
        self, url: URL, **kwargs: Any
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        loop = asyncio.get_running_loop()
        reader = _Ear(self._blocked, loop=loop)
        protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
        try:
            async with asyncio.timeout(self._within):
                made, _ = await loop.create_connection(
                    lambda: protocol, self._host, self._port, ssl=self._trust
                )
        except Exception as error:
            raise _unreachable(error) from error
        self._transport = made
        return reader, asyncio.StreamWriter(made, protocol, reader, loop)

    def cut(self) -> None:
        """End it now, whatever is still to be written."""
        if self._transport is not None:
            self._transport.abort()


def _unreachable(error: Exception) -> Trouble:
    if isinstance(error, ConnectionRefusedError):
        return Trouble(REFUSED, sure=True)
    if isinstance(error, ssl.SSLError):
        return Trouble(f"TLS failed: {error.reason or type(error).__name__}")
    if isinstance(error, TimeoutError):
        return Trouble(SILENT)
    return Trouble(f"cannot connect: {getattr(error, 'strerror', None) or type(error).__name__}")


class _Ear(asyncio.StreamReader):
    """Hears the broker say that it is blocked, and passes everything on."""

    def __init__(self, blocked: Callable[[str], None], *, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop=loop)
        self._blocked = blocked
        self._frames = Frames()

    def feed_data(self, data: Any) -> None:
        for reason in self._frames.feed(bytes(data)):
            self._blocked(reason)
        super().feed_data(data)


class Frames:
    """Looks for `connection.blocked` and `connection.unblocked` in a stream of frames, cut anyhow."""

    def __init__(self) -> None:
        self._kept = bytearray()  # what came of the frame that is looked at
        self._skip = 0  # octets still to come of a frame that is not

    def feed(self, data: bytes) -> Iterator[str]:
        """The reason of each blocking that is said in `data`; "" for the end of one."""
        at = 0
        while at < len(data):
            if self._skip:
                step = min(self._skip, len(data) - at)
                self._skip -= step
                at += step
                continue
            wanted = self._wanted() - len(self._kept)
            self._kept += data[at : at + wanted]
            at += wanted
            if len(self._kept) >= self._wanted():
                yield from self._look()

    def _wanted(self) -> int:
        """How many octets of this frame must be here before it can be judged."""
        return _HEAD if len(self._kept) < _HEAD else _HEAD + self._size() + 1  # its end octet

    def _size(self) -> int:
        return int.from_bytes(self._kept[3:7], "big")

    def _look(self) -> Iterator[str]:
        ours = self._kept[0] == _METHOD and self._kept[1:3] == b"\0\0" and self._size() <= _LONGEST
        if len(self._kept) == _HEAD and not ours:
            self._skip = self._size() + 1
        elif len(self._kept) == _HEAD:
            return
        elif int.from_bytes(self._kept[7:9], "big") == _CONNECTION:
            yield from _said(bytes(self._kept[9:-1]))
        self._kept.clear()


def _said(method: bytes) -> Iterator[str]:
    number = int.from_bytes(method[:2], "big")
    if number == _BLOCKED:
        yield f"blocked by the broker: {method[3 : 3 + method[2]].decode('utf-8', 'replace')}"
    elif number == _UNBLOCKED:
        yield ""
