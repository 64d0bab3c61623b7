"""The print head: the line it is composing, the paper under it, and how it is set."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from printers.model import Model
from printers.virtual import charset
from printers.virtual.effect import Effect, Fed
from printers.virtual.paper import Align, Image, Line, Roll, Run, Symbol
from printers.virtual.setting import Setting

CAPTION = 30  # dots for the readable text under a barcode


class Head:
    """Composes lines and prints them on `roll`; keeps what it could not do in `unknown`, `warnings`."""

    def __init__(self, model: Model, roll: Roll, *, low: Callable[[], bool]) -> None:
        self.model = model
        self.roll = roll
        self.low = low  # is paper nearly out?
        self.unknown: list[str] = []
        self.warnings: list[str] = []
        self.acts: list[str] = []
        self.reset()

    def reset(self) -> None:
        """ESC @: the line begun is lost, all settings are as at power-on."""
        self.set = Setting(width=self.model.dots, ideographs=self.model.cancel_kanji)
        self.clear()

    def clear(self) -> None:
        """Forget the line that is not printed yet."""
        self._runs: list[Run] = []
        self._images: list[tuple[int, Image]] = []
        self._x = 0

    @property
    def composing(self) -> bool:
        return bool(self._runs or self._images)

    @property
    def x(self) -> int:
        """Where the next character goes, in dots from the margin."""
        return self._x

    def move_to(self, x: int) -> None:
        self._x = max(0, min(x, self.set.width))

    def refuse(self, name: str, args: bytes) -> None:
        """A known command with a value no printer knows: ignored, and written down."""
        self.unknown.append(f"{name} {args[:32].hex(' ')}".rstrip())

    def text(self, raw: bytes) -> Iterator[Effect]:
        decode = charset.decode_ideographs if self.set.ideographs else charset.decode
        text = decode(raw, codec=self.set.codec, nation=self.set.nation)
        if charset.UNDEFINED in text:
            self.warnings.append(f"not in {self.set.codec}: {raw[:32].hex(' ')}")
        while text:
            yield from self._room_for(self.set.style.advance)
            fits = max(1, (self.set.width - self._x) // self.set.style.advance)
            self._add(text[:fits])
            text = text[fits:]

    def image(self, image: Image) -> Iterator[Effect]:
        """Dots into the line, like a character (ESC *)."""
        yield from self._room_for(image.size[0])
        self._images.append((self._x, image))
        self._x += image.size[0]

    def print_line(self, feed: int | None = None) -> Iterator[Effect]:
        """Print the line composed and feed: one line, or `feed` dots."""
        line = self._line()
        printed = self.composing
        dots = self.set.spacing if feed is None else feed
        if printed:
            dots = max(dots, line.height)
        if printed or feed is None:  # LF alone is an empty line; ESC d and ESC J are white paper
            self.roll.lines.append(line)
        self.roll.y += dots
        self.clear()
        yield Fed(dots, line=printed)

    def finish_line(self, before: str) -> Iterator[Effect]:
        if self.composing:
            self.warnings.append(f"{before} in the middle of a line")
            yield from self.print_line()

    def picture(self, picture: Image | Symbol, name: str) -> Iterator[Effect]:
        """A raster or a code, on lines of its own."""
        yield from self.finish_line(name)
        image = picture.image if isinstance(picture, Symbol) else picture
        width, height = image.size
        if isinstance(picture, Symbol) and picture.caption:
            height += CAPTION
        line = Line(
            y=self.roll.y,
            height=height,
            align=self.set.align,
            picture=picture,
            x=self._indent(width),
        )
        self.roll.lines.append(line)
        self.roll.y += height
        yield Fed(height, line=True)

    def _room_for(self, dots: int) -> Iterator[Effect]:
        """Begin a new line when `dots` more do not fit on this one."""
        if self.composing and self._x + dots > self.set.width:
            yield from self.print_line()

    def _add(self, text: str) -> None:
        last = self._runs[-1] if self._runs else None
        if last and last.style == self.set.style and last.x + last.width == self._x:
            self._runs[-1] = replace(last, text=last.text + text)
        else:
            self._runs.append(Run(text, self.set.style, self._x))
        self._x += len(text) * self.set.style.advance

    def _line(self) -> Line:
        indent = self._indent(self._x)
        heights = [run.style.rise for run in self._runs]
        heights += [image.size[1] for _, image in self._images]
        return Line(
            y=self.roll.y,
            height=max(heights, default=self.set.spacing),
            align=self.set.align,
            runs=tuple(replace(run, x=run.x + indent) for run in self._runs),
            images=tuple((x + indent, image) for x, image in self._images),
        )

    def _indent(self, width: int) -> int:
        spare = max(0, self.set.width - width)
        share = {Align.LEFT: 0, Align.CENTRE: spare // 2, Align.RIGHT: spare}
        return self.set.margin + share[self.set.align]
