"""`python -m benchmarks.fill SITE ROWS EVERY [held]`: a store with ROWS open rows, one in EVERY critical.

`held`: they were delivered by fallback, and wait to be handed back to the platform. They are written as
the service writes them, each with its journal entry, by the store's own `accept`: as after hours in which
nothing could print. Nobody is asked and nothing is sent.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from twisted.internet import asyncioreactor

asyncioreactor.install()

from twisted.internet import reactor  # noqa: E402, TID253
from twisted.internet.defer import Deferred, DeferredList  # noqa: E402

from benchmarks import messages  # noqa: E402
from gateway import config, router  # noqa: E402
from gateway.clock import wall  # noqa: E402
from gateway.delivery import NewDelivery, Purpose, State, Step  # noqa: E402
from gateway.directory import PLATFORM  # noqa: E402
from gateway.hl7 import read  # noqa: E402
from gateway.message import Message, Priority  # noqa: E402
from gateway.router import Mode, Plan  # noqa: E402
from gateway.store import Arrival  # noqa: E402
from gateway.store.sqlite import SqliteStore  # noqa: E402

_reactor: Any = reactor
_AT_ONCE = 2_000


class Filling:
    """Messages are read once and copied: what is filled is the store, not the time."""

    def __init__(self, site: config.Site, *, every: int, held: bool) -> None:
        self._held = held
        self._wards = [ward.code for ward in site.wards]
        self._plans = {
            p: Plan(steps=site.steps(p), expires=site.plans[p].expires) for p in Priority
        }
        self._every = every
        self._models = {
            (ward, critical): read(messages.result(0, ward=ward, critical=critical))
            for ward in self._wards
            for critical in (False, True)
        }

    async def fill(self, store: SqliteStore, rows: int) -> None:
        for start in range(0, rows, _AT_ONCE):
            numbers = range(start, min(start + _AT_ONCE, rows))
            await DeferredList([store.accept(self._arrival(n)) for n in numbers])
        await store.close()

    def _arrival(self, n: int) -> Arrival:
        number, ward = messages.FILLED + n, self._wards[n % len(self._wards)]
        critical = n % self._every == 0
        raw = messages.result(number, ward=ward, critical=critical)
        message = _renumbered(self._models[ward, critical], number)
        now = wall()
        return Arrival(
            intake="direct",
            peer="127.0.0.1",
            received_at=now,
            message=message,
            raw=raw,
            ward=ward,
            deliveries=self._deliveries(message, ward=ward, now=now),
        )

    def _deliveries(self, message: Message, *, ward: str, now: float) -> Sequence[NewDelivery]:
        if self._held:
            return (_HELD,)
        return router.plan(message, ward=ward, mode=Mode.DIRECT, plans=self._plans, now=now)


_HELD = NewDelivery(
    to=PLATFORM,
    purpose=Purpose.HANDBACK,
    priority=Priority.ROUTINE,
    steps=(Step(by="platform"),),
    state=State.HELD,
)


def _renumbered(message: Message, number: int) -> Message:
    assert message.patient is not None
    order = messages.order(number)
    return replace(
        message,
        control_id=f"B{number:08d}",
        patient=replace(message.patient, ipp=f"6{number:08d}", nda=f"26{number:08d}"),
        groups=tuple(replace(g, placer=order, filler=order) for g in message.groups),
    )


def main() -> None:
    site = config.read(Path(sys.argv[1]))
    store = SqliteStore(site.database(), reactor=_reactor)
    filling = Filling(site, every=int(sys.argv[3]), held="held" in sys.argv[4:])

    def begin() -> None:
        done = Deferred.fromCoroutine(filling.fill(store, int(sys.argv[2])))
        done.addErrback(lambda failure: failure.printTraceback())
        done.addBoth(lambda _: _reactor.stop())

    _reactor.callWhenRunning(begin)
    _reactor.run()


if __name__ == "__main__":
    main()
