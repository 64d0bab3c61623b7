"""A person's word on a message: "I have it", "let it through", "no"."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from typing import Any

from gateway.delivery import FINAL, Delivery, NewDelivery, Purpose, State
from gateway.store import Acknowledgement, queries, rows
from gateway.store.moves import add_delivery, restand, shift
from gateway.store.work import Work

#: What of a journal's entry may be a person's words, characters.
WORDS = 200


def acknowledge(work: Work, said: Acknowledgement) -> list[Delivery]:
    """Write down that a person has a message, or could not say so, and end the calls for it.

    Paper that may be out already and waits to be tried again is in somebody's hands: it is delivered.
    Paper that has not begun still goes out. Returns the deliveries moved.
    """
    work.insert(queries.ACKNOWLEDGEMENT_INSERT, rows.acknowledgement_values(said))
    every = [rows.delivery(row) for row in work.rows(queries.OF_MESSAGE, (said.message_id,))]
    ended = [d for d in every if said.accepted and _ends(d)]
    work.journal.append(
        "acknowledged" if said.accepted else "not acknowledged",
        at=said.at,
        message_id=said.message_id,
        detail={
            # Values are a patient's: the journal keeps what proves them.
            "conveyed": sha256(said.conveyed.encode("utf-8", "backslashreplace")).hexdigest(),
            "difficulties": said.difficulties[:WORDS],
            "ended": [d.id for d in ended],
            "name": rows.plain(said.name),
            "person": rows.plain(said.person),
            "read_back": said.read_back,
            "via": said.via,
        },
    )
    proof = {"acknowledged by": rows.plain(said.person or said.name)}
    moved = [shift(work, d, State.DELIVERED, at=said.at, detail=proof) for d in ended]
    if moved:
        restand(work, said.message_id, at=said.at)
    return moved


def owe(work: Work, message_id: int, new: NewDelivery, *, at: float, by: str) -> Delivery:
    """One more delivery of a message that is there, because a person asked for it."""
    row = work.row(queries.PATIENT_OF, (message_id,))
    if row is None:
        raise LookupError(f"no message {message_id}")
    owed = add_delivery(work, new, message_id=message_id, patient_key=row[0], at=at)
    detail = {
        "by": rows.plain(by), "purpose": owed.purpose.value, "state": owed.state.value, "to": owed.to,
    }  # fmt: skip
    work.journal.append("owed", at=at, message_id=message_id, delivery_id=owed.id, detail=detail)
    restand(work, message_id, at=at)
    return owed


def judge(
    work: Work, message_id: int, *, through: bool, by: str, reason: str, at: float
) -> list[Delivery]:
    """Let a quarantined message through, or refuse it for good. Returns the deliveries moved."""
    waiting = [rows.delivery(row) for row in work.rows(queries.QUARANTINED, (message_id,))]
    if not waiting:
        return []
    work.journal.append(
        "let through" if through else "kept out",
        at=at,
        message_id=message_id,
        detail={"by": rows.plain(by), "reason": rows.plain(reason)[:WORDS]},
    )
    to = State.OPEN if through else State.REFUSED
    said: dict[str, Any] = {"by": rows.plain(by)}
    # Its plan begins when it is let through, not when it came.
    moved = [shift(work, replace(d, step_since=at), to, at=at, detail=said) for d in waiting]
    restand(work, message_id, at=at)
    return moved


def _ends(delivery: Delivery) -> bool:
    if delivery.state in FINAL:
        return False
    if delivery.purpose is Purpose.CALL:
        return True
    waits = delivery.state is State.OPEN and delivery.at.by not in ("platform", "confirm")
    return delivery.purpose is Purpose.WARD and waits and delivery.doubtful
