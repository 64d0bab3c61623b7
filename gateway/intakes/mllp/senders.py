"""Who may say to be whom: a certificate or an address bound to what may stand in MSH-3 and MSH-4."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator

from gateway.errors import Rejected
from gateway.hl7 import Envelope
from gateway.peers import within
from gateway.settings import Settings

Network = Annotated[IPv4Network | IPv6Network, BeforeValidator(ip_network)]


class SenderSettings(Settings):
    """One of an intake's `senders`; what it leaves out may be anything."""

    certificate: str = ""  # the common name in the sender's certificate
    networks: tuple[Network, ...] = Field(default=(), alias="from")
    application: str = ""  # MSH-3, its first component
    facility: str = ""  # MSH-4, likewise

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.certificate and not self.networks:
            raise ValueError("a sender is known by its certificate or by where it sends `from`")
        if not self.application and not self.facility:
            raise ValueError("say which application or facility it may be")
        return self


class Senders:
    """The senders of one intake. Without any, nobody's word is doubted."""

    def __init__(self, known: Sequence[SenderSettings]) -> None:
        self._known = tuple(known)

    def check(self, head: Envelope, peer: str) -> None:
        """Raises Rejected when `peer` ("address", or "address name" where a certificate was checked) may
        not say what stands in MSH-3 and MSH-4."""
        if not self._known:
            return
        address, _, name = peer.partition(" ")
        theirs = [s for s in self._known if _is(s, address=address, name=name)]
        if not theirs:
            raise Rejected("nobody here knows this sender", code=204, location="MSH-3")
        said = [part.partition(head.delimiters.component)[0] for part in _said(head)]
        if not any(s.application in ("", said[0]) for s in theirs):
            raise Rejected("this sender is not that application", code=204, location="MSH-3")
        if not any(s.application in ("", said[0]) and s.facility in ("", said[1]) for s in theirs):
            raise Rejected("this sender is not of that facility", code=204, location="MSH-4")


def _is(sender: SenderSettings, *, address: str, name: str) -> bool:
    """Where both are asked for, both must hold: the certificate may not come from anywhere."""
    if sender.certificate and sender.certificate != name:
        return False
    return not sender.networks or within(address, sender.networks)


def _said(head: Envelope) -> tuple[str, str]:
    application, _, facility = head.sender.partition("|")
    return application, facility
