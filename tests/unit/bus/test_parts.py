"""The smaller parts: flights and who waits for them, pace, and the keeper of sessions."""

from __future__ import annotations

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from gateway.bus import role
from gateway.bus.flights import LATE, Flight, Flights, Receivers
from gateway.bus.keeper import Keeper
from gateway.bus.letter import parcel
from gateway.bus.pace import HALF_LIFE, Pace
from gateway.bus.role import Trouble
from gateway.locale import translator
from gateway.render import words
from tests.unit.bus.fake import message


def flight(control_id="A1", token=1):
    made = parcel(message(control_id), address="x", control_id=control_id, token=token)
    return Flight(parcel=made, control_id=control_id, token=token)


def test_what_a_later_answer_has_overtaken_says_nothing_of_the_bus():
    flights = Flights()
    first, second, third = (flight(f"A{n}") for n in range(3))
    for each in (first, second):
        flights.add(each, now=0.0)
    assert flights.waiting

    flights.settle(second)
    assert not flights.waiting
    assert flights.oldest_waiting == ""
    flights.add(third, now=1.0)
    assert flights.oldest_waiting == "A2"
    assert list(flights) == [first, third]


def test_a_name_that_could_mean_two_messages_means_none():
    receivers = Receivers()
    for token in (1, 1, 2):
        receivers.add(flight(token=token), now=0.0)

    assert receivers.find("A1") == []
    assert len(receivers.find("wardline:1:A1")) == 2
    assert receivers.find("B9") == []


def test_receivers_that_never_speak_are_forgotten_once_nobody_waits():
    receivers = Receivers()
    silent, awaited = flight("A1"), flight("A2")
    receivers.add(silent, now=0.0)
    silent.answer.addErrback(lambda _: None)
    silent.doubt("too late")
    receivers.add(awaited, now=LATE)

    assert list(receivers) == [awaited]


def test_pace_forgets_by_halves():
    pace = Pace().learned(2.0, now=0.0)
    limits = {"times": 4.0, "least": 1.0, "most": 5.0}

    assert pace.limit(now=0.0, **limits) == 5.0, "no more than the most"
    assert pace.limit(now=HALF_LIFE, **limits) == 4.0
    assert pace.limit(now=20 * HALF_LIFE, **limits) == 1.0, "no less than the least"
    assert pace.learned(0.1, now=HALF_LIFE).longest == 1.0


class Opener:
    def __init__(self):
        self.clock = Clock()
        self.tries, self.made, self.failed = [], [], []
        self.keeper = Keeper(
            self._open, reactor=self.clock, made=self.made.append, failed=self.failed.append
        )

    def _open(self):
        self.tries.append(Deferred())
        return self.tries[-1]


class Made:
    closed = False

    def close(self):
        self.closed = True


@pytest.fixture
def opener():
    return Opener()


def test_it_waits_longer_after_each_failure_and_not_after_a_good_session(opener):
    opener.keeper.now()
    waits = []
    for _ in range(6):
        opener.tries[-1].errback(Trouble("connection refused"))
        (call,) = opener.clock.getDelayedCalls()
        waits.append(round(call.getTime() - opener.clock.seconds(), 6))
        opener.clock.advance(waits[-1])
    assert waits == [0.25, 0.5, 1.0, 2.0, 4.0, 5.0]
    assert len(opener.failed) == 6

    opener.tries[-1].callback(Made())
    opener.keeper.well()
    opener.keeper.later()
    opener.clock.advance(0.25)
    assert len(opener.tries) == 8


def test_one_try_at_a_time(opener):
    opener.keeper.now()
    opener.keeper.now()
    opener.keeper.later()

    assert len(opener.tries) == 1
    assert opener.clock.getDelayedCalls() == []


def test_a_session_that_comes_after_the_stop_is_closed(opener):
    opener.keeper.now()
    late = opener.tries[0]
    late._canceller = lambda d: None
    late._suppressAlreadyCalled = False
    opener.keeper._trying = None  # stopped without the library noticing
    session = Made()
    late.callback(session)

    assert session.closed
    assert opener.made == []


def test_stopping_ends_the_try_under_way_and_tells_nobody(opener):
    opener.keeper.now()
    opener.keeper.stop()

    assert opener.failed == []
    assert opener.clock.getDelayedCalls() == []


def test_a_bug_is_told_by_its_kind_and_logged(opener, capsys):
    opener.keeper.now()
    opener.tries[0].errback(ZeroDivisionError())

    assert opener.failed[0].reason == "ZeroDivisionError while connecting"
    assert "bus.bug" in capsys.readouterr().out


def test_the_fixed_words_of_every_bus_are_told_in_french():
    french = translator("fr")
    fixed = (role.REFUSED, role.SILENT, role.FROZEN, role.STUCK, role.CREDENTIALS)
    for word in (*fixed, "blocked by the broker: low on disk"):
        assert words.reason(french, word) not in (word, "")
    assert words.reason(french, "queue wards.results is gone") == "la file wards.results a disparu"
    both = f"no answer for 3 s, {role.FROZEN}"
    assert words.reason(french, both) == (
        "sans réponse depuis 3 s, sa machine répond, son programme non"
    )
