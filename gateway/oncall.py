"""What of wards, people and rosters leaves a critical result with nobody to hear it: for `wardline check`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from gateway.directory import Directory, Person, Roster, Shift, Ward

DAY, WEEK = 1440, 7 * 1440  # minutes
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def faults(directory: Directory) -> Iterator[str]:
    """One line each. A site may want some of them so: none keeps Wardline from running."""
    for ward in directory.wards.values():
        yield from _ward(ward, directory)
    for name, roster in directory.rosters.items():
        called = [w.code for w in directory.wards.values() if w.roster == name]
        yield from _roster(roster, directory.people, wards=called)


def gaps(roster: Roster) -> list[tuple[int, int]]:
    """When nobody is on call, in minutes of the week from Monday 00:00."""
    spans = sorted(span for shift in roster.shifts for span in _spans(shift))
    found, at = [], 0
    for begin, end in (*spans, (WEEK, WEEK)):
        if begin > at:
            found.append((at, begin))
        at = max(at, end)
    return found


def _ward(ward: Ward, directory: Directory) -> Iterator[str]:
    place = f'wards["{ward.code}"]'
    if not ward.phone and not ward.roster:
        yield f"{place}: neither a phone nor a roster: nobody is rung for its critical results"
    if ward.phone and ward.phone == directory.lab.phone:
        yield f"{place}.phone: {ward.phone} is the laboratory's"
    if not any(_hears(person, ward.code) for person in directory.people.values()):
        yield f"{place}: nobody has a pin and may hear its results by telephone"


def _roster(roster: Roster, people: Mapping[str, Person], *, wards: Sequence[str]) -> Iterator[str]:
    place = f'rosters["{roster.name}"]'
    for code in dict.fromkeys(shift.person for shift in roster.shifts if shift.person):
        person = people.get(code)
        if person is None:
            continue  # the site's file is refused for it
        if not person.phone:
            yield f"{place}: {person.name} ({code}) has no phone and cannot be rung"
        if not person.pin:
            yield f"{place}: {person.name} ({code}) has no pin and cannot say to have anything"
            continue
        closed = [ward for ward in wards if not _hears(person, ward)]
        if closed:
            yield f"{place}: {person.name} ({code}) may not hear results of {', '.join(closed)}"
    for begin, end in gaps(roster):
        yield f"{place}: nobody is on call {_moment(begin)} to {_moment(end)}"


def _hears(person: Person, ward: str) -> bool:
    return bool(person.pin) and ("lab" in person.roles or person.may_see(ward))


def _spans(shift: Shift) -> Iterator[tuple[int, int]]:
    for day in shift.days:
        begin = day * DAY + shift.begin
        end = day * DAY + shift.end + (DAY if shift.end <= shift.begin else 0)
        yield begin, min(end, WEEK)
        if end > WEEK:  # Sunday's night ends on Monday
            yield 0, end - WEEK


def _moment(minute: int) -> str:
    day, rest = divmod(minute % WEEK, DAY)
    return f"{_DAYS[day]} {rest // 60:02}:{rest % 60:02}"
