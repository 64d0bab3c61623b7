"""The `[console]` table: off where there is none, and never in clear beyond this machine."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator

from gateway.settings import Duration, Endpoint, Settings
from gateway.staff import PersonSettings

Network = Annotated[IPv4Network | IPv6Network, BeforeValidator(ip_network)]


class ConsoleSettings(Settings):
    """Where the console listens, and how long an unattended one stays open."""

    listen: Endpoint
    certificate: Path | None = None  # PEM; with private_key: TLS
    private_key: Path | None = None
    idle: Annotated[Duration, Field(ge=60.0, le=3600.0)] = 900.0  # then a person logs in again
    allow: tuple[Network, ...] = ()  # who may connect, "10.2.0.0/16"; none: everybody
    per_peer: Annotated[int, Field(ge=1)] = 40  # connections of one address: a proxy is one
    connections: Annotated[int, Field(ge=1)] = 200  # in all

    @property
    def client_ca(self) -> None:
        """People are known by code and PIN, not by certificate."""

    @property
    def secure(self) -> bool:
        return self.certificate is not None

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        if (self.certificate is None) != (self.private_key is None):
            raise ValueError("certificate and private_key go together")
        if not self.listen.startswith("tcp:"):
            raise ValueError('listen: a tcp: endpoint, like "tcp:8443"')
        if not self.secure and not _here(self.listen):
            raise ValueError(
                "without certificate and private_key it may listen on this machine only: "
                "interface=127.0.0.1"
            )
        return self


def faults(
    console: ConsoleSettings, people: Sequence[PersonSettings], *, path: Callable[[Path], Path]
) -> Iterator[str]:
    """Its files are there, and somebody can log in."""
    for key in ("certificate", "private_key"):
        given = getattr(console, key)
        if given is not None and not path(given).is_file():
            yield f"console.{key}: no file {path(given)}"
    if not any(person.pin or person.pin_file for person in people):
        yield "console: nobody in [[people]] has a PIN, so nobody could log in"


def _here(endpoint: str) -> bool:
    """Whether it listens on a loopback address; Twisted's own default is every address."""
    found = re.search(r":interface=((?:[^:\\]|\\.)*)", endpoint)
    name = re.sub(r"\\(.)", r"\1", found[1]) if found else ""
    try:
        return name == "localhost" or ip_address(name).is_loopback
    except ValueError:
        return False
