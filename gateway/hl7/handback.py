"""A message handed back after an outage: as it came, with one segment more saying what was done."""

from __future__ import annotations

import re
from collections.abc import Sequence

from gateway.hl7.escape import escape
from gateway.hl7.opening import open_message

SEGMENT = "ZWL"  # Wardline's own: where, when and how the message was delivered meanwhile

_LINE_END = re.compile(rb"\r\n|\r|\n")


def mark_delivered(raw: bytes, fields: Sequence[str], *, default_charset: str = "utf-8") -> bytes:
    """`raw` and a ZWL segment holding `fields`, written with the message's own delimiters, line
    end and character set. Every byte of `raw` stays as it was.

    Raises `Rejected` for what does not begin with MSH.
    """
    opened = open_message(raw, default_charset=default_charset)
    delimiters = opened.delimiters
    found = _LINE_END.search(raw)
    end = found[0] if found else b"\r"
    clean = ("".join(c if c.isprintable() else " " for c in field) for field in fields)
    line = delimiters.field.join((SEGMENT, *(escape(field, delimiters) for field in clean)))
    before = raw if raw.endswith((b"\r", b"\n")) else raw + end
    return before + line.encode(opened.codec, "replace") + end
