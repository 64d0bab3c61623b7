"""Moving deliveries: claim, begin, settle, confirm, release, recover; each with its journal entry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from gateway.delivery import (
    FINAL,
    Attempt,
    Delivery,
    NewDelivery,
    Outcome,
    Purpose,
    State,
    check_move,
)
from gateway.store import queries, rows
from gateway.store.standing import Standing, standing
from gateway.store.work import Work

#: How long a claim holds without a word, seconds: past this its row may be claimed again.
LEASE = 600.0

#: A note may come from a device or a peer: what the journal keeps of it, characters.
NOTE = 200


def add_delivery(
    work: Work, new: NewDelivery, *, message_id: int, patient_key: str, at: float
) -> Delivery:
    """Write a delivery's row; the caller writes the journal entry that names it."""
    delivery = rows.begun(
        new, id=work.next_delivery(), message_id=message_id, patient_key=patient_key, at=at
    )
    work.execute(queries.DELIVERY_INSERT, rows.delivery_values(delivery))
    return delivery


def begin(work: Work, delivery: Delivery, *, device: str, at: float, paper: bool) -> Attempt:
    """Write an attempt before its first byte; the first on paper takes the next number of its ward."""
    (before,) = _row(work, queries.SLIP_OF, delivery.id)
    slip, reprint = _number(work, delivery, before) if paper else (None, 0)
    channel = delivery.at.by
    number = work.insert(queries.ATTEMPT_INSERT, (delivery.id, channel, device, at, slip, reprint))
    work.execute(queries.RENEW, (slip, at + LEASE, delivery.id))
    work.journal.append(
        "attempt",
        at=at,
        message_id=delivery.message_id,
        delivery_id=delivery.id,
        detail={
            "attempt": number, "channel": channel, "device": device, "reprint": reprint, "slip": slip,
        },
    )  # fmt: skip
    return Attempt(
        id=number,
        delivery_id=delivery.id,
        channel=channel,
        device=device,
        at=at,
        slip=slip,
        reprint=reprint,
    )


def settle(
    work: Work,
    before: Delivery,
    after: Delivery,
    *,
    at: float,
    attempt: Attempt | None,
    extra: Sequence[NewDelivery],
    note: str,
) -> Delivery:
    """End an attempt and make its delivery's move, unless the row was moved meanwhile."""
    ended_only = before.state is after.state and before.state in FINAL
    if not ended_only:
        check_move(before.state, after.state)
    detail: dict[str, Any] = {"note": note[:NOTE]} if note else {}
    if attempt is not None:
        detail |= _end(work, attempt, at=at)
    # An attempt that was given up for lost no longer speaks for its row.
    lost = ended_only or "late" in detail
    found = None if lost else work.row(queries.MOVE_IF, rows.move_if_values(after, before=before))
    if found is None:
        stored = rows.delivery(_row(work, queries.DELIVERY, before.id))
        if attempt is not None:
            _say(work, "attempt ended", stored, at=at, detail=detail)
        return stored
    moved = replace(after, slip=found[0], patient_key=found[1])
    _moved(work, moved, at=at, detail=detail)
    for new in extra:
        _owe(work, new, moved, at=at)
    if (moved.purpose, moved.state) == (Purpose.HANDBACK, State.DELIVERED):
        _withdraw(work, moved, at=at)
    if extra or moved.state in FINAL:
        restand(work, moved.message_id, at=at)
    return moved


def shift(
    work: Work, delivery: Delivery, state: State, *, at: float, detail: Mapping[str, Any]
) -> Delivery:
    """Move a delivery to a state without touching its plan. The caller restands its message."""
    check_move(delivery.state, state)
    moved = replace(delivery, state=state, due=at if state is State.OPEN else None)
    work.execute(queries.MOVE, rows.move_values(moved))
    _moved(work, moved, at=at, detail=detail)
    return moved


