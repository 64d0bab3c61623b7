"""Pages as PWG raster, the one picture format every driverless printer takes (PWG 5102.4)."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

_SYNC = b"RaS2"
_RUN = re.compile(rb"(.)\1{0,127}", re.DOTALL)
_SPACES = {1: 3, 8: 18}  # cupsColorSpace: black, and grey in sRGB's tones


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One page, row by row from the top: `bits` 1 (black is 1, eight dots a byte) or 8 (white is 255)."""

    width: int
    height: int
    bits: int
    data: bytes

    @property
    def stride(self) -> int:
        """Bytes of a row."""
        return (self.width * self.bits + 7) // 8


def encode(pages: Iterable[Picture], *, dpi: int, total: int) -> bytes:
    """The file of `total` pages. `ValueError` for a picture that has not the bytes it says."""
    return b"".join((_SYNC, *_pages(pages, dpi, total)))


def _pages(pages: Iterable[Picture], dpi: int, total: int) -> Iterator[bytes]:
    for page in pages:
        if page.bits not in _SPACES or len(page.data) != page.stride * page.height:
            raise ValueError("a picture that is not as large as it says")
        yield _header(page, dpi=dpi, total=total)
        yield from _rows(page)


def _header(page: Picture, *, dpi: int, total: int) -> bytes:
    """1796 bytes; what is not named here is 0, sides and copies too: they are the job's (5102.4 table 1)."""
    head = bytearray(1796)
    head[0:9] = b"PwgRaster"
    for at, number in (
        (276, dpi),
        (280, dpi),
        (352, round(page.width * 72 / dpi)),  # PageSize, points
        (356, round(page.height * 72 / dpi)),
        (372, page.width),
        (376, page.height),
        (384, page.bits),  # BitsPerColor
        (388, page.bits),  # BitsPerPixel
        (392, page.stride),
        (400, _SPACES[page.bits]),
        (420, 1),  # NumColors
        (452, total),
        (456, 1),  # CrossFeedTransform
        (460, 1),  # FeedTransform
    ):
        struct.pack_into(">I", head, at, number)
    return bytes(head)


def _rows(page: Picture) -> Iterator[bytes]:
    rows = (page.data[at : at + page.stride] for at in range(0, len(page.data), page.stride))
    for row, same in groupby(rows):
        packed = _packed(row)
        left = sum(1 for _ in same)
        while left:
            times = min(left, 256)
            yield bytes((times - 1,)) + packed
            left -= times


def _packed(row: bytes) -> bytes:
    """Runs and stretches without any: count - 1 and the byte, or 257 - count and the bytes (4.1)."""
    out: list[bytes] = []
    for long, runs in groupby(_runs(row), key=_is_long):
        if long:
            out += [bytes((len(run) - 1, run[0])) for run in runs]
        else:
            out += _literal(b"".join(runs))
    return b"".join(out)


def _runs(row: bytes) -> Iterable[bytes]:
    return (match[0] for match in _RUN.finditer(row))


def _is_long(run: bytes) -> bool:
    return len(run) > 2


def _literal(data: bytes) -> Iterator[bytes]:
    for at in range(0, len(data), 128):
        piece = data[at : at + 128]
        yield bytes((257 - len(piece),)) + piece if len(piece) > 1 else b"\x00" + piece
