"""Wardline's own words: refusals, summaries, outage notices, kept in the store like any message."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from gateway.delivery import NewDelivery, Purpose, State
from gateway.message import Kind, Message, Priority
from gateway.store import Arrival, Store

FORMAT = "notice"
SENDER = "WARDLINE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """`topic`: "summary", "pack", "outage began", "outage ended"; `detail` is JSON."""

    topic: str
    detail: Mapping[str, Any]

    def raw(self) -> bytes:
        body = {"topic": self.topic, "detail": self.detail}
        return json.dumps(body, ensure_ascii=False, sort_keys=True).encode()

    def message(self, *, control_id: str, priority: Priority = Priority.ROUTINE) -> Message:
        """The record the store keeps; `control_id` makes it one of its kind."""
        return Message(
            control_id=control_id,
            sender=SENDER,
            type="NOTICE",
            kind=Kind.NOTICE,
            priority=priority,
        )


def read(raw: bytes) -> Notice:
    """The notice in `raw`, which this module wrote."""
    body = json.loads(raw)
    return Notice(topic=body["topic"], detail=body["detail"])


def announcement(
    told: Notice,
    *,
    control_id: str,
    now: float,
    deliveries: tuple[NewDelivery, ...],
    supersedes: tuple[int, ...] = (),
) -> Arrival:
    """An arrival that carries Wardline's own words through the same door as any message."""
    pressing = min((d.priority for d in deliveries), key=lambda p: p.rank, default=Priority.ROUTINE)
    return Arrival(
        intake="wardline",
        peer="",
        received_at=now,
        message=replace(told.message(control_id=control_id), priority=pressing),
        raw=told.raw(),
        format=FORMAT,
        deliveries=deliveries,
        supersedes=supersedes,
    )


async def waiting(store: Store, ward: str, *, stale: Callable[[Notice], bool]) -> tuple[int, ...]:
    """Deliveries of notices that still wait for a ward's paper and are `stale`, for what replaces them.

    A summary is a notice too, and the only paper of the results it stands for: ask what it is about.
    """
    found: list[int] = []
    for delivery in await store.open_deliveries(to=ward):
        if delivery.purpose is not Purpose.NOTICE or delivery.state is not State.OPEN:
            continue
        stored = await store.content(delivery.message_id)
        if stored.format == FORMAT and stored.raw and stale(read(stored.raw)):
            found.append(delivery.id)
    return tuple(found)
