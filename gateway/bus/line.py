"""One session with the bus that carries messages, and what is under way on it."""

from __future__ import annotations

from typing import Protocol

from twisted.internet.interfaces import IDelayedCall

from gateway.bus.flights import Flights
from gateway.bus.role import Arrived, Target, Trouble


class Owner(Protocol):
    """Who has opened it."""

    def lost(self, line: Line, trouble: Trouble) -> None: ...
    def blocked(self, line: Line) -> None: ...
    def receipt(self, arrived: Arrived) -> None: ...


class Line:
    """Its holder (role `TargetHolder`); the session itself is here once it is open."""

    def __init__(self, owner: Owner) -> None:
        self.session: Target | None = None
        self.flights = Flights()
        self.blocked_by = ""  # why the bus takes nothing for now
        self.over = False
        self.made_at = 0.0
        self.ending: IDelayedCall | None = None
        self._owner = owner

    def forget(self) -> None:
        """Its end need not be seen to any more."""
        if self.ending is not None and self.ending.active():
            self.ending.cancel()

    def lost(self, trouble: Trouble) -> None:
        self.over = True
        self._owner.lost(self, trouble)

    def blocked(self, reason: str) -> None:
        self.blocked_by = reason
        self._owner.blocked(self)

    def receipt(self, arrived: Arrived) -> None:
        self._owner.receipt(arrived)
