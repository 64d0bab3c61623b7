"""How long a critical result waits for the first ring, by lines: the desk as it is, calls on a turned clock.

Two hundred results for forty wards come in one minute. Whoever is rung answers after 3 s, has keyed a code
and a PIN after 28 s more, and then hears and keys back one result every 33 s (what espeak-ng takes to say it
all, keys included). What comes while a ward is on the telephone is told in that call: the call was its ring.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

import structlog
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from benchmarks.verdict import Aim, show
from gateway.asterisk.role import Ending, Outcome, Placed
from gateway.calling import Batch, CallDesk, Item
from gateway.clock import ReactorClock
from gateway.delivery import NewDelivery, Purpose, Step
from gateway.directory import Directory, Ward
from gateway.message import Kind, Message, Patient, Priority
from gateway.service import spawn
from gateway.store import Acknowledgement, Arrival
from gateway.store.sqlite import SqliteStore

RESULTS, WARDS, WITHIN = 200, 40, 60.0
ANSWER, LOGIN, EACH = 3.0, 28.0, 33.0
LINES = (4, 10, 20, 40)


def run(folder: Path, seconds: float) -> Iterator[Aim]:
    """Nothing is timed: the clock is turned, so the figures are the desk's own and not this machine's."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    found = {lines: sorted(_played(lines)) for lines in LINES}
    show(
        f"{RESULTS} critical results for {WARDS} wards within {WITHIN:g} s: accepted to first ring",
        heads=["lines", "half", "99 of 100", "last"],
        rows=[
            [str(n), f"{_at(w, 0.5):.0f} s", f"{_at(w, 0.99):.0f} s", f"{w[-1]:.0f} s"]
            for n, w in found.items()
        ],
    )
    yield Aim(what="99 of 100, forty lines", bound=15.0, measured=_at(found[40], 0.99), unit="s")
    yield Aim(what="99 of 100, four lines", bound=60.0, measured=_at(found[4], 0.99), unit="s")


def _played(lines: int) -> list[float]:
    """Seconds from each result's acceptance to the first ring that was about it."""
    clock = Clock()
    time = ReactorClock(clock, wall=0.0)
    store = SqliteStore(":memory:", inline=True)
    wards = {f"W{n}": Ward(code=f"W{n}", name=f"W{n}", phone=f"2{n:03}") for n in range(WARDS)}
    directory = Directory.of(wards, lab=Ward(code="LAB", name="LAB"))
    exchange = _Exchange(clock, time, store)
    desk = CallDesk(
        store,
        directory,
        phone=exchange,
        tell=_told,
        clock=time,
        zone=ZoneInfo("UTC"),
        node="bench",
        concurrent=lines,
    )
    exchange.desk = desk
    for number in range(RESULTS):
        clock.callLater(WITHIN * number / RESULTS, _accept, store, desk, time, number)
    while len(exchange.waited) < RESULTS:
        clock.advance(0.25)
    while clock.getDelayedCalls():  # let the last conversations end
        clock.advance(1.0)
    store.close()
    return list(exchange.waited.values())


def _accept(store: SqliteStore, desk: CallDesk, time: ReactorClock, number: int) -> None:
    ward = f"W{number % WARDS}"
    steps = (Step(by="call", within=3600.0, to="ward"), Step(by="courier"))
    store.accept(
        Arrival(
            intake="lab",
            peer="",
            received_at=time.now(),
            message=Message(
                control_id=str(number),
                sender="SIL|LABO",
                type="ORU^R01",
                kind=Kind.RESULT,
                priority=Priority.CRITICAL,
                patient=Patient(ipp=str(number)),
            ),
            raw=str(number).encode(),
            ward=ward,
            deliveries=(
                NewDelivery(to=ward, purpose=Purpose.CALL, priority=Priority.CRITICAL, steps=steps),
            ),
        )
    )
    desk.kick(f"{ward}/call")


class _Exchange:
    """Everybody answers and has it; `waited` by message id."""

    def __init__(self, clock: Clock, time: ReactorClock, store: SqliteStore) -> None:
        self._clock = clock
        self._time = time
        self._store = store
        self.desk: CallDesk | None = None
        self.waited: dict[int, float] = {}

    async def call(
        self,
        number: str,
        token: str,
        *,
        caller: str = "",
        timeout: float = 30.0,
        context: str = "",
        variables: Mapping[str, str] | None = None,
    ) -> Placed:
        batch = self.desk.batch(token) if self.desk is not None else None
        assert batch is not None
        placed = _Answered()
        batch.detail = "talking"
        self._reached(batch.items)
        spawn(self._talk(batch, placed), "talk")
        return placed

    def _reached(self, items: Sequence[Item]) -> None:
        now = self._time.now()
        for item in items:
            self.waited[item.stored.id] = now - item.stored.received_at

    async def _talk(self, batch: Batch, placed: _Answered) -> None:
        await self._pass(ANSWER + LOGIN)
        items: Sequence[Item] = batch.items
        while items:
            for item in items:
                await self._pass(EACH)
                said = Acknowledgement(
                    message_id=item.stored.id, at=self._time.now(), name="x", via="call"
                )
                await self._store.acknowledge(said)
                batch.done.add(item.stored.id)
            items = await batch.more()
            self._reached(items)
        placed.over.callback(Outcome(ending=Ending.DONE, rang=True))

    def _pass(self, seconds: float) -> Deferred[None]:
        passed: Deferred[None] = Deferred()
        self._clock.callLater(seconds, passed.callback, None)
        return passed


class _Answered:
    """Fills `gateway.asterisk.role.Placed`."""

    channel = "bench"

    def __init__(self) -> None:
        self.over: Deferred[Outcome] = Deferred()

    async def answered(self) -> bool:
        return True

    async def outcome(self) -> Outcome:
        return await self.over

    async def hang_up(self) -> None:
        """Nobody hangs up here."""


async def _told(topic: str, *, subject: str, reason: str) -> None:
    """There are no wrong numbers here."""


def _at(sorted_ones: list[float], part: float) -> float:
    return sorted_ones[min(len(sorted_ones) - 1, int(len(sorted_ones) * part))]
