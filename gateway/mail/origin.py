"""Who a mail is really from: decided by the connection and by signatures, never by what it says."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from gateway.locale import N_
from gateway.mail.headers import Headers

_ADDRESS = r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?"
#: `address`, or `anything <address>`: what two readers could read as two senders is nobody's.
_FROM = re.compile(rf"(?:[^<>@,;:()]*<({_ADDRESS})>|({_ADDRESS}))\s*")
_QUOTED = re.compile(r'"[^"\\]*"')

PLAIN = re.compile(_ADDRESS)
"""An address without quotes, comments or routes: the only kind we take in a command."""


class Grade(StrEnum):
    """How sure we are of a mail's sender; printed on its paper."""

    A = "A"  # a certificate or a login, and an address that may be used with it
    B = "B"  # a signature of the address's own domain, over all that is shown
    C = "C"  # anybody


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """An address that may send, or all of a domain ("@chu.example"), and how it shows that it is it."""

    address: str
    login: str = ""  # its AUTH name
    certificate: str = ""  # a name in its client certificate
    wards: tuple[str, ...] = ()  # where it may print; none: everywhere
    size: int | None = None  # bytes of one mail
    per_hour: int | None = None  # mails

    def covers(self, address: str) -> bool:
        mine, other = self.address.lower(), address.lower()
        return other.endswith(mine) if mine.startswith("@") else other == mine


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What a connection has shown of who it is."""

    login: str = ""
    certificates: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    grade: Grade
    grounds: str  # English, in `gateway/locale`
    proof: str = ""
    sender: Sender | None = None


def author(headers: Headers) -> str:
    """The one address a mail says it is from, or "" where that is not beyond doubt."""
    fields = headers.all("from")
    if len(fields) != 1 or not fields[0].isascii():
        return ""
    text = _QUOTED.sub("", fields[0].decode("ascii").replace("\r\n", "").strip())
    found = _FROM.fullmatch(text)
    return (found[1] or found[2]) if found else ""


def listed(senders: Sequence[Sender], address: str) -> Sender | None:
    """The entry for an address: its own before its domain's."""
    found = [s for s in senders if address and s.covers(address)]
    return min(found, key=lambda s: s.address.startswith("@"), default=None)


def judge(
    senders: Sequence[Sender], *, author: str, mail_from: str, proof: Proof, signed: str = ""
) -> Verdict:
    """The grade of a mail from `author`. `signed`: the domain whose signature over it holds."""
    if not author:
        return Verdict(grade=Grade.C, grounds=N_("it does not name one sender"))
    sender = listed(senders, author)
    if sender is None:
        return Verdict(grade=Grade.C, grounds=N_("its sender is not on the list"))
    shown = _shown(sender, proof)
    if shown and author.lower() == mail_from.lower():
        grounds = N_("client certificate") if shown == sender.certificate else N_("login")
        return Verdict(grade=Grade.A, grounds=grounds, proof=shown, sender=sender)
    if signed and aligned(signed, author):
        return Verdict(grade=Grade.B, grounds=N_("signed by"), proof=signed, sender=sender)
    if shown:
        return Verdict(
            grade=Grade.C,
            grounds=N_("it names another sender than who handed it in"),
            sender=sender,
        )
    return Verdict(grade=Grade.C, grounds=N_("nothing proves its sender"), sender=sender)


def aligned(domain: str, address: str) -> bool:
    """Whether a signing domain speaks for an address: its own domain, or one above it (RFC 7489, 3.1.1).

    Above means given with a dot of its own: "fr" speaks for nobody.
    """
    own, domain = address.rpartition("@")[2].lower(), domain.lower()
    return own == domain or ("." in domain and own.endswith("." + domain))


def _shown(sender: Sender, proof: Proof) -> str:
    if sender.certificate and sender.certificate in proof.certificates:
        return sender.certificate
    return sender.login if sender.login and sender.login == proof.login else ""
