"""What carrying out a command leads to, beside marks on paper."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fed:
    """Paper moved by `dots`; with `line`, a line was printed."""

    dots: int
    line: bool = False


@dataclass(frozen=True, slots=True)
class Cut:
    """The blade is to fall, `at` dots from the edge of the paper. `kind`: "full" or "partial"."""

    kind: str
    at: int


@dataclass(frozen=True, slots=True)
class Reply:
    """Bytes for the host, in their turn; `mark`: they prove that what came before is printed."""

    data: bytes
    mark: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """Automatic status was switched to `mask` (GS a n); 0: off."""

    mask: int


Effect = Fed | Cut | Reply | Report
