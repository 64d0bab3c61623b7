"""What a result changes of what a ward already holds on paper."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum

from gateway.message import Group, Message, Observation, Status
from gateway.render.context import Corrections, Earlier, Printed
from gateway.render.facts import VOID, key, repeated, standing

Key = tuple[str, str, str]

_FIRM = (Status.FINAL, Status.CORRECTED)


class Change(Enum):
    """How a value stands to the one before it."""

    NEW = "new"  # none is known
    SAME = "same"
    CHANGED = "changed"
    SEVERAL = "several"  # several values share its key: nobody can say which one it was


class Relation(Enum):
    """What an observation does to the paper that holds the earlier value."""

    NONE = "none"
    CORRECTS = "corrects"
    WITHDRAWS = "withdraws"
    REPLACES = "replaces"  # a preliminary value by a newer one


@dataclass(frozen=True, slots=True)
class Compared:
    """One observation beside what came before it."""

    relation: Relation = Relation.NONE
    change: Change = Change.NEW
    earlier: Earlier | None = None


def earlier_values(messages: Iterable[Printed]) -> Corrections:
    """The newest earlier value of each observation. `messages`: newest first."""
    found: dict[Key, Earlier] = {}
    for printed in messages:
        twice = repeated(printed.message)
        for group in printed.message.groups:
            order = Earlier(observation=None, slip=printed.slip, ward=printed.ward, at=printed.at)
            found.setdefault((group.order_key, "", ""), order)
            for observation in group.observations:
                its = key(group, observation)
                found.setdefault(its, replace(order, observation=observation, several=its in twice))
    return found


def compared(message: Message, corrections: Corrections) -> tuple[tuple[Compared, ...], ...]:
    """Each observation, group by group, beside what came before it."""
    twice = repeated(message) if corrections else frozenset()
    return tuple(
        tuple(_compare(group, o, corrections, twice=twice) for o in group.observations)
        for group in message.groups
    )


def corrects(found: Iterable[Iterable[Compared]], message: Message) -> bool:
    """Whether CORRECTION must stand on it: the sender says so, or a firm value is replaced by another."""
    said = any(group.status is Status.CORRECTED for group in message.groups)
    return said or any(c.relation is Relation.CORRECTS for group in found for c in group)


def previous(beside: Compared, observation: Observation) -> str:
    """The value that is replaced, with its unit where the two differ; "" when there is nothing to show."""
    before = beside.earlier.observation if beside.earlier else None
    if before is None or beside.change is not Change.CHANGED:
        return ""
    if beside.relation is Relation.WITHDRAWS or not before.value:
        return ""
    return before.value if before.unit == observation.unit else f"{before.value} {before.unit}"


def _compare(
    group: Group, observation: Observation, corrections: Corrections, *, twice: frozenset[Key]
) -> Compared:
    if not corrections:
        return _ALONE[_relation(group, observation, None)]
    its = key(group, observation)
    earlier = corrections.get(its) if group.order_key else None
    before = earlier.observation if earlier else None
    relation = _relation(group, observation, before)
    if earlier is None or before is None:
        return Compared(relation)
    if its in twice or earlier.several:
        return Compared(relation, Change.SEVERAL, earlier)
    same = (before.value, before.unit) == (observation.value, observation.unit)
    if relation is Relation.NONE and not same and before.status in _FIRM:
        relation = Relation.CORRECTS
    return Compared(relation, Change.SAME if same else Change.CHANGED, earlier)


_ALONE = {relation: Compared(relation) for relation in Relation}


def _relation(group: Group, observation: Observation, before: Observation | None) -> Relation:
    """What the statuses alone say."""
    now = standing(group, observation)
    if now is Status.WITHDRAWN:
        return Relation.WITHDRAWS
    if Status.CORRECTED in (now, group.status) and now not in VOID:
        return Relation.CORRECTS
    if before is not None and before.status not in (*_FIRM, *VOID):
        return Relation.REPLACES
    return Relation.NONE
