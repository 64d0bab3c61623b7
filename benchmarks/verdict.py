"""How a measurement is told: a table, and each aim with what was measured and whether it was met."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """One aim; `measured` in the same unit as its bound."""

    what: str
    bound: float
    measured: float
    unit: str = ""
    least: bool = False  # the bound is a least, not a most

    @property
    def met(self) -> bool:
        """False for nan: what could not be measured was not met."""
        return self.measured >= self.bound if self.least else self.measured <= self.bound

    def __str__(self) -> str:
        word = "met   " if self.met else "MISSED"
        sign = ">=" if self.least else "<="
        found, bound = _figure(self.measured, self.unit), _figure(self.bound, self.unit)
        return f"  {word}  {self.what}: {found} (aim {sign} {bound})"


def show(title: str, *, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table: first column to the left, the others to the right."""
    widths = [max(len(row[i]) for row in (heads, *rows)) for i in range(len(heads))]
    print(f"\n{title}")
    for row in (heads, *rows):
        cells = [
            row[0].ljust(widths[0]),
            *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True)),
        ]
        print("  " + "  ".join(cells).rstrip())


def ms(seconds: float) -> str:
    return f"{seconds * 1000:,.1f} ms"


def per_second(rate: float) -> str:
    return f"{rate:,.0f}/s"


def _figure(value: float, unit: str) -> str:
    if unit == "%":
        return f"{value * 100:.0f} %"
    if unit == "ms":
        return ms(value)
    return f"{value:,.2f} {unit}".rstrip()
