"""Who does what next: claims on due rows, rows taken up again after a crash, rows woken by their device."""

from __future__ import annotations

from collections.abc import Collection

from gateway.delivery import Delivery, Outcome, State
from gateway.store import queries, rows
from gateway.store.moves import LEASE, reopen
from gateway.store.work import Work


def claim(
    work: Work, lane: str, *, node: str, now: float, limit: int, busy: Collection[str]
) -> list[Delivery]:
    """Due rows of a lane, SENDING for `node`: most pressing first, then longest due, then oldest.

    "Longest due" lets a row that always fails wait its pauses without starving its lane.
    """
    for row in work.rows(queries.LAPSED, (lane, now)):
        reopen(work, rows.delivery(row), now=now, why="its claim lapsed")
    chosen = _choose(work, lane, now=now, limit=limit, busy=busy)
    until = now + LEASE
    return [rows.delivery(work.rows(queries.CLAIM, (node, until, row))[0]) for row in chosen]


def recover(work: Work, *, node: str, now: float) -> int:
    """At start: what `node` had under way when it ended is open again; returns how many."""
    claimed = [rows.delivery(row) for row in work.rows(queries.CLAIMED_BY, (node,))]
    for delivery in claimed:
        reopen(work, delivery, now=now, why="the service stopped")
    for attempt_id, delivery_id, message_id in work.rows(queries.ORPHANS):
        end = (now, Outcome.UNCERTAIN.value, "the service stopped", attempt_id)
        work.execute(queries.ATTEMPT_END, end)
        work.journal.append(
            "attempt ended",
            at=now,
            message_id=message_id,
            delivery_id=delivery_id,
            detail={"attempt": attempt_id, "outcome": Outcome.UNCERTAIN.value},
        )
    return len(claimed)


def wake(work: Work, lane: str, *, now: float) -> int:
    """Open rows of a lane that waited for its devices are due now; returns how many."""
    return work.change(queries.WAKE, (now, lane))


def _choose(work: Work, lane: str, *, now: float, limit: int, busy: Collection[str]) -> list[int]:
    """At most one row per patient: the first of that patient's in this lane, or none while it waits."""
    chosen: list[int] = []
    seen = set(busy)
    for delivery_id, patient in work.each(queries.DUE, (lane, now)):
        if len(chosen) >= limit:
            break
        if not patient:
            chosen.append(delivery_id)
        elif patient not in seen:
            seen.add(patient)
            chosen.extend(_first(work, patient, lane, now=now))
    return chosen


def _first(work: Work, patient: str, lane: str, *, now: float) -> list[int]:
    """The patient's first row of the lane, or none while it must be waited for.

    On paper a row in a pause is not waited for: a critical result must never stand behind a routine
    one whose printer is empty. The platform gets them in order, whatever it takes.
    """
    row = work.row(queries.FIRST_OF_PATIENT, (patient, lane, now))
    if row is None or row[1] != State.OPEN or row[2] > now:
        return []
    return [row[0]]
