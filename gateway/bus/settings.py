"""What every bus lets a site say of an intake and of a platform on it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gateway.bus.address import Broker
from gateway.router import Mode
from gateway.settings import Duration, Name

Count = Annotated[int, Field(ge=1, le=10_000)]


class BusIntake(Broker):
    """One `[[intakes]]` table of a bus."""

    name: Name
    mode: Mode
    charset: str = "utf-8"  # of messages that do not say (MSH-18)
    prefetch: Count = 200  # messages the bus may hand over before the first is on disk
    longest: Annotated[int, Field(ge=1024, le=2**30)] = 16 * 2**20  # bytes of one message
    receipt_wait: Duration = 30.0  # a receipt may be this much earlier than what it is for


class BusPlatform(Broker):
    """The `[platform]` table of a bus."""

    probe_every: Duration = 1.0
    down_after: Duration = 3.0  # this long without good evidence: down
    up_after: Duration = 30.0  # this long with good evidence only: up again
    refusals: Annotated[int, Field(ge=2, le=100)] = 5  # messages refused in a row: down
    window: Annotated[int, Field(ge=1, le=1000)] = 64  # messages unconfirmed at once
    handback_rate: Annotated[int, Field(ge=1, le=1000)] = 50  # messages a second given back
    record: Literal["none", "oru", "mdm", "fhir"] = (
        "none"  # told after an outage: who received what
    )
    receipts: str = ""  # where receivers say that they have a message; none: the bus's word counts
