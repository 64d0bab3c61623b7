"""Which characters can be put on paper at all, and how to write those that cannot.

The last resort for a character is the raster font shipped beside this module (DejaVu Sans Mono 2.37,
3 300 characters). What even that cannot draw is written by its code point, so that a person
can look it up and nobody takes a hollow box for a letter.
"""

from __future__ import annotations

import struct
import unicodedata
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from itertools import groupby

from printers.text import Printable


def spell(text: Printable) -> Printable:
    """`text` with what no printer of ours can draw written as code points: 日本 as [U+65E5 672C].

    A letter the font lacks but can build (ễ as ê and a tilde: the name Nguyễn) is taken apart instead.
    Right-to-left and Indic scripts count as undrawable: without shaping, Arabic drawn letter by letter
    from left to right is no name anybody can read.
    """
    if text.isascii():
        return text
    drawable = _drawable()
    if drawable.issuperset(text):
        return text
    apart = "".join(char if char in drawable else _apart(char, drawable) for char in text)
    return Printable("".join(_spelt(apart, drawable)))


@cache
def font_file() -> bytes:
    """The raster font as it is shipped: TrueType, 343 kB."""
    return (files("printers") / "fonts" / "DejaVuSansMono.ttf").read_bytes()


def _spelt(text: str, drawable: frozenset[str]) -> Iterator[str]:
    for known, run in groupby(text, drawable.__contains__):
        chars = "".join(run)
        yield chars if known else f"[U+{' '.join(f'{ord(char):04X}' for char in chars)}]"


def _apart(char: str, drawable: frozenset[str]) -> str:
    """The canonical decomposition of `char`, as far as needed to draw it; `char` itself when it cannot be."""
    parts = unicodedata.decomposition(char).split()
    if not parts or parts[0].startswith("<"):
        return char
    letters = [chr(int(part, 16)) for part in parts]
    apart = "".join(one if one in drawable else _apart(one, drawable) for one in letters)
    return apart if drawable.issuperset(apart) else char


@cache
def _drawable() -> frozenset[str]:
    return frozenset(
        char
        for char in map(chr, _mapped(font_file()))
        if char.isprintable() and char != _OBJECT_REPLACEMENT
        if unicodedata.bidirectional(char) not in {"R", "AL", "AN"}
    )


def _mapped(font: bytes) -> Iterator[int]:
    """The code points of a TrueType font's `cmap` table, subtable format 12 (ISO/IEC 14496-22, 5.2.1.3)."""
    tables = struct.unpack_from(">H", font, 4)[0]
    directory = (struct.unpack_from(">4sIII", font, 12 + 16 * index) for index in range(tables))
    cmap = next(offset for tag, _, offset, _ in directory if tag == b"cmap")
    subtables = struct.unpack_from(">H", font, cmap + 2)[0]
    for index in range(subtables):
        offset = cmap + struct.unpack_from(">4xI", font, cmap + 4 + 8 * index)[0]
        form, groups = struct.unpack_from(">H10xI", font, offset)
        if form != _SEGMENTED_COVERAGE:
            continue
        for group in range(groups):
            first, last, _ = struct.unpack_from(">III", font, offset + 16 + 12 * group)
            yield from range(first, last + 1)
        return
    raise ValueError("the raster font has no cmap of format 12")


_SEGMENTED_COVERAGE = 12
_OBJECT_REPLACEMENT = "\ufffc"  # printable by category, but its glyph is empty
