"""Is it still the same printer that was asked before, or one that was switched on since?"""

from __future__ import annotations

from dataclasses import dataclass

#: `printer-up-time` counts whole seconds, and an answer takes a while to come.
_TOLERANCE = 2.5
#: Some count from 1970 instead of from when they were switched on: they cannot tell.
_NO_UP_TIME = 600_000_000


@dataclass(frozen=True, slots=True)
class Boot:
    """The moment at which a printer was switched on, in our clock's seconds; None where it cannot tell."""

    moment: float | None

    @classmethod
    def of(cls, up_time: int | None, now: float) -> Boot:
        if up_time is None or not 0 <= up_time < _NO_UP_TIME:
            return cls(None)
        return cls(now - up_time)

    def same(self, up_time: int | None, now: float) -> bool:
        """Certainly not restarted in between: what it does not know of never came."""
        again = Boot.of(up_time, now).moment
        if self.moment is None or again is None:
            return False
        return abs(again - self.moment) <= _TOLERANCE
