"""Wardline's own words: refusals, summaries, outage notices, kept in the store like any message."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from gateway.delivery import NewDelivery
from gateway.message import Kind, Message, Priority
from gateway.store import Arrival

FORMAT = "notice"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """`topic`: "summary", "refusals", "outage began", "outage ended", "test page"; `detail` is JSON."""

    topic: str
    detail: Mapping[str, Any]

    def raw(self) -> bytes:
        body = {"topic": self.topic, "detail": self.detail}
        return json.dumps(body, ensure_ascii=False, sort_keys=True).encode()

    def message(self, *, control_id: str, priority: Priority = Priority.ROUTINE) -> Message:
        """The record the store keeps; `control_id` makes it one of its kind."""
        return Message(
            control_id=control_id,
            sender="WARDLINE",
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
