"""AMQP 0-9-1 (RabbitMQ 3.10 and newer) as a way in and as the platform."""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator
from twisted.internet.defer import Deferred, fail

from gateway.bridge import from_asyncio
from gateway.bus import role
from gateway.bus.address import Broker
from gateway.bus.amqp import sessions
from gateway.bus.amqp.words import trouble
from gateway.bus.letter import check_address
from gateway.bus.settings import BusIntake, BusPlatform
from gateway.settings import Duration, Name, Settings

__all__ = ["IntakeSettings", "PlatformSettings", "Server", "canary", "source", "target"]

# They write message bodies to the log. What matters of what they say, their errors say too.
for _name in ("aiormq", "aio_pika"):
    logging.getLogger(_name).setLevel(logging.CRITICAL + 1)


class Server(Broker):
    """The keys of a connection to an AMQP broker."""

    user: str = "guest"
    password: str = "guest"  # noqa: S105 - what RabbitMQ is delivered with, from this machine only
    vhost: str = "/"
    heartbeat: Annotated[Duration, Field(ge=5)] = 30.0  # the broker's own, for what we leave open

    @model_validator(mode="before")
    @classmethod
    def _one_password(cls, table: object) -> object:
        """A password from a file replaces RabbitMQ's own."""
        if isinstance(table, dict) and "password_file" in table and "password" not in table:
            return {**table, "password": ""}
        return table


class Binding(Settings):
    """What a tap hears: an exchange, and the routing keys of it."""

    exchange: Name
    key: str = "#"


class IntakeSettings(Server, BusIntake):
    """One `[[intakes]]` table with kind = "amqp"."""

    kind: Literal["amqp"]
    bindings: tuple[Binding, ...] = ()  # none: others put messages into `queue`
    queue: str = ""  # Wardline's own; "": wardline.NAME
    queue_type: Literal["classic", "quorum"] = "quorum"
    dead_letters: Name = "wardline.refused"  # exchange and queue of what cannot be read
    receipts: str = ""  # a queue in which receivers say what they have

    @property
    def queue_name(self) -> str:
        return self.queue or f"wardline.{self.name}"


class PlatformSettings(Server, BusPlatform):
    """The `[platform]` table with kind = "amqp"."""

    kind: Literal["amqp"]
    exchange: str = "wardline"  # where messages are published; "": the default exchange
    exchange_type: Literal["direct", "fanout", "headers", "topic"] = "topic"
    declare: bool = True  # make the exchange where there is none
    key: str = "{message}.{event}"  # routing key; places are filled from MSH
    mandatory: bool = True  # a message that no queue takes is not delivered
    queues: tuple[Name, ...] = ()  # the wards' queues: without one of them the bus is down
    canary_key: str = ""  # canaries go through `exchange` itself, under this key

    @field_validator("key")
    @classmethod
    def _known_places(cls, text: str) -> str:
        return check_address(text)

    @model_validator(mode="after")
    def _canary_has_an_exchange(self) -> Self:
        if self.canary_key and not self.exchange:
            raise ValueError("canary_key needs an exchange")
        return self

    @property
    def address(self) -> str:
        return self.key


def target(
    settings: PlatformSettings, *, base: Path, holder: role.TargetHolder
) -> Deferred[role.Target]:
    return _begun(lambda: sessions.Target(settings, base=base, holder=holder).open())


def source(
    settings: IntakeSettings, *, base: Path, holder: role.SourceHolder
) -> Deferred[role.Source]:
    return _begun(lambda: sessions.Source(settings, base=base, holder=holder).open())


def canary(
    settings: PlatformSettings, *, base: Path, holder: role.CanaryHolder
) -> Deferred[role.Canary]:
    return _begun(lambda: sessions.Canary(settings, base=base, holder=holder).open())


def _begun(begin: Callable[[], Coroutine[Any, Any, Any]]) -> Deferred[Any]:
    """A session that is being opened; a file of the site's that cannot be read is its end."""
    try:
        return from_asyncio(begin())
    except OSError as error:
        return fail(trouble(error))
