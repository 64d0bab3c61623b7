"""Acknowledgements: written for what came in, read when the platform answers (HL7 v2.5, 2.9, 2.13).

Original mode is the house rule: AA, AE, AR, also where MSH-15 and MSH-16 are filled. French senders
fill them with AL and NE by habit (so does IHE PAM's example) and still wait for AA, as IHE's
framework lays down. CA, CE and CR are written for a caller that asks for them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from gateway.errors import Rejected
from gateway.hl7.delimiters import ABSENT
from gateway.hl7.envelope import Envelope, peek
from gateway.hl7.escape import escape
from gateway.hl7.opening import open_message
from gateway.hl7.segments import segments
from gateway.hl7.syntax import Syntax

_NAME = b"WARDLINE"  # who answers, when the sender did not say whom it wrote to
_SHORT = 80  # MSA-3 (v2.5: ST, 80); the whole reason goes into ERR-8 (250)
_LONG = 250

# Table 0357.
_CONDITIONS = {
    100: "Segment sequence error",
    101: "Required field missing",
    102: "Data type error",
    103: "Table value not found",
    200: "Unsupported message type",
    201: "Unsupported event code",
    202: "Unsupported processing id",
    203: "Unsupported version id",
    204: "Unknown key identifier",
    205: "Duplicate key identifier",
    206: "Application record locked",
    207: "Application internal error",
}
# Where a fault means that no message of ours came at all: it will never do as it stands.
_ENVELOPE = ("MSH", "MSH-1", "MSH-2", "MSH-9", "MSH-11", "MSH-12", "MSH-18")
_BODY_CODES = (100, 101, 102, 103)
_CONTROL = bytes(range(0x20)) + b"\x7f"
_POSITIVE = ("AA", "CA")


def refusal(rejected: Rejected) -> str:
    """AE or AR for a refused message.

    AE: our trouble, or a fault in the content that a person at the sender can mend (a segment or
    field is named). AR: what came is no message we can take; sending it again is of no use.
    """
    if rejected.resend:
        return "AE"
    content = rejected.code in _BODY_CODES and rejected.location not in _ENVELOPE
    return "AE" if content and rejected.location else "AR"


def ack(
    to: bytes | Envelope,
    code: str,
    *,
    control_id: str,
    now: datetime,
    rejected: Rejected | None = None,
) -> bytes:
    """The answer to a message, not yet wrapped: MSH, MSA and, for `rejected`, ERR.

    `to` is the message, or what `peek` made of it; the answer is written with its delimiters and
    version, sender and receiver swapped. `code` is one of table 0008, `control_id` our own MSH-10.
    """
    envelope = peek(to) if isinstance(to, bytes) else to
    pen = _Pen(envelope)
    lines = [_msh(pen, envelope, control_id=control_id, now=now), _msa(pen, code, rejected)]
    if rejected is not None:
        lines.append(_err(pen, envelope.version, rejected))
    return b"".join(line + b"\r" for line in lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ack:
    """What a receiver answered."""

    code: str  # MSA-1: AA, AE, AR, CA, CE, CR
    control_id: str  # MSA-2: the MSH-10 it answers
    text: str = ""  # MSA-3, else ERR-8, ERR-7, else the text of ERR-3

    @property
    def positive(self) -> bool:
        return self.code in _POSITIVE


def read_ack(raw: bytes) -> Ack:
    """The acknowledgement in `raw`. Raises `Rejected` where there is no MSA or no code in it."""
    opened = open_message(raw)
    syntax = Syntax(opened.delimiters, codec=opened.codec)
    lines = segments(opened.text, syntax.field).lines
    rows = {fields[0]: fields for fields in map(syntax.fields, reversed(lines))}
    msa = rows.get("MSA", []) + [""] * 4
    code = syntax.value(msa[1]).upper()
    if msa[0] != "MSA" or len(code) != 2:
        raise Rejected("not an acknowledgement", code=101, location="MSA-1")
    said = syntax.text(msa[3]) or _error_text(rows.get("ERR", []), syntax)
    return Ack(code=code, control_id=syntax.text(msa[2]), text=said)


def _error_text(err: list[str], syntax: Syntax) -> str:
    err = err + [""] * 9
    code = syntax.components(err[3])
    return syntax.text(err[8]) or syntax.text(err[7]) or syntax.part(code, 2)


class _Pen:
    """Writes in the sender's delimiters; nothing echoed can break out of its field."""

    def __init__(self, envelope: Envelope) -> None:
        d = self.delimiters = envelope.delimiters
        self._component = d.component.encode() if d.component != ABSENT else b" "
        self._sub = d.subcomponent.encode() if d.subcomponent != ABSENT else b" "
        self.field = d.field.encode()
        self.marks = (d.component + d.repetition + d.escape + d.subcomponent).replace(ABSENT, "")
        self._dropped = _CONTROL.translate(None, self.marks.encode())
        self._sent = envelope.fields

    def echo(self, number: int) -> bytes:
        """MSH field `number` as it was sent: without line ends or field separators by its making,
        here without the other control bytes, which could end a frame or rule a terminal."""
        raw = self._sent[number - 1] if number <= len(self._sent) else b""
        return raw.translate(None, self._dropped)

    def first(self, number: int) -> bytes:
        """The first component of an echoed field."""
        return self.echo(number).split(self._component)[0]

    def text(self, words: str, most: int = _LONG) -> bytes:
        """Our own words: ASCII, delimiters escaped."""
        words = words[:most]
        if not words.isprintable():
            words = "".join(c if c.isprintable() else " " for c in words)
        return escape(words, self.delimiters).encode("ascii", "replace")

    def segment(self, *fields: bytes) -> bytes:
        return self.field.join(fields).rstrip(self.field)

    def composite(self, *components: bytes) -> bytes:
        return self._component.join(components).rstrip(self._component)

    def subcomposite(self, *parts: bytes) -> bytes:
        return self._sub.join(parts)


