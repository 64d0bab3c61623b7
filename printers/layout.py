"""A slip on paper of a given width: its blocks as pages of styled lines, ready for the encoder.

Pure; 10 to 20 µs a line, and never more than a slip may print: under 0.1 s, whatever came in.
Slips of more than about 300 blocks belong in a thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from typing import Any

from printers.line import BOLD, Bitmap, Line, Page, Run, Symbol
from printers.rows import cells, grid, row_lines
from printers.slip import (
    Banner,
    Block,
    Code,
    Enclosure,
    Heading,
    Pair,
    Role,
    Row,
    Rule,
    Slip,
    Space,
    Text,
    Tone,
)
from printers.typeset import banner, code, heading, one_line, pairs, rule, text

Piece = tuple[Line | Symbol | Bitmap, ...]
"""The lines of one block, kept on one page where a page can hold them."""

Owned = tuple[Piece, Piece]
"""A piece, and the lines that say whose it is: they stand above it again where it begins a page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long a page and a slip may become, in lines of normal type (3.75 mm each)."""

    page: int = 120  # 45 cm: longer paper is torn, folded and lost
    pages: int = 12
    repeated: int = 40  # of header and footer each: beyond, they run with the body
    person: int = 12  # of whoever a page goes on about


LIMITS = Limits()
STRIP = 90  # rows of a picture that are kept together: three lines


Drawn = Mapping[Enclosure, Sequence[Sequence[Bitmap]]]
"""The pages of each enclosure that was drawn, each in parts as wide as the paper, one below the other."""


def lay_out(
    slip: Slip, columns: int, *, limits: Limits = LIMITS, drawn: Drawn | None = None
) -> tuple[Page, ...]:
    """`slip` in pages for paper of `columns` (48, 42, 32…; at least 24).

    One page when it fits; else every page carries the header and its number ("page 1/3"), above and
    below, and the last one the footer. A slip past `limits.pages` ends with a banner (`slip.left_out`)
    that says how many lines are missing, and begins with the same words; past what any paper holds
    the lines are reckoned from the text's length.
    """
    slip = _opened(slip, drawn or {})
    within, beyond = _printable(slip.body, columns, limits)
    header, body, footer = _parts(slip, within, columns, limits)
    room = limits.page - _height(header)
    if not beyond and sum(_height(piece) for piece, _ in body) + _height(footer) <= room:
        return (_flat((header, *(piece for piece, _ in body), footer)),)
    room -= 2  # the page number, twice
    last = room - _height(footer)
    sheets = tuple(sheet for sheet, _ in _fill(body, room=room, last=last))
    if beyond or len(sheets) > limits.pages:
        notice = partial(_notice, slip, columns)
        sheets = _cut_short(body, notice, beyond, pages=limits.pages, room=room, last=last)
    return tuple(
        _page(header, sheet, slip, number=number, of=len(sheets), footer=footer)
        for number, sheet in enumerate(sheets, start=1)
    )


def blocks_lines(blocks: Sequence[Block], columns: int) -> tuple[Piece, ...]:
    """Each block in lines. All rows share one grid, pairs that follow one another share theirs."""
    rows = {index: cells(block) for index, block in enumerate(blocks) if isinstance(block, Row)}
    columned = grid(rows.values(), columns) if rows else None
    found: list[Piece] = []
    for is_pair, group in groupby(enumerate(blocks), lambda item: isinstance(item[1], Pair)):
        if is_pair:
            found += pairs([block for _, block in group if isinstance(block, Pair)], columns)
            continue
        for index, block in group:
            if columned is not None and index in rows:
                found.append(row_lines(rows[index], columned))
            else:
                found.append(_block(block, columns))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Figure:
    """A part of a drawn page."""

    strips: tuple[Bitmap, ...]


def _opened(slip: Slip, drawn: Drawn) -> Slip:
    """The slip with its enclosures as blocks that this paper holds."""
    parts = (slip.header, slip.body, slip.footer)
    if not any(isinstance(block, Enclosure) for part in parts for block in part):
        return slip
    header, body, footer = (
        tuple(opened for block in part for opened in _enclosed(block, slip, drawn))
        for part in parts
    )
    return replace(slip, header=header, body=body, footer=footer)


def _enclosed(block: Block, slip: Slip, drawn: Drawn) -> Iterator[Any]:
    if not isinstance(block, Enclosure):
        yield block
        return
    title = " ".join(block.title.split())  # a break in it must not forge a line below it
    yield Rule()
    if block in drawn:
        for number, parts in enumerate(drawn[block], start=1):
            page = f"{slip.page_word} {number}/{len(drawn[block])}"
            yield Text(text=f"{title} · {page}", tone=Tone.STRONG)
            for part in parts:
                yield _Figure(tuple(Bitmap(part.width, rows) for rows in part.strips(STRIP)))
                yield Space()
    elif block.media_type == "text/plain":
        yield Text(text=title, tone=Tone.STRONG)
        yield Text(text=block.data.decode("utf-8", "replace"), indent=2)
    else:
        yield Text(text=slip.undrawn.replace("{title}", title), tone=Tone.STRONG)


def _block(block: Block | _Figure, columns: int) -> Piece:
    match block:
        case Heading():
            return heading(block, columns)
        case Banner():
            return banner(block, columns)
        case Text():
            return text(block, columns)
        case Rule():
            return rule(columns)
        case Code():
            return code(block, columns)
        case Space():
            return (Line(),)
        case _Figure():
            return block.strips
        case _:  # Row and Pair are laid out together with their like
            raise TypeError(f"not a block of its own: {block!r}")


def _printable(
    blocks: Sequence[Block], columns: int, limits: Limits
) -> tuple[Sequence[Block], int]:
    """The blocks that may yet find room on the paper, and about how many lines the others would take.

    Every block takes a line at least, so a slip of 5 000 results costs no more than one of 1 440.
    """
    lines = limits.page * limits.pages
    characters = 2 * lines * columns  # twice, because spaces at the end of a line take no paper
    for index, block in enumerate(blocks):
        if index == lines or characters <= 0:
            return blocks[:index], sum(-(-_size(each) // columns) or 1 for each in blocks[index:])
        characters -= _size(block)
    return blocks, 0


def _size(block: Block) -> int:
    """The characters of a block."""
    values = map(block.__getattribute__, block.__slots__)
    return sum(len(value) for value in values if isinstance(value, str))


def _parts(
    slip: Slip, within: Sequence[Block], columns: int, limits: Limits
) -> tuple[Piece, tuple[Owned, ...], Piece]:
    """Header, body and footer in lines; what a hostile header or footer has too much runs with the body."""
    header = _flat(blocks_lines(slip.header, columns))
    footer = _flat(blocks_lines(slip.footer, columns))
    top = _reach(header, limits.repeated)
    bottom = len(footer) - _reach(footer[::-1], limits.repeated)
    owned = _owned(within, blocks_lines(within, columns), most=limits.person)
    body = ((header[top:], ()), *owned, (footer[:bottom], ()))
    return header[:top], tuple(each for each in body if each[0]), footer[bottom:]


def _owned(blocks: Sequence[Block], pieces: Sequence[Piece], *, most: int) -> Iterator[Owned]:
    """Each piece with the person it is about, on paper about several: values without a name are nobody's."""
    person: Piece = ()
    for block, piece in zip(blocks, pieces, strict=True):
        if isinstance(block, Text) and block.role is Role.PERSON:
            person = piece[: _reach(piece, most)]
            yield piece, ()
        else:
            yield piece, () if isinstance(block, Rule) else person


