"""What each kind of session declares on AMQP, and does: publish with confirms, consume, send canaries."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractExchange, AbstractIncomingMessage
from aiormq.abc import AbstractChannel as Channel
from aiormq.abc import DeliveredMessage
from aiormq.exceptions import AMQPError, DeliveryError, PublishError
from pamqp.commands import Basic
from pamqp.common import Arguments
from twisted.internet.defer import Deferred

from gateway.bridge import from_asyncio
from gateway.bus.amqp.session import Session, opened
from gateway.bus.role import (
    Arrived,
    CanaryHolder,
    Declined,
    Parcel,
    SourceHolder,
    TargetHolder,
    Trouble,
    Unroutable,
    Verdict,
)

if TYPE_CHECKING:
    from gateway.bus.amqp import IntakeSettings, PlatformSettings

PERSISTENT = 2  # delivery mode
#: Receipts the broker may hand over before the first is on disk.
RECEIPTS = 200
#: Canaries nobody fetches are dropped: no more of them than this, none older (milliseconds).
CANARY_QUEUE: Arguments = {"x-max-length": 100, "x-message-ttl": 60_000}


class Target:
    """Publishes to the site's exchange, and hears receipts."""

    def __init__(self, settings: PlatformSettings, *, base: Path, holder: TargetHolder) -> None:
        self._settings = settings
        self._holder = holder
        self._channel: Channel | None = None
        self._session = Session(
            settings, base=base, name="platform", holder=holder, blocked=holder.blocked
        )

    async def open(self) -> Target:
        await opened(self._session, self._open())
        return self

    async def _open(self) -> None:
        settings, session = self._settings, self._session
        await _ensure_exchange(session, settings)
        channel = await session.channel(publisher_confirms=True, on_return_raises=True)
        if settings.exchange:
            await channel.get_exchange(settings.exchange)  # it is there
        self._channel = await channel.get_underlay_channel()
        if settings.receipts:
            await session.ensure_queue(settings.receipts)
            await _consume(
                session, settings.receipts, prefetch=RECEIPTS, heard=self._holder.receipt
            )

    def objection(self, parcel: Parcel) -> str:
        return ""  # a letter's names are short enough, and a body may have 128 MB

    def publish(self, parcel: Parcel) -> Deferred[None]:
        return from_asyncio(self._publish(parcel))

    def close(self) -> Deferred[None]:
        return self._session.close()

    async def _publish(self, parcel: Parcel) -> None:
        assert self._channel is not None
        settings = self._settings
        properties = Basic.Properties(
            headers=dict(parcel.headers),
            content_type=parcel.content_type,
            delivery_mode=PERSISTENT,
            message_id=parcel.message_id,
            correlation_id=parcel.message_id if settings.receipts else None,
            reply_to=settings.receipts or None,
            app_id="wardline",
        )
        try:
            await self._channel.basic_publish(
                parcel.body,
                exchange=settings.exchange,
                routing_key=parcel.address,
                properties=properties,
                mandatory=settings.mandatory,
            )
        except PublishError as error:
            raise Unroutable(f"no queue takes {parcel.address or 'it'}") from error
        except DeliveryError as error:
            raise Declined("basic.nack") from error
        except (
            TypeError,
            ValueError,
        ) as error:  # nothing was sent: a bug, which must end somewhere
            self._session.life.end(Trouble(f"cannot be written: {type(error).__name__}"))
            raise


class Source:
    """Consumes a durable queue of Wardline's own, bound to the exchanges that feed the wards."""

    def __init__(self, settings: IntakeSettings, *, base: Path, holder: SourceHolder) -> None:
        self._settings = settings
        self._holder = holder
        self._channel: AbstractChannel | None = None
        self._session = Session(
            settings, base=base, name=settings.name, holder=holder, blocked=lambda reason: None
        )

    async def open(self) -> Source:
        await opened(self._session, self._open())
        return self

    async def _open(self) -> None:
        settings, session = self._settings, self._session
        await self._declare()
        self._channel = await _consume(
            session, settings.queue_name, prefetch=settings.prefetch, heard=self._holder.arrived
        )
        if settings.receipts:
            await session.ensure_queue(settings.receipts)
            await _consume(
                session, settings.receipts, prefetch=RECEIPTS, heard=self._holder.receipt
            )

    async def _declare(self) -> None:
        settings, dead = self._settings, self._settings.dead_letters
        channel = await self._session.aside()
        await channel.declare_exchange(dead, "fanout", durable=True)
        letters = await channel.declare_queue(dead, durable=True)
        await letters.bind(dead)
        queue = await channel.declare_queue(
            settings.queue_name,
            durable=True,
            arguments={"x-queue-type": settings.queue_type, "x-dead-letter-exchange": dead},
        )
        for binding in settings.bindings:
            await queue.bind(binding.exchange, binding.key)
        await channel.close()

    def ping(self) -> Deferred[None]:
        return from_asyncio(self._ping())

    def close(self) -> Deferred[None]:
        return self._session.close()

    async def _ping(self) -> None:
        assert self._channel is not None
        await self._channel.set_qos(prefetch_count=self._settings.prefetch)


