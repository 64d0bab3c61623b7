from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.delivery import Step
from gateway.message import Identifier, Location, Patient
from gateway.store import Whereabouts, rows
from tests.unit.store.samples import new

STEPS = st.lists(
    st.builds(Step, by=st.text(max_size=8), within=st.one_of(st.none(), st.floats(0, 1e6))),
    max_size=4,
)
TEXT = st.text(max_size=5)


@given(STEPS)
def test_steps_come_back_as_they_were(steps):
    assert rows.steps(rows.steps_text(tuple(steps))) == tuple(steps)


@given(st.text(st.characters(exclude_categories=())))
def test_plain_text_can_always_be_stored_and_text_that_can_be_is_kept(text):
    plain = rows.plain(text)

    assert plain.encode().decode() == plain
    if not any("\ud800" <= letter <= "\udfff" for letter in text):
        assert plain == text


@given(TEXT, TEXT, st.one_of(st.none(), st.builds(Location, unit=TEXT, bed=TEXT)))
def test_a_patients_place_comes_back_as_it_was(family, value, location):
    patient = Patient(family=family, ipp="1", identifiers=(Identifier(value=value, kind="PI"),))
    where = Whereabouts(patient=patient, location=location, ward="CARD", at=5.0)

    assert rows.whereabouts(rows.whereabouts_values(where)) == where


def test_a_new_delivery_is_due_at_once_unless_it_is_held():
    from gateway.delivery import State

    here = {"id": 1, "message_id": 2, "patient_key": "3", "at": 9.0}

    assert rows.begun(new(), **here).due == 9.0
    assert rows.begun(new(state=State.HELD), **here).due is None
    assert rows.begun(new(), **here).step_since == 9.0
