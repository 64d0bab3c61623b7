"""Writing a move down: the one place where what was decided becomes a row, and an alarm is told."""

from __future__ import annotations

import structlog

from gateway.delivery import Attempt, Delivery
from gateway.policy import Move
from gateway.store import Store

log = structlog.get_logger()


async def settle(
    store: Store, row: Delivery, move: Move, *, at: float, attempt: Attempt | None = None
) -> Delivery:
    """`row` as it stands once `move`, and the end of `attempt`, are on disk."""
    after = await store.settle(
        row, move.after, at=at, attempt=attempt, extra=move.extra, note=move.note
    )
    if move.alarm:
        log.error("alarm", delivery=row.id, alarm=move.alarm)
    return after
