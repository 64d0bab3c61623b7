"""The main messaging platform as a way out: HL7 over MLLP, one connection kept open."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from gateway.channels.platform.link import PlatformLink
from gateway.channels.platform.roles import Evidence, Late
from gateway.settings import Duration, Endpoint
from gateway.settings import Settings as Table

__all__ = ["Evidence", "Late", "PlatformLink", "Settings"]


class Settings(Table):
    """The `[platform]` table of a site."""

    kind: Literal["mllp"]
    connect: Endpoint
    probe_every: Duration = 1.0
    probe_within: Duration | None = None  # a probe that takes longer has failed; None: probe_every
    probe_message: Path | None = (
        None  # an HL7 message it must accept; without one a connection does
    )
    down_after: Duration = 3.0  # this long without good evidence: down
    up_after: Duration = 30.0  # this long with good evidence only: up again
    refusals: Annotated[int, Field(ge=2, le=100)] = 5  # messages refused in a row: down
    window: Annotated[int, Field(ge=1, le=1000)] = 16  # messages unanswered at once
    connect_within: Duration = 2.0
    handback_rate: Annotated[int, Field(ge=1, le=1000)] = 50  # messages a second given back
    record: Literal["none", "oru", "mdm"] = "none"  # told after an outage: who received what