def restand(work: Work, message_id: int, *, at: float) -> None:
    """Let a message's state follow its deliveries'."""
    refused, state = work.rows(queries.STANDING, (message_id,))[0]
    siblings = [(Purpose(p), State(s)) for p, s in work.rows(queries.SIBLINGS, (message_id,))]
    stands = standing(siblings, refused=bool(refused))
    if stands != state:
        closed_at = None if stands is Standing.OPEN else at
        work.execute(queries.MESSAGE_MOVE, (stands.value, closed_at, message_id))


def release(work: Work, *, now: float, limit: int) -> int:
    """What is held for the platform becomes open, oldest message first."""
    held = [rows.delivery(row) for row in work.rows(queries.HELD, (limit,))]
    for delivery in held:
        shift(work, replace(delivery, step_since=now), State.OPEN, at=now, detail={"released": 1})
    return len(held)


def reopen(work: Work, delivery: Delivery, *, now: float, why: str) -> None:
    """Nobody knows how its attempt ended: open again, due now, doubtful if it was on paper."""
    under_way = work.rows(queries.UNDER_WAY, (delivery.id,))
    for attempt_id, _ in under_way:
        end = (now, Outcome.UNCERTAIN.value, why, attempt_id)
        work.execute(queries.ATTEMPT_END, end)
    printed = any(slip is not None for _, slip in under_way)
    again = replace(delivery, doubtful=delivery.doubtful or printed)
    shift(
        work,
        again,
        State.OPEN,
        at=now,
        detail={"attempts": [attempt_id for attempt_id, _ in under_way], "why": why},
    )


# -- details


def _row(work: Work, query: str, delivery_id: int) -> Any:
    row = work.row(query, (delivery_id,))
    if row is None:
        raise LookupError(f"no delivery {delivery_id}")
    return row


def _moved(work: Work, moved: Delivery, *, at: float, detail: Mapping[str, Any]) -> None:
    what = moved.state.value if moved.state in FINAL else "moved"
    _say(
        work, what, moved, at=at, detail={**detail, "state": moved.state.value, "step": moved.at.by}
    )


def _say(
    work: Work, what: str, delivery: Delivery, *, at: float, detail: Mapping[str, Any]
) -> None:
    work.journal.append(
        what, at=at, message_id=delivery.message_id, delivery_id=delivery.id, detail=detail
    )


def _withdraw(work: Work, handback: Delivery, *, at: float) -> None:
    """The platform has taken it back and brings it: paper that has not begun is no longer wanted."""
    every = [rows.delivery(row) for row in work.rows(queries.OF_MESSAGE, (handback.message_id,))]
    for paper in every:
        if paper.purpose in (Purpose.WARD, Purpose.LABEL) and paper.state is State.OPEN:
            shift(work, paper, State.WITHDRAWN, at=at, detail={"handed back": handback.id})


def _owe(work: Work, new: NewDelivery, moved: Delivery, *, at: float) -> None:
    owed = add_delivery(
        work, new, message_id=moved.message_id, patient_key=moved.patient_key, at=at
    )
    detail = {"purpose": owed.purpose.value, "state": owed.state.value, "to": owed.to}
    _say(work, "owed", owed, at=at, detail=detail)


def _end(work: Work, attempt: Attempt, *, at: float) -> dict[str, Any]:
    outcome = attempt.outcome.value if attempt.outcome is not None else Outcome.UNCERTAIN.value
    ended_at = attempt.ended_at if attempt.ended_at is not None else at
    detail = rows.plain(attempt.detail)
    written = work.change(queries.ATTEMPT_END, (ended_at, outcome, detail, attempt.id))
    said: dict[str, Any] = {"attempt": attempt.id, "outcome": outcome}
    return said if written else said | {"late": True}


def _number(work: Work, delivery: Delivery, before: int | None) -> tuple[int, int]:
    """The number its paper carries, the same for every try and every reprint; and how many of these there
    may have been."""
    if before is None:
        return int(work.rows(queries.NEXT_SLIP, (delivery.to,))[0][0]), 0
    return before, int(work.rows(queries.MAY_HAVE_PRINTED, (delivery.id,))[0][0])