def _flat(pieces: Sequence[Piece]) -> Piece:
    return tuple(line for piece in pieces for line in piece)


def _height(piece: Sequence[Line | Symbol | Bitmap]) -> int:
    return sum(line.height for line in piece)


def _reach(piece: Piece, room: int) -> int:
    """How many of its lines stand in `room`."""
    for index, line in enumerate(piece):
        room -= line.height
        if room < 0:
            return index
    return len(piece)


def _fill(pieces: Sequence[Owned], *, room: int, last: int) -> Iterator[tuple[Piece, int]]:
    """Pieces on sheets of `room`, the last one of `last`; split is only what no sheet could hold.

    With each, how many of its lines have stood on an earlier one.
    """
    sheet: list[Piece] = []
    used, again, whose = 0, 0, _NOBODY
    for piece, whose in pieces:
        for part in _parted(piece, room - _height(whose)):
            height = _height(part)
            if sheet and used + height > room:
                yield _flat(sheet), again
                sheet, used, again = [whose], _height(whose), len(whose)
            sheet.append(part)
            used += height
    if used > last:
        movable = len(sheet) > 1 and _height(whose) + _height(sheet[-1]) <= last
        moved = [whose, sheet.pop()] if movable else []
        yield _flat(sheet), again
        sheet, again = moved, len(whose)
    yield _flat(sheet), again


_NOBODY: Piece = ()


def _parted(piece: Piece, room: int) -> Iterator[Piece]:
    while piece:
        stop = max(_reach(piece, room), 1)
        yield piece[:stop]
        piece = piece[stop:]


def _cut_short(
    body: Sequence[Owned],
    notice_of: Callable[[int], Piece],
    beyond: int,
    *,
    pages: int,
    room: int,
    last: int,
) -> tuple[Piece, ...]:
    """The first `pages` sheets, and on the first and the last of them how many lines are missing."""
    total = sum(len(piece) for piece, _ in body) + beyond
    longest = notice_of(total)
    filled = [*_fill(((longest, ()), *body), room=room, last=room)][:pages]
    sheets = [sheet for sheet, _ in filled]
    sheets[-1] = sheets[-1][: _reach(sheets[-1], last - _height(longest))]
    left_out = total + len(longest) - sum(map(len, sheets)) + sum(again for _, again in filled)
    notice = notice_of(left_out)
    sheets[0] = (*notice, *sheets[0][len(longest) :])
    sheets[-1] = (*sheets[-1], *notice)
    return tuple(sheets)


def _notice(slip: Slip, columns: int, left_out: int) -> Piece:
    return banner(Banner(text=slip.left_out.replace("{lines}", str(left_out))), columns)


def _page(header: Piece, sheet: Piece, slip: Slip, *, number: int, of: int, footer: Piece) -> Page:
    if of == 1:
        return (*header, *sheet, *footer)
    words = one_line(f"{slip.page_word} {number}/{of}")
    mark = Line((Run(words, BOLD),), centred=True)
    return (*header, mark, *sheet, *(footer if number == of else ()), mark)
