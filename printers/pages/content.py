"""What a template gets: the blocks of a slip as plain data, every text made visible and breakable."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import count
from typing import Any

from printers.glyphs import spell
from printers.pages.symbol import code128, picture, qr
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
from printers.text import Printable, visible

Data = dict[str, Any]


def content(
    slip: Slip, *, drawn: Mapping[Enclosure, Sequence[bytes]]
) -> tuple[Data, Mapping[str, bytes]]:
    """The data of a page, and the pictures that stand beside it by the names it calls them."""
    pictures = _Pictures(drawn)
    enclosures = [e for part in _parts(slip) for e in part if isinstance(e, Enclosure)]
    header, body, footer = ([*_blocks(part, slip, drawn)] for part in _parts(slip))
    data = {
        "form": str(slip.form),
        "language": slip.language,
        "page": one(slip.page_word),
        "running": one(_short(slip.running, 260)),
        "place": [one(_short(each, 40)) for each in _place(slip.header)],
        "banners": [one(_short(b.text, 30)) for b in slip.header if isinstance(b, Banner)][:5],
        "columns": {name: one(text) for name, text in _columns(slip).items()},
        "history": [several(moment, 9) for moment in slip.history],
        "header": header,
        "body": body,
        "footer": footer,
        "enclosures": [
            {"title": one(e.title), "pages": names} for e in enclosures if (names := pictures.of(e))
        ],
    }
    return data, pictures.files


def one(text: str, most: int = 60) -> str:
    """Outside text for one line; a word longer than `most` may be broken anywhere."""
    return _breakable(spell(visible(_bounded(text))), most)


def several(text: str, most: int = 60) -> str:
    """Outside text of several lines, each ended by a "\\n" of our own."""
    return "\n".join(one(line, most) for line in _LINE_END.split(_bounded(text)))


_LINE_END = re.compile("\r\n|[\n\r\u2028\u2029]")
_LONGEST = 100_000  # characters of one field


def _bounded(text: str) -> str:
    """`text`, or its beginning and the number of characters left out: never cut in silence."""
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} [+{len(text) - _LONGEST}]"


def _breakable(text: Printable, most: int) -> str:
    """A space between digits does not break a number; a word wider than its place breaks anywhere."""
    if len(text) <= most and " " not in text:
        return text
    kept = _IN_NUMBER.sub("\u00a0", text)
    return re.sub(rf"[^ ]{{{most + 1},}}", lambda word: "\u200b".join(word[0]), kept)


_IN_NUMBER = re.compile("(?<=[0-9]) (?=[0-9]{2,3}(?![0-9:/]))")  # 1 200 000, 01 23 45; no hour


def _short(text: str, most: int) -> str:
    """For the top of a sheet, where the whole stands below: cut, and seen to be."""
    return text if len(text) <= most else text[:most] + "…"


def _place(header: Iterable[Block]) -> Iterator[str]:
    """Ward, number and site, as far as there are any."""
    for role in (Role.WARD, Role.NUMBER, Role.SITE):
        for block in header:
            if isinstance(block, Heading | Text) and block.role is role:
                yield block.text


def _parts(slip: Slip) -> tuple[Sequence[Block], ...]:
    return slip.header, slip.body, slip.footer


def _columns(slip: Slip) -> Mapping[str, str]:
    return asdict(slip.columns) if slip.columns else {}


class _Pictures:
    """The drawn pages of enclosures, named as they are asked for."""

    def __init__(self, drawn: Mapping[Enclosure, Sequence[bytes]]) -> None:
        self._drawn = drawn
        self._numbers = count(1)
        self.files: dict[str, bytes] = {}

    def of(self, enclosure: Enclosure) -> list[str]:
        """Their names, "" for a page that nobody could draw."""
        pages = [
            (f"enclosed-{next(self._numbers)}.svg" if page else "", page)
            for page in self._drawn.get(enclosure, ())
        ]
        self.files |= {name: picture(page) for name, page in pages if name}
        return [name for name, _ in pages]


def _blocks(
    blocks: Iterable[Block], slip: Slip, drawn: Mapping[Enclosure, object]
) -> Iterator[Data]:
    """Each block as data; rows that follow one another, and the remarks below them, as one table."""
    table: list[Data] = []
    for block in blocks:
        if isinstance(block, Row):
            table.append(_row(block, len(slip.history)))
        elif table and isinstance(block, Text) and block.indent:
            table.append(_text(block))
        else:
            if table:
                yield {"is": "table", "rows": table}
                table = []
            yield from (
                _enclosure(block, slip.undrawn, drawn)
                if isinstance(block, Enclosure)
                else (_block(block),)
            )
    if table:
        yield {"is": "table", "rows": table}


def _block(block: Block) -> Data:
    match block:
        case Heading():
            text = several(block.text, 30)
            return {"is": "heading", "text": text, "size": block.size, "role": str(block.role)}
        case Banner():
            return {"is": "banner", "text": several(block.text, 30), "size": block.size}
        case Pair():
            label, value = one(block.label, 24), several(block.value, 24)
            return {"is": "pair", "label": label, "value": value, "tone": str(block.tone)}
        case Text():
            return _text(block)
        case Rule():
            return {"is": "rule"}
        case Space():
            return {"is": "space"}
        case Code():
            return _code(block)
        case _:  # rows stand in tables, enclosures were opened
            raise TypeError(f"not a block of its own: {block!r}")


def _text(block: Text) -> Data:
    return {
        "is": "text",
        "text": several(block.text),
        "tone": str(block.tone),
        "indent": block.indent,
        "centred": block.centred,
        "role": str(block.role),
    }


def _row(row: Row, columns: int) -> Data:
    value, previous = several(row.value, 8), several(row.previous, 8)
    unit, reference = one(row.unit, 6), one(row.reference, 9)
    room = _NAME - _EARLIER * columns
    shown = len(row.value) + (len(row.previous) + 3 if row.previous else 0)
    history = (*row.history, *[""] * columns)[:columns]
    return {
        "is": "row",
        "name": one(row.name, room),
        "status": one(row.status, room),
        "value": value,
        "previous": previous,
        "unit": unit,
        "reference": reference,
        "mark": one(row.mark, 3),
        "tone": str(row.tone),
        "wide": shown > _VALUE,
        "joined": len(row.unit) > _UNIT,
        "history": [one(each, 6) for each in history],
    }


# Characters of a value and of a unit that stand in their columns unbroken; a wider one takes its
# neighbours' room.
_VALUE, _UNIT = 11, 9
# Characters of a name's longest word that stand unbroken, and what each column of earlier values takes.
_NAME, _EARLIER = 32, 6


def _code(block: Code) -> Data:
    found = {"is": "code", "caption": one(block.caption or block.data), "bars": "", "qr": ""}
    if _SYMBOL_DATA.fullmatch(block.data):
        found |= {"bars": code128(block.data), "qr": qr(block.data)}
    return found


_SYMBOL_DATA = re.compile("[ -~]{1,64}")


def _enclosure(block: Enclosure, undrawn: str, drawn: Mapping[Enclosure, object]) -> Iterator[Data]:
    """A text stands where it is; what was drawn follows behind; of what was not it is said here."""
    if block in drawn:
        return
    title = " ".join(block.title.split())
    yield {"is": "rule"}
    if block.media_type == "text/plain":
        yield _text(Text(text=title, tone=Tone.STRONG))
        yield _text(Text(text=block.data.decode("utf-8", "replace"), indent=2))
    else:
        yield _text(Text(text=undrawn.replace("{title}", title), tone=Tone.STRONG))
