"""How the printer is set: what ESC @ puts back and every command in between may change."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from printers.virtual.paper import Align, Style

LINE_SPACING = 30  # dots: ESC 2, 3.75 mm at 203 dpi


@dataclass(slots=True)
class Barcode:
    module: int = 3
    height: int = 162
    caption: int = 0  # GS H: 0 none, 1 above, 2 below, 3 both


@dataclass(slots=True)
class Qr:
    module: int = 3
    correction: int = 48
    data: bytes = b""


@dataclass(slots=True)
class Setting:
    """As it is after ESC @. Distances in dots."""

    width: int  # of the printable area, from `margin`
    ideographs: bool = False  # reads two bytes above 7F as one character
    style: Style = field(default_factory=Style)
    align: Align = Align.LEFT
    codec: str = "cp437"
    nation: int = 0
    spacing: int = LINE_SPACING
    margin: int = 0
    tabs: tuple[int, ...] = tuple(range(8, 256, 8))  # columns
    barcode: Barcode = field(default_factory=Barcode)
    qr: Qr = field(default_factory=Qr)

    def restyle(self, **changes: object) -> None:
        self.style = replace(self.style, **changes)  # type: ignore[arg-type]
