"""Who may see and do what: from the roles and wards that people have for the telephone."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from gateway.directory import Person


class Right(StrEnum):
    """What an address asks of whoever wants it."""

    ANYBODY = "anybody"  # even who has not logged in
    PERSON = "person"
    WARD = "ward"  # the laboratory, or somebody with a ward; which ward is looked at further in
    DUTY = (
        "duty"  # any of these: the laboratory, a ward, somebody who may declare the platform down
    )
    LAB = "lab"
    DOWNTIME = "downtime"  # may declare the platform down


def may(person: Person | None, right: Right) -> bool:
    """Whether `person` (None: nobody has logged in) has this right."""
    if right is Right.ANYBODY:
        return True
    if person is None:
        return False
    return {
        Right.PERSON: True,
        Right.WARD: in_lab(person) or bool(person.wards),
        Right.DUTY: in_lab(person) or bool(person.wards) or "downtime" in person.roles,
        Right.LAB: in_lab(person),
        Right.DOWNTIME: "downtime" in person.roles,
    }[right]


def in_lab(person: Person) -> bool:
    return "lab" in person.roles


def may_see(person: Person, wards: Iterable[str]) -> bool:
    """Whether something that concerns these wards is any of this person's business."""
    return in_lab(person) or any(ward and person.may_see(ward) for ward in wards)
