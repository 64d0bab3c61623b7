"""The site's own critical limits: a value beyond them is critical whatever OBX-8 says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.message import Flag

# The comparator, then a number with decimal point or comma; blanks may part thousands.
_NUMBER = re.compile(
    r"\s*(<=|>=|=<|=>|<|>|≤|≥|=)?\s*([-+]?\d{1,3}(?:[ \u00a0\u202f]\d{3})+|[-+]?\d+)?([.,]\d+)?\s*"
)
_BELOW = ("<", "<=", "=<", "≤")
_ABOVE = (">", ">=", "=>", "≥")


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """A value at `low` or below, at `high` or above, is critical.

    `unit` is OBX-6 as the lab sends it; values in any other unit are not judged. "" means any.
    """

    low: float | None = None
    high: float | None = None
    unit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Critical limits by analyte code: OBX-3.1, or its alternate OBX-3.4."""

    ranges: Mapping[str, Range] = field(default_factory=dict)

    def of(self, *codes: str) -> Range | None:
        return next((r for c in codes if c and (r := self.ranges.get(c))), None)


def judge(value: str, limits: Range) -> Flag:
    """CRITICAL_LOW, CRITICAL_HIGH or NONE for a value as it was sent: "6,9", ">= 8.0", "<0.5".

    Only what is certain counts: "<5" against a low limit of 3 may be anything, so it is NONE.
    """
    read = measure(value)
    if read is None:
        return Flag.NONE
    comparator, number = read
    if limits.low is not None and number <= limits.low and comparator not in _ABOVE:
        return Flag.CRITICAL_LOW
    if limits.high is not None and number >= limits.high and comparator not in _BELOW:
        return Flag.CRITICAL_HIGH
    return Flag.NONE


def measure(value: str) -> tuple[str, float] | None:
    """The comparator ("" for none) and the number of a value that is nothing but these."""
    found = _NUMBER.fullmatch(value) if len(value) < 64 else None
    if not found or not (found[2] or found[3]):
        return None
    whole = re.sub(r"[ \u00a0\u202f]", "", found[2] or "0")
    return found[1] or "", float(whole + (found[3] or "").replace(",", "."))
