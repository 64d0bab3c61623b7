"""What waited too long, person by person, without what a later message replaced."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from gateway.directory import folded
from gateway.message import Group, Message, Patient
from gateway.render import facts

Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Waited:
    """A message that did not come out in time, and when it came in."""

    message: Message
    received_at: float
    slip: int | None = None  # its number, if it was given one


def people(waited: Sequence[Waited]) -> list[list[Waited]]:
    """What is newest of each person, whoever has a critical value first; never two people as one."""
    found: dict[object, list[Waited]] = {}
    for index, one in enumerate(waited):
        patient = one.message.patient
        its: object = index
        if patient is not None and patient.key:
            its = (patient.key, patient.family, patient.given, patient.birth_date)
        found.setdefault(its, []).append(one)
    people = (sorted(_newest(messages), key=_calm) for messages in found.values())
    return sorted((messages for messages in people if messages), key=lambda m: _calm(m[0]))


def same(patient: Patient, theirs: Sequence[Waited]) -> bool:
    """Whether the results name the patient as ADT does: family and given name, birth date."""
    other = theirs[0].message.patient
    if other is None:
        return False
    families = {folded(n) for n in (patient.family, patient.birth_name) if n}
    named = bool(families & {folded(n) for n in (other.family, other.birth_name) if n})
    given = folded(patient.given) == folded(other.given)
    return named and given and patient.birth_date[:8] == other.birth_date[:8]


def _newest(waited: Sequence[Waited]) -> Iterator[Waited]:
    """One person's messages, newest first, each with what no later one replaced."""
    seen: set[Key] = set()
    oldest_first = sorted(waited, key=lambda w: w.received_at)  # of two at once, as they were given
    for one in reversed(oldest_first):
        message = one.message
        twice = facts.repeated(message)
        here: set[Key] = set()
        groups: list[Group] = []
        for group in message.groups:
            keys = [facts.key(group, o) for o in group.observations]
            certain = bool(group.order_key) and not message.test
            here.update(k for k in keys if certain and k not in twice)
            kept = tuple(
                o
                for o, k in zip(group.observations, keys, strict=True)
                if not (certain and k in seen and k not in twice)
            )
            if kept or not group.observations:
                groups.append(replace(group, observations=kept))
        seen |= here
        if groups or not message.groups:
            yield replace(one, message=replace(message, groups=tuple(groups)))


def _calm(waited: Waited) -> bool:
    return not facts.find(waited.message).criticals
