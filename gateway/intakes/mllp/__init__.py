"""The way in for HL7 v2 over MLLP, in clear or with TLS and client certificates."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from twisted.internet.interfaces import IReactorTime

from gateway.clock import Clock
from gateway.intakes.mllp.senders import Network, SenderSettings
from gateway.intakes.mllp.service import Inbox, MllpIntake
from gateway.router import Mode
from gateway.service import Aside, at_once
from gateway.settings import Duration, Endpoint, Name
from gateway.settings import Settings as Table

__all__ = ["MllpIntake", "Settings", "build"]


class Settings(Table):
    """One `[[intakes]]` table with kind = "mllp"."""

    kind: Literal["mllp"]
    name: Name
    listen: Endpoint
    mode: Mode
    charset: str = "utf-8"  # of messages that do not say (MSH-18)
    acknowledge: Literal["original", "enhanced"] = "original"  # enhanced: as MSH-15 and MSH-16 ask
    allow: tuple[Network, ...] = ()  # who may connect, "10.2.0.0/16"; none: everybody
    certificate: Path | None = None  # PEM; with private_key: TLS over a `tcp:` endpoint
    private_key: Path | None = None
    client_ca: Path | None = None  # PEM of who signs the senders' certificates: none may do without
    senders: tuple[SenderSettings, ...] = ()  # who may say to be whom; none: nobody is doubted
    say_unauthenticated: bool = False  # slips of senders without a certificate say so
    longest: Annotated[int, Field(ge=1024, le=2**30)] = 16 * 2**20  # bytes of one message
    within: Duration = 30.0  # a message must have come whole in this time
    idle: Duration = 600.0  # silence between messages after which a connection is closed
    per_peer: Annotated[int, Field(ge=1)] = 20  # connections of one address
    connections: Annotated[int, Field(ge=1)] = 500  # in all
    at_once: Annotated[int, Field(ge=1)] = 64  # messages of one connection not yet answered

    @model_validator(mode="after")
    def _tls_is_whole(self) -> Self:
        if (self.certificate is None) != (self.private_key is None):
            raise ValueError("certificate and private_key go together")
        if any(s.certificate for s in self.senders) and self.client_ca is None:
            raise ValueError("senders with a certificate need client_ca, which vouches for it")
        if self.client_ca is not None and self.certificate is None:
            raise ValueError("client_ca needs certificate and private_key")
        if self.certificate is not None and self.listen.startswith(("ssl:", "tls:")):
            raise ValueError("certificate is for a tcp: endpoint: this one has its own")
        return self


def build(
    settings: Settings,
    *,
    inbox: Inbox,
    reactor: IReactorTime,
    clock: Clock,
    base: Path,
    on_broken: Callable[[object], None],
    zone: str = "UTC",
    aside: Aside = at_once,
) -> MllpIntake:
    """The intake that a site's table asks for; `zone` is the one its acknowledgements are dated in."""
    return MllpIntake(
        settings,
        inbox=inbox,
        reactor=reactor,
        clock=clock,
        base=base,
        on_broken=on_broken,
        zone=zone,
        aside=aside,
    )
