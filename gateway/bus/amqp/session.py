"""One AMQP connection: made, used through channels, ended once and told why."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aio_pika
from aio_pika.abc import AbstractChannel
from aiormq.exceptions import AMQPError, ChannelNotFoundEntity
from twisted.internet.defer import Deferred
from yarl import URL

from gateway.bridge import from_asyncio
from gateway.bus.amqp.wire import Wire
from gateway.bus.amqp.words import trouble
from gateway.bus.life import Life
from gateway.bus.role import Holder, Trouble

if TYPE_CHECKING:
    from gateway.bus.amqp import Server

#: How long a goodbye may take, seconds: a frozen broker answers none.
GOODBYE = 1.0


class Session:
    """A connection with an AMQP broker. Its holder hears of its end."""

    def __init__(
        self,
        server: Server,
        *,
        base: Path,
        name: str,
        holder: Holder,
        blocked: Callable[[str], None],
    ) -> None:
        """Raises OSError when a file of the site's cannot be read."""
        self._within = server.connect_within
        self._wire = Wire(
            server.host,
            server.port,
            trust=server.trust(base),
            within=server.connect_within,
            blocked=blocked,
        )
        self._connection = aio_pika.Connection(_url(server, server.secret(base), name))
        self._connection.kwargs["transport_factory"] = self._wire
        self.life = Life(holder, cut=self._wire.cut)

    async def connect(self) -> None:
        # The network has its own limit; this one is for the broker's greeting.
        async with asyncio.timeout(2 * self._within):
            await self._connection.connect()
        self._connection.close_callbacks.add(self._ended)

    async def channel(self, **how: Any) -> AbstractChannel:
        """A channel whose end is the session's."""
        channel = await self._connection.channel(**how)
        channel.close_callbacks.add(self._ended)
        return channel

    async def aside(self) -> AbstractChannel:
        """A channel for what may fail, and may be closed, without the session."""
        return await self._connection.channel(publisher_confirms=False)

    async def ensure_queue(self, name: str) -> None:
        """A durable queue of this name; one that is there stays as it is."""
        await self._ensure(
            lambda channel: channel.declare_queue(name, passive=True),
            lambda channel: channel.declare_queue(name, durable=True),
        )

    async def ensure_exchange(self, name: str, kind: str) -> None:
        """A durable exchange of this name; one that is there stays as it is."""
        await self._ensure(
            lambda channel: channel.declare_exchange(name, passive=True),
            lambda channel: channel.declare_exchange(name, kind, durable=True),
        )

    async def _ensure(self, ask: Declare, make: Declare) -> None:
        channel = await self.aside()
        try:
            await ask(channel)
        except ChannelNotFoundEntity:  # and the broker has closed the channel
            channel = await self.aside()
            await make(channel)
        await channel.close()

    def close(self) -> Deferred[None]:
        self.life.leave()
        return from_asyncio(self._goodbye())

    def trouble(self, error: BaseException | None) -> Trouble:
        """What this error means, on this connection."""
        return trouble(error, said=self._wire.closed_by)

    def _ended(self, _: object, error: BaseException | None) -> None:
        self.life.end(self.trouble(error))

    async def _goodbye(self) -> None:
        with contextlib.suppress(Exception):
            async with asyncio.timeout(GOODBYE):
                await self._connection.close()
        self.life.cut()


Declare = Callable[[AbstractChannel], Coroutine[Any, Any, object]]


async def opened(session: Session, work: Coroutine[Any, Any, None]) -> None:
    """Connect, and do what else belongs to an open session: wholly or not at all. Raises Trouble."""
    try:
        await session.connect()
        await work
    except (AMQPError, OSError, Trouble) as error:  # a TimeoutError is an OSError
        session.life.cut()
        raise session.trouble(error) from error
    except BaseException:  # cancelled; or a bug, which must look like one
        session.life.cut()
        raise
    finally:
        work.close()
    session.life.opened()


def _url(server: Server, password: str, name: str) -> URL:
    # TLS is the wire's business, so the scheme is the plain one.
    return URL.build(
        scheme="amqp",
        host=server.host,
        port=server.port,
        user=server.user,
        password=password,
        path="/" if server.vhost == "/" else f"/{server.vhost}",
        query={"heartbeat": str(int(server.heartbeat)), "name": f"wardline {name}"},
    )
