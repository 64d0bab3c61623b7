"""What stands on the envelope (MSH): enough to answer a message, even one that cannot be read."""

from __future__ import annotations

import re
from dataclasses import dataclass

from gateway.errors import Rejected
from gateway.hl7.charset import UTF16_OR_32
from gateway.hl7.delimiters import STANDARD, Delimiters, delimiters_of

_MSH = re.compile(rb"(?:\A|[\r\n])[^0-9A-Za-z\r\n]{0,8}(MSH[^\r\n]*)")
_FIELDS = 20
_LONGEST = 2**16  # where an MSH may begin, and its length: beyond this nothing is looked at


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """MSH as text; "" where it was empty or unreadable. Nothing here has been checked."""

    control_id: str = ""  # MSH-10
    sender: str = ""  # "MSH-3|MSH-4"
    type: str = ""  # MSH-9.1^MSH-9.2
    version: str = ""  # MSH-12.1
    processing: str = ""  # MSH-11.1
    charset: str = ""  # MSH-18, its first repetition, as declared
    accept_ack: str = ""  # MSH-15: AL, NE, ER, SU; filled asks for enhanced mode
    application_ack: str = ""  # MSH-16
    delimiters: Delimiters = STANDARD
    fields: tuple[bytes, ...] = ()  # MSH as sent: MSH-3 is fields[2]


def peek(raw: bytes) -> Envelope:
    """The envelope of the first message in `raw`, as well as it can be made out. Never raises."""
    if raw.startswith(UTF16_OR_32):
        raw = raw[:_LONGEST].decode("utf-16", "replace").encode()
    found = _MSH.search(raw, 0, _LONGEST)
    if not found:
        return Envelope()
    line = found[1][:_LONGEST]
    try:
        delimiters = delimiters_of(line[:16].decode("latin-1"))
    except Rejected:
        delimiters = STANDARD
    return _envelope(line, delimiters)


def declared_charset(raw: bytes) -> str:
    """MSH-18, its first repetition, of a message that begins with MSH; "" where there is none."""
    start = raw.find(b"MSH", 0, 64)
    end = raw.find(b"\r", start)
    line = raw[start : min(end if end > 0 else len(raw), start + _LONGEST)].partition(b"\n")[0]
    fields = line.split(line[3:4], 18) if start >= 0 and len(line) > 3 else []
    if len(fields) < 18:
        return ""
    declared = fields[17].decode("latin-1")
    repetition = fields[1][1:2].decode("latin-1")
    return declared.partition(repetition)[0] if repetition else declared


def _envelope(line: bytes, delimiters: Delimiters) -> Envelope:
    fields = line.decode("utf-8", "replace").split(delimiters.field, _FIELDS)
    fields += [""] * (_FIELDS - len(fields))
    component = delimiters.component
    kind = fields[8].split(component)
    return Envelope(
        control_id=fields[9],
        sender=f"{fields[2]}|{fields[3]}",
        type="^".join(kind[:2]).rstrip("^"),
        version=fields[11].partition(component)[0],
        processing=fields[10].partition(component)[0],
        charset=fields[17].partition(delimiters.repetition)[0],
        accept_ack=fields[14],
        application_ack=fields[15],
        delimiters=delimiters,
        fields=tuple(line.split(delimiters.field.encode(), _FIELDS)),
    )
