"""What is true of a message in any language: what a slip, a page or a voice must say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gateway.message import Flag, Group, Message, Observation, Patient, Status

VOID = frozenset({Status.WITHDRAWN, Status.CANCELLED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What must be said of a message before any of its values."""

    count: int  # observations
    criticals: tuple[Observation, ...]  # the critical values that hold
    void_criticals: bool  # somebody may be acting on a critical value that no longer holds
    withdrawn: bool  # something is withdrawn…
    all_withdrawn: bool  # …and nothing else holds
    all_cancelled: bool  # nothing of what was asked will ever come


def find(message: Message) -> Facts:
    """The facts of a message, in one walk through its observations."""
    criticals: list[Observation] = []
    void_criticals = False
    states = {group.status for group in message.groups if not group.observations}
    for group, observation in _each(message):
        state = standing(group, observation)
        states.add(state)
        if observation.flag is not Flag.NONE and observation.flag.critical:
            if state in VOID:
                void_criticals = True
            else:
                criticals.append(observation)
    withdrawn = Status.WITHDRAWN in states
    return Facts(
        count=sum(len(group.observations) for group in message.groups),
        criticals=tuple(criticals),
        void_criticals=void_criticals,
        withdrawn=withdrawn,
        all_withdrawn=withdrawn and len(states) == 1,
        all_cancelled=states == {Status.CANCELLED},
    )


def standing(group: Group, observation: Observation) -> Status:
    """How firm a value is: what withdraws an examination withdraws its values."""
    return Status.WITHDRAWN if group.status is Status.WITHDRAWN else observation.status


def repeated(message: Message) -> frozenset[tuple[str, str, str]]:
    """The keys that two observations share: no earlier value can be told to be one's or the other's."""
    seen = Counter(key(g, o) for g, o in _each(message))
    return frozenset(k for k, times in seen.items() if times > 1)


def key(group: Group, observation: Observation) -> tuple[str, str, str]:
    """What an observation shares with the one it corrects."""
    return (group.order_key, observation.code, observation.sub_id)


def visible_ipp(patient: Patient) -> str:
    """The IPP, unless a reader had nothing better than a national number to take for it.

    A matricule INS may only be shown for a qualified identity (RNIV), and HL7 does not tell us that.
    """
    return "" if patient.ipp in _national(patient) else patient.ipp


def _national(patient: Patient) -> frozenset[str]:
    return frozenset(
        i.value
        for i in patient.identifiers
        if i.kind.upper().startswith("INS") or "-INS-" in i.authority.upper()
    )


def identified(patient: Patient | None) -> bool:
    """Whether a person can be told by two identifiers: name with birth date, and a hospital number."""
    if patient is None:
        return False
    named = bool(patient.family.strip() or patient.birth_name.strip())
    numbered = bool(visible_ipp(patient).strip() or patient.nda.strip())
    return named and bool(patient.birth_date.strip()) and numbered


def examinations(groups: Sequence[Group]) -> tuple[int, ...]:
    """The indices of all groups, a child right after its parent: an antibiogram below its germ (OBR-29)."""
    numbers: dict[str, int] = {}
    children: dict[int, list[int]] = {}
    roots: list[int] = []
    for index, group in enumerate(groups):
        # Only one that comes before it is a parent: so no ring of parents loses anybody.
        parent = numbers.get(group.parent_filler) if group.parent_filler else None
        if parent is None:
            roots.append(index)
        else:
            children.setdefault(parent, []).append(index)
        for number in filter(None, (group.filler, group.placer)):
            numbers.setdefault(number, index)
    return tuple(_walk(roots, children))


def _walk(roots: Sequence[int], children: dict[int, list[int]]) -> Iterator[int]:
    pending = list(reversed(roots))
    while pending:
        index = pending.pop()
        yield index
        pending += reversed(children.get(index, ()))


def _each(message: Message) -> Iterator[tuple[Group, Observation]]:
    for group in message.groups:
        for observation in group.observations:
            yield group, observation
