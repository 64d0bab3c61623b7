"""A message opened: its bytes as text, its delimiters known, nothing in it looked at yet."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.errors import Rejected
from gateway.hl7.charset import decode
from gateway.hl7.delimiters import Delimiters, delimiters_of
from gateway.hl7.envelope import declared_charset
from gateway.locale import N_

_AROUND = "\x0b\x1c\r\n\t \x00"  # framing, blank lines: files carry them around a message


@dataclass(slots=True, kw_only=True)
class Opened:
    text: str  # begins with MSH
    delimiters: Delimiters
    codec: str
    doubtful: bool  # see `charset.Decoded`


def open_message(raw: bytes, *, default_charset: str = "utf-8") -> Opened:
    """Raises `Rejected`: 100 at MSH where there is none, 102 at MSH-1 or MSH-2 for delimiters that
    part nothing, 103 at MSH-18 for UTF-16."""
    decoded = decode(raw, declared_charset(raw), default=default_charset)
    text = decoded.text.strip(_AROUND)
    if not text.startswith("MSH"):
        raise Rejected(_why_not(text), code=100, location="MSH")
    return Opened(
        text=text,
        delimiters=delimiters_of(text),
        codec=decoded.codec,
        doubtful=decoded.doubtful,
    )


def _why_not(text: str) -> str:
    if not text:
        return "empty message"
    if text[:3] in ("FHS", "BHS"):
        return "a batch is not a message"
    if text[:3].upper() == "MSH":
        return "segment names are not upper case"
    return N_("message does not begin with MSH")
