"""Analytes as columns: name, value, unit, reference, mark, and what becomes of a row too wide for them.

A value is never cut and never split inside a number while the paper is wide enough to hold it. A row
that does not fit the columns of its slip gives up the alignment, not the content.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from printers.columns import join, pad, pad_left, spaces, unbroken, width, wrap
from printers.line import BOLD, PLAIN, Line, Run, Style
from printers.slip import Row, Tone
from printers.text import Printable
from printers.typeset import STYLES, one_line, several_lines

ARROW = Printable(" -> ")  # "→" is on no code page; a corrected value stays in text mode
GAP = Printable(" ")
EMPTY = Printable("")
INDENT = 2

NARROW = 42  # below this many columns, unit and reference stand under the name
CAPS = (
    (10, 9, 11),
    (8, 8, 11),
    (8, 8, 9),
    (8, 6, 9),
)  # value, unit, reference: tried in this order
NARROW_CAPS = ((10, 0, 0),)
MARK_CAP = 3
NAME_NEEDS = 11  # "Hémoglobine" unbroken


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Where the columns of a slip's rows stand: their widths, one column apart. 0: nowhere on this slip."""

    name: int
    value: int
    unit: int
    reference: int
    mark: int
    columns: int

    @property
    def span(self) -> int:
        """The width of unit and reference together."""
        return self.unit + self.reference + (1 if self.unit and self.reference else 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """One row, made printable."""

    name: Printable
    status: Printable
    value: tuple[Printable, ...]
    unit: Printable
    reference: Printable
    mark: Printable
    tone: Tone


def cells(row: Row) -> Cells:
    return Cells(
        name=one_line(row.name),
        status=one_line(row.status),
        value=_corrected(row.previous, row.value),
        unit=one_line(row.unit),
        reference=one_line(row.reference),
        mark=one_line(row.mark),
        tone=row.tone,
    )


def grid(rows: Iterable[Cells], columns: int) -> Grid:
    """The columns that suit most of `rows`: what is wider than a column may become does not widen it."""
    rows = tuple(rows)
    every = CAPS if columns >= NARROW else NARROW_CAPS
    found = _grid(rows, columns, caps=every[0])
    for caps in every[1:]:
        if found.name >= NAME_NEEDS:
            break
        found = _grid(rows, columns, caps=caps)
    return found


def row_lines(row: Cells, grid: Grid) -> tuple[Line, ...]:
    """The lines of one row: side by side, else its name above and the rest below."""
    if not _value_on_grid(row, grid):
        found = (*_name(row, grid.columns), *_running(row, grid))
    elif unbroken(row.name, grid.name):
        found = (*_side_by_side(row, grid, name=_name(row, grid.name)),)
    else:
        found = (*_name(row, grid.columns), *_side_by_side(row, grid, name=()))
    return tuple(_finish(pieces, STYLES[row.tone], grid) for pieces in found)


Pieces = tuple[Run, ...]  # in BOLD what is bold whatever the row's tone


def _corrected(previous: str, value: str) -> tuple[Printable, ...]:
    """4,1 and 6,8 as "4,1 -> 6,8"; the last line of the one meets the first of the other."""
    if not previous:
        return several_lines(value)
    before, after = several_lines(previous), several_lines(value)
    return (*before[:-1], join(before[-1], ARROW, after[0]), *after[1:])


def _fitting(widths: Iterable[int], *, cap: int) -> int:
    return max((found for found in widths if found <= cap), default=0)


def _grid(rows: Sequence[Cells], columns: int, *, caps: tuple[int, int, int]) -> Grid:
    value = _fitting((width(line) for row in rows for line in row.value), cap=caps[0])
    unit = _fitting((width(row.unit) for row in rows), cap=caps[1])
    reference = _fitting((width(row.reference) for row in rows), cap=caps[2])
    mark = _fitting((width(row.mark) for row in rows), cap=MARK_CAP)
    taken = sum(column + 1 for column in (value, unit, reference, mark) if column)
    return Grid(
        name=columns - taken,
        value=value,
        unit=unit,
        reference=reference,
        mark=mark,
        columns=columns,
    )


def _value_on_grid(row: Cells, grid: Grid) -> bool:
    """Do value and mark stand in their columns, and unit and reference beside them, unbroken?"""
    beside = all(unbroken(part, grid.span) for part in _unit_and_reference(row))
    return (
        all(width(line) <= grid.value for line in row.value)
        and width(row.mark) <= grid.mark
        and (beside or grid.columns < NARROW)
    )


def _name(row: Cells, columns: int) -> tuple[Pieces, ...]:
    """The name in lines of at most `columns`, its status beside the last of them where there is room."""
    names = wrap(row.name, columns)
    found: list[Pieces] = [(Run(line),) for line in names]
    if not row.status:
        return tuple(found)
    if not row.name:
        found = []
    elif width(names[-1]) + 1 + width(row.status) <= columns:
        found[-1] = (Run(names[-1]), Run(GAP), Run(row.status, BOLD))
        return tuple(found)
    return (*found, *((Run(line, BOLD),) for line in wrap(row.status, columns)))


def _side_by_side(row: Cells, grid: Grid, *, name: Sequence[Pieces]) -> Iterator[Pieces]:
    """Each cell in its column; on narrow paper unit and reference on a line of their own."""
    narrow = grid.columns < NARROW
    details = () if narrow else _details(row, grid)
    lines = zip_longest(name, row.value, details)
    for index, (words, value, detail) in enumerate(lines):
        pieces = [*(words or ()), Run(spaces(grid.name - _width(words or ())))]
        for column, content, padded in (
            (grid.value, value or EMPTY, pad_left),
            (grid.span, detail or EMPTY, pad),
            (grid.mark, row.mark if index == 0 else EMPTY, pad),
        ):
            if column:
                pieces += Run(GAP), Run(padded(content, column))
        yield tuple(pieces)
    if narrow:
        yield from _underneath(_unit_and_reference(row), grid)


def _details(row: Cells, grid: Grid) -> tuple[Printable, ...]:
    """Unit and reference in their columns, or one under the other where either is too wide for its own."""
    if width(row.unit) <= grid.unit and width(row.reference) <= grid.reference:
        gap = GAP if grid.unit and grid.reference else EMPTY
        return (join(pad(row.unit, grid.unit), gap, pad(row.reference, grid.reference)),)
    return tuple(line for part in _unit_and_reference(row) for line in wrap(part, grid.span))


def _running(row: Cells, grid: Grid) -> Iterator[Pieces]:
    """Value, unit and reference one after the other below the name, the mark at the edge."""
    room = grid.columns - INDENT
    edge = width(row.mark) + 1 if row.mark and width(row.mark) < room // 2 else 0
    parts = [piece for line in row.value for piece in wrap(line, room - edge)]
    for part in _unit_and_reference(row):
        if parts and width(parts[-1]) + 1 + width(part) <= room - edge:
            parts[-1] = join(parts[-1], GAP, part)
        else:
            parts += wrap(part, room - edge)
    for index, part in enumerate(parts):
        tail: Pieces = ()
        if edge and index == 0:
            tail = (Run(spaces(room - edge - width(part) + 1)), Run(row.mark))
        yield (Run(spaces(INDENT)), Run(part), *tail)
    if row.mark and not edge:
        yield from _underneath((row.mark,), grid)


def _underneath(parts: Iterable[Printable], grid: Grid) -> Iterator[Pieces]:
    text = Printable("  ".join(parts))
    if text:
        for line in wrap(text, grid.columns - INDENT):
            yield (Run(spaces(INDENT)), Run(line))


def _unit_and_reference(row: Cells) -> tuple[Printable, ...]:
    """The reference in brackets: side by side with a value it must not be taken for one."""
    reference = row.reference
    if reference and reference[0] not in "([":
        reference = Printable(f"({reference})")
    return tuple(part for part in (row.unit, reference) if part)


def _width(pieces: Pieces) -> int:
    return sum(width(piece.text) for piece in pieces)


def _finish(pieces: Pieces, style: Style, grid: Grid) -> Line:
    """In the row's tone; a critical row is black from edge to edge."""
    if style == PLAIN:
        return Line(pieces)
    text = Printable("".join(piece.text for piece in pieces))
    return Line((Run(pad(text, grid.columns) if style.inverse else text, style),))
