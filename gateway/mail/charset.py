"""Bytes of a mail as text, whatever it says of itself: decoded as declared, else as best can be, and said."""

from __future__ import annotations

import codecs

#: Python codecs that are for text but for no mail, or take quadratic time (idna, punycode).
_NEVER = {"idna", "punycode", "undefined", "unicode-escape", "raw-unicode-escape", "mbcs", "oem"}

#: What says Latin-1 or ASCII means Windows (WHATWG Encoding, 4.2): 0x80-0x9F are no letters there.
_WINDOWS = {"iso8859-1", "ascii"}

#: Where plain ASCII may stand for other letters. (So it may after ESC.)
_SHIFTED = ("utf-7", "hz")

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def decode(data: bytes, declared: str = "") -> tuple[str, bool]:
    """The text, and whether it is sure: False when what was declared cannot be what it is."""
    for mark, codec in _MARKS:
        if data.startswith(mark):
            return data.decode(codec, "replace"), True
    codec = known(declared)
    if codec and not _lies(data, codec):
        try:
            return _strict(data, codec), True
        except (UnicodeError, ValueError):
            pass
    try:
        return data.decode("utf-8"), not declared or codec == "ascii"
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace"), not declared


def known(name: str) -> str:
    """The Python codec a mail means by `name`, or "" when there is none that is for text."""
    try:
        codec = codecs.lookup(name.strip().strip("\"'")[:40])
    except (LookupError, ValueError):
        return ""
    text = getattr(codec, "_is_text_encoding", False)
    return codec.name if text and codec.name.replace("_", "-") not in _NEVER else ""


def _lies(data: bytes, codec: str) -> bool:
    """Whether it is a text as it stands, of which `codec` would make another: "4,1" as Chinese."""
    if b"\0" in data or b"\x1b" in data or codec in _SHIFTED:
        return False
    if codec.startswith(("utf-16", "utf-32")):
        return bool(data)  # each of its line ends would hold a NUL
    head = data[:4096]
    try:
        return head.isascii() and head.decode(codec) != head.decode("ascii")
    except UnicodeError:
        return False


def _strict(data: bytes, codec: str) -> str:
    if codec == "iso8859-1":
        return data.decode("cp1252", "replace")
    if codec in _WINDOWS and not data.isascii():
        raise ValueError("not ASCII")
    return data.decode(codec)
