"""Which answer belongs to which message."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.channels.platform.owed import LATE, REMEMBERED, Flight, Owed
from gateway.hl7 import Ack


def flight(control_id, token=None):
    return Flight(raw=b"MSH", control_id=control_id, token=token or control_id)


def ended(control_id):
    """A flight whose wait is over, without an answer."""
    made = flight(control_id)
    made.answer.callback(Ack(code="AA", control_id=control_id))
    return made


def test_it_does_not_keep_the_bytes_of_what_was_sent():
    owed, sent = Owed(), flight("A1")
    owed.add(sent, now=0.0)

    assert sent.raw == b""


def test_what_nobody_awaits_is_forgotten_after_ten_minutes():
    owed = Owed()
    owed.add(ended("A1"), now=0.0)
    owed.add(flight("A2"), now=LATE - 1)
    assert [f.control_id for f in owed] == ["A1", "A2"]

    owed.add(flight("A3"), now=LATE)
    assert [f.control_id for f in owed] == ["A2", "A3"]
    assert owed.take("A1", positive=True) == []


def test_only_so_many_that_nobody_awaits_are_remembered():
    owed = Owed()
    for number in range(REMEMBERED + 50):
        owed.add(ended(f"A{number}"), now=0.0)

    assert len(list(owed)) == REMEMBERED


def test_what_is_awaited_is_never_forgotten():
    owed = Owed()
    owed.add(flight("A1"), now=0.0)
    owed.add(flight("A2"), now=LATE * 10)

    assert [f.control_id for f in owed] == ["A1", "A2"]


@given(
    st.lists(
        st.tuples(st.sampled_from(["send", "accept", "refuse"]), st.sampled_from("ABC")),
        max_size=40,
    )
)
def test_an_answer_settles_only_flights_of_its_own_id_and_message(steps):
    owed, open_ = Owed(), []
    for number, (what, control_id) in enumerate(steps):
        if what == "send":
            made = flight(control_id, token=(control_id, number % 2))
            if owed.admits(made):
                owed.add(made, now=float(number))
                open_.append(made)
            continue
        settled = owed.take(control_id, positive=what == "accept")
        assert all(f.control_id == control_id for f in settled)
        assert len({f.token for f in settled}) <= 1
        same = [f for f in open_ if f.control_id == control_id]
        assert settled == (same if what == "accept" else same[:1])
        open_ = [f for f in open_ if f not in settled]
    assert list(owed) == open_
    if not open_:
        assert not owed.waiting
