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
from gateway.bus.role import Holder, Trouble

if TYPE_CHECKING:
    from gateway.bus.amqp import Server

#: How long a goodbye may take, seconds: a frozen broker answers none.
GOODBYE = 1.0


class Session:
    """A connection and its end. Its holder hears of the end once, unless it was closed from here."""

    def __init__(self, holder: Holder) -> None:
        self._holder = holder
        self._over = False
        self._ready = False
        self._tasks: set[asyncio.Task[Any]] = set()
        self._wire: Wire | None = None
        self._connection: aio_pika.Connection | None = None

    async def connect(
        self, server: Server, *, base: Path, name: str, blocked: Callable[[str], None]
    ) -> None:
        """Raises Trouble."""
        self._wire = Wire(
            server.host,
            server.port,
            trust=server.trust(base),
            within=server.connect_within,
            blocked=blocked,
        )
        self._connection = aio_pika.Connection(_url(server, server.secret(base), name))
        self._connection.kwargs["transport_factory"] = self._wire
        # The network has its own limit; this one is for the broker's greeting.
        async with asyncio.timeout(2 * server.connect_within):
            await self._connection.connect()
        self._connection.close_callbacks.add(self._ended)

    async def channel(self, **how: Any) -> AbstractChannel:
        """A channel whose end is the session's."""
        assert self._connection is not None
        channel = await self._connection.channel(**how)
        channel.close_callbacks.add(self._ended)
        return channel

    async def aside(self) -> AbstractChannel:
        """A channel for what may fail, and may be closed, without the session."""
        assert self._connection is not None
        return await self._connection.channel(publisher_confirms=False)

    async def is_there(self, ask: Callable[[AbstractChannel], Coroutine[Any, Any, object]]) -> bool:
        """Whether what a passive declaration asks for exists."""
        channel = await self.aside()
        try:
            await ask(channel)
        except ChannelNotFoundEntity:
            return False
        await channel.close()
        return True

    async def ensure_queue(self, name: str) -> None:
        """A durable queue of this name; one that is there stays as it is."""
        if not await self.is_there(lambda c: c.declare_queue(name, passive=True)):
            channel = await self.aside()
            await channel.declare_queue(name, durable=True)
            await channel.close()

    async def ensure_exchange(self, name: str, kind: str) -> None:
        """A durable exchange of this name; one that is there stays as it is."""
        if not await self.is_there(lambda c: c.declare_exchange(name, passive=True)):
            channel = await self.aside()
            await channel.declare_exchange(name, kind, durable=True)
            await channel.close()

    def opened(self) -> None:
        """From now on its end is told."""
        self._ready = True

    def spawn(self, work: Coroutine[Any, Any, object]) -> None:
        """Do this beside; that it fails means that the session ends, which is told elsewhere."""
        task = asyncio.ensure_future(_quiet(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def close(self) -> Deferred[None]:
        self._over = True
        return from_asyncio(self._goodbye())

    def abandon(self) -> None:
        """Cut it: what could not be opened is not left half open."""
        self._over = True
        if self._wire is not None:
            self._wire.cut()

    def end(self, why: Trouble) -> None:
        """It is over, whoever noticed."""
        if self._over:
            return
        self.abandon()
        if self._ready:
            self._holder.lost(why)

    def trouble(self, error: BaseException | None) -> Trouble:
        """What this error means, on this connection."""
        said = self._wire.closed_by if self._wire is not None else None
        return trouble(error, said=said)

    @property
    def over(self) -> bool:
        return self._over

    def _ended(self, _: object, error: BaseException | None) -> None:
        self.end(self.trouble(error))

    async def _goodbye(self) -> None:
        with contextlib.suppress(Exception):
            async with asyncio.timeout(GOODBYE):
                if self._connection is not None:
                    await self._connection.close()
        self.abandon()


async def opening(session: Session, work: Coroutine[Any, Any, None]) -> None:
    """Open a session by `work`, wholly or not at all. Raises Trouble."""
    try:
        await work
    except asyncio.CancelledError:
        session.abandon()
        raise
    except (AMQPError, OSError, Trouble) as error:  # a TimeoutError is an OSError
        session.abandon()
        raise session.trouble(error) from error
    except Exception:  # a bug, which must look like one
        session.abandon()
        raise
    session.opened()


def _url(server: Server, password: str, name: str) -> URL:
    # TLS is the wire's business, so the scheme is the plain one.
    vhost = "" if server.vhost == "/" else server.vhost
    return URL.build(
        scheme="amqp",
        host=server.host,
        port=server.port,
        user=server.user,
        password=password,
        path="/" + vhost,
        query={"heartbeat": str(int(server.heartbeat)), "name": f"wardline {name}"},
    )


async def _quiet(work: Coroutine[Any, Any, object]) -> None:
    with contextlib.suppress(Exception):
        await work
