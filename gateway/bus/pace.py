"""How fast a bus is when it is well, learned from its own round trips, and from when on it is not.

A slow bus still moves: canaries are sent on a beat whether or not the last one is back, so that a bus
which needs two seconds for each still gives good evidence twice a second. What is learned here only
says from when on a missing answer is worth a word; how long a silence may last is the watch's business.
"""

from __future__ import annotations

from dataclasses import dataclass

#: What was learned counts half as much after this long, seconds: a busy morning is forgotten by noon.
HALF_LIFE = 60.0
#: A round trip this many times the slowest known is out of the ordinary.
FACTOR = 4.0
#: However slow a bus has been: this many times the site's patience is too long.
LONGEST = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """The slowest round trip of late, seconds, and the moment it was last looked at."""

    slowest: float = 0.0
    at: float = 0.0

    def learned(self, took: float, *, now: float) -> Pace:
        """With one more round trip, back at `now`, that took so many seconds."""
        return Pace(slowest=max(took, self._faded(now)), at=now)

    def doubt_after(self, *, now: float, beat: float, patience: float) -> float:
        """Seconds without an answer after which something may be wrong. Half the site's patience at
        most: the watch wants to hear of it before its patience is over."""
        return min(max(beat, FACTOR * self._faded(now)), patience / 2)

    def stuck_after(self, *, now: float, patience: float) -> float:
        """Seconds after which a canary is lost, on a bus that answers all the while."""
        return min(max(patience, FACTOR * self._faded(now)), LONGEST * patience)

    def _faded(self, now: float) -> float:
        return float(self.slowest * 0.5 ** (max(0.0, now - self.at) / HALF_LIFE))
