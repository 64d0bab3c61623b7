"""How fast what is owed goes back to the platform."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock

from gateway.clock import ReactorClock
from gateway.platform.evidence import State
from gateway.platform.handback import Handback


class Bench:
    """A store that owes the platform a number of messages, a watch and a link, and fake time."""

    def __init__(self, owed=0, *, rate=50):
        self.clock = Clock()
        self.owed = owed
        self.asked = []
        self.woken = 0
        self.state = State.UP
        self.trial = False
        self.in_flight = 0
        self.handback = Handback(
            self,
            watch=self,
            idle=lambda: not self.in_flight,
            rate=rate,
            every=1.0,
            reactor=self.clock,
            clock=ReactorClock(self.clock, wall=1000.0),
            wake=self.wake,
        )

    def release(self, *, now, limit):
        self.asked.append((now, limit))
        given = min(limit, self.owed)
        self.owed -= given
        return succeed(given)

    def wake(self):
        self.woken += 1

    def run(self, seconds):
        if not self.handback.running:
            self.handback.startService()
        for _ in range(int(seconds * 8)):
            self.clock.advance(0.125)


def test_never_more_than_the_rate_goes_back():
    bench = Bench(owed=10_000, rate=50)
    bench.run(10)

    assert 10_000 - bench.owed <= 50 * 10 + 10
    assert 10_000 - bench.owed >= 50 * 10 * 0.7


def test_a_rate_of_one_a_second_is_kept():
    bench = Bench(owed=100, rate=1)
    bench.run(10)

    assert 100 - bench.owed in (10, 11)


def test_who_delivers_is_woken_when_there_is_something():
    bench = Bench(owed=1)
    bench.run(5)

    assert bench.woken == 1


def test_with_nothing_owed_it_asks_once_a_second():
    bench = Bench()
    bench.run(10)

    assert len(bench.asked) in (10, 11)


def test_while_live_messages_await_their_answers_one_at_a_time_joins_them():
    bench = Bench(owed=1000)
    bench.in_flight = 3
    bench.run(2)

    assert {limit for _, limit in bench.asked} == {1}
    assert bench.owed < 1000


@pytest.mark.parametrize("state", [State.SUSPECT, State.DOWN, State.RECOVERING])
def test_nothing_goes_back_before_the_platform_is_up(state):
    bench = Bench(owed=10)
    bench.state = state
    bench.run(60)

    assert bench.owed == 10


def test_on_trial_one_goes_back_each_second():
    bench = Bench(owed=10)
    bench.state, bench.trial = State.DOWN, True
    bench.run(3)

    assert bench.owed in (6, 7)


def test_on_trial_none_follows_while_one_is_unanswered():
    bench = Bench(owed=10)
    bench.state, bench.trial = State.RECOVERING, True
    bench.in_flight = 1
    bench.run(60)

    assert bench.owed == 10


def test_a_store_that_fails_is_asked_again():
    bench = Bench(owed=1)
    real = bench.release
    bench.release = lambda **_: fail(OSError("disk"))
    with capture_logs() as logs:
        bench.run(1)
    bench.release = real
    bench.run(2)

    assert bench.owed == 0
    assert logs


def test_stopping_waits_for_the_store_and_leaves_no_timer():
    bench = Bench(owed=1)
    answer = Deferred()
    bench.release = lambda **_: answer
    bench.handback.startService()
    stopped = []
    bench.handback.stopService().addCallback(stopped.append)
    assert not stopped

    answer.callback(1)
    assert stopped
    assert bench.clock.getDelayedCalls() == []


def test_stopping_between_releases_leaves_no_timer():
    bench = Bench()
    bench.run(3)
    bench.handback.stopService()

    assert bench.clock.getDelayedCalls() == []
