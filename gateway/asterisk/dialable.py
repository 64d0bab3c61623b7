"""Which numbers may be dialled at all, whatever the directory says."""

from __future__ import annotations

import re
from collections.abc import Sequence

# With and without a 0 before for an outside line: abroad, and what is charged by the minute or the call
# (French numbering plan: 081, 082, 089).
_DEAR = re.compile(r"0?00|0?08[1-9]")
_CLASS = {"X": "[0-9]", "Z": "[1-9]", "N": "[2-9]"}


def dialable(number: str, allow: Sequence[str]) -> bool:
    """Whether one of the site's patterns allows it, and it is neither abroad nor dear: a directory is kept by
    people, and a wrong entry must cost nothing but a call."""
    if not re.fullmatch(r"[0-9]{2,15}", number) or _DEAR.match(number):
        return False
    return any(re.fullmatch(_regex(pattern), number) for pattern in allow)


def _regex(pattern: str) -> str:
    return "".join(_CLASS.get(c, c) for c in pattern)
