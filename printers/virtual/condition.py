"""What ails the printer, and the status bytes that say so."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Paper(StrEnum):
    IN = "in"
    LOW = "low"
    OUT = "out"


@dataclass(slots=True)
class Condition:
    """Bits as the TM-T20II sets them; the drawer's pin 3 reads high, as it does with no drawer."""

    paper: Paper = Paper.IN
    cover_open: bool = False
    cutter_stuck: bool = False  # the blade met something: waits to be freed
    switched_off_line: bool = False

    @property
    def on_line(self) -> bool:
        stopped = self.cover_open or self.cutter_stuck or self.switched_off_line
        return not stopped and self.paper is not Paper.OUT

    def answer(self, request: int) -> bytes:
        """The byte for DLE EOT `request` (1 to 4)."""
        out = self.paper is Paper.OUT
        bits = {
            1: 0x04 | (0 if self.on_line else 0x08),
            2: self.cover_open * 0x04 | out * 0x20 | self.cutter_stuck * 0x40,
            3: self.cutter_stuck * 0x08,
            4: (self.paper is not Paper.IN) * 0x0C | out * 0x60,
        }
        return bytes((0x12 | bits[request],))

    def auto_status(self) -> bytes:
        """The four bytes of automatic status (GS a)."""
        out = self.paper is Paper.OUT
        return bytes(
            (
                0x14 | (0 if self.on_line else 0x08) | self.cover_open * 0x20,
                self.cutter_stuck * 0x08,
                (self.paper is not Paper.IN) * 0x03 | out * 0x0C,
                0x0F,
            )
        )

    def __str__(self) -> str:
        words = [f"paper {self.paper}", "cover open" if self.cover_open else "cover closed"]
        words += ["cutter jammed"] if self.cutter_stuck else []
        return ", ".join(["on line" if self.on_line else "off line", *words])
