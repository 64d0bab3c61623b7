"""Pages of lines as the bytes of an ESC/POS printer: text mode wherever the model's code pages allow.

A line with a character on none of them becomes a raster strip as a whole; nothing ever becomes "?".
No byte below 20 comes from text: code pages are tables of bytes from 20 up, commands come
from `printers.command`, and there is no third source.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from printers import command
from printers.line import PLAIN, Bitmap, Line, Page, Run, Style, Symbol
from printers.model import CodePage, Cut, Model
from printers.raster import draw_line, draw_qr


def ticket(pages: Sequence[Page], model: Model) -> bytes:
    """`pages` as `model` prints them, each cut off (or fed past the tear bar).

    Layout bytes only: the channel puts `command.prelude` before them and a fence behind. It expects
    the printer as ESC @ leaves it, and leaves it in plain type. About 1 ms for twenty analytes.
    """
    writer = _Writer(model)
    for page in pages:
        writer.page(page)
    return b"".join(writer.parts)


class _Writer:
    """Remembers what the printer was told last, so as to say only what changes."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.parts: list[bytes] = [command.us_ascii()]
        if model.cancel_kanji:
            self.parts.append(command.cancel_kanji())
        self._type = _typecase(model.pages)
        self._slot: int | None = None  # ESC @ restores a page of the owner's choice
        self._style = PLAIN
        self._centred = False

    def page(self, page: Page) -> None:
        for line in page:
            if isinstance(line, Bitmap):
                self._raster(line)
            elif isinstance(line, Symbol):
                self._symbol(line)
            elif self._type.holds(line.text):
                self._line(line)
            else:
                self._raster(draw_line(line, dots=self.model.dots, columns=self.model.columns))
        self._set(PLAIN)
        self._centre(on=False)
        self.parts.append(_CUTS[self.model.cut])

    def _line(self, line: Line) -> None:
        runs = _without_tail(line.runs)
        if runs:
            self._centre(on=line.centred)
        for run in runs:
            self._set(run.style)
            self._text(run.text)
        self.parts.append(command.LF)

    def _text(self, text: str) -> None:
        if text.isascii():
            self.parts.append(text.encode("ascii"))
            return
        for slot, piece in self._type.set(text, self._slot):
            if slot != self._slot and slot is not None:
                self._slot = slot
                self.parts.append(command.code_page(slot))
            self.parts.append(piece)

    def _symbol(self, symbol: Symbol) -> None:
        native = _native_symbol(symbol.data, self.model)
        if native is None:
            self._raster(draw_qr(symbol.data, dots=self.model.dots))
        else:
            self._set(PLAIN)
            self._centre(on=True)
            self.parts.append(native)

    def _raster(self, bitmap: Bitmap) -> None:
        self._centre(on=False)
        self.parts += (
            command.raster(bitmap.width, strip) for strip in bitmap.strips(self.model.strip)
        )

    def _set(self, style: Style) -> None:
        before, self._style = self._style, style
        if style.large != before.large:
            self.parts.append(command.large(style.large))
        if style.bold != before.bold:
            self.parts.append(command.bold(style.bold))
        if style.inverse != before.inverse:
            self.parts.append(command.inverse(style.inverse))

    def _centre(self, *, on: bool) -> None:
        if on != self._centred:
            self._centred = on
            self.parts.append(command.centre(on))


_CUTS = {
    Cut.PARTIAL: command.cut(),
    Cut.FULL: command.cut(full=True),
    Cut.NONE: command.feed(4),  # 15 mm: past the tear bar
}


def _without_tail(runs: Sequence[Run]) -> tuple[Run, ...]:
    """The runs without white space at the end of the line: it costs bytes and shows nothing."""
    stop = len(runs)
    while stop and not runs[stop - 1].style.inverse and not runs[stop - 1].text.strip(" "):
        stop -= 1
    return tuple(runs[:stop])


def _native_symbol(data: str, model: Model) -> command.Command | None:
    """The code in the printer's own hand: Code 128 where it fits the paper, else QR; None for neither."""
    module = next(
        (dots for dots in (3, 2) if command.code128_width(data, module=dots) <= model.dots), None
    )
    if model.code128 and module and not (model.qr and model.prefers_qr):
        return command.code128(data, module=module)
    return command.qr(data, module=6) if model.qr else None


_PARTS = re.compile(
    "[ -~]+|[^ -~]"
)  # what every code page holds, and each character that not all hold


@dataclass(frozen=True, slots=True)
class _Typecase:
    """The characters a model prints as text: for each its bytes by slot, the first slot tried first."""

    bytes_of: Mapping[str, Mapping[int, bytes]]
    known: frozenset[str]  # all of them, ASCII among them

    def holds(self, text: str) -> bool:
        return self.known.issuperset(text)

    def set(self, text: str, slot: int | None) -> Iterator[tuple[int | None, bytes]]:
        """`text` in pieces of one code page each, beginning from `slot` and staying while it can."""
        piece = bytearray()
        for part in _PARTS.findall(text):
            if part.isascii():
                piece += part.encode("ascii")
                continue
            homes = self.bytes_of[part]
            if slot is None or slot not in homes:
                if piece:
                    yield slot, bytes(piece)
                    piece.clear()
                slot = next(iter(homes))
            piece += homes[slot]
        if piece:
            yield slot, bytes(piece)


@cache
def _typecase(pages: tuple[CodePage, ...]) -> _Typecase:
    """Only the bytes 80-FF that mean a visible character; 20-7E are ASCII on every page."""
    found: dict[str, dict[int, bytes]] = {}
    for page in pages:
        for code in range(0x80, 0x100):
            char = bytes((code,)).decode(page.codec, errors="ignore")
            if char.isprintable() and char:
                found.setdefault(char, {})[page.slot] = bytes((code,))
    return _Typecase(found, frozenset(found).union(map(chr, range(0x20, 0x7F))))
