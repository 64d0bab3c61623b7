"""The time: from the reactor you were given, never from the machine behind its back."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from twisted.internet.interfaces import IDelayedCall, IReactorTime


class Clock(Protocol):
    """What the service needs of time: now, and later."""

    def now(self) -> float:
        """Seconds since the epoch, UTC; never goes back within a process."""
        ...

    def call_later(self, delay: float, work: object, *args: object) -> IDelayedCall: ...


class ReactorClock:
    """Wall time carried by the reactor's own clock.

    Deadlines must not move when somebody sets the machine's clock, so wall time is read once and
    carried on by the reactor's monotonic seconds; `skew()` tells how far the two have come apart.
    """

    def __init__(self, reactor: IReactorTime, *, wall: float | None = None) -> None:
        self._reactor = reactor
        self._wall = time.time() if wall is None else wall
        self._start = reactor.seconds()

    def now(self) -> float:
        return self._wall + self._reactor.seconds() - self._start

    def call_later(self, delay: float, work: object, *args: object) -> IDelayedCall:
        return self._reactor.callLater(delay, work, *args)  # type: ignore[arg-type]

    def skew(self) -> float:
        """Seconds by which the machine's clock is ahead of ours."""
        return time.time() - self.now()


def local(moment: float, zone: str) -> datetime:
    """`moment` (seconds, UTC) on the site's wall."""
    return datetime.fromtimestamp(moment, ZoneInfo(zone))


def wall() -> float:
    """The machine's time, for verbs that run for a moment and have no reactor."""
    return time.time()
