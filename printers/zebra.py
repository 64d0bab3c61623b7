"""What a label printer says to ~HS: three lines of numbers, in the words of all printers (ZPL II, ~HS)."""

from __future__ import annotations

import re
from dataclasses import dataclass

ASK = b"~HS"
CANCEL = b"~JA"  # forget every format that is not printed yet

_LINE = re.compile(rb"\x02([0-9, ]{3,80})\x03\r?\n?")
_LONGEST = 2048


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """`waiting`: formats and labels that are still to be printed."""

    reasons: tuple[str, ...]
    waiting: int


class Answers:
    """Cuts what comes back into statuses; other bytes are passed over."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, data: bytes) -> list[Status]:
        self._held += data
        found: list[Status] = []
        while len(lines := list(_LINE.finditer(self._held))) >= 3:
            first, second, third = lines[:3]
            status = _status(_numbers(first[1]), _numbers(second[1]))
            if status is None:  # a line was lost: the next may begin here
                del self._held[: first.end()]
                continue
            found.append(status)
            del self._held[: third.end()]
        if len(self._held) > _LONGEST:
            del self._held[:-_LONGEST]
        return found


def _numbers(line: bytes) -> list[int]:
    return [int(part) for part in line.split(b",") if part.strip().isdigit()]


def _status(first: list[int], second: list[int]) -> Status | None:
    if len(first) != 12 or len(second) != 11:
        return None
    flags = {
        "media-empty": first[1],
        "cover-open": second[2],  # the head is up
        "marker-supply-empty": second[3] and second[4],  # ribbon out, where it prints with one
        "other-error": first[9] or first[10] or first[11],  # memory lost, too cold, too hot
        "paused": first[2],
    }
    reasons = tuple(word for word, flag in flags.items() if flag)
    if len(reasons) > 1 and "paused" in reasons:  # it pauses itself when anything is wrong
        reasons = tuple(word for word in reasons if word != "paused")
    return Status(reasons=reasons, waiting=first[4] + second[8] + first[7])
