"""The canary and the real watch on a clock that stands still: what is told apart, and how soon."""

from __future__ import annotations

from pathlib import Path

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from gateway.bus.canary import CanaryKeeper
from gateway.bus.role import FROZEN, SILENT, STUCK, Trouble
from gateway.clock import ReactorClock
from gateway.platform.watch import Limits, State, Watch
from tests.unit.bus.fake import Driver, settings


class Bench:
    """A bus that is well until told otherwise, answering `slow` seconds late."""

    def __init__(self, **more):
        self.clock, self.driver = Clock(), Driver()
        self.settings = settings(**more)
        time = ReactorClock(self.clock, wall=1000.0)
        limits = Limits(down_after=self.settings.down_after, up_after=self.settings.up_after)
        self.watch = Watch(limits, reactor=self.clock, clock=time)
        self.begun, self.states = [], []
        self.watch.observers.append(self._changed)
        self.refusing, self.touched = False, []
        self.canary = CanaryKeeper(
            self.settings,
            driver=self.driver,
            base=Path(),
            watch=self.watch,
            refusing=lambda: self.refusing,
            touch=self._touch,
            reactor=self.clock,
        )
        self.watch.probe_now = self.canary.now
        self.answers = self.sings = True
        self.missing = ""
        self.slow = 0.0
        self.canary.startService()
        self.after(2)

    def _changed(self, change):
        self.states.append(change.after.state)
        if change.begins:
            self.begun.append(self.clock.seconds())

    def _touch(self):
        self.touched.append(Deferred())
        return self.touched[-1]

    def after(self, seconds):
        for _ in range(round(seconds * 20)):
            self.clock.advance(0.05)
            if self.driver.tries and self.answers:
                self.driver.accept()
            if self.driver.sessions:
                self._respond(self.driver.session)

    def _respond(self, session):
        """What was sent into silence is answered when it ends, as a thawed process does."""
        if self.sings:
            for word in session.sent:
                self.clock.callLater(self.slow, session.holder.returned, word)
            session.sent = []
        if self.answers:
            for ping in session.pings:
                self.clock.callLater(self.slow, self._answer, ping)
            session.pings = []
        self.clock.advance(0)

    def _answer(self, ping):
        if self.missing:
            ping.errback(Trouble(self.missing))
        else:
            ping.callback(None)

    def freeze(self):
        """Nothing that is under way arrives any more."""
        self.answers = self.sings = False
        for call in list(self.clock.getDelayedCalls()):
            if call.func in (self._answer, self.driver.session.holder.returned):
                call.cancel()

    def down_within(self, seconds):
        """How long it took from now."""
        began = self.clock.seconds()
        self.after(seconds)
        assert self.watch.state is State.DOWN, self.watch.snapshot()
        return self.begun[-1] - began


@pytest.fixture
def bench():
    return Bench()


def test_a_bus_that_is_well_is_up(bench):
    bench.after(60)

    assert bench.states == []
    assert bench.watch.up_since(1001.0)


def test_a_silent_bus_is_down_within_the_sites_patience(bench):
    bench.answers = bench.sings = False
    assert bench.down_within(3) <= 3.0
    assert bench.watch.reason == "no answer"


@pytest.mark.parametrize("found", [FROZEN, SILENT])
def test_a_touch_tells_a_frozen_bus_from_one_that_is_cut_off(bench, found):
    bench.answers = bench.sings = False
    bench.after(1.5)
    (touched,) = bench.touched
    touched.callback(found)
    bench.after(1.5)

    assert bench.watch.state is State.DOWN
    assert bench.watch.reason == found


def test_a_bus_that_answers_pings_and_delivers_nothing_is_down(bench):
    bench.sings = False
    assert bench.down_within(8) <= 6.5
    assert bench.watch.reason == STUCK


def test_a_bus_that_is_only_slow_is_never_down(bench):
    for slow in (0.5, 1.0, 1.5, 2.0, 2.4):
        bench.slow = slow
        bench.after(10)
    bench.slow = 0.0
    bench.after(10)

    assert bench.begun == []


