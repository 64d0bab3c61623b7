"""What happened to one message, in the order in which it happened."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway.delivery import HANDED
from gateway.locale import Translate
from gateway.render import acts


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """`tone`: "good", "bad", "warn" or ""."""

    at: float
    what: str
    detail: str = ""
    tone: str = ""


def events(_: Translate, message: Mapping[str, Any]) -> list[Event]:
    """Oldest first; `message` as `views.message` tells it."""
    found = [Event(at=_at(message["received_at"]), what=_("came in"), detail=message["intake"])]
    for delivery in (*message["deliveries"], *message["stand_ins"]):
        found += _tried(_, delivery)
    found += map(lambda said: _acknowledged(_, said), message["acknowledgements"])  # noqa: C417
    return sorted(found, key=lambda event: event.at)


def _tried(_: Translate, delivery: Mapping[str, Any]) -> Iterator[Event]:
    for attempt in delivery["attempts"]:
        outcome, detail = attempt["outcome"], attempt["detail"]
        handed = outcome == "delivered" and detail.startswith(HANDED)
        slip = f"n° {attempt['slip']:04d}" if attempt["slip"] else ""
        device = attempt["device"] if attempt["device"] != attempt["channel"] else ""
        where = (acts.channel(_, attempt["channel"]), device, slip)
        said = detail if outcome == "delivered" else acts.detail(_, detail)
        yield Event(
            at=_at(attempt["ended_at"] or attempt["at"]),
            what=" ".join(filter(None, where)),
            detail=": ".join(
                filter(None, (acts.outcome(_, "handed" if handed else outcome), said))
            ),
            tone=_TONES.get("handed" if handed else outcome, "warn"),
        )


def _acknowledged(_: Translate, said: Mapping[str, Any]) -> Event:
    who = f"{said['name']} ({said['person']})" if said["person"] else said["name"]
    parts = (
        who,
        acts.via(_, said["via"]),
        acts.read_back(_, said["read_back"]),
        said["difficulties"],
    )
    return Event(
        at=_at(said["at"]),
        what=_("acknowledged") if said["accepted"] else _("not acknowledged"),
        detail=", ".join(filter(None, parts)),
        tone="good" if said["accepted"] else "bad",
    )


def _at(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()


_TONES = {"delivered": "good", "handed": "warn", "permanent": "bad", "uncertain": "bad"}
