"""Specimen labels in ZPL II: who, which tube, and the number as Code 128 with its quiet zones.

Nothing a sender wrote can become a command: in a field only plain letters and digits stand as they
are, every other byte is written as `_XX` (^FH), in UTF-8 (^CI28).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from printers.slip import Banner, Block, Code, Heading, Pair, Rule, Slip, Text
from printers.text import clean

#: Millimetres: the thinnest bar that hand-held readers still read, and the white beside a code
#: (ISO/IEC 15417: ten times the thinnest bar).
_THINNEST, _QUIET = 0.19, 10
_NARROW = 0.55  # of a letter's height: how wide the printer's own font is on average
_PLAIN = re.compile("[A-Za-z0-9 ]")
_BARS = re.compile("[A-Z0-9-]{1,40}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """The labels in a printer (mm) and its dots an inch."""

    width: float = 50.0
    height: float = 25.0
    dpi: int = 203

    def dots(self, millimetres: float) -> int:
        return round(millimetres * self.dpi / 25.4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """One tube's label; texts as they came."""

    name: str
    code: str = ""  # the number in bars; "" for none
    lines: tuple[str, ...] = ()
    banners: tuple[str, ...] = ()  # white on black, above all else


def labels(slip: Slip) -> tuple[Label, ...]:
    """The labels a slip describes: one for each part of its body between two rules."""
    parts: list[list[Block]] = [[]]
    for block in slip.body:
        if isinstance(block, Rule):
            parts.append([])
        else:
            parts[-1].append(block)
    above = tuple(b.text for b in slip.header if isinstance(b, Banner))
    return tuple(_label(part, above) for part in parts if part)


def _label(blocks: Sequence[Block], above: tuple[str, ...]) -> Label:
    banners = tuple(b.text for b in blocks if isinstance(b, Banner))
    return Label(
        name=" ".join(b.text for b in blocks if isinstance(b, Heading)),
        code=next((b.data for b in blocks if isinstance(b, Code)), ""),
        lines=tuple(_said(blocks)),
        banners=tuple(dict.fromkeys((*above, *banners))),
    )


def _said(blocks: Sequence[Block]) -> Iterator[str]:
    for block in blocks:
        match block:
            case Pair(label=label, value=value):
                yield f"{label} {value}"
            case Text(text=text):
                yield text


def encode(label: Label, stock: Stock) -> bytes:
    """One label's format, from ^XA to ^XZ. A text that is too long ends in "…"; none is left out."""
    page = _Page(stock)
    if label.banners:
        page.banner(" · ".join(label.banners))  # in one line: the bars need the room
    page.line(label.name, 3.4)
    for line in label.lines:
        page.line(line, 2.5)
    page.code(label.code)
    return page.done()


class _Page:
    """Puts lines below one another, and the bars into what is left."""

    def __init__(self, stock: Stock) -> None:
        self._stock = stock
        self._margin = stock.dots(1.5)
        self._width = stock.dots(stock.width) - 2 * self._margin
        self._height = stock.dots(stock.height)
        self._at = stock.dots(1.0)
        self._said = [
            "^XA^CI28",
            f"^PW{stock.dots(stock.width)}^LL{self._height}^LH0,0^PQ1",
        ]

    def line(self, text: str, millimetres: float) -> None:
        shown, tall = self._fitted(text, millimetres)
        self._put(f"^FO{self._margin},{self._at}^A0N,{tall},{tall}", shown)
        self._at += self._stock.dots(millimetres * 1.12)

    def banner(self, text: str) -> None:
        shown, tall = self._fitted(text, 2.6)
        deep = self._stock.dots(2.9)
        self._said.append(f"^FO{self._margin},{self._at}^GB{self._width},{deep},{deep}^FS")
        self._put(f"^FO{self._margin * 2},{self._at + 2}^A0N,{tall},{tall}^FR", shown)
        self._at += self._stock.dots(3.2)

    def code(self, code: str) -> None:
        """The bars and the number under them; the number alone where bars cannot be read back."""
        if not code:
            return
        shown, tall = self._fitted(code, 2.5)
        left = self._height - self._at - self._stock.dots(3.2)
        dot = _module(code, self._stock) if _BARS.fullmatch(code) else 0
        start = self._margin
        if dot and left >= self._stock.dots(4.0):
            wide = _modules(code) * dot
            start = (self._stock.dots(self._stock.width) - wide) // 2
            self._put(f"^FO{start},{self._at}^BY{dot}^BCN,{left},N,N,N,A", code)
            self._at += left + self._stock.dots(0.4)
        self._put(f"^FO{start},{self._at}^A0N,{tall},{tall}", shown)

    def done(self) -> bytes:
        return "".join((*self._said, "^XZ\n")).encode("ascii")

    def _put(self, place: str, text: str) -> None:
        self._said.append(f"{place}^FH_^FD{_field(text)}^FS")

    def _fitted(self, text: str, millimetres: float) -> tuple[str, int]:
        """As it is, else in smaller letters, else shortened."""
        shown = clean(text)
        talls = [self._stock.dots(millimetres * part) for part in (1, 0.8, 0.65)]
        rooms = [int(self._width / (tall * _NARROW)) for tall in talls]
        for tall, room in zip(talls, rooms, strict=True):
            if len(shown) <= room:
                return shown, tall
        return f"{shown[: rooms[-1] - 1]}…", talls[-1]


def _modules(code: str) -> int:
    """Widths of the thinnest bar in Code 128, code set B: start, data, check, stop (ISO/IEC 15417)."""
    return 11 * (len(code) + 2) + 13


def _module(code: str, stock: Stock) -> int:
    """Dots of the thinnest bar, as wide as fits with the white beside it; 0 where nobody could read it."""
    room = stock.dots(stock.width)
    least = math.ceil(_THINNEST * stock.dpi / 25.4)
    most = room // (_modules(code) + 2 * _QUIET)
    return min(most, 2 * least) if most >= least else 0


def _field(text: str) -> str:
    return "".join(c if _PLAIN.fullmatch(c) else _escaped(c) for c in text)


def _escaped(char: str) -> str:
    return "".join(f"_{byte:02X}" for byte in char.encode("utf-8"))
