"""Looks at a TIFF before a telephone rings for it: Asterisk finds its faults only after the far end answered.

Only the directory of each page is read, with bounds: no decoder runs here.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from fractions import Fraction

WIDTH = 1728  # dots: every fax machine's line (ITU-T T.4)
ROWS = range(1, 4585)  # superfine A4 is 4584
ACROSS, DOWN = (200, 204), (98, 100, 196, 200, 391)  # dpi that fax machines print at
MOST = 60  # pages in one file

_WIDTH, _LENGTH, _BITS, _COMPRESSION, _X, _Y, _UNIT = 256, 257, 258, 259, 282, 283, 296
_GROUP_3, _GROUP_4 = 3, 4
_INCH = 2


class Unfit(Exception):
    """This file would be refused by Asterisk or come out stretched: why."""


def pages(data: bytes) -> int:
    """How many pages the fax in `data` has. Raises Unfit for one that is none (facts: TIFF 6.0, RFC 2301)."""
    count = 0
    for page in _directories(data):
        _check(page)
        count += 1
    if not count:
        raise Unfit("no page")
    return count


def _check(page: Mapping[int, Fraction]) -> None:
    if page.get(_WIDTH) != WIDTH:
        raise Unfit("not 1728 dots wide")
    if page.get(_LENGTH, 0) not in ROWS:
        raise Unfit("too long, or empty")
    if page.get(_BITS, 1) != 1:
        raise Unfit("not black and white")
    if page.get(_COMPRESSION) not in (_GROUP_3, _GROUP_4):
        raise Unfit("not compressed as a fax")
    if page.get(_UNIT, _INCH) != _INCH or round(page.get(_X, Fraction(0))) not in ACROSS:
        raise Unfit("no resolution, or not a fax's")
    if round(page.get(_Y, Fraction(0))) not in DOWN:
        raise Unfit("no resolution, or not a fax's")  # without one it comes out twice as long


def _directories(data: bytes) -> Iterator[Mapping[int, Fraction]]:
    order = {b"II*\x00": "<", b"MM\x00*": ">"}.get(data[:4])
    if order is None:
        raise Unfit("not a TIFF")
    try:
        (at,) = struct.unpack_from(order + "I", data, 4)
        seen: set[int] = set()
        while at:
            if at in seen or len(seen) >= MOST:
                raise Unfit("pages without end")
            seen.add(at)
            (count,) = struct.unpack_from(order + "H", data, at)
            yield dict(_entry(data, order, at + 2 + 12 * n) for n in range(count))
            (at,) = struct.unpack_from(order + "I", data, at + 2 + 12 * count)
    except struct.error as error:
        raise Unfit("cut off") from error


def _entry(data: bytes, order: str, at: int) -> tuple[int, Fraction]:
    """A tag and its first value, of the kinds we look at; others count as 0."""
    tag, kind, _, value = struct.unpack_from(order + "HHII", data, at)
    if kind == 3:  # SHORT
        return tag, Fraction(struct.unpack_from(order + "H", data, at + 8)[0])
    if kind == 4:  # LONG
        return tag, Fraction(value)
    if kind == 5:  # RATIONAL
        above, below = struct.unpack_from(order + "II", data, value)
        return tag, Fraction(above, below) if below else Fraction(0)
    return tag, Fraction(0)
