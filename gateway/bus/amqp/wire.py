"""The bytes of an AMQP 0-9-1 connection: how it is made, watched on its way in, and cut."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import Any

from aiormq.connection import TransportFactory
from yarl import URL

from gateway.bus.amqp.frames import Closed, Frames, Said
from gateway.bus.role import REFUSED, SILENT, Trouble


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

    def _heard(self, said: Said) -> None:
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

    def __init__(self, heard: Callable[[Said], None], *, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop=loop)
        self._heard = heard
        self._frames = Frames()

    def feed_data(self, data: Any) -> None:
        passed = self._frames.feed(bytes(data))
        said, self._frames.said = self._frames.said, []
        for each in said:
            self._heard(each)
        if passed:
            super().feed_data(passed)