def test_a_slow_bus_that_freezes_is_down_as_soon_as_any(bench):
    for slow in (1.0, 2.0):
        bench.slow = slow
        bench.after(10)
    bench.freeze()

    assert bench.down_within(3.1) <= 3.05


def test_a_slow_bus_is_not_even_doubted(bench):
    bench.slow = 1.0
    bench.after(5)
    bench.states.clear()
    bench.after(20)

    assert bench.states == []


def test_a_killed_bus_is_down_within_a_second(bench):
    bench.answers = bench.sings = False
    bench.driver.session.lose()
    bench.driver.refuse()

    assert bench.down_within(1) <= 1.0
    assert bench.watch.reason == "connection refused"


def test_a_session_that_breaks_and_is_open_again_at_once_is_nothing(bench):
    bench.driver.session.lose()
    bench.driver.accept()
    bench.after(5)

    assert State.DOWN not in bench.states


def test_a_blocked_bus_is_down_and_says_why(bench):
    bench.sings = False
    bench.driver.session.holder.blocked("blocked by the broker: low on disk")

    assert bench.down_within(3) <= 3.0
    assert bench.watch.reason == "blocked by the broker: low on disk"


@pytest.mark.parametrize(("what", "least", "most"), [("disk", 0.5, 1.0), ("memory", 2.0, 3.0)])
def test_a_full_disk_is_believed_sooner_than_a_lack_of_memory(bench, what, least, most):
    bench.sings = False
    bench.driver.session.holder.blocked(f"blocked by the broker: low on {what}")

    assert least <= bench.down_within(4) <= most


def test_a_bus_that_is_blocked_for_a_moment_is_not_down(bench):
    bench.driver.session.holder.blocked("blocked by the broker: low on memory")
    bench.after(1.5)
    bench.driver.session.holder.blocked("")
    bench.after(5)

    assert bench.begun == []


def test_something_that_must_be_there_and_is_not_is_named(bench):
    bench.missing = "queue wards is gone"

    assert bench.down_within(4) <= 3.6, "though canaries come back all the while"
    assert bench.watch.reason == "queue wards is gone"
    bench.missing = ""
    bench.after(1)
    assert bench.watch.state is State.RECOVERING


def test_while_the_bus_refuses_messages_a_canary_only_says_that_it_is_alive(bench):
    bench.refusing = True
    for number in range(5):
        bench.watch.refused(f"A{number}", still=False, why="no queue takes ORU.R01")
    bench.after(10)
    assert bench.watch.state is State.DOWN

    bench.refusing = False
    bench.after(1)
    assert bench.watch.state is State.RECOVERING


def test_flapping_for_a_minute_is_one_outage(bench):
    for _ in range(12):
        bench.answers = bench.sings = False
        bench.after(3.5)
        bench.answers = bench.sings = True
        bench.after(1.5)

    assert len(bench.begun) == 1
    bench.after(40)
    assert bench.watch.state is State.UP


def test_a_session_that_stays_silent_is_left_for_another(bench):
    bench.answers = bench.sings = False
    bench.after(8)

    assert bench.driver.session.closed == 1
    assert len(bench.driver.tries) == 1


def test_words_of_another_session_count_for_nothing(bench):
    old = bench.driver.session
    bench.driver.session.lose()
    bench.driver.accept()
    bench.answers = bench.sings = False
    for word in range(100):
        old.holder.returned(str(word))
    bench.after(3.2)

    assert bench.watch.state is State.DOWN


def test_it_does_not_send_canaries_into_a_bus_that_keeps_them(bench):
    bench.sings = False
    bench.after(120)

    assert len(bench.canary._flock) == 100


def test_stopped_it_leaves_nothing_behind(bench):
    bench.canary.stopService()
    bench.watch.stop()

    assert bench.driver.session.closed == 1
    assert bench.clock.getDelayedCalls() == []
