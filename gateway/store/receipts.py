"""The platform's late word: it has a message after all, so nobody else need carry it."""

from __future__ import annotations

from gateway.delivery import FINAL, Delivery, Purpose, State
from gateway.store import queries, rows
from gateway.store.moves import NOTE, restand, shift
from gateway.store.work import Work

#: A receipt that names no sender can only mean a message of the last day (seconds).
RECENT = 86_400.0

_WAITING = (State.OPEN, State.HELD)


def confirm(
    work: Work, *, sender: str | None, control_id: str, at: float, proof: str
) -> list[Delivery]:
    """Move what the platform's receipt makes needless; returns the deliveries moved.

    A control id that could mean more than one waiting message moves nothing: to withdraw the wrong
    patient's paper would be worse than to print one slip too many.
    """
    found = _candidates(work, sender=sender, control_id=control_id, at=at)
    pending = {m: own for m in found if (own := _pending(work, m))}
    sure = len(pending) == 1 and (sender is not None or len(set(found.values())) == 1)
    moved: list[Delivery] = []
    if sure:
        ((message_id, deliveries),) = pending.items()
        waiting = [d for d in deliveries if d.state in _WAITING]
        moved = [_moved(work, d, at=at, proof=proof) for d in waiting]
        restand(work, message_id, at=at)
    meant = list(pending) if sure else list(found)
    detail = {
        "candidates": len(found),
        "control_id": control_id,
        "moved": [d.id for d in moved],
        "proof": proof[:NOTE],
    }
    work.journal.append(
        "confirmed", at=at, message_id=meant[0] if len(meant) == 1 else None, detail=detail
    )
    return moved


def _candidates(work: Work, *, sender: str | None, control_id: str, at: float) -> dict[int, str]:
    """The messages that may be meant, each with its sender."""
    if sender is None:
        found = work.rows(queries.CONFIRMABLE, (rows.plain(control_id),))
        return {m: who for m, who, received_at in found if received_at >= at - RECENT}
    meant = (rows.plain(control_id), rows.plain(sender))
    return {m: who for m, who, _ in work.rows(queries.CONFIRMABLE_FROM, meant)}


def _pending(work: Work, message_id: int) -> list[Delivery]:
    all_of_it = [rows.delivery(row) for row in work.rows(queries.OF_MESSAGE, (message_id,))]
    return [d for d in all_of_it if d.state not in FINAL and d.purpose is not Purpose.NOTICE]


def _moved(work: Work, delivery: Delivery, *, at: float, proof: str) -> Delivery:
    detail = {"proof": proof}
    if delivery.purpose is not Purpose.HANDBACK:
        # A relay that is held was on its way to the platform: it has arrived.
        to = State.DELIVERED if delivery.state is State.HELD else State.WITHDRAWN
        return shift(work, delivery, to, at=at, detail=detail)
    if delivery.state is State.OPEN:
        delivery = shift(work, delivery, State.HELD, at=at, detail=detail)
    return shift(work, delivery, State.DELIVERED, at=at, detail=detail)
