"""Every other block in lines: headings, banners, pairs, running text, rules and codes."""

from __future__ import annotations

import re
from collections.abc import Sequence

from printers.columns import join, pad, pad_both, spaces, width, wrap
from printers.glyphs import spell
from printers.line import PLAIN, Line, Run, Style, Symbol
from printers.slip import Banner, Code, Heading, Pair, Text, Tone
from printers.text import Printable, clean, lines

STYLES = {
    Tone.PLAIN: PLAIN,
    Tone.STRONG: Style(bold=True),
    Tone.ABNORMAL: Style(bold=True),
    Tone.CRITICAL: Style(bold=True, inverse=True),
}


def one_line(text: str) -> Printable:
    """Outside text for one line of paper: every character of it can be drawn."""
    return spell(clean(_bounded(text)))


def several_lines(text: str) -> tuple[Printable, ...]:
    """Outside text for as many lines as its sender gave it."""
    return tuple(map(spell, lines(_bounded(text))))


def heading(block: Heading, columns: int) -> tuple[Line, ...]:
    style = Style(bold=True, large=block.size > 1)
    return tuple(
        Line((Run(piece, style),), centred=True)
        for line in several_lines(block.text)
        for piece in wrap(line, _per_line(style, columns))
    )


def banner(block: Banner, columns: int) -> tuple[Line, ...]:
    style = Style(bold=True, inverse=True, large=block.size > 1)
    room = _per_line(style, columns)
    return tuple(
        Line((Run(pad_both(piece, room), style),), centred=True)
        for line in several_lines(block.text)
        for piece in wrap(line, room)
    )


def pairs(blocks: Sequence[Pair], columns: int) -> tuple[tuple[Line, ...], ...]:
    """Pairs that follow one another: their values begin in one column, as far as the labels allow."""
    labels = [one_line(block.label) for block in blocks]
    cap = columns // 3
    column = max((width(label) for label in labels if width(label) <= cap), default=0)
    return tuple(
        _pair(label, block, column=column, columns=columns)
        for label, block in zip(labels, blocks, strict=True)
    )


def _pair(label: Printable, block: Pair, *, column: int, columns: int) -> tuple[Line, ...]:
    style = STYLES[block.tone]
    above: tuple[Printable, ...] = ()
    if width(label) > columns // 2:
        above, label, hang = wrap(label, columns), Printable(""), _GUTTER
    else:
        hang = max(column, width(label)) + _GUTTER if label else 0
    found = [Line((Run(line, style),)) for line in above]
    values = [piece for line in several_lines(block.value) for piece in wrap(line, columns - hang)]
    for index, value in enumerate(values):
        head = pad(label if index == 0 else Printable(""), hang)
        tail = pad(value, columns - hang) if style.inverse else value
        plain = Style(inverse=style.inverse)
        found.append(Line((Run(head, plain), Run(tail, style))))
    return tuple(found)


def text(block: Text, columns: int) -> tuple[Line, ...]:
    style = STYLES[block.tone]
    indent = min(block.indent, columns // 2)
    found = []
    for line in several_lines(block.text):
        for piece in wrap(line, columns - indent):
            words = join(spaces(indent), piece)
            words = pad(words, columns) if style.inverse else words
            found.append(Line((Run(words, style),), centred=block.centred))
    return tuple(found)


def rule(columns: int) -> tuple[Line, ...]:
    return (Line((Run(Printable("-" * columns)),)),)


def code(block: Code, columns: int) -> tuple[Line | Symbol, ...]:
    """The symbol with its caption, or its data, in clear under it; no symbol for what none can hold."""
    caption = [
        Line((Run(piece),), centred=True)
        for piece in wrap(one_line(block.caption or block.data), columns)
    ]
    if _SYMBOL_DATA.fullmatch(block.data):
        return (Symbol(block.data), *caption)
    return tuple(caption)


_LONGEST = 100_000  # characters of one field: more than twelve pages hold


def _bounded(text: str) -> str:
    """`text`, or as much of it as any paper holds and the number of characters left out."""
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} [+{len(text) - _LONGEST}]"


_GUTTER = 2
_SYMBOL_DATA = re.compile("[ -~]{1,64}")  # 64 keep a QR code below version 6


def _per_line(style: Style, columns: int) -> int:
    return columns // 2 if style.large else columns
