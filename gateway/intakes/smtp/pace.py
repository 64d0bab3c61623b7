"""How much one sender may hand in within an hour: mails, bytes, and mails that nothing vouches for."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

#: Senders remembered; past that the longest silent one is forgotten.
REMEMBERED = 5000

HOUR = 3600.0


class Pace:
    """What each sender (any word that names one) has handed in within the last hour."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._past: dict[str, deque[tuple[float, int]]] = {}

    def count(self, who: str) -> int:
        return len(self._recent(who))

    def size(self, who: str) -> int:
        return sum(size for _, size in self._recent(who))

    def add(self, who: str, size: int) -> None:
        recent = self._recent(who)
        self._past.pop(who, None)  # to the end: the longest silent one stands first
        self._past[who] = recent
        recent.append((self._now(), size))
        if len(self._past) > REMEMBERED:
            del self._past[next(iter(self._past))]

    def _recent(self, who: str) -> deque[tuple[float, int]]:
        recent = self._past.get(who, deque())
        since = self._now() - HOUR
        while recent and recent[0][0] < since:
            recent.popleft()
        return recent
