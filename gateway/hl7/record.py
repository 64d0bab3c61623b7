"""Wardline's record of one message as HL7: who received it in an outage, for the platform to file.

An ORU^R01 or an MDM^T02 of one patient. Neither bears an order number of the message it speaks of where
a receiver looks for one (OBR-2, OBR-3): a record must never be taken for a newer version of the result.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from gateway.hl7.envelope import peek
from gateway.hl7.escape import escape
from gateway.hl7.opening import open_message

SYSTEM = "99WL"  # table 0396: 99zzz is a local coding system
TITLE = ("WL-RECORD", "Wardline delivery record", SYSTEM)


class Form(StrEnum):
    """Which message carries the record."""

    ORU = "oru"
    MDM = "mdm"


_EVENTS = {Form.ORU: ("ORU", "R01", "ORU_R01"), Form.MDM: ("MDM", "T02", "MDM_T02")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One fact of a record: an OBX. `kind` is OBX-2: ST, NM or TS; `of` numbers the try it belongs to."""

    code: str  # OBX-3.1
    name: str  # OBX-3.2
    value: str
    kind: str = "ST"
    of: int | None = None  # OBX-4
    at: float | None = None  # OBX-14, seconds UTC


def dtm(moment: float) -> str:
    """`moment` (seconds, UTC) as an HL7 DTM with its offset, to the second."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y%m%d%H%M%S+0000")


def record(
    original: bytes,
    said: Sequence[Said],
    *,
    form: Form,
    control_id: str,
    site: str,
    now: float,
    default_charset: str = "utf-8",
) -> bytes:
    """The record of `original`: its delimiters, version, charset and receiver, its PID and PV1 as sent.

    Raises `Rejected` for an original that is no HL7 message.
    """
    opened = open_message(original, default_charset=default_charset)
    pen = _Pen(original, codec=opened.codec)
    head = [pen.header(_EVENTS[form], control_id=control_id, site=site, now=now)]
    if form is Form.MDM:
        head.append(pen.segment("EVN", "T02", dtm(now)))
    head.append(pen.first(b"PID") or pen.segment("PID", "1"))
    if visit := pen.first(b"PV1"):
        head.append(visit)
    elif form is Form.MDM:  # which must have one; U: unknown class (table 0004)
        head.append(pen.segment("PV1", "1", "U"))
    title = _order(pen, control_id, now) if form is Form.ORU else _document(pen, control_id, now)
    lines = (*head, title, *_observations(pen, said))
    return b"".join(line + b"\r" for line in lines)


def _order(pen: _Pen, control_id: str, now: float) -> bytes:
    """OBR with a number of our own (OBR-3), final (OBR-25)."""
    blank = [""] * 17
    return pen.segment(
        "OBR", "1", "", control_id, TITLE, "", "", dtm(now), *blank[:14], dtm(now), "", "", "F"
    )


def _document(pen: _Pen, control_id: str, now: float) -> bytes:
    """TXA: text (TXA-3), its own unique number (TXA-12), documented (TXA-17, table 0271)."""
    blank = [""] * 7
    return pen.segment("TXA", "1", TITLE, "TX", dtm(now), *blank, control_id, "", "", "", "", "DO")


def _observations(pen: _Pen, said: Sequence[Said]) -> Iterator[bytes]:
    for number, fact in enumerate(said, start=1):
        yield pen.segment(
            "OBX",
            str(number),
            fact.kind,
            (fact.code, fact.name, SYSTEM),
            "" if fact.of is None else str(fact.of),
            fact.value,
            *("", "", "", "", ""),
            "F",
            *("", ""),
            "" if fact.at is None else dtm(fact.at),
        )


class _Pen:
    """Writes segments in the delimiters and character set of the message the record is of."""

    def __init__(self, original: bytes, *, codec: str) -> None:
        self._raw = original
        self._envelope = peek(original)
        self._delimiters = self._envelope.delimiters
        self._codec = codec
        self.field = self._delimiters.field.encode()

    def first(self, name: bytes) -> bytes:
        """The original's first segment of this name, byte for byte; b"" when it has none."""
        found = re.search(rb"[\r\n]\s*(" + name + re.escape(self.field) + rb"[^\r\n]*)", self._raw)
        return found[1] if found else b""

    def header(self, event: tuple[str, ...], *, control_id: str, site: str, now: float) -> bytes:
        fields = [
            b"MSH", *self._echo(2), b"WARDLINE", self._text(site), *self._echo(5, 6),
            dtm(now).encode(), b"", self._composite(event), self._text(control_id),
            *self._echo(11, 12), b"", b"", b"", b"", b"", *self._echo(18),
        ]  # fmt: skip
        return self.field.join(fields).rstrip(self.field)

    def segment(self, name: str, *fields: str | Sequence[str]) -> bytes:
        written = (self._text(f) if isinstance(f, str) else self._composite(f) for f in fields)
        return self.field.join((name.encode(), *written)).rstrip(self.field)

    def _composite(self, parts: Sequence[str]) -> bytes:
        return self._delimiters.component.encode().join(map(self._text, parts))

    def _text(self, words: str) -> bytes:
        clean = "".join(c if c.isprintable() else " " for c in words)
        return escape(clean, self._delimiters).encode(self._codec, "replace")

    def _echo(self, *numbers: int) -> Iterator[bytes]:
        sent = self._envelope.fields
        for number in numbers:
            yield sent[number - 1] if number <= len(sent) else b""
