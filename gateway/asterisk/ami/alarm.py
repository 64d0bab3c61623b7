"""Losing Asterisk is an alarm: told once when it has lasted, and once when it is over."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from gateway.asterisk.ami.words import Event
from gateway.service import spawn

#: Seconds without Asterisk before people are told: a restart takes less.
GRACE = 20.0

#: Hears that Asterisk is gone (`True`, and why) or back (`False`, "").
Told = Callable[[bool, str], Coroutine[Any, Any, None]]


class Alarm:
    """An ear of the link. It begins in trouble: an Asterisk that never comes up is told of as well."""

    def __init__(self, tell: Told, *, reactor: IReactorTime, grace: float = GRACE) -> None:
        self._tell = tell
        self._reactor = reactor
        self._grace = grace
        self._told = False
        self._due: IDelayedCall | None = None

    def start(self) -> None:
        self.down("it was not there when Wardline started")

    def stop(self) -> None:
        if self._due is not None and self._due.active():
            self._due.cancel()

    def event(self, event: Event) -> None:
        """Calls are somebody else's business."""

    def up(self) -> None:
        self.stop()
        if self._told:
            self._told = False
            spawn(self._tell(False, ""), "asterisk is back")

    def down(self, why: str) -> None:
        if not self._told and (self._due is None or not self._due.active()):
            self._due = self._reactor.callLater(self._grace, self._ring, why)

    def _ring(self, why: str) -> None:
        self._told = True
        spawn(self._tell(True, why), "asterisk is gone")
