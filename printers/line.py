"""What a page of paper is made of once its width is known: lines of styled runs, symbols, pictures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from printers.text import Printable


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How a run of text looks."""

    bold: bool = False
    inverse: bool = False  # white on black
    large: bool = False  # double width and height: each character takes two columns


PLAIN = Style()
BOLD = Style(bold=True)


@dataclass(frozen=True, slots=True)
class Run:
    """Text in one style."""

    text: Printable
    style: Style = PLAIN


@dataclass(frozen=True, slots=True)
class Line:
    """One line across the paper, never wider than it."""

    runs: tuple[Run, ...] = ()
    centred: bool = False

    @property
    def height(self) -> int:
        """In lines of normal type (3.75 mm each)."""
        for run in self.runs:
            if run.style.large:
                return 2
        return 1

    @property
    def text(self) -> str:
        return "".join(run.text for run in self.runs)


@dataclass(frozen=True, slots=True)
class Symbol:
    """A bar code or QR code of `data`: ASCII 20-7E. Which of the two, the printer's model decides."""

    data: str

    @property
    def height(self) -> int:
        return 7  # 26 mm: a QR code of version 2 with its quiet zone; a bar code is lower


@dataclass(frozen=True, slots=True)
class Bitmap:
    """Rows of `width` bytes, most significant bit left, 1 black."""

    width: int
    data: bytes

    @property
    def height(self) -> int:
        return -(-len(self.data) // (self.width * PITCH))

    def strips(self, rows: int) -> Iterator[bytes]:
        """Its data in strips of at most `rows` rows, from the top."""
        step = rows * self.width
        for start in range(0, len(self.data), step):
            yield self.data[start : start + step]


PITCH = 30  # dots from line to line: ESC 2, 3.75 mm at 203 dpi

Page = tuple[Line | Symbol | Bitmap, ...]
"""One piece of paper, from cut to cut."""
