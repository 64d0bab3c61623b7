"""`wardline check` says who would ring in vain, or nobody at all."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.directory import Directory, Person, Roster, Shift, Ward
from gateway.oncall import DAY, WEEK, faults, gaps
from gateway.staff import on_call

EVERY = frozenset(range(7))
ROUX = Person(code="4711", name="Dr Roux", wards=("CARD",), phone="2222", pin="$argon2id$x")
ALWAYS = Roster(name="cardio", shifts=(Shift(days=EVERY, begin=0, end=DAY, person="4711"),))
CARD = Ward(code="CARD", name="Cardiologie", phone="2101", roster="cardio")
LAB = Ward(code="LAB", name="Laboratoire", phone="4242")


def said(*, wards=(CARD,), people=(ROUX,), rosters=(ALWAYS,)):
    return list(
        faults(
            Directory(
                wards={w.code: w for w in wards}, lab=LAB,
                people={p.code: p for p in people}, rosters={r.name: r for r in rosters},
            )
        )
    )  # fmt: skip


def changed(thing, **changes):
    from dataclasses import replace

    return replace(thing, **changes)


def test_a_site_in_order_has_no_fault():
    assert said() == []


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"wards": (changed(CARD, phone="", roster=""),)}, "neither a phone nor a roster"),
        ({"wards": (changed(CARD, phone="4242"),)}, "4242 is the laboratory's"),
        ({"people": (changed(ROUX, pin=""),)}, "has no pin and cannot say to have anything"),
        ({"people": (changed(ROUX, pin=""),)}, "nobody has a pin and may hear its results"),
        ({"people": (changed(ROUX, phone=""),)}, "has no phone and cannot be rung"),
        ({"people": (changed(ROUX, wards=("NEURO",)),)}, "may not hear results of CARD"),
        (
            {"rosters": (Roster(name="cardio", shifts=(
                Shift(days=frozenset(range(5)), begin=480, end=1080, person="4711"),
                Shift(days=EVERY, begin=1080, end=480, person="4711"),
            )),)},
            "nobody is on call sat 08:00 to sat 18:00",
        ),
    ],
)  # fmt: skip
def test_what_would_ring_in_vain_is_said(change, fault):
    assert any(fault in line for line in said(**change)), said(**change)


def test_sundays_night_goes_on_into_monday():
    night = Roster(name="n", shifts=(Shift(days=frozenset({6}), begin=1080, end=480, person="1"),))
    assert gaps(night) == [(480, 6 * DAY + 1080)]


SHIFTS = st.builds(
    Shift,
    days=st.frozensets(st.integers(0, 6), min_size=1),
    begin=st.integers(0, 1439),
    end=st.integers(0, 1440),
    person=st.just("1"),
)


@given(st.lists(SHIFTS, min_size=1, max_size=4), st.integers(0, WEEK - 1))
def test_a_gap_is_when_nobody_is_on_call(shifts, minute):
    roster = Roster(name="r", shifts=tuple(shifts))
    monday = datetime(2024, 8, 5, tzinfo=ZoneInfo("UTC"))
    at = (monday + timedelta(minutes=minute)).timestamp()
    nobody = not on_call(roster, at=at, zone=ZoneInfo("UTC"))
    assert nobody == any(begin <= minute < end for begin, end in gaps(roster))
