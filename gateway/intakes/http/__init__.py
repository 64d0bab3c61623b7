"""The way in over HTTP: HL7 v2, an envelope or a document at /api/v1/messages, FHIR at /fhir."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from gateway.clock import Clock
from gateway.router import Mode
from gateway.settings import Duration, Endpoint, Name
from gateway.settings import Settings as Table

__all__ = ["SenderSettings", "Settings", "build"]

Network = Annotated[IPv4Network | IPv6Network, BeforeValidator(ip_network)]
Who = Annotated[str, StringConstraints(pattern=r"^[^|]*\|[^|]*$", max_length=200)]


Right = Literal["hl7", "fhir", "document", "status", "outage", "pack"]
#: What a sender may unless its table says otherwise: not to speak of the platform.
MESSAGES: tuple[Right, ...] = ("hl7", "fhir", "document")


class SenderSettings(Table):
    """One `[[intakes.senders]]` table: who may send, and as whom."""

    name: Name
    token_file: Path  # SHA-256 of its tokens, hexadecimal, one a line
    sends_as: tuple[Who, ...] = ()  # "SIL|LABO": MSH-3|MSH-4; needed by who sends messages
    may: tuple[Right, ...] = MESSAGES

    @model_validator(mode="after")
    def _has_a_name(self) -> Self:
        if not self.sends_as and set(self.may) & set(MESSAGES):
            raise ValueError("sends_as: who may send messages needs a name for them")
        return self


class Settings(Table):
    """One `[[intakes]]` table with kind = "http"."""

    kind: Literal["http"]
    name: Name
    listen: Endpoint
    mode: Mode
    senders: Annotated[tuple[SenderSettings, ...], Field(min_length=1)]
    charset: str = "utf-8"  # of HL7 messages that do not say (MSH-18)
    language: Literal["fr", "en"] = "fr"  # of answers, where a sender does not ask for one
    hosts: tuple[str, ...] = ()  # names it answers to (Host); none: any
    allow: tuple[Network, ...] = ()  # who may connect, "10.2.0.0/16"; none: everybody
    certificate: Path | None = None  # PEM; with private_key: TLS over a `tcp:` endpoint
    private_key: Path | None = None
    client_ca: Path | None = None  # PEM of who signs the senders' certificates: none may do without
    longest: Annotated[int, Field(ge=1024, le=2**28)] = 16 * 2**20  # bytes of one body
    within: Duration = 30.0  # a request must have come whole in this time
    idle: Duration = 60.0  # silence between requests after which a connection is closed
    per_peer: Annotated[int, Field(ge=1)] = 20  # connections of one address
    connections: Annotated[int, Field(ge=1)] = 200  # in all

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        if (self.certificate is None) != (self.private_key is None):
            raise ValueError("certificate and private_key go together")
        if self.client_ca is not None and self.certificate is None:
            raise ValueError("client_ca needs certificate and private_key")
        if self.certificate is not None and self.listen.startswith(("ssl:", "tls:")):
            raise ValueError("certificate is for a tcp: endpoint: this one has its own")
        names = [sender.name for sender in self.senders]
        if len(set(names)) != len(names):
            raise ValueError("two senders have the same name")
        return self


def build(
    settings: Settings,
    *,
    inbox: Any,
    reactor: Any,
    clock: Clock,
    base: Path,
    on_broken: Callable[[object], None],
    saying: Any = None,
    zone: str = "UTC",
) -> Any:
    """The intake that a site's table asks for."""
    from gateway.intakes.http.service import HttpIntake

    return HttpIntake(
        settings,
        inbox=inbox,
        reactor=reactor,
        clock=clock,
        base=base,
        on_broken=on_broken,
        saying=saying,
    )
