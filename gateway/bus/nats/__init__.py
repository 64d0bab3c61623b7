"""NATS JetStream (server 2.9 and newer) as a way in and as the platform.

A stream is to JetStream what an exchange with durable queues is to AMQP. There are no dead letters: what
cannot be read is copied to a subject of Wardline's own and ended. A server's acknowledgement does not mean
that its disk is synced, unless it is told to sync always.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Literal

from pydantic import field_validator
from twisted.internet.defer import Deferred

from gateway.bridge import from_asyncio
from gateway.bus import role
from gateway.bus.letter import check_address
from gateway.bus.nats import sessions
from gateway.bus.nats.connection import opened
from gateway.bus.settings import BusIntake, BusPlatform
from gateway.settings import Duration, Name

__all__ = ["IntakeSettings", "PlatformSettings", "canary", "source", "target"]

logging.getLogger("nats").setLevel(logging.CRITICAL + 1)  # it may write message bodies


class IntakeSettings(BusIntake):
    """One `[[intakes]]` table with kind = "nats"."""

    kind: Literal["nats"]
    stream: Name  # the stream that feeds the wards
    subject: str = ">"  # what of it
    ack_wait: Duration = 60.0  # the server gives a message again after this
    dead_letters: Name = "wardline.refused"  # the subject that refused messages are copied to
    receipts: str = ""  # a subject on which receivers say what they have


class PlatformSettings(BusPlatform):
    """The `[platform]` table with kind = "nats"."""

    kind: Literal["nats"]
    subject: str = "results.{message}.{event}"  # places are filled from MSH
    stream: str = ""  # the stream that takes these; without it the bus is down

    @field_validator("subject")
    @classmethod
    def _known_places(cls, text: str) -> str:
        return check_address(text)

    @property
    def address(self) -> str:
        return self.subject


def target(
    settings: PlatformSettings, *, base: Path, holder: role.TargetHolder
) -> Deferred[role.Target]:
    return from_asyncio(opened(lambda: sessions.Target(settings, base=base, holder=holder)))


def source(
    settings: IntakeSettings, *, base: Path, holder: role.SourceHolder
) -> Deferred[role.Source]:
    return from_asyncio(opened(lambda: sessions.Source(settings, base=base, holder=holder)))


def canary(
    settings: PlatformSettings, *, base: Path, holder: role.CanaryHolder
) -> Deferred[role.Canary]:
    return from_asyncio(opened(lambda: sessions.Canary(settings, base=base, holder=holder)))
