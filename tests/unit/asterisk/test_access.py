"""A code and a PIN: who they let in, whom they keep out and for how long, and what is never kept."""

from contextlib import suppress

import pytest
from argon2 import PasswordHasher
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock

from gateway.asterisk import access
from gateway.asterisk.access import Access, Weak, check, hashed
from gateway.clock import ReactorClock
from gateway.directory import Person

PIN = "271828"
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
ROUX = Person(code="4711", name="Dr Roux", phone="22 22", pin=QUICK.hash(PIN))
NOPIN = Person(code="4712", name="Nobody's")


class Memory:
    """What the store remembers."""

    def __init__(self):
        self.kept = {}
        self.log = []

    def remember(self, name, value, *, at):
        self.log.append((name, value))
        self.kept[name] = value
        return succeed(None)

    def recall(self, prefix):
        return succeed({k: v for k, v in self.kept.items() if k.startswith(prefix) and v})


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(access, "_NOBODY", QUICK.hash("nobody"))


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def memory():
    return Memory()


@pytest.fixture
def alarms():
    return []


@pytest.fixture
def gate(clock, memory, alarms):
    return opened(clock, memory, alarms)


def opened(clock, memory, alarms):
    made = Access(
        {p.code: p for p in (ROUX, NOPIN)}, store=memory, clock=ReactorClock(clock, wall=0.0),
        alarm=alarms.append,
    )  # fmt: skip
    done(made.open())
    return made


def done(work):
    found = []
    Deferred.fromCoroutine(work).addCallback(found.append)
    assert found, "it waits"
    return found[0]


def test_the_right_pin_is_let_in(gate):
    assert done(gate.person("4711", PIN)) is ROUX


@pytest.mark.parametrize(
    ("code", "pin"),
    [("4711", "271829"), ("4711", ""), ("", ""), ("9999", PIN), ("4712", ""), ("4712", PIN)],
)
def test_anything_else_is_not(gate, code, pin):
    assert done(gate.person(code, pin)) is None


def test_five_wrong_ones_lock_for_a_quarter_of_an_hour(gate, clock):
    for _ in range(5):
        assert done(gate.person("4711", "000000")) is None
    assert done(gate.person("4711", PIN)) is None
    clock.advance(access.LOCKED - 1)
    assert done(gate.person("4711", PIN)) is None
    clock.advance(2)
    assert done(gate.person("4711", PIN)) is ROUX


def test_a_locked_pin_is_not_even_compared_and_prolongs_nothing(gate, clock, monkeypatch):
    for _ in range(5):
        done(gate.person("4711", "000000"))
    compared = []
    monkeypatch.setattr(access, "_fits", lambda against, pin: compared.append(against) or True)
    assert done(gate.person("4711", PIN)) is None
    assert compared == [access._NOBODY]
    clock.advance(access.LOCKED + 1)
    assert done(gate.person("4711", PIN)) is ROUX


def test_the_right_one_in_between_forgets_the_wrong_ones(gate):
    for _ in range(3):
        for _ in range(4):
            done(gate.person("4711", "000000"))
        assert done(gate.person("4711", PIN)) is ROUX


def test_ten_thousand_guesses_are_few_that_count(gate, clock, monkeypatch):
    """In an hour of guessing as fast as a telephone can, so many are compared with the real one."""
    compared = []
    monkeypatch.setattr(access, "_fits", lambda against, pin: compared.append(against) or False)
    for _ in range(10_000):
        done(gate.person("4711", "000000"))
        clock.advance(0.36)
    assert compared.count(ROUX.pin) <= 8


def guesses(gate, times=5, *, line="0612345678", **more):
    for _ in range(times):
        assert done(gate.person("4711", "000000", line=line, **more)) is None


def test_a_stranger_closes_no_line_of_the_persons_own(gate):
    guesses(gate)
    assert done(gate.person("4711", PIN, line="0612345678")) is None
    assert done(gate.person("4711", PIN)) is None, "nor a call without a number"
    assert done(gate.person("4711", PIN, line="2222")) is ROUX, "theirs in the directory"


def test_a_line_they_got_in_from_is_theirs(gate, clock):
    assert done(gate.person("4711", PIN, line="2101")) is ROUX
    guesses(gate)
    assert done(gate.person("4711", PIN, line="2102")) is None
    assert done(gate.person("4711", PIN, line="2101")) is ROUX


def test_only_the_last_few_lines_are_remembered(gate):
    for line in ("2101", "2102", "2103", "2101", "2104"):
        assert done(gate.person("4711", PIN, line=line)) is ROUX
    guesses(gate)
    assert done(gate.person("4711", PIN, line="2102")) is None
    assert done(gate.person("4711", PIN, line="2101")) is ROUX


