"""When each lane has work again: no moment is forgotten for an earlier one."""

from __future__ import annotations

from heapq import heappop, heappush


class Agenda:
    """Moments to come, by lane. Each is told once; the same moment of the same lane is one."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, str]] = []
        self._noted: set[tuple[float, str]] = set()

    def note(self, lane: str, moment: float) -> None:
        """There is work in `lane` at `moment`, seconds since the epoch."""
        entry = (moment, lane)
        if entry not in self._noted:
            self._noted.add(entry)
            heappush(self._heap, entry)

    def take(self, now: float) -> tuple[str, ...]:
        """The lanes whose moment has come by `now`, the longest due first, each once."""
        lanes: dict[str, None] = {}
        while self._heap and self._heap[0][0] <= now:
            entry = heappop(self._heap)
            self._noted.discard(entry)
            lanes[entry[1]] = None
        return tuple(lanes)
