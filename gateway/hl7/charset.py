"""Which characters the bytes of a message stand for, when MSH-18 says it, lies or keeps silent.

HL7 v2 table 0211 names the sets. What senders declare and what they send differ often enough
(`8859/1` over UTF-8 or over Windows-1252, `UNICODE UTF-8` over Latin-1) that the bytes have the
last word: text that is valid UTF-8 is practically never anything else.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from gateway.errors import Rejected

_DECLARED = {
    "ASCII": "ascii",
    "8859/1": "iso8859-1",
    "8859/2": "iso8859-2",
    "8859/3": "iso8859-3",
    "8859/4": "iso8859-4",
    "8859/5": "iso8859-5",
    "8859/6": "iso8859-6",
    "8859/7": "iso8859-7",
    "8859/8": "iso8859-8",
    "8859/9": "iso8859-9",
    "8859/15": "iso8859-15",
    "UNICODE": "utf-8",  # without a form: what such senders mean
    "UNICODE UTF-8": "utf-8",
    "GB 18030-2000": "gb18030",
    "KS X 1001": "euc_kr",
    "BIG-5": "big5",
}
# Of Python's own names only character sets that contain ASCII; never hex, zip, punycode or UTF-7.
_SAFE = re.compile(r"iso8859-\d+|cp125\d|cp437|cp85[028]|mac-roman|koi8-[ru]|utf-8|ascii")
_TRUSTED = ("gb18030", "euc_kr", "big5")  # two-byte sets: bytes cannot tell them from others
UTF16_OR_32 = (b"\xff\xfe", b"\xfe\xff", b"M\x00S\x00", b"\x00M\x00S", b"\x00\x00\x00M")
_C1 = re.compile(rb"[\x80-\x9f]")
_UTF8_BOM = b"\xef\xbb\xbf"
_LEADS = b"\xc2\xc3\xc4\xc5"  # alone, the first half of a UTF-8 letter cut in two


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """A message as text. `codec` is the Python codec that read it."""

    text: str
    codec: str
    doubtful: bool = False  # the bytes are not what they were declared to be, or a letter is lost


def decode(raw: bytes, declared: str = "", *, default: str = "utf-8") -> Decoded:
    """`raw` as text; `declared` is MSH-18.1 as sent, `default` the site's codec where it is empty.

    Never loses a byte in silence: what cannot be read becomes U+FFFD and the result `doubtful`.
    Raises `Rejected` (103, MSH-18) for UTF-16 and UTF-32, which MLLP cannot carry (their bytes
    contain VT, FS and CR).
    """
    if raw.startswith(UTF16_OR_32):
        raise Rejected(
            "UTF-16 and UTF-32 cannot be carried by MLLP: send UTF-8", code=103, location="MSH-18"
        )
    raw = raw.removeprefix(_UTF8_BOM)
    codec = codec_of(declared)
    if raw.isascii():
        return Decoded(text=raw.decode("ascii"), codec=codec or default)
    if codec in _TRUSTED:
        return _trusting(raw, codec)
    expected = codec or default
    unknown = bool(declared) and codec is None
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return _not_utf8(raw, expected, doubtful=unknown)
    doubtful = unknown or codecs.lookup(expected).name != "utf-8" or "\ufffd" in text
    return Decoded(text=text, codec="utf-8", doubtful=doubtful)


def codec_of(declared: str) -> str | None:
    """The Python codec for a name of table 0211, or for a name Python knows; None if unknown."""
    if not declared:
        return None
    name = " ".join(declared.upper().split())
    known = _DECLARED.get(name)
    if known:
        return known
    try:
        codec = codecs.lookup(name).name
    except (LookupError, ValueError):
        return None
    return codec if _SAFE.fullmatch(codec) else None


def _trusting(raw: bytes, codec: str) -> Decoded:
    text = raw.decode(codec, "replace")
    return Decoded(text=text, codec=codec, doubtful="\ufffd" in text)


def _not_utf8(raw: bytes, expected: str, *, doubtful: bool) -> Decoded:
    """Bytes above 127 that are not UTF-8, though `expected` may say so."""
    codec = codecs.lookup(expected).name
    if codec in ("utf-8", "ascii"):
        if _has_utf8_letters(raw):
            return Decoded(text=raw.decode("utf-8", _STRAY), codec="utf-8", doubtful=True)
        return Decoded(text=raw.decode("cp1252", "replace"), codec="cp1252", doubtful=True)
    if codec.startswith("iso8859") and _C1.search(raw):
        # No ISO 8859 set has letters there; Windows-1252 has œ, € and quotes, and is what was sent.
        return Decoded(text=raw.decode("cp1252", "replace"), codec="cp1252", doubtful=True)
    text = raw.decode(codec, "replace")
    return Decoded(text=text, codec=codec, doubtful=doubtful or "\ufffd" in text)


def _has_utf8_letters(raw: bytes) -> bool:
    return not raw.decode("utf-8", "ignore").isascii()


def _stray(error: UnicodeError) -> tuple[str, int]:
    """A byte that is not UTF-8 in a text that otherwise is: two systems wrote into one message.

    Alone between ASCII it is a Latin letter or sign (`°C`, `é`); next to other such bytes, or
    when it is the first half of a letter cut in two, it is lost: no letter is invented.
    """
    assert isinstance(error, UnicodeDecodeError)
    data, at = error.object, error.start
    around = data[max(at - 1, 0) : at] + data[at + 1 : at + 2]
    if around.isascii() and data[at] not in _LEADS:
        return data[at : at + 1].decode("cp1252", "replace"), at + 1
    return "\ufffd", at + 1


_STRAY = "gateway.hl7.stray"
codecs.register_error(_STRAY, _stray)
