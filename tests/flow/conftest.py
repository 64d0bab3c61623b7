"""A small hospital in memory: real store, dispatcher, printers' protocol and slips; time stands still.

Stories read like the ward: what it receives, what happens to its printer, how much time passes,
what paper it holds in its hands.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from zoneinfo import ZoneInfo

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from gateway.alarm import Alarms
from gateway.calling import CallDesk
from gateway.channels import escpos
from gateway.channels.platform import Settings as PlatformSettings
from gateway.clock import ReactorClock
from gateway.compose import Composer, House
from gateway.delivery import Receipt, Step
from gateway.directory import Directory, Person, Roster, Ward
from gateway.dispatcher import Dispatcher
from gateway.errors import PermanentFailure, Rejected, TemporaryFailure, Uncertain
from gateway.health import Health
from gateway.hl7 import Limits
from gateway.inbox import Door, Inbox
from gateway.message import Priority
from gateway.outage import OutageDesk
from gateway.platform.watch import Standing, Watch
from gateway.poller import Poller
from gateway.printing import Press
from gateway.relay import Relay
from gateway.router import Mode, Plan
from gateway.store import Accepted
from gateway.store.sqlite import SqliteStore
from printers.virtual import VirtualPrinter
from tests.flow.exchange import Exchange

START = 1_722_675_600.0  # 3 August 2024, 11:00 in Paris

WARDS = {
    "CARD": Ward(
        code="CARD",
        name="Cardiologie",
        devices=("cardio-slip",),
        neighbours=("NEURO",),
        phone="21 01",
        roster="cardio",
    ),
    "NEURO": Ward(
        code="NEURO", name="Neurologie", devices=("neuro-slip",), neighbours=("CARD",), phone="2102"
    ),
}
LAB = Ward(code="LAB", name="Laboratoire", devices=("lab-slip",), phone="4242")
PLANS = {
    Priority.ROUTINE: (30.0, 60.0, 60.0),
    Priority.URGENT: (10.0, 20.0, 20.0),
    Priority.CRITICAL: (5.0, 10.0, 10.0),
}


def plan(platform: float, slip: float, neighbour: float) -> Plan:
    steps = (
        Step(by="platform", within=platform),
        Step(by="slip", within=slip),
        Step(by="neighbour", within=neighbour),
        Step(by="courier"),
    )
    return Plan(steps=steps, expires=7200.0)


@dataclass
class Sample:
    """An ORU^R01 in the making; `raw` is its bytes."""

    control_id: str
    ward: str = "CARD"
    ipp: str = "69102274"
    family: str = "LEFÈBVRE"
    analytes: tuple[tuple[str, str, str, str], ...] = (("2823-3^Potassium", "4.1", "mmol/L", ""),)
    order: str = "99001"
    status: str = "F"
    processing: str = "P"
    extra: str = ""

    @property
    def raw(self) -> bytes:
        obx = "".join(
            f"OBX|{i}|NM|{code}^LN||{value}|{unit}|3.5-5.1|{flag}|||{self.status}\r"
            for i, (code, value, unit, flag) in enumerate(self.analytes, 1)
        )
        pv1 = f"PV1|1|I|{self.ward}^12^A\r" if self.ward else ""
        return (
            f"MSH|^~\\&|SIL|LABO|W|H|20240803110000||ORU^R01|{self.control_id}|{self.processing}"
            f"|2.5||||||UNICODE UTF-8\r"
            f"PID|1||{self.ipp}^^^H^PI||{self.family}^Éloïse||19530422|F\r{pv1}"
            f"OBR|1|P{self.order}|{self.order}|24323-8^Bilan|||20240803103000\r{obx}{self.extra}"
        ).encode()


class Stage(Clock):
    """A clock that is also the thread pool: what goes to a thread is done at once."""

    def getThreadPool(self) -> Stage:
        return self

    def callInThreadWithCallback(self, done: Callable[..., None], work: Callable[..., object],
                                 *args: object) -> None:  # fmt: skip
        done(True, work(*args))

    def callFromThread(self, work: Callable[..., object], *args: object) -> None:
        work(*args)


class FakeLink:
    """The platform's link, steered: it confirms, is dead, hangs or refuses, and tells the watch."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.mood = "up"
        self.received: list[bytes] = []
        self.again: list[str] = []  # control ids of what it may have had before
        self.refuses_always: set[str] = set()  # control ids, whatever its mood
        self.waiting: list[tuple[Deferred[Receipt], bytes, str]] = []
        self.watch: Watch | None = None

    def deliver(
        self,
        raw: bytes,
        control_id: str,
        *,
        timeout: float,
        token: object = None,
        again: bool = False,
    ) -> Deferred[Receipt]:
        answer: Deferred[Receipt] = Deferred()
        assert self.watch is not None
        if self.mood == "dead":
            self.watch.unreachable("connection refused")
            answer.errback(TemporaryFailure("connection refused"))
        elif self.mood == "refuses" or control_id in self.refuses_always:
            self.watch.refused(control_id, still=False)
            answer.errback(PermanentFailure("AR"))
        elif self.mood == "hangs":
            self.watch.owed()
            self.waiting.append((answer, raw, control_id))
            answer.addTimeout(timeout, self.clock, onTimeoutCancel=self._too_late)
        else:
            self.received.append(raw)
            self.again += [control_id] if again else []
            self.watch.acked(still=False)
            answer.callback(Receipt(by="platform", proof=f"MSA AA {control_id}", at=0.0))
        return answer

    def _too_late(self, result: object, timeout: float) -> object:
        raise Uncertain(f"no answer within {timeout:g} s")

    def give_up(self, reason: str) -> None:
        waiting, self.waiting = self.waiting, []
        for answer, _, _ in waiting:
            if not answer.called:
                answer.errback(Uncertain(reason))


