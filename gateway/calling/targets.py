"""Which telephones a step rings, and in which order: numbers of the directory, never of a message."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import tzinfo

from gateway.delivery import Step
from gateway.directory import Directory, Shift
from gateway.staff import on_call

#: Before a person's code in `Step.to`: somebody who was told an earlier value by voice.
PERSON = "person:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One telephone and who should answer it."""

    number: str
    name: str = ""  # a person's or a ward's
    person: str = ""  # code in the directory; "" for a telephone that anybody may answer


def targets(
    step: Step,
    *,
    ward: str,
    directory: Directory,
    at: float,
    zone: tzinfo,
    wrong: Collection[str] = (),
) -> tuple[Target, ...]:
    """The telephones of `step` at `at` (seconds, UTC), each once, in the order to try them.

    `wrong`: numbers that somebody said are not theirs; they ring nobody before a person looked at them.
    """
    found = {t.number: t for t in reversed([*_named(step, ward, directory, at=at, zone=zone)])}
    return tuple(t for t in reversed(found.values()) if t.number and t.number not in wrong)


def _named(
    step: Step, ward: str, directory: Directory, *, at: float, zone: tzinfo
) -> Iterator[Target]:
    if step.to.startswith(PERSON):
        yield from _person(step.to.removeprefix(PERSON), directory)
        return
    if step.to == "ward":
        place = directory.ward(ward)
        yield Target(number=digits(place.phone), name=place.name)
        return
    if step.to == "lab":
        yield Target(number=digits(directory.lab.phone), name=directory.lab.name)
        return
    roster = directory.rosters.get(directory.ward(ward).roster if step.to == "roster" else step.to)
    for shift in on_call(roster, at=at, zone=zone) if roster is not None else ():
        yield from _shift(shift, directory)


def _shift(shift: Shift, directory: Directory) -> Iterator[Target]:
    if shift.person:
        yield from _person(shift.person, directory)
    else:
        yield Target(number=digits(shift.phone))


def _person(code: str, directory: Directory) -> Iterator[Target]:
    person = directory.people.get(code)
    if person is not None:
        yield Target(number=digits(person.phone), name=person.name, person=person.code)


def digits(phone: str) -> str:
    """A number as the directory writes it ("01 42 16 00 00") as it is dialled."""
    return "".join(c for c in phone if c.isascii() and c.isdigit())
