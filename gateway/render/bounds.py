"""Nothing on paper is endless: how long a field, a text and a slip may become, and the words that say so."""

from __future__ import annotations

import re
from collections.abc import Iterable

from gateway.locale import Translate
from printers.slip import Banner, Block, Code, Heading, Pair, Row, Text

FIELD = 120  # characters of a name, a number, a unit
PROSE = 4000  # characters of one comment or one text value: two metres of paper for ten of them
LINES = 480  # of body, 1.8 m of paper; more is read on a screen
_WIDE = 40  # characters a line holds, nearly

_BREAKS = re.compile("\r\n|[\n\r\u2028\u2029]")  # what the layout takes for line ends


def line(text: str, most: int = FIELD) -> str:
    """`text` as one line: a break in a name must not forge a line of its own below it."""
    text = text.strip()
    if len(text) > most:
        text = text[:most] + "…"
    return _BREAKS.sub("·", text) if not text.isprintable() else text


def prose(_: Translate, text: str, most: int = PROSE) -> str:
    """`text` with its line breaks as "\\n"; what is beyond `most` characters is counted, not printed."""
    kept = "\n".join(_BREAKS.split(text[:most])).strip("\n")
    if len(text) <= most:
        return kept
    return kept + "\n" + _("… {n} more characters: ask the lab", n=len(text) - most)


def several_lines(text: str) -> bool:
    return _BREAKS.search(text) is not None


class Paper:
    """Takes blocks until the slip is as long as a slip may be, and remembers whether it refused any."""

    def __init__(self, lines: int = LINES) -> None:
        self.blocks: list[Block] = []
        self.cut = False
        self._left = lines
        self._half = lines // 2

    @property
    def half(self) -> bool:
        return self._left <= self._half

    @property
    def full(self) -> bool:
        return self._left <= 0

    def put(self, blocks: Iterable[Block]) -> None:
        """Take them one by one: what comes after the end is never even made."""
        for block in blocks:
            if self._left <= 0:
                self.cut = True
                return
            self.blocks.append(block)
            self._left -= _height(block)


def _height(block: Block) -> int:
    """About how many lines a block takes on 48 columns."""
    match block:
        case Row():
            return 1 + (len(block.name) + len(block.value) + len(block.previous)) // _WIDE
        case Text():
            return 1 + block.text.count("\n") + len(block.text) // _WIDE
        case Pair():
            return 1 + (len(block.label) + len(block.value)) // _WIDE
        case Heading() | Banner():
            return block.size * (1 + len(block.text) * block.size // _WIDE)
        case Code():
            return 7
        case _:
            return 1