def test_a_telephone_that_we_rang_is_closed_by_nobody_elsewhere(gate):
    guesses(gate)
    guesses(gate, 4, line="2101")  # whoever claims to call from there
    assert done(gate.person("4711", PIN, line="2101", rung=True)) is ROUX
    assert done(gate.person("4711", PIN, line="2101")) is None, "it is not theirs by that"


def test_new_lines_make_no_new_guesses(gate, clock, monkeypatch):
    compared = []
    monkeypatch.setattr(access, "_fits", lambda against, pin: compared.append(against) or False)
    for number in range(1000):
        done(gate.person("4711", "000000", line=f"06{number:08}"))
    assert compared.count(ROUX.pin) == access.FAILS


def test_ten_in_all_close_every_line(gate):
    guesses(gate)
    guesses(gate, line="2222")
    assert done(gate.person("4711", PIN, line="2101", rung=True)) is None


def test_the_right_pin_frees_no_stranger(gate, clock):
    guesses(gate, 4)
    assert done(gate.person("4711", PIN, line="2222")) is ROUX
    guesses(gate, 1)
    assert done(gate.person("4711", PIN, line="0612345678")) is None


def test_lines_and_what_was_counted_outlive_a_restart(gate, clock, memory, alarms):
    assert done(gate.person("4711", PIN, line="2101")) is ROUX
    guesses(gate)
    again = opened(clock, memory, alarms)
    assert done(again.person("4711", PIN, line="2102")) is None
    assert done(again.person("4711", PIN, line="2101")) is ROUX


def test_what_an_earlier_release_counted_still_counts(clock, memory, alarms):
    memory.kept["access/4711"] = {"fails": [0.0] * 5}
    assert done(opened(clock, memory, alarms).person("4711", PIN, line="2101")) is None


def test_a_restart_frees_nobody(gate, clock, memory, alarms):
    for _ in range(5):
        done(gate.person("4711", "000000"))
    assert done(opened(clock, memory, alarms).person("4711", PIN)) is None


def test_a_wrong_one_is_counted_before_it_is_compared(gate, memory, monkeypatch):
    """So that hanging up in the middle makes no guess free."""
    waiting = Deferred()

    def aside(work):
        return waiting

    gate._aside = aside
    call = Deferred.fromCoroutine(gate.person("4711", "000000"))
    call.addErrback(lambda failure: None)
    call.cancel()
    assert len(memory.kept["access/4711"]["fails"]) == 1


def test_two_guesses_at_once_take_turns(gate):
    waiting = [Deferred(), Deferred()]
    turns = iter(waiting)
    gate._aside = lambda work: next(turns)
    first = Deferred.fromCoroutine(gate.person("4711", "000000"))
    second = Deferred.fromCoroutine(gate.person("4711", "000001"))
    waiting[0].callback(False)
    assert first.called
    assert not second.called
    waiting[1].callback(False)
    assert second.called


def test_many_wrong_ones_are_an_alarm_once_in_ten_minutes(gate, clock, alarms):
    for _ in range(60):
        done(gate.person("9999", "000000"))
        clock.advance(1)
    assert alarms == [21]
    clock.advance(access.SOON)
    for _ in range(21):
        done(gate.person("9998", "000000"))
    assert alarms == [21, 21]


def test_nothing_of_a_pin_is_kept(gate, memory):
    done(gate.person("4711", "918273"))
    done(gate.person("4711", PIN))
    assert "918273" not in repr(memory.log)
    assert PIN not in repr(memory.log)


@pytest.mark.parametrize(
    ("pin", "why"),
    [
        ("12345", "at least 6"), ("12a456", "made of figures"), ("123456", "in a row"),
        ("987654", "in a row"), ("000000", "all the same"), ("121212", "too few"),
        ("123123", "again and again"), ("112233" * 3, "at most"), ("471108", "personal code"),
        ("14021961", "a date"), ("140261", "a date"),
    ],
)  # fmt: skip
def test_a_pin_that_others_would_guess_is_refused(pin, why):
    with pytest.raises(Weak, match=why):
        check(pin, code="4711")


@given(st.text("0123456789", min_size=1, max_size=20))
def test_what_is_taken_is_long_and_mixed(pin):
    with suppress(Weak):
        check(pin)
        assert 6 <= len(pin) <= 16
        assert len(set(pin)) >= 3


def test_a_hash_is_argon2id_and_fits(monkeypatch):
    made = hashed("837462", code="4711")
    assert made.startswith("$argon2id$")
    assert access._fits(made, "837462")
    assert not access._fits(made, "837463")
    assert not access._fits("no hash at all", "837462")
