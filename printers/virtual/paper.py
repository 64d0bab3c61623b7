"""What came out of the virtual printer: slips, line by line, as a decoder read them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum


class Align(StrEnum):
    LEFT = "left"
    CENTRE = "centre"
    RIGHT = "right"


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How characters look. Sizes are multiples, 1 to 8; underline in dots."""

    font: str = "A"  # A 12 by 24 dots, B 9 by 17
    bold: bool = False
    underline: int = 0
    inverse: bool = False
    width: int = 1
    height: int = 1
    spacing: int = 0  # dots right of each character
    upside_down: bool = False

    @property
    def advance(self) -> int:
        """Dots from one character to the next."""
        return ((12 if self.font == "A" else 9) + self.spacing) * self.width

    @property
    def rise(self) -> int:
        """Dots from top to bottom."""
        return (24 if self.font == "A" else 17) * self.height


@dataclass(frozen=True, slots=True)
class Run:
    """Characters of one style, `x` dots from the left edge of the printable width."""

    text: str
    style: Style
    x: int

    @property
    def width(self) -> int:
        return len(self.text) * self.style.advance


@dataclass(frozen=True, slots=True)
class Image:
    """Dots: rows of whole bytes, most significant bit left, 1 black; shown `scale` times as large."""

    width: int  # dots, before scaling
    height: int
    bits: bytes
    scale: tuple[int, int] = (1, 1)

    @property
    def size(self) -> tuple[int, int]:
        return self.width * self.scale[0], self.height * self.scale[1]


@dataclass(frozen=True, slots=True)
class Symbol:
    """A barcode or QR code the printer drew itself: what it says, and its dots."""

    kind: str  # "CODE128", "QR"
    data: str
    image: Image
    caption: str = ""  # the readable text under a barcode, when it was asked for


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One printed line. `y` and `height` in dots from the top of the slip."""

    y: int
    height: int
    align: Align = Align.LEFT
    runs: tuple[Run, ...] = ()
    images: tuple[tuple[int, Image], ...] = ()  # x and dots, among the characters (ESC *)
    picture: Image | Symbol | None = None  # on a line of its own
    x: int = 0  # of the picture

    @property
    def text(self) -> str:
        match self.picture:
            case Symbol(kind=kind, data=data):
                return f"[{kind} {data}]"
            case Image(size=(width, height)):
                return f"[raster {width}x{height}]"
            case None:
                return _read(self.runs, self.images)

    @property
    def middle(self) -> int:
        return self.y + self.height // 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Slip:
    """One piece of paper. `cut`: "partial", "full", "torn" off by hand, or "" still in the printer."""

    number: int
    lines: tuple[Line, ...]
    height: int  # dots
    width: int  # printable dots
    dpi: int
    columns: int
    cut: str
    at: float  # seconds since the epoch, UTC
    unknown: tuple[str, ...] = ()  # commands no decoder knows, in hex
    warnings: tuple[str, ...] = ()
    acts: tuple[str, ...] = ()  # "buzzer", "drawer": what happened beside the paper

    @property
    def text(self) -> str:
        """One line per printed line, indented as on paper."""
        return "\n".join(self._rows()).strip("\n") + "\n"

    def record(self) -> dict[str, object]:
        """All of it for machines to read, but for the dots of images."""
        return {
            "number": self.number,
            "cut": self.cut,
            "width_dots": self.width,
            "height_dots": self.height,
            "dpi": self.dpi,
            "text": self.text,
            "lines": [_line_record(line) for line in self.lines],
            "unknown": list(self.unknown),
            "warnings": list(self.warnings),
            "acts": list(self.acts),
        }

    def _rows(self) -> Iterator[str]:
        cell = max(1, self.width // self.columns)
        for line in self.lines:
            start = line.runs[0].x if line.runs else line.x
            indent = start // cell if line.align is not Align.LEFT else 0
            yield (" " * indent + line.text).rstrip()


def _read(runs: tuple[Run, ...], images: tuple[tuple[int, Image], ...]) -> str:
    """Characters and images from left to right; a jump over white paper reads as spaces."""
    parts: list[tuple[int, int, str]] = [(run.x, run.width, run.text) for run in runs]
    parts += [(x, image.size[0], "[image {}x{}]".format(*image.size)) for x, image in images]
    text, edge = "", None
    for x, width, part in sorted(parts):
        text += " " * ((x - edge) // 12 if edge is not None else 0) + part
        edge = x + width
    return text


def _line_record(line: Line) -> dict[str, object]:
    record: dict[str, object] = {"y": line.y, "align": str(line.align), "text": line.text}
    if line.runs:
        record["runs"] = [{"text": run.text, **_changed(run.style)} for run in line.runs]
    if isinstance(line.picture, Symbol):
        record["code"] = {"kind": line.picture.kind, "data": line.picture.data}
    elif line.picture is not None:
        record["raster"] = list(line.picture.size)
    return record


def _changed(style: Style) -> dict[str, object]:
    """What differs from plain type."""
    plain = asdict(Style())
    return {key: value for key, value in asdict(style).items() if value != plain[key]}


@dataclass(slots=True)
class Roll:
    """The paper in the printer. `blade`: dots between the print head and the cutter above it.

    What is printed less than that before a cut stays in the printer, at the top of the next piece:
    a job that cuts without feeding loses its last lines to its neighbour, here as on paper.
    """

    blade: int
    y: int = 0  # the print head, in dots from the cut edge
    lines: list[Line] = field(default_factory=list)

    def cut(self, at: int) -> tuple[Line, ...]:
        """Cut `at` dots from the edge: what falls off. The rest moves up."""
        off = tuple(line for line in self.lines if line.middle < at)
        self.lines = [replace(line, y=line.y - at) for line in self.lines if line.middle >= at]
        self.y -= at
        return off
