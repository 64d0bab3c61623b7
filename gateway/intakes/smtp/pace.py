"""How much one sender may hand in within an hour: mails, bytes, and mails that nothing vouches for."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

#: Senders remembered; past that the longest silent one is forgotten.
REMEMBERED = 5000

HOUR = 3600.0


class Pace:
    """What each sender (any word that names one) has handed in within the last hour."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._past: dict[str, _Past] = {}

    def count(self, who: str) -> int:
        return len(self._recent(who).each)

    def size(self, who: str) -> int:
        return self._recent(who).size

    def add(self, who: str, size: int) -> None:
        recent = self._recent(who)
        self._past.pop(who, None)  # to the end: the longest silent one stands first
        self._past[who] = recent
        recent.each.append((self._now(), size))
        recent.size += size
        if len(self._past) > REMEMBERED:
            del self._past[next(iter(self._past))]

    def _recent(self, who: str) -> _Past:
        recent = self._past.get(who) or _Past()
        since = self._now() - HOUR
        while recent.each and recent.each[0][0] < since:
            recent.size -= recent.each.popleft()[1]
        return recent


@dataclass(slots=True)
class _Past:
    """What came within the hour, oldest first, and the bytes of it together."""

    each: deque[tuple[float, int]] = field(default_factory=deque)
    size: int = 0