@dataclass
class Hospital:
    """Everything a story needs, with a clock that moves only when it is told to."""

    clock: Stage = field(default_factory=Stage)
    numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    mode: Mode = Mode.RELAY
    accepted: list[Accepted] = field(default_factory=list)
    calls: tuple[Step, ...] = ()  # of critical results; () for a hospital without a telephone
    people: tuple[Person, ...] = ()
    rosters: tuple[Roster, ...] = ()
    standing: Standing | None = None  # what the last process knew of the platform

    def open(self, *, path: str = ":memory:") -> Hospital:
        self.time = ReactorClock(self.clock, wall=START + self.clock.seconds())
        self.store = SqliteStore(path, reactor=self.clock, inline=True)
        self.directory = Directory.of(
            WARDS, lab=LAB, people={p.code: p for p in self.people},
            rosters={r.name: r for r in self.rosters},
        )  # fmt: skip
        self.exchange = Exchange(self.clock)
        self.printers = {
            name: VirtualPrinter(self.clock, name=name)
            for name in ("cardio-slip", "neuro-slip", "lab-slip")
        }
        self.wire()
        return self

    def wire(self) -> None:
        """The service on this store and these printers; again after a crash."""
        settings = PlatformSettings(
            kind="mllp", connect="tcp:127.0.0.1:1", probe_every="1s", down_after="3s",
            up_after="30s",
        )  # fmt: skip
        self.watch = Watch.of(settings, reactor=self.clock, clock=self.time, standing=self.standing)
        self.link = self.connect()
        self.link.watch = self.watch
        self.health = Health(self.printers, now=self.time.now())
        channels = {name: self._channel(name) for name in self.printers}
        self.desk = OutageDesk(
            self.store, watch=self.watch, link=self.link, clock=self.time,
            wards=WARDS, accepted=lambda a: self.dispatcher.accepted(a),  # noqa: PLW0108 - not there yet
            platform_changed=lambda down: self.dispatcher.platform_changed(down),  # noqa: PLW0108
        )  # fmt: skip
        self.composer = composer = Composer(
            self.store, self.directory,
            house=House(code="HEX", name="Hôpital Exemple", language="fr",
                        timezone="Europe/Paris"),
            clock=self.time, outage=lambda: self.desk.current,
        )  # fmt: skip
        relay = Relay(
            self.store, self.link, judge=self.watch, window=16, composer=composer,
            clock=self.time, node="main",
        )  # fmt: skip
        press = Press(
            self.store, self.directory, channels=channels, composer=composer,
            health=self.health, clock=self.time,
        )  # fmt: skip
        self.channels = channels
        self.calling = CallDesk(
            self.store, self.directory, phone=self.exchange,
            tell=Alarms(self.store, clock=self.time, accepted=lambda a: self.dispatcher.accepted(a)),  # noqa: PLW0108
            clock=self.time, zone=ZoneInfo("Europe/Paris"), node="main", concurrent=2,
        )  # fmt: skip
        self.dispatcher = Dispatcher(
            self.store, self.directory, devices=channels, relay=relay, press=press,
            health=self.health, clock=self.time, node="main", quiet_since=self.watch.up_since,
            calls=self.calling,
        )  # fmt: skip
        self.inbox = Inbox(
            self.store, self.directory,
            plans=self._plans(),
            limits=Limits(ranges={}), clock=self.time, on_deliveries=self.dispatcher.accepted,
            down=lambda: self.desk.current is not None,
            shut=lambda: None if self.watch.open else self.watch.reason,
        )  # fmt: skip
        self.do(self.dispatcher.start())
        self.poller = Poller(
            channels, gates=self.dispatcher.gate, health=self.health, clock=self.time
        )
        self.poller.startService()

    def connect(self) -> FakeLink:
        return FakeLink(self.clock)

    def _plans(self) -> dict[Priority, Plan]:
        plans = {p: plan(*within) for p, within in PLANS.items()}
        critical = plans[Priority.CRITICAL]
        return plans | {Priority.CRITICAL: replace(critical, calls=self.calls)}

    def close(self) -> None:
        """As SIGTERM: attempts under way are cut short, what was theirs stays in the store."""
        self.poller.stopService()
        stopped = Deferred.fromCoroutine(self.dispatcher.stop())
        self.after(seconds=8)
        assert stopped.called, "a stop must not take longer"
        self.watch.stop()

    def _channel(self, name: str) -> escpos.EscposChannel:
        settings = escpos.Settings(
            name=name, kind="escpos", connect="tcp:127.0.0.1:1", model="TM-T20II"
        )
        return escpos.EscposChannel(
            settings, reactor=self.clock, clock=self.time, endpoint=self.printers[name].endpoint()
        )

    # -- what happens

    def do(self, work: object) -> object:
        """The result of a coroutine that needs no time to pass."""
        done: list[object] = []
        failed: list[object] = []
        deferred = work if isinstance(work, Deferred) else Deferred.fromCoroutine(work)  # type: ignore[arg-type]
        deferred.addCallbacks(done.append, failed.append)
        for _ in range(50):
            if done or failed:
                break
            self.clock.advance(0.01)
        if failed:
            failed[0].raiseException()  # type: ignore[attr-defined]
        assert done, "this takes time: let it pass"
        return done[0]

    def sample(self, **changes: object) -> Sample:
        return Sample(control_id=f"A{next(self.numbers):05d}", **changes)  # type: ignore[arg-type]

    def receives(self, sample: Sample | bytes) -> str:
        """The lab sends; what it is answered."""
        raw = sample if isinstance(sample, bytes) else sample.raw
        door = Door(intake="lab", mode=self.mode)
        try:
            self.accepted.append(self.do(self.inbox.accept(raw, door=door, peer="test")))  # type: ignore[arg-type]
        except Rejected as rejected:
            return f"refused {rejected.location}"
        return "AA"

    def after(self, seconds: float) -> None:
        """Time passes, a tenth of a second at a time."""
        for _ in range(round(seconds * 10)):
            self.clock.advance(0.1)

    def trouble(self, words: str, *, at: str = "cardio-slip") -> None:
        self.printers[at].trouble(words)

    # -- what a person sees

    def paper(self, at: str = "cardio-slip") -> list[str]:
        """The text of every slip that came out but the outage notices, oldest first."""
        return [text for text in self._texts(at) if not _NOTICE.search(text)]

    def notices(self, at: str = "cardio-slip") -> list[str]:
        return [text for text in self._texts(at) if _NOTICE.search(text)]

    def _texts(self, at: str) -> list[str]:
        return [slip.text for slip in self.printers[at].slips]

    def outcomes(self) -> list[str]:
        """Every delivery that is final or open, as "CARD slip delivered"."""
        return sorted(
            f"{d['to']} {d['channel']} {d['state']}"
            for m in self.store.messages()
            for d in m["deliveries"]
            if m["kind"] != "notice"
        )


_NOTICE = re.compile("La plateforme de messagerie")


@pytest.fixture
def hospital() -> Iterator[Hospital]:
    hospital = Hospital().open()
    yield hospital
    hospital.close()


@pytest.fixture
def potassium() -> Callable[..., tuple[tuple[str, str, str, str], ...]]:
    """One potassium, as OBX fields: value and flag."""
    return lambda value, flag="": (("2823-3^Potassium", str(value), "mmol/L", flag),)