class Canary:
    """Sends canaries through an exchange of the kind that carries the messages, to a queue of its own."""

    def __init__(self, settings: PlatformSettings, *, base: Path, holder: CanaryHolder) -> None:
        self._settings = settings
        self._holder = holder
        self._key = f"wardline.canary.{uuid4().hex}"
        self._exchange: AbstractExchange | None = None
        self._aside: AbstractChannel | None = None
        self._session = Session(
            settings, base=base, name="canary", holder=holder, blocked=holder.blocked
        )

    async def open(self) -> Canary:
        await opened(self._session, self._open())
        return self

    async def _open(self) -> None:
        await _ensure_exchange(self._session, self._settings)
        await self._check()
        channel = await self._session.channel(publisher_confirms=False)
        queue = await channel.declare_queue(
            self._key, exclusive=True, auto_delete=True, arguments=CANARY_QUEUE
        )
        self._exchange = await self._way(channel)
        if self._exchange.name:
            self._key = self._settings.canary_key or self._key
            await queue.bind(self._exchange, self._key)

        async def heard(message: AbstractIncomingMessage) -> None:
            self._holder.returned(message.body.decode("ascii", "replace"))

        await queue.consume(heard, no_ack=True)

    async def _way(self, channel: AbstractChannel) -> AbstractExchange:
        """The exchange that canaries go through: of the messages' kind, and away from their receivers."""
        settings = self._settings
        if not settings.exchange or settings.canary_key:
            return await _exchange(channel, settings.exchange)
        kind = settings.exchange_type
        return await channel.declare_exchange(f"wardline.canary.{kind}", kind, auto_delete=True)

    def send(self, word: str) -> None:
        assert self._exchange is not None
        message = aio_pika.Message(word.encode(), expiration=60.0)
        self._session.life.beside(self._exchange.publish(message, self._key, mandatory=False))

    def ping(self) -> Deferred[None]:
        return from_asyncio(self._ping())

    def close(self) -> Deferred[None]:
        return self._session.close()

    async def _ping(self) -> None:
        try:
            await self._check()
        except (AMQPError, OSError) as error:
            raise self._session.trouble(error) from error

    async def _check(self) -> None:
        """Is everything there that a message needs? The broker closes the channel when it is not."""
        if self._aside is None or self._aside.is_closed:
            self._aside = await self._session.aside()
        if self._settings.exchange:
            await self._aside.declare_exchange(self._settings.exchange, passive=True)
        else:
            await self._aside.set_qos(prefetch_count=1)
        for queue in self._settings.queues:
            await self._aside.declare_queue(queue, passive=True)


async def _ensure_exchange(session: Session, settings: PlatformSettings) -> None:
    if settings.declare and settings.exchange:
        await session.ensure_exchange(settings.exchange, settings.exchange_type)


async def _exchange(channel: AbstractChannel, name: str) -> AbstractExchange:
    return await channel.get_exchange(name) if name else channel.default_exchange


async def _consume(
    session: Session, queue: str, *, prefetch: int, heard: Callable[[Arrived], None]
) -> AbstractChannel:
    """Everything in `queue` goes to `heard`; that the queue goes ends the session.

    The bare channel delivers: a message that the library cannot make into one of its own would be settled
    by nobody.
    """
    channel = await session.channel(publisher_confirms=False)
    await channel.set_qos(prefetch_count=prefetch)
    bare = await channel.get_underlay_channel()
    verdicts = _Verdicts(session, bare)

    async def arrived(message: DeliveredMessage) -> None:
        properties = message.header.properties
        heard(
            Arrived(
                body=message.body,
                settle=partial(verdicts.settle, message.delivery_tag or 0),
                origin=message.exchange or "",
                message_id=_text(properties.message_id),
                correlation_id=_text(properties.correlation_id),
            )
        )

    gone = Trouble(f"queue {queue} is gone")
    bare.on_consumer_cancel_callbacks.add(lambda frame: session.life.end(gone))
    await bare.basic_consume(queue, arrived)
    return channel


def _text(found: object) -> str:
    return found if isinstance(found, str) else ""


class _Verdicts:
    """Tells the broker what became of its messages, in one go those that came to disk in one go."""

    def __init__(self, session: Session, channel: Channel) -> None:
        self._session = session
        self._channel = channel
        self._given: deque[tuple[int, Verdict]] = deque()
        self._telling = False

    def settle(self, tag: int, verdict: Verdict) -> None:
        if self._session.life.over:
            return
        self._given.append((tag, verdict))
        if not self._telling:
            self._telling = True
            self._session.life.beside(self._tell())

    async def _tell(self) -> None:
        try:
            while self._given:
                tag, verdict = self._given.popleft()
                if verdict is Verdict.TAKEN:
                    await self._channel.basic_ack(tag, wait=not self._given)
                else:
                    await self._channel.basic_reject(tag, requeue=False, wait=not self._given)
        finally:
            self._telling = False
