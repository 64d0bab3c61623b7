"""When lanes have work again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.agenda import Agenda

MOMENTS = st.floats(min_value=0, max_value=100)
NOTES = st.lists(st.tuples(st.sampled_from("abc"), MOMENTS))


@given(notes=NOTES, looks=st.lists(MOMENTS).map(sorted))
def test_every_moment_is_told_at_the_first_look_after_it(
    notes: list[tuple[str, float]], looks: list[float]
) -> None:
    agenda = Agenda()
    for lane, moment in notes:
        agenda.note(lane, moment)

    last = -1.0
    for now in looks:
        assert set(agenda.take(now)) == {lane for lane, at in notes if last < at <= now}
        last = max(last, now)


def test_the_longest_due_lane_comes_first_and_none_twice() -> None:
    agenda = Agenda()
    for lane, moment in (("slip", 3.0), ("platform", 2.0), ("slip", 1.0), ("slip", 1.0)):
        agenda.note(lane, moment)

    assert agenda.take(5.0) == ("slip", "platform")
    assert agenda.take(9.0) == ()
