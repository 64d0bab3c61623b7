"""Outages as a hospital lives them: watch, probe, link and hand-back together, in fake time."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from twisted.internet import error
from twisted.internet.defer import Deferred, succeed
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.python.failure import Failure

from gateway.channels.platform import PlatformLink, Settings
from gateway.clock import ReactorClock
from gateway.errors import DeliveryFailure
from gateway.hl7 import Framer, ack, peek, wrap
from gateway.platform import probe
from gateway.platform.evidence import State
from gateway.platform.handback import Handback
from gateway.platform.watch import Watch


def message(control_id):
    return f"MSH|^~\\&|SIL|LABO|X|Y|20260101||ORU^R01|{control_id}|P|2.5\r".encode()


class Platform:
    """The main platform: well, dead, or frozen (its system still accepts connections for it)."""

    def __init__(self, hospital):
        self.hospital = hospital
        self.dead = self.frozen = False
        self.deaf_to = set()  # control ids it swallows
        self.has = []
        self.cables = []
        self.unread = []

    def dies(self):
        self.dead = True
        cables, self.cables, self.unread = self.cables, [], []
        for cable in cables:
            cable.cut(error.ConnectionLost())

    def lives(self):
        self.dead = False

    def freezes(self):
        self.frozen = True

    def thaws(self):
        self.frozen = False
        unread, self.unread = self.unread, []
        for cable, raw in unread:
            self.hears(cable, raw)

    def hears(self, cable, raw):
        if self.frozen:
            self.unread.append((cable, raw))
            return
        control_id = peek(raw).control_id
        self.has.append(control_id)
        if control_id not in self.deaf_to and not cable.gone:
            now = self.hospital.clock.now
            answer = ack(raw, "AA", control_id=f"P{len(self.has)}", now=_date(now()))
            cable.protocol.dataReceived(wrap(answer))


class Cable(StringTransport):
    """A connection in memory; what is written arrives within the same moment."""

    def __init__(self, platform, protocol):
        super().__init__()
        self.platform, self.protocol, self.gone = platform, protocol, False
        self.framer = Framer()

    def write(self, data):
        for frame in self.framer.feed(data):
            call = self.platform.hospital.reactor.callLater
            call(0.001, self.platform.hears, self, frame.data)

    def cut(self, why):
        if not self.gone:
            self.gone = True
            self.protocol.connectionLost(Failure(why))

    def loseConnection(self):
        self.cut(error.ConnectionDone())

    def abortConnection(self):
        self.cut(error.ConnectionAborted())


class Network(MemoryReactorClock):
    """Connections reach the platform, or nobody."""

    platform = None

    def connectTCP(self, host, port, factory, timeout=30, bindAddress=None):
        connector = super().connectTCP(host, port, factory, timeout, bindAddress)
        self.callLater(0.001, self.arrive, connector, factory)
        return connector

    def arrive(self, connector, factory):
        if self.platform.dead:
            factory.clientConnectionFailed(connector, Failure(error.ConnectionRefusedError()))
            return
        protocol = factory.buildProtocol(None)
        cable = Cable(self.platform, protocol)
        self.platform.cables.append(cable)
        protocol.makeConnection(cable)


class Hospital:
    """Wards that get paper when the platform does not answer in time, and what is then owed to it."""

    def __init__(self):
        self.reactor = Network()
        self.clock = ReactorClock(self.reactor, wall=1_760_000_000.0)
        self.platform = self.reactor.platform = Platform(self)
        settings = Settings(kind="mllp", connect="tcp:127.0.0.1:2600")
        self.watch = Watch.of(settings, reactor=self.reactor, clock=self.clock)
        self.alarms = []
        self.watch.observers.append(self.changed)
        self.link = PlatformLink(
            settings,
            reactor=self.reactor,
            clock=self.clock,
            evidence=self.watch,
            on_late=self.late,
        )
        self.prober = probe.build(settings, watch=self.watch, reactor=self.reactor, base=Path())
        self.handback = Handback(
            self,
            watch=self.watch,
            idle=lambda: not self.link.in_flight,
            rate=settings.handback_rate,
            every=settings.probe_every,
            reactor=self.reactor,
            clock=self.clock,
            wake=self.give_back,
        )
        self.confirmed, self.paper, self.held, self.released = [], [], [], []
        self.paper_after = {}
        self.sent = 0
        for service in (self.link, self.prober, self.handback):
            service.startService()

    # -- what Wardline does around the room under test

    def changed(self, change):
        if change.after.state is State.DOWN:
            self.link.give_up(change.after.reason)
        if change.begins or change.ends:
            self.alarms.append(change.after.state)

    def late(self, late):
        if late.accepted:
            self.held = [c for c in self.held if c != late.control_id]
            self.confirmed.append(late.control_id)

    def receives(self, *, within=5.0):
        """The laboratory sends a message."""
        self.sent += 1
        control_id = f"A{self.sent}"
        if self.watch.open:
            self.relay(control_id, within=within)
        else:
            self.print(control_id, since=self.reactor.seconds())

    def relay(self, control_id, *, within):
        since = self.reactor.seconds()
        work = self.link.deliver(message(control_id), control_id, timeout=within)
        done = Deferred.fromCoroutine(work)
        done.addCallback(lambda _: self.confirmed.append(control_id))
        done.addErrback(self.fails, control_id, since)

    def fails(self, failure, control_id, since):
        failure.trap(DeliveryFailure)
        self.print(control_id, since=since)

    def print(self, control_id, *, since):
        self.paper.append(control_id)
        self.paper_after[control_id] = self.reactor.seconds() - since
        self.held.append(control_id)

    def release(self, *, now, limit):
        batch, self.held = self.held[:limit], self.held[limit:]
        self.released += batch
        return succeed(len(batch))

    def give_back(self):
        batch, self.released = self.released, []
        for control_id in batch:
            work = self.link.deliver(message(control_id), control_id, timeout=30.0)
            done = Deferred.fromCoroutine(work)
            done.addCallback(lambda _, c=control_id: self.confirmed.append(c))
            done.addErrback(lambda f, c=control_id: self.held.append(c))

    # -- what the story tells

    def passes(self, seconds, *, one_each=None):
        """Time goes by, with a message each so many seconds."""
        until = self.reactor.seconds() + seconds
        due = self.reactor.seconds()
        while self.reactor.seconds() < until:
            if one_each and self.reactor.seconds() >= due:
                due += one_each
                self.receives()
            self.reactor.advance(0.0625)

    def balance(self):
        """Every message reached its ward, one way or the other, and in the end the platform has it."""
        everything = {f"A{n}" for n in range(1, self.sent + 1)}
        assert everything == set(self.confirmed)
        assert self.held == self.released == []
        assert set(self.platform.has) == everything


def _date(moment):
    return datetime.fromtimestamp(moment, UTC)


@pytest.fixture
def hospital():
    made = Hospital()
    made.passes(5, one_each=0.5)
    assert made.watch.state is State.UP
    assert made.paper == []
    return made


def test_a_dead_platform_and_everything_goes_back(hospital):
    hospital.platform.dies()
    hospital.passes(60, one_each=1)
    assert hospital.watch.state is State.DOWN
    assert max(hospital.paper_after.values()) < 1

    hospital.platform.lives()
    hospital.passes(45, one_each=1)
    assert hospital.watch.state is State.UP
    assert hospital.alarms == [State.DOWN, State.UP]
    hospital.balance()


def test_a_frozen_platform_keeps_nobody_waiting_longer_than_three_seconds(hospital):
    hospital.platform.freezes()
    hospital.passes(60, one_each=0.25)

    assert hospital.watch.state is State.DOWN
    assert max(hospital.paper_after.values()) <= 3.2
    assert hospital.alarms == [State.DOWN]


def test_a_frozen_platform_that_thaws_gets_everything_and_nothing_is_printed_for_it(hospital):
    hospital.platform.freezes()
    hospital.passes(20, one_each=0.5)
    printed = len(hospital.paper)
    hospital.platform.thaws()
    hospital.passes(60)

    assert hospital.watch.state is State.UP
    assert len(hospital.paper) == printed
    assert hospital.alarms == [State.DOWN, State.UP]
    hospital.balance()


def test_answers_that_come_when_it_thaws_spare_the_way_back(hospital):
    hospital.platform.freezes()
    hospital.passes(3, one_each=0.5)
    waiting = [peek(raw).control_id for _, raw in hospital.platform.unread]
    hospital.passes(1)
    hospital.platform.thaws()
    hospital.passes(45)

    hospital.balance()
    [trial, *others] = waiting
    assert hospital.platform.has.count(trial) == 2  # it was tried again before the answer came
    assert [hospital.platform.has.count(c) for c in others] == [1] * len(others)
    assert len(others) >= 4


def test_while_it_is_frozen_it_is_tried_once_in_half_a_minute(hospital):
    hospital.platform.freezes()
    hospital.passes(3, one_each=0.25)
    relayed = len(hospital.platform.unread)
    hospital.passes(20)
    assert hospital.watch.state is State.DOWN
    assert len(hospital.platform.unread) - relayed == 1

    hospital.passes(90)
    assert len(hospital.platform.unread) - relayed == 4


def test_what_it_swallows_does_not_keep_it_down(hospital):
    hospital.platform.deaf_to = {"A11"}
    hospital.receives()
    hospital.passes(4, one_each=1)
    hospital.platform.dies()
    hospital.passes(20, one_each=1)
    hospital.platform.lives()
    hospital.passes(120, one_each=7)
    assert hospital.watch.state is State.UP

    hospital.passes(300)
    assert hospital.watch.state is State.UP
    assert hospital.alarms == [State.DOWN, State.UP]
    assert hospital.held == ["A11"] or hospital.link.in_flight == 1


def test_flapping_for_a_minute_is_one_outage(hospital):
    for _ in range(9):
        hospital.platform.dies()
        hospital.passes(4, one_each=0.5)
        hospital.platform.lives()
        hospital.passes(3, one_each=0.5)
    hospital.passes(60)

    assert hospital.alarms == [State.DOWN, State.UP]
    hospital.balance()


def test_a_short_blink_is_no_outage(hospital):
    hospital.platform.dies()
    hospital.passes(1.5, one_each=0.5)
    hospital.platform.lives()
    hospital.passes(20)

    assert hospital.alarms == []
    hospital.balance()


def test_what_is_owed_goes_back_oldest_first(hospital):
    hospital.platform.dies()
    hospital.passes(20, one_each=0.5)
    owed = list(hospital.held)
    hospital.platform.has.clear()
    hospital.platform.lives()
    hospital.passes(60)

    assert len(owed) > 20
    assert hospital.platform.has == owed


def test_while_a_person_holds_it_down_nothing_goes_to_it(hospital):
    before = list(hospital.platform.has)
    hospital.watch.say_down(by="Dr Martin", reason="maintenance")
    hospital.passes(120, one_each=1)
    assert hospital.platform.has == before
    assert hospital.alarms == [State.DOWN]

    hospital.watch.say_up(by="Dr Martin")
    hospital.passes(30)
    assert hospital.alarms == [State.DOWN, State.UP]
    hospital.balance()
