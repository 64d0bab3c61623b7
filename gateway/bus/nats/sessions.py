"""What each kind of session does on JetStream: publish, pull, send canaries."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from nats.aio.msg import Msg
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy, StorageType
from nats.js.errors import APIError, NoStreamResponseError, NotFoundError
from twisted.internet.defer import Deferred

from gateway.bridge import from_asyncio
from gateway.bus import role
from gateway.bus.nats.connection import LATE, Connection
from gateway.bus.role import Arrived, Declined, Parcel, Trouble, Unroutable

if TYPE_CHECKING:
    from gateway.bus.nats import IntakeSettings, PlatformSettings

#: What Wardline keeps on the server: what it refused, and receivers' receipts.
OWN = "WARDLINE"
CANARIES = "WARDLINE_CANARY"
#: What our own headers may take, bytes.
HEAD = 1024


class Target:
    """Publishes to the site's subject and waits for the stream's acknowledgement."""

    def __init__(
        self, settings: PlatformSettings, *, base: Path, holder: role.TargetHolder
    ) -> None:
        self.connection = Connection(settings, base=base, name="platform", holder=holder)
        self._settings = settings
        self._holder = holder

    async def open(self) -> None:
        if self._settings.receipts:
            await _receipts(self.connection, self._settings.receipts, self._holder.receipt)

    def objection(self, parcel: Parcel) -> str:
        """A server's `max_payload` is 1 MB unless it was told another; headers count."""
        size = len(parcel.body) + sum(map(len, (*parcel.headers, *parcel.headers.values()))) + HEAD
        most = self.connection.max_payload
        return f"{size} bytes: the server takes {most}" if size > most else ""

    def publish(self, parcel: Parcel) -> Deferred[None]:
        return from_asyncio(self._publish(parcel))

    def close(self) -> Deferred[None]:
        return self.connection.close()

    async def _publish(self, parcel: Parcel) -> None:
        headers = {
            "Nats-Msg-Id": parcel.message_id,  # the server drops a second one within two minutes
            "Content-Type": parcel.content_type,
            **parcel.headers,
        }
        if self._settings.receipts:
            headers["Reply-To"] = self._settings.receipts
            headers["Correlation-Id"] = parcel.message_id
        stream = self._settings.stream or None
        try:
            await self.connection.jetstream.publish(
                parcel.address, parcel.body, timeout=LATE, stream=stream, headers=headers
            )
        except NoStreamResponseError as error:
            raise Unroutable(f"no stream takes {parcel.address}") from error
        except APIError as error:
            raise Declined(str(error.description).replace(",", ";")) from error


class Source:
    """Pulls from a stream through a durable consumer of Wardline's own."""

    def __init__(self, settings: IntakeSettings, *, base: Path, holder: role.SourceHolder) -> None:
        self.connection = Connection(settings, base=base, name=settings.name, holder=holder)
        self._settings = settings
        self._holder = holder

    async def open(self) -> None:
        settings, connection = self._settings, self.connection
        await _own_stream(connection, settings.dead_letters)
        await connection.pull(
            settings.subject,
            stream=settings.stream,
            durable=f"wardline-{settings.name}",
            heard=self._arrived,
            ack_wait=settings.ack_wait,
            max_ack_pending=settings.prefetch,
        )
        if settings.receipts:
            await _receipts(connection, settings.receipts, self._holder.receipt)

    def _arrived(self, message: Msg) -> None:
        refused = self._settings.dead_letters
        self._holder.arrived(self.connection.arrived(message, refused=refused))

    def ping(self) -> Deferred[None]:
        return from_asyncio(self.connection.ping())

    def close(self) -> Deferred[None]:
        return self.connection.close()


class Canary:
    """Sends canaries through a small stream in the server's memory."""

    def __init__(
        self, settings: PlatformSettings, *, base: Path, holder: role.CanaryHolder
    ) -> None:
        self.connection = Connection(settings, base=base, name="canary", holder=holder)
        self._settings = settings
        self._holder = holder
        self._subject = f"wardline.canary.{uuid4().hex}"

    async def open(self) -> None:
        await self.connection.ensure_stream(
            CANARIES,
            ["wardline.canary.*"],
            storage=StorageType.MEMORY,
            max_msgs=1000,
            max_age=60.0,
        )
        await self._check()

        async def heard(message: Msg) -> None:
            self._holder.returned(message.data.decode("ascii", "replace"))

        await self.connection.jetstream.subscribe(
            self._subject,
            stream=CANARIES,
            cb=heard,
            config=ConsumerConfig(ack_policy=AckPolicy.NONE, deliver_policy=DeliverPolicy.NEW),
        )

    def send(self, word: str) -> None:
        self.connection.life.beside(self.connection.publish(self._subject, word.encode()))

    def ping(self) -> Deferred[None]:
        return from_asyncio(self._ping())

    def close(self) -> Deferred[None]:
        return self.connection.close()

    async def _ping(self) -> None:
        try:
            await self._check()
        except APIError as error:
            raise await self.connection.why(error) from error

    async def _check(self) -> None:
        """JetStream answers, and has the stream that a message needs."""
        try:
            if self._settings.stream:
                await self.connection.jetstream.stream_info(self._settings.stream)
            else:
                await self.connection.jetstream.account_info()
        except NotFoundError as error:
            raise Trouble(f"stream {self._settings.stream} is gone") from error


async def _own_stream(connection: Connection, subject: str) -> None:
    """A stream that keeps `subject`, when none does yet."""
    try:
        await connection.jetstream.find_stream_name_by_subject(subject)
    except NotFoundError:
        await connection.ensure_stream(OWN, ["wardline.refused", "wardline.receipts"])


async def _receipts(connection: Connection, subject: str, heard: Callable[[Arrived], None]) -> None:
    await _own_stream(connection, subject)
    await connection.pull(
        subject,
        stream=None,
        durable="wardline-receipts",
        heard=lambda message: heard(connection.arrived(message)),
    )