def _msh(pen: _Pen, envelope: Envelope, *, control_id: str, now: datetime) -> bytes:
    event = envelope.type.partition("^")[2]
    kind = [b"ACK", event.encode(), b"ACK"] if _EVENT.fullmatch(event) else [b"ACK"]
    version, processing = pen.first(12), pen.first(11)
    return pen.segment(
        b"MSH",
        pen.marks.encode(),
        pen.echo(5) or _NAME,
        pen.echo(6),
        pen.echo(3),
        pen.echo(4),
        now.strftime("%Y%m%d%H%M%S%z").encode(),
        b"",
        pen.composite(*kind),
        pen.text(control_id, 199),
        processing if processing in (b"P", b"T", b"D") else b"P",
        version if _VERSION.fullmatch(version) else b"2.5",
        *(b"",) * 5,
        pen.echo(18),
    )


def _msa(pen: _Pen, code: str, rejected: Rejected | None) -> bytes:
    said = pen.text(rejected.reason, _SHORT) if rejected else b""
    return pen.segment(b"MSA", code.encode(), pen.echo(10), said)


def _err(pen: _Pen, version: str, rejected: Rejected) -> bytes:
    """ERR as of v2.5 (ERR-2 where, -3 what, -4 how bad, -7 and -8 in words); ERR-1 before."""
    place = _LOCATION.fullmatch(rejected.location)
    where = [place[1], "1", place[2] or ""] if place else []
    located = [part.encode() for part in where]
    code = str(rejected.code).encode()
    name = pen.text(_CONDITIONS.get(rejected.code, ""))
    if _before_2_5(version):
        located += [b""] * (3 - len(located))
        return pen.segment(
            b"ERR", pen.composite(*located, pen.subcomposite(code, name, b"HL70357"))
        )
    return pen.segment(
        b"ERR",
        b"",
        pen.composite(*located),
        pen.composite(code, name, b"HL70357"),
        b"E",
        b"",
        b"",
        pen.text(rejected.location),
        pen.text(rejected.reason),
    )


_EVENT = re.compile(r"[A-Z][A-Z0-9]{2}")
_VERSION = re.compile(rb"[0-9][0-9.]{0,7}")
_LOCATION = re.compile(r"([A-Z][A-Z0-9]{2})(?:-([0-9]+))?")


def _before_2_5(version: str) -> bool:
    major, _, rest = version.partition(".")
    minor = rest.partition(".")[0]
    return major.isdecimal() and minor.isdecimal() and (int(major[:4]), int(minor[:4])) < (2, 5)
