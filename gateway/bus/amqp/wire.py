"""The bytes of an AMQP 0-9-1 connection: how it is made and cut, and what the library does not pass on.

RabbitMQ says with `connection.blocked` that it takes no messages for now, and why (disk, memory), and
with `connection.close` why it ends a connection. The library only logs the first and may lose the words
of the second, so the frames are watched on their way in.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from aiormq.connection import TransportFactory
from yarl import URL

from gateway.bus.role import REFUSED, SILENT, Trouble

_METHOD, _CONNECTION = 1, 10  # frame type; class id of the connection's own methods
_CLOSE = 50  # method id
_BLOCKED, _UNBLOCKED = 60, 61  # RabbitMQ's extension of AMQP 0-9-1
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
        self.closed_by: Closed | None = None  # the broker's own goodbye

    async def create(
        self, url: URL, **kwargs: Any
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        loop = asyncio.get_running_loop()
        reader = _Ear(self._heard, loop=loop)
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

    def _heard(self, said: Blocked | Closed) -> None:
        if isinstance(said, Closed):
            self.closed_by = said
        else:
            self._blocked(said.reason)

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
    """Hears what the broker says of itself, and passes everything on."""

    def __init__(
        self, heard: Callable[[Blocked | Closed], None], *, loop: asyncio.AbstractEventLoop
    ) -> None:
        super().__init__(loop=loop)
        self._heard = heard
        self._frames = Frames()

    def feed_data(self, data: Any) -> None:
        for said in self._frames.feed(bytes(data)):
            self._heard(said)
        super().feed_data(data)


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocked:
    """It takes no messages for now; "": it takes them again."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """It ends the connection: AMQP's reply code and text."""

    code: int
    text: str


class Frames:
    """Looks for what a broker says of itself in a stream of frames, cut anyhow."""

    def __init__(self) -> None:
        self._kept = bytearray()  # what came of the frame that is looked at
        self._wanted = _HEAD  # octets of it that must be here before it can be judged
        self._skip = 0  # octets still to come of a frame that is not looked at

    def feed(self, data: bytes) -> Iterator[Blocked | Closed]:
        """What is said in `data`, with what came before."""
        at = 0
        while at < len(data):
            if self._skip:
                step = min(self._skip, len(data) - at)
                self._skip -= step
                at += step
                continue
            more = data[at : at + self._wanted - len(self._kept)]
            self._kept += more
            at += len(more)
            if len(self._kept) == self._wanted:
                yield from self._look()

    def _look(self) -> Iterator[Blocked | Closed]:
        """The head of a frame is here, or the whole of one that may say something."""
        size = int.from_bytes(self._kept[3:7], "big")
        if len(self._kept) == _HEAD:
            ours = self._kept[0] == _METHOD and self._kept[1:3] == b"\0\0" and size <= _LONGEST
            if ours:
                self._wanted = _HEAD + size + 1  # its end octet
                return
            self._skip = size + 1
        elif int.from_bytes(self._kept[7:9], "big") == _CONNECTION:
            yield from _said(bytes(self._kept[9:-1]))
        self._kept.clear()
        self._wanted = _HEAD


def _said(method: bytes) -> Iterator[Blocked | Closed]:
    number, rest = int.from_bytes(method[:2], "big"), method[2:]
    if number == _BLOCKED:
        yield Blocked(reason=f"blocked by the broker: {_short(rest)}")
    elif number == _UNBLOCKED:
        yield Blocked(reason="")
    elif number == _CLOSE:
        yield Closed(code=int.from_bytes(rest[:2], "big"), text=_short(rest[2:]))


def _short(data: bytes) -> str:
    """A short string: its length in one octet, then UTF-8. In one line and without a comma: it goes
    into alarms and onto paper."""
    text = data[1 : 1 + data[0]].decode("utf-8", "replace") if data else ""
    return " ".join(text.replace(",", ";").split())
