"""A hospital whose service can be killed at any moment, on a clock of its own, with a store that stays."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from gateway.clock import ReactorClock
from gateway.delivery import Receipt, Step
from gateway.directory import Directory, Person, Roster, Shift
from gateway.errors import Uncertain
from gateway.platform.handback import Handback
from gateway.router import Mode
from gateway.store.connection import readable
from gateway.store.sqlite import SqliteStore
from gateway.upstream import standing
from printers.virtual import VirtualPrinter
from tests.flow.conftest import LAB, START, WARDS, FakeLink, Hospital, Sample, Stage
from tests.flow.exchange import Exchange

#: How often somebody looks whether all goes well, seconds.
LOOK = 0.5

CALLS = (
    Step(by="call", within=90.0, to="ward"),
    Step(by="call", within=90.0, to="roster"),
    Step(by="courier"),
)
ROUX = Person(code="4711", name="Dr Roux", wards=("CARD", "NEURO"), phone="2222")
ALWAYS = Roster(
    name="cardio", shifts=(Shift(days=frozenset(range(7)), begin=0, end=1440, person="4711"),)
)


def _nothing(night: Night) -> None:
    """Nobody looks."""


class Broken(AssertionError):
    """A promise was not kept."""


class Night(Hospital):
    """A hospital whose service can be killed: its clock stands still for ever, its store file stays."""

    def begin(
        self, path: Path, *, seed: int, each_look: Callable[[Night], None] = _nothing
    ) -> Night:
        """Open it. `each_look` is called every LOOK seconds and may raise Broken."""
        self.each_look = lambda: each_look(self)
        self.dice = random.Random(seed)
        self.path = path
        self.mode = self.dice.choice((Mode.RELAY, Mode.RELAY, Mode.TAP, Mode.DIRECT))
        self.calls, self.people, self.rosters = CALLS, (ROUX,), (ALWAYS,)
        self.told: list[str] = []  # the events, to be read when a promise is broken
        self.sent: dict[str, Sample] = {}  # what was acknowledged, by the token in its note
        self.received: list[bytes] = []
        self.marked: list[str] = []
        self.world = Clock()  # of the printers and telephones: it goes on when the service does not
        self.printers = {
            name: VirtualPrinter(self.world, name=name)
            for name in ("cardio-slip", "neuro-slip", "lab-slip")
        }
        self.exchange = Exchange(self.world)
        self.directory = Directory.of(
            WARDS, lab=LAB, people={p.code: p for p in self.people},
            rosters={r.name: r for r in self.rosters},
        )  # fmt: skip
        self.mood = "up"
        self._looked = 0.0
        self._start()
        self._seen = readable(path)
        return self

    def _start(self) -> None:
        self.clock = Stage()
        self.clock.rightNow = self.world.seconds()
        self.time = ReactorClock(self.clock, wall=START + self.clock.seconds())
        self.store = SqliteStore(self.path, inline=True)
        self.standing = standing(self.do(self.store.platform()))
        self.wire()
        self.do(self.desk.open())
        self.handback = Handback(
            self.store, watch=self.watch, idle=lambda: not self.link.waiting, rate=50, every=1.0,
            reactor=self.clock, clock=self.time, wake=lambda: self.dispatcher.kick("platform"),
        )  # fmt: skip
        self.handback.startService()
        self._probe()

    def connect(self) -> FakeLink:
        link = super().connect()
        link.received, link.again, link.mood = self.received, self.marked, self.mood
        return link

    def _probe(self) -> None:
        """Whether the platform accepts connections, once a second."""
        if self.mood == "dead":
            self.watch.unreachable("connection refused")
        else:
            self.watch.reached()
        self.clock.callLater(1.0, self._probe)

    def feels(self, mood: str) -> None:
        """The platform, from now on."""
        self.mood = self.link.mood = mood
        waiting, self.link.waiting = self.link.waiting, []
        for answer, raw, control_id in waiting:
            if answer.called:
                continue
            if mood == "up":  # it had them all along
                self.received.append(raw)
                self.watch.acked(still=False)
                answer.callback(Receipt(by="platform", proof=f"MSA AA {control_id}", at=0.0))
            elif mood == "dead":
                answer.errback(Uncertain("connection lost"))
            else:
                self.link.waiting.append((answer, raw, control_id))

    # -- what happens

    def do(self, work: object) -> object:
        found = super().do(work)
        self._follow()
        return found

    def _follow(self) -> None:
        behind = self.clock.seconds() - self.world.seconds()
        if behind > 0:
            self.world.advance(behind)

    def passes(self, seconds: float) -> None:
        """Time passes, from one thing that happens to the next."""
        until = self.world.seconds() + seconds
        while (now := self.world.seconds()) < until:
            calls = self.clock.getDelayedCalls() + self.world.getDelayedCalls()
            following = min((call.getTime() for call in calls), default=until)
            step = min(max(following - now, 0.001), until - now, 1.0)
            self.clock.advance(step)
            self._follow()
            if now - self._looked >= LOOK:
                self._looked = now
                self.each_look()

    def tell(self, words: str) -> None:
        self.told.append(f"{self.world.seconds():9.1f}  {words}")

    def killed(self) -> None:
        """As by SIGKILL: nothing of it acts any more, its connections end, the file is all there is."""
        self.store.close()  # whatever it still does, it does not reach the file
        for printer in self.printers.values():
            printer.hosts.drop_all()
        self.world.advance(0.01)
        self._start()

    def stopped(self) -> None:
        """As by SIGTERM, and started again."""
        self.poller.stopService()
        self.do_in_time(self.dispatcher.stop(), within=8.0)
        self.handback.stopService()
        self.watch.stop()
        self.do(self.store.close())
        for printer in self.printers.values():
            printer.hosts.drop_all()
        self._start()

    def do_in_time(self, work: object, *, within: float) -> None:
        done: list[object] = []
        Deferred.fromCoroutine(work).addBoth(done.append)  # type: ignore[arg-type]
        end = self.world.seconds() + within
        while not done and self.world.seconds() < end:
            self.clock.advance(0.05)
            self._follow()
        if not done:
            raise Broken("a stop took longer than it may")

    # -- what is written

    def rows(self, sql: str, *bindings: object) -> list[tuple]:
        return list(self._seen.execute(sql, bindings))
