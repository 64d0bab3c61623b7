"""How fast a bus is when it is well, learned from its own answers, and from when on it is not.

A slow bus still moves: canaries are sent on a beat whether or not the last one is back, so that a bus
which needs two seconds for each still gives good evidence twice a second. What is learned here only
says from when on a missing answer is worth a word; how long a silence may last is the watch's business.
"""

from __future__ import annotations

from dataclasses import dataclass

#: What was learned counts half as much after this long, seconds: a busy morning is forgotten by noon.
HALF_LIFE = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """The longest wait of late, seconds, and the moment it was last looked at."""

    longest: float = 0.0
    at: float = 0.0

    def learned(self, took: float, *, now: float) -> Pace:
        """With one more wait, over at `now`, that took so many seconds."""
        return Pace(longest=max(took, self._faded(now)), at=now)

    def limit(self, *, now: float, times: float, least: float, most: float) -> float:
        """Seconds after which a wait is out of the ordinary: so many times the longest known, within
        bounds."""
        return min(max(times * self._faded(now), least), most)

    def _faded(self, now: float) -> float:
        return float(self.longest * 0.5 ** (max(0.0, now - self.at) / HALF_LIFE))
