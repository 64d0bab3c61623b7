"""What is done every so often, whatever else happens: forget what is old enough, look at the clock."""

from __future__ import annotations

import structlog
from twisted.application.service import Service

from gateway.clock import ReactorClock
from gateway.poller import Repeat
from gateway.store import Store

log = structlog.get_logger()

#: The machine's clock may drift this far from ours before somebody is told, seconds.
JUMP = 2.0


def forgetting(store: Store, *, keep: float, clock: ReactorClock) -> Service:
    """What is done every minute: forgetting content that is old enough."""

    async def purge() -> None:
        before = clock.now() - keep
        while await store.purge(before=before, limit=500) == 500:
            pass

    return Repeat(purge, every=60.0, clock=clock, what="purge")


class Chime:
    """Tells once when somebody set the machine's clock: deadlines do not move with it, slips do."""

    def __init__(self, store: Store, clock: ReactorClock) -> None:
        self._store = store
        self._clock = clock
        self._known = 0.0

    async def look(self) -> None:
        skew = self._clock.skew()
        if abs(skew - self._known) > JUMP:
            self._known = skew
            log.error("clock jump", seconds=round(skew, 1))
            detail = {"seconds": round(skew, 1)}
            await self._store.note("clock jump", at=self._clock.now(), detail=detail)
