"""People in the site's file: who may call in, who is called, and when."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import date, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from gateway.directory import Person, Roster, Shift
from gateway.settings import Name, Settings

SUNDAY = 6
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def days(text: str) -> frozenset[int]:
    """ "mon-fri", "sat,sun", "*" as numbers, 0 Monday. Raises ValueError saying how to write it."""
    found: set[int] = set()
    for part in text.replace(" ", "").lower().split(","):
        first, _, last = ("mon-sun" if part == "*" else part).partition("-")
        if first not in _DAYS or (last or first) not in _DAYS:
            raise ValueError('days are written like "mon-fri", "sat,sun" or "*"')
        begin, end = _DAYS.index(first), _DAYS.index(last or first)
        found |= {(begin + n) % 7 for n in range((end - begin) % 7 + 1)}
    return frozenset(found)


def minutes(text: str) -> int:
    """ "08:30" as minutes of the day; "24:00" is its end. Raises ValueError."""
    hours, colon, rest = text.partition(":")
    if colon and hours.isdecimal() and rest.isdecimal() and len(rest) == 2:
        found = int(hours) * 60 + int(rest)
        if int(rest) < 60 and found <= 1440:
            return found
    raise ValueError('a time of day is written like "08:30"')


def _days_known(text: str) -> str:
    days(text)
    return text


def _clock_time(text: str) -> str:
    minutes(text)
    return text


class PersonSettings(Settings):
    """Somebody who is called, or who calls in with a personal code."""

    code: Annotated[str, StringConstraints(pattern=r"^[0-9]{3,8}$")]
    name: Name
    wards: tuple[str, ...] = ()  # "*": every ward
    roles: tuple[Literal["clinician", "lab", "downtime"], ...] = ("clinician",)
    phone: str = ""
    pin: str = ""  # argon2 hash (`wardline people hash`)
    pin_file: Path | None = None  # a file that holds it

    def person(self, path: Callable[[Path], Path]) -> Person:
        """As the directory knows them; `path` makes a path of the site's file absolute."""
        pin = self.pin
        if self.pin_file is not None:
            pin = path(self.pin_file).read_text("utf-8").strip()
        return Person(**self.model_dump(exclude={"pin", "pin_file"}), pin=pin)


class ShiftSettings(Settings):
    """`days` "mon-fri", "sat,sun" or "*"; `begin` and `end` "08:00", local time."""

    days: Annotated[str, AfterValidator(_days_known)] = "*"
    begin: Annotated[str, AfterValidator(_clock_time)] = "00:00"
    end: Annotated[str, AfterValidator(_clock_time)] = "24:00"
    person: str = ""
    phone: str = ""


class RosterSettings(Settings):
    """Who is on call, in the order to call them."""

    name: Name
    shifts: tuple[ShiftSettings, ...] = Field(min_length=1)
    holidays: tuple[date, ...] = ()  # on these days it is as on a Sunday

    def roster(self) -> Roster:
        shifts = (
            Shift(
                days=days(s.days),
                begin=minutes(s.begin),
                end=minutes(s.end),
                person=s.person,
                phone=s.phone,
            )
            for s in self.shifts
        )
        return Roster(name=self.name, shifts=tuple(shifts), holidays=frozenset(self.holidays))


def on_call(roster: Roster, *, at: float, zone: tzinfo) -> tuple[Shift, ...]:
    """Whose hours it is at `at` (seconds, UTC), in the roster's order."""
    local = datetime.fromtimestamp(at, zone)
    minute, today = local.hour * 60 + local.minute, _weekday(roster, local.date())
    yesterday = _weekday(roster, local.date() - timedelta(days=1))

    def now(shift: Shift) -> bool:
        if shift.begin < shift.end:
            return today in shift.days and shift.begin <= minute < shift.end
        # Past midnight: tonight's, or what is left of last night's.
        tonight = today in shift.days and minute >= shift.begin
        return tonight or (yesterday in shift.days and minute < shift.end)

    return tuple(shift for shift in roster.shifts if now(shift))


def _weekday(roster: Roster, day: date) -> int:
    return SUNDAY if day in roster.holidays else day.weekday()


def faults(
    people: Sequence[PersonSettings],
    rosters: Sequence[RosterSettings],
    *,
    wards: Collection[str],
    path: Callable[[Path], Path],
) -> Iterator[str]:
    """People and rosters name wards, people and files that are there."""
    codes = [person.code for person in people]
    yield from (f'people["{c}"]: there are two of this code' for c in _twice(codes))
    names = [roster.name for roster in rosters]
    yield from (f'rosters["{n}"]: there are two of this name' for n in _twice(names))
    for person in people:
        place = f'people["{person.code}"]'
        for ward in person.wards:
            if ward != "*" and ward not in wards:
                yield f'{place}.wards: there is no ward "{ward}"'
        if person.pin and person.pin_file:
            yield f"{place}: pin or pin_file, not both"
        if person.pin_file and not path(person.pin_file).is_file():
            yield f"{place}.pin_file: no file {path(person.pin_file)}"
    for roster in rosters:
        for index, shift in enumerate(roster.shifts):
            place = f'rosters["{roster.name}"].shifts[{index}]'
            if shift.person and shift.person not in codes:
                yield f'{place}.person: there is no person "{shift.person}"'
            if bool(shift.person) == bool(shift.phone):
                yield f"{place}: a person or a phone, and only one"


def _twice(names: Sequence[str]) -> list[str]:
    return sorted({name for name in names if names.count(name) > 1})
