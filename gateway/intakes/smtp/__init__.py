"""The ways in for mail, SMTP and LMTP: it is printed where it is addressed to, and goes nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, model_validator

from gateway.box import Box
from gateway.clock import Clock
from gateway.directory import Directory
from gateway.intakes.smtp import smarthost
from gateway.intakes.smtp.reception import Inbox
from gateway.intakes.smtp.returns import Alarm
from gateway.intakes.smtp.service import SmtpIntake, place
from gateway.intakes.smtp.waiting import Store
from gateway.mail.origin import PLAIN, Sender
from gateway.router import Mode
from gateway.settings import Duration, Endpoint, Name
from gateway.settings import Settings as Table

__all__ = ["Settings", "SmtpIntake", "build"]

Network = Annotated[IPv4Network | IPv6Network, BeforeValidator(ip_network)]
Domain = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9.-]{0,252}$")]


def _address(text: str) -> str:
    if not PLAIN.fullmatch("x" + text if text.startswith("@") else text):
        raise ValueError('write "labo@chu.example", or "@chu.example" for all of a domain')
    return text


def _listen(text: str) -> str:
    place(text)
    return text


def _smarthost(text: str) -> str:
    if text:
        smarthost.place(text)
    return text


class SenderSettings(Table):
    """One of an intake's `senders`: an address, and how it shows that it is it."""

    address: Annotated[str, AfterValidator(_address)]
    login: str = ""
    certificate: str = ""  # its common name, or a DNS or mail name in it
    wards: tuple[str, ...] = ()  # where it may print; none: everywhere
    size: Annotated[int, Field(ge=1024)] | None = None
    per_hour: Annotated[int, Field(ge=1)] | None = None

    def sender(self) -> Sender:
        return Sender(**self.model_dump())


class Settings(Table):
    """One `[[intakes]]` table with kind = "smtp" or "lmtp"."""

    kind: Literal["smtp", "lmtp"]
    name: Name
    listen: Annotated[Endpoint, AfterValidator(_listen)]
    domains: Annotated[tuple[Domain, ...], Field(min_length=1)]  # WARD@ one of these is printed
    hostname: str = ""  # what it calls itself; none: the first of `domains`
    mode: Mode = Mode.DIRECT  # of HL7 messages attached to a mail; the mail itself is always direct
    allow: tuple[Network, ...] = ()  # who may connect, "10.2.0.0/16"; none: everybody
    certificate: Path | None = None  # PEM; with private_key: STARTTLS
    private_key: Path | None = None
    client_ca: Path | None = None  # PEM of who signs the senders' certificates
    implicit: bool = False  # TLS from the first byte (RFC 8314) instead of STARTTLS
    tls_first: bool = False  # no mail without TLS
    users: Path | None = None  # name:argon2 lines: AUTH within TLS
    keys: Path | None = None  # a directory of DKIM keys: there is no DNS on a site
    senders: tuple[SenderSettings, ...] = ()
    unverified: Literal["hold", "refuse"] = "hold"  # mail whose sender nothing proves
    unverified_per_hour: Annotated[int, Field(ge=1)] = 30  # of these from one address
    smarthost: Annotated[str, AfterValidator(_smarthost)] = (
        ""  # the site's server, for such answers
    )
    returns: Path | None = None  # a directory for answers to proved senders whose mail was kept out
    size: Annotated[int, Field(ge=1024, le=64 * 2**20)] = 15 * 2**20  # bytes of one mail
    recipients: Annotated[int, Field(ge=1, le=100)] = 20  # of one mail
    per_hour: Annotated[int, Field(ge=1)] = 600  # mails of one sender
    bytes_per_hour: Annotated[int, Field(ge=1024)] = 500 * 2**20
    within: Duration = 180.0  # a mail must have come whole in this time
    idle: Duration = 60.0  # silence after which a connection is closed
    per_peer: Annotated[int, Field(ge=1)] = 20  # connections of one address
    connections: Annotated[int, Field(ge=1)] = 200  # in all

    @property
    def say_unauthenticated(self) -> bool:
        """HL7 out of a mail that nothing vouches for says so on its slip."""
        return True

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.certificate is None) != (self.private_key is None):
            raise ValueError("certificate and private_key go together")
        if self.certificate is None:
            for name in ("client_ca", "users"):
                if getattr(self, name) is not None:
                    raise ValueError(f"{name} needs certificate and private_key")
            if self.implicit or self.tls_first:
                raise ValueError("TLS needs certificate and private_key")
        return self


def build(
    settings: Settings,
    *,
    inbox: Inbox,
    reactor: Any,
    clock: Clock,
    base: Path,
    on_broken: Callable[[object], None],
    directory: Directory,
    box: Box,
    store: Store | None = None,
    alarms: Alarm | None = None,
    zone: str = "UTC",  # nothing is dated in an answer of SMTP
) -> SmtpIntake:
    """The intake that a site's table asks for."""
    return SmtpIntake(
        settings,
        inbox=inbox,
        reactor=reactor,
        clock=clock,
        base=base,
        on_broken=on_broken,
        directory=directory,
        box=box,
        store=store,
        alarms=alarms,
    )
