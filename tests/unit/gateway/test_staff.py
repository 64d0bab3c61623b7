"""Who is on call at what hour, and what a site's file may say of people."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from gateway.directory import Roster, Shift
from gateway.staff import PersonSettings, RosterSettings, days, faults, minutes, on_call

PARIS = ZoneInfo("Europe/Paris")
WEEK = frozenset(range(5))
DAY = Shift(days=WEEK, begin=8 * 60, end=18 * 60, person="4711")
NIGHT = Shift(days=WEEK, begin=18 * 60, end=8 * 60, phone="2222")
ROSTER = Roster(name="cardio", shifts=(DAY, NIGHT))


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=PARIS).timestamp()


@pytest.mark.parametrize(
    ("when", "who"),
    [
        ("2024-08-02T08:00", (DAY,)),  # a Friday
        ("2024-08-02T17:59", (DAY,)),
        ("2024-08-02T18:00", (NIGHT,)),
        ("2024-08-03T07:59", (NIGHT,)),  # Saturday morning is still Friday's night
        ("2024-08-03T08:00", ()),
        ("2024-08-05T03:00", ()),  # Monday before dawn is Sunday's, and nobody has that
        ("2024-10-27T02:30", ()),
    ],
)
def test_a_night_belongs_to_the_day_on_which_it_begins(when, who):
    assert on_call(ROSTER, at=at(when), zone=PARIS) == who


@pytest.mark.parametrize(
    "when", ["2024-03-31T01:59", "2024-03-31T03:00", "2024-10-27T02:30", "2024-10-27T03:00"]
)
@pytest.mark.parametrize("again", [0, 1])
def test_in_the_nights_when_clocks_change_somebody_is_on_call_all_the_time(when, again):
    nights = Roster(name="n", shifts=(replace(NIGHT, days=frozenset(range(7))),))
    moment = datetime.fromisoformat(when).replace(tzinfo=PARIS, fold=again).timestamp()
    assert on_call(nights, at=moment, zone=PARIS) == nights.shifts


SUNDAYS = Shift(days=frozenset({6}), begin=8 * 60, end=8 * 60, person="4712")
FEAST = replace(ROSTER, shifts=(*ROSTER.shifts, SUNDAYS), holidays=frozenset({date(2024, 8, 15)}))


@pytest.mark.parametrize(
    ("when", "who"),
    [
        ("2024-08-14T20:00", (NIGHT,)),
        ("2024-08-15T07:59", (NIGHT,)),  # Thursday: the night before goes on
        ("2024-08-15T09:00", (SUNDAYS,)),
        ("2024-08-16T07:59", (SUNDAYS,)),
        ("2024-08-16T08:00", (DAY,)),
    ],
)
def test_a_holiday_is_as_a_sunday(when, who):
    assert on_call(FEAST, at=at(when), zone=PARIS) == who


@pytest.mark.parametrize(
    ("text", "found"),
    [("mon-fri", WEEK), ("sat,sun", {5, 6}), ("*", set(range(7))), ("fri-mon", {4, 5, 6, 0})],
)
def test_days_are_read_as_people_write_them(text, found):
    assert days(text) == found


@pytest.mark.parametrize("text", ["", "8", "8:5", "24:01", "12:60", "-1:00", "noon"])
def test_what_is_no_time_of_day_is_refused(text):
    with pytest.raises(ValueError, match="08:30"):
        minutes(text)


def test_a_day_ends_at_24_00():
    assert (minutes("00:00"), minutes("24:00")) == (0, 1440)


def test_every_fault_is_told_with_its_place(tmp_path):
    people = [
        PersonSettings(code="4711", name="Dr Roux", wards=("CRAD",), pin_file="no-such"),
        PersonSettings(code="4711", name="Dr Blanc", pin="a", pin_file="b"),
    ]
    rosters = [
        RosterSettings(name="cardio", shifts=({"person": "9999"}, {"person": "4711", "phone": "2"}))
    ]

    told = list(faults(people, rosters, wards={"CARD"}, path=tmp_path.joinpath))

    assert told[0] == 'people["4711"]: there are two of this code'
    assert 'people["4711"].wards: there is no ward "CRAD"' in told
    assert any(line.startswith('people["4711"].pin_file: no file') for line in told)
    assert 'people["4711"]: pin or pin_file, not both' in told
    assert 'rosters["cardio"].shifts[0].person: there is no person "9999"' in told
    assert 'rosters["cardio"].shifts[1]: a person or a phone, and only one' in told


def test_a_hash_can_stand_in_a_file_of_its_own(tmp_path):
    (tmp_path / "pin").write_text("$argon2id$x\n")
    person = PersonSettings(code="4711", name="Dr Roux", wards=("*",), pin_file="pin")

    known = person.person(tmp_path.joinpath)

    assert known.pin == "$argon2id$x"
    assert known.may_see("CARD")
