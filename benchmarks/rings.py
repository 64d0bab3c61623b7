"""How long a critical result waits for the first ring, by lines: the desk as it is, calls on a turned clock.

Two hundred results for forty wards come in one minute; whoever is rung answers after 3 s and has heard and
keyed back everything after 45 s more (measured: demo/ringing.py on a real Asterisk took 45 to 67 s).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from zoneinfo import ZoneInfo

import structlog
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from benchmarks.verdict import Aim, show
from gateway.asterisk.role import Ending, Outcome, Placed
from gateway.calling import CallDesk
from gateway.clock import ReactorClock
from gateway.delivery import NewDelivery, Purpose, Step
from gateway.directory import Directory, Ward
from gateway.message import Kind, Message, Patient, Priority
from gateway.service import spawn
from gateway.store import Acknowledgement, Arrival
from gateway.store.sqlite import SqliteStore

RESULTS, WARDS, WITHIN = 200, 40, 60.0
ANSWER, TALK = 3.0, 45.0
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
        for item in batch.items:
            self.waited[item.stored.id] = self._time.now() - item.stored.received_at
        placed = _Answered()
        batch.detail = "talking"

        def had() -> None:
            spawn(self._acknowledged(token, placed), "had")

        self._clock.callLater(ANSWER + TALK, had)
        return placed

    async def _acknowledged(self, token: str, placed: _Answered) -> None:
        batch = self.desk.batch(token) if self.desk is not None else None
        assert batch is not None
        for item in batch.items:
            said = Acknowledgement(
                message_id=item.stored.id, at=self._time.now(), name="x", via="call"
            )
            await self._store.acknowledge(said)
            batch.done.add(item.stored.id)
        placed.over.callback(Outcome(ending=Ending.DONE, rang=True, seconds=TALK))


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
