"""Bytes to characters as a thermal printer reads them: code pages, national ASCII, ideographs."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

# ESC t n: Epson's page numbers that Python has a table for (TM-T20II command list).
PAGES: Mapping[int, str] = {
    0: "cp437", 2: "cp850", 3: "cp860", 4: "cp863", 5: "cp865", 13: "cp857", 14: "cp737",
    15: "iso8859-7", 16: "cp1252", 17: "cp866", 18: "cp852", 19: "cp858", 33: "cp775",
    34: "cp855", 35: "cp861", 36: "cp862", 37: "cp864", 38: "cp869", 39: "iso8859-2",
    40: "iso8859-15", 45: "cp1250", 46: "cp1251", 47: "cp1253", 48: "cp1254", 49: "cp1255",
    50: "cp1256", 51: "cp1257", 52: "cp1258",
}  # fmt: skip

# ESC R n: what stands in place of twelve ASCII characters. A printer set up for France
# prints "[" as "°".
_REPLACED = "#$@[\\]^`{|}~"
NATIONS: Mapping[int, str] = {
    0: _REPLACED,  # USA
    1: "#$à°ç§^`éùè¨",  # France
    2: "#$§ÄÖÜ^`äöüß",  # Germany
    3: "£$@[\\]^`{|}~",  # United Kingdom
    4: "#$@ÆØÅ^`æøå~",  # Denmark
    5: "#¤ÉÄÖÅÜéäöåü",  # Sweden
    6: "#$@°\\é^ùàòèì",  # Italy
    7: "₧$@¡Ñ¿^`¨ñ}~",  # Spain
    8: "#$@[¥]^`{|}~",  # Japan
}

UNDEFINED = "\ufffd"  # a byte its page has no character for


def decode(data: bytes, *, codec: str, nation: int) -> str:
    """One character a byte, each byte through the page `codec` and the national set."""
    return data.decode("latin-1").translate(_table(codec, nation))


def decode_ideographs(data: bytes, *, codec: str, nation: int) -> str:
    """As a printer sold in China reads it: two bytes above 7F make one ideograph (GB 18030)."""
    text, at = "", 0
    while at < len(data):
        if data[at] > 0x7F and at + 1 < len(data):
            text += data[at : at + 2].decode("gb18030", "replace")
            at += 2
        else:
            text += decode(data[at : at + 1], codec=codec, nation=nation)
            at += 1
    return text


@cache
def _table(codec: str, nation: int) -> dict[int, str]:
    table = {byte: bytes((byte,)).decode(codec, "replace") for byte in range(0x80, 0x100)}
    table |= {ord(ascii_): local for ascii_, local in zip(_REPLACED, NATIONS[nation], strict=True)}
    return table
