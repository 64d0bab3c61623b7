"""What is newest of one patient: of every analyte its last value that holds, whatever order it came under."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

from gateway.clock import local
from gateway.message import Group, Observation, Status
from gateway.render import facts, moments
from gateway.render.bounds import several_lines
from gateway.render.examination import LONG
from gateway.render.waiting import Waited

Analyte = tuple[str, ...]
# What was not measured, or holds no more, says nothing against an older value of another order.
_EMPTY = facts.VOID | {Status.PENDING}


def newest(results: Sequence[Waited], zone: str) -> list[Waited]:
    """`results` of one patient, without what a later specimen gave again; the last received first.

    They come as `waiting.people` leaves them: what a later message of the same order replaced is gone.
    Texts and antibiograms are all kept: two specimens may bear one code.
    """
    seen: dict[Analyte, _Taken] = {}
    for one, group, observation in _each(results):
        its = analyte(group, observation)
        taken = _Taken(taken_at(one, group, observation, ZoneInfo(zone)), one.received_at)
        if its and facts.standing(group, observation) not in _EMPTY:
            seen[its] = max(taken, seen.get(its, taken))
    kept = (_kept(one, seen, ZoneInfo(zone)) for one in results)
    return sorted((one for one in kept if one.message.groups), key=lambda w: -w.received_at)


@dataclass(frozen=True, slots=True, order=True)
class _Taken:
    at: datetime  # when the specimen was taken, else when it was measured, else received
    received_at: float


def _kept(one: Waited, seen: dict[Analyte, _Taken], zone: tzinfo) -> Waited:
    groups: list[Group] = []
    for group in one.message.groups:
        found = tuple(o for o in group.observations if not _outdated(one, group, o, seen, zone))
        if found or not group.observations:
            groups.append(replace(group, observations=found))
    return replace(one, message=replace(one.message, groups=tuple(groups)))


def _outdated(
    one: Waited, group: Group, observation: Observation, seen: dict[Analyte, _Taken], zone: tzinfo
) -> bool:
    newer = seen.get(analyte(group, observation))
    return newer is not None and newer > _Taken(
        taken_at(one, group, observation, zone), one.received_at
    )


def _each(results: Sequence[Waited]) -> Iterator[tuple[Waited, Group, Observation]]:
    for one in results:
        for group in one.message.groups:
            for observation in group.observations:
                yield one, group, observation


def analyte(group: Group, observation: Observation) -> Analyte:
    """What two values must share for the later to stand for the earlier; () for what is never compared."""
    lone = observation.attachment is not None or group.parent_filler or group.parent_value
    text = len(observation.value) > LONG or several_lines(observation.value)
    if lone or text or not observation.code:
        return ()
    return (
        observation.code,
        observation.name,
        observation.sub_id,
        observation.unit,
        group.code,
        group.specimen,
    )


def taken_at(one: Waited, group: Group, observation: Observation, zone: tzinfo) -> datetime:
    for text in (group.collected_at, observation.observed_at):
        found = moments.read(text, zone) if text else None
        if found is not None and found.precision > 3:
            return found.at.replace(tzinfo=zone).astimezone(UTC)
    return local(one.received_at, "UTC")
