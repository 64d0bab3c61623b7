"""What each kind of session declares on AMQP, and does: publish with confirms, consume, sing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractExchange, AbstractIncomingMessage
from aiormq.exceptions import DeliveryError, PublishError
from pamqp.common import Arguments
from twisted.internet.defer import Deferred

from gateway.bridge import from_asyncio
from gateway.bus.amqp.session import Session
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

#: Receipts the broker may hand over before the first is on disk.
RECEIPTS = 200
#: Canaries nobody fetches are dropped: no more of them than this, none older (milliseconds).
CANARY_QUEUE: Arguments = {"x-max-length": 100, "x-message-ttl": 60_000}


class Target(Session):
    """Publishes to the site's exchange, and hears receipts."""

    async def open(self, settings: PlatformSettings, *, base: Path, holder: TargetHolder) -> None:
        await self.connect(settings, base=base, name="platform", blocked=holder.blocked)
        if settings.declare and settings.exchange:
            await self.ensure_exchange(settings.exchange, settings.exchange_type)
        channel = await self.channel(publisher_confirms=True, on_return_raises=True)
        self._exchange = await _exchange(channel, settings.exchange)
        self._mandatory = settings.mandatory
        self._reply_to = settings.receipts or None
        if settings.receipts:
            await self.ensure_queue(settings.receipts)
            await _consume(self, settings.receipts, prefetch=RECEIPTS, heard=holder.receipt)

    def publish(self, parcel: Parcel) -> Deferred[None]:
        return from_asyncio(self._publish(parcel))

    async def _publish(self, parcel: Parcel) -> None:
        message = aio_pika.Message(
            parcel.body,
            headers=dict(parcel.headers),
            content_type=parcel.content_type,
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            message_id=parcel.message_id,
            correlation_id=parcel.message_id if self._reply_to else None,
            reply_to=self._reply_to,
            app_id="wardline",
        )
        try:
            await self._exchange.publish(message, parcel.address, mandatory=self._mandatory)
        except PublishError as error:
            raise Unroutable(f"no queue takes {parcel.address or 'it'}") from error
        except DeliveryError as error:
            raise Declined("basic.nack") from error


class Source(Session):
    """Consumes a durable queue of Wardline's own, bound to the exchanges that feed the wards."""

    async def open(self, settings: IntakeSettings, *, base: Path, holder: SourceHolder) -> None:
        await self.connect(settings, base=base, name=settings.name, blocked=lambda reason: None)
        await self._declare(settings)
        self._channel = await _consume(
            self, settings.queue_name, prefetch=settings.prefetch, heard=holder.arrived
        )
        self._prefetch = settings.prefetch
        if settings.receipts:
            await self.ensure_queue(settings.receipts)
            await _consume(self, settings.receipts, prefetch=RECEIPTS, heard=holder.receipt)

    async def _declare(self, settings: IntakeSettings) -> None:
        channel = await self.aside()
        dead = settings.dead_letters
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

    async def _ping(self) -> None:
        await self._channel.set_qos(prefetch_count=self._prefetch)


class Canary(Session):
    """Sends canaries through an exchange of the kind that carries the messages, to a queue of its own."""

    async def open(self, settings: PlatformSettings, *, base: Path, holder: CanaryHolder) -> None:
        await self.connect(settings, base=base, name="canary", blocked=holder.blocked)
        self._settings = settings
        self._aside: AbstractChannel | None = None
        if settings.declare and settings.exchange:
            await self.ensure_exchange(settings.exchange, settings.exchange_type)
        await self._check()
        channel = await self.channel(publisher_confirms=False)
        self._key = f"wardline.canary.{uuid4().hex}"
        queue = await channel.declare_queue(
            self._key, exclusive=True, auto_delete=True, arguments=CANARY_QUEUE
        )
        self._exchange = channel.default_exchange
        if settings.exchange and settings.canary_key:
            self._key = settings.canary_key
            self._exchange = await _exchange(channel, settings.exchange)
            await queue.bind(self._exchange, self._key)
        elif settings.exchange:
            kind = settings.exchange_type
            self._exchange = await channel.declare_exchange(
                f"wardline.canary.{kind}", kind, auto_delete=True
            )
            await queue.bind(self._exchange, self._key)

        async def heard(message: AbstractIncomingMessage) -> None:
            holder.returned(message.body.decode("ascii", "replace"))

        await queue.consume(heard, no_ack=True)

    def send(self, word: str) -> None:
        message = aio_pika.Message(word.encode(), expiration=60.0)
        self.spawn(self._exchange.publish(message, self._key, mandatory=False))

    def ping(self) -> Deferred[None]:
        return from_asyncio(self._ping())

    async def _ping(self) -> None:
        try:
            await self._check()
        except Exception as error:
            raise self.trouble(error) from error

    async def _check(self) -> None:
        """Is everything there that a message needs? The broker closes the channel when it is not."""
        if self._aside is None or self._aside.is_closed:
            self._aside = await self.aside()
        if self._settings.exchange:
            await self._aside.declare_exchange(self._settings.exchange, passive=True)
        else:
            await self._aside.set_qos(prefetch_count=1)
        for queue in self._settings.queues:
            await self._aside.declare_queue(queue, passive=True)


async def _exchange(channel: AbstractChannel, name: str) -> AbstractExchange:
    return await channel.get_exchange(name) if name else channel.default_exchange


async def _consume(
    session: Session, queue: str, *, prefetch: int, heard: Callable[[Arrived], None]
) -> AbstractChannel:
    """Everything in `queue` goes to `heard`; that the queue goes ends the session."""
    channel = await session.channel(publisher_confirms=False)
    await channel.set_qos(prefetch_count=prefetch)

    async def arrived(message: AbstractIncomingMessage) -> None:
        heard(_arrived(session, message))

    raw = await channel.get_underlay_channel()
    raw.on_consumer_cancel_callbacks.add(
        lambda frame: session.end(Trouble(f"queue {queue} is gone"))
    )
    await (await channel.get_queue(queue)).consume(arrived)
    return channel


def _arrived(session: Session, message: AbstractIncomingMessage) -> Arrived:
    def settle(verdict: Verdict) -> None:
        if session.over:
            return
        taken = verdict is Verdict.TAKEN
        session.spawn(message.ack() if taken else message.reject(requeue=False))

    return Arrived(
        body=message.body,
        settle=settle,
        origin=message.exchange or "",
        content_type=message.content_type or "",
        correlation_id=message.correlation_id or "",
    )
