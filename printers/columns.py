"""Measuring, cutting and padding printable text by the columns it takes on paper.

Every character takes one column, a combining mark none: in the code pages and in the raster font alike.
Nothing here drops a character other than the spaces at which a line is broken.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

from printers.text import Printable


def width(text: str) -> int:
    """How many columns `text` takes in normal type."""
    if text.isascii() or not _MAY_SIT.search(text):
        return len(text)
    return len(text) - sum(map(_is_mark, text))


def widest_word(text: str) -> int:
    """The columns of its longest part that `wrap` keeps together."""
    return max(map(width, _GAPS.split(text)))


def unbroken(text: str, columns: int) -> bool:
    """Whether no word of `text` is broken in lines of `columns`."""
    return width(text) <= columns or widest_word(text) <= columns


def spaces(columns: int) -> Printable:
    return Printable(" " * columns)


def join(*parts: Printable) -> Printable:
    return Printable("".join(parts))


def pad(text: Printable, columns: int) -> Printable:
    """`text` at the left of a cell."""
    return Printable(text + " " * (columns - width(text)))


def pad_left(text: Printable, columns: int) -> Printable:
    """`text` at the right of a cell."""
    return Printable(" " * (columns - width(text)) + text)


def pad_both(text: Printable, columns: int) -> Printable:
    """`text` in the middle of a cell."""
    return pad(Printable(" " * ((columns - width(text)) // 2) + text), columns)


def wrap(text: Printable, columns: int) -> tuple[Printable, ...]:
    """`text` in lines of at most `columns`, broken at spaces; inside a word only when no line holds it.

    A space between two digits is no place to break ("1 200 000", a telephone number).
    A line that fits keeps its inner spacing (senders draw tables with it); time is linear in the text.
    `ValueError` for less than one column.
    """
    if columns < 1:
        raise ValueError(f"no text fits in {columns} columns")
    if width(text) <= columns:
        return (Printable(text.rstrip(" ")),)
    cells = _cells(_indented_for(text.strip(" "), text, columns).rstrip(" "))
    found: list[Printable] = []
    start = 0
    while start < len(cells):
        stop = _break(cells, start, stop=min(start + columns, len(cells)))
        found.append(Printable("".join(cells[start:stop]).rstrip(" ")))
        start = stop
        while start < len(cells) and cells[start] == " ":
            start += 1
    return tuple(found) or (Printable(""),)


def _indented_for(words: str, text: str, columns: int) -> str:
    """`text`, without its indent where that leaves no room for its first word."""
    indent = text.index(words)
    first = _GAPS.split(words, maxsplit=1)[0]
    return text if indent + width(first) <= columns else words


def _break(cells: Sequence[str], start: int, *, stop: int) -> int:
    """Where the line that begins at `start` and may reach to `stop` ends."""
    if stop == len(cells):
        return stop
    between_digits = 0
    for at in range(stop, start, -1):
        if cells[at] != " " or cells[at - 1] == " ":
            continue
        if not (cells[at - 1].isdigit() and cells[at + 1].isdigit()):
            return at
        between_digits = between_digits or at
    return between_digits or stop


_MAY_SIT = re.compile("[^\x00-\u02ff]")  # below U+0300 nothing sits on the character before it
_GAPS = re.compile("(?<![0-9]) +| +(?![0-9])")


def _cells(text: str) -> Sequence[str]:
    """One item a column: each character with the marks that sit on it."""
    if text.isascii() or not _MAY_SIT.search(text):
        return text
    cells: list[str] = []
    for char in text:
        if cells and _is_mark(char):
            cells[-1] += char
        else:
            cells.append(char)
    return cells


@lru_cache(maxsize=4096)
def _is_mark(char: str) -> bool:
    return unicodedata.category(char)[0] == "M"
