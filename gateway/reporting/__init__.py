"""Who received what during an outage: first what nobody received, then every proof, totals that balance."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from gateway.config import Site
from gateway.delivery import HANDED, Purpose, State
from gateway.errors import Rejected
from gateway.formats import Formats, Kit
from gateway.message import Group, Kind, Message, Patient, Priority
from gateway.reporting.table import as_csv
from gateway.store import views
from gateway.store.standing import standing

__all__ = ["FORMS", "as_csv", "as_json", "as_pdf", "build", "from_store"]

Read = Callable[[Mapping[str, Any]], Message | None]
_FINAL = ("delivered", "open", "superseded", "refused")
# What the platform alone can use: nobody in a ward waits for it.
_APART = (Kind.MOVEMENT, Kind.OTHER)


def build(site: Site, *, outage_id: int | None, now: float) -> dict[str, Any]:
    """The report as plain data, as docs/reference/report.md describes it; `now` is when it is made.

    Raises views.NoStore or views.NoOutage.
    """
    charsets = {intake.name: getattr(intake, "charset", "utf-8") for intake in site.intakes}
    read = _reader(charsets)
    head = {
        "code": site.site.code,
        "name": site.site.name,
        "language": site.site.language,
        "timezone": site.site.timezone,
        "wards": {w.code: {"name": w.name, "phone": w.phone} for w in site.wards},
    }
    found = views.report(site.database(), outage_id=outage_id, each=lambda m: _row(m, read))
    return {"site": head, **_counted_up(found, now=now)}


def from_store(
    found: Mapping[str, Any], *, charsets: Mapping[str, str], now: float
) -> dict[str, Any]:
    """What `views.report` found, counted, and each message with its patient as long as it is kept."""
    read = _reader(charsets)
    rows = [_row(message, read) for message in found["messages"]]
    return _counted_up({**found, "messages": rows}, now=now)


def _counted_up(found: Mapping[str, Any], *, now: float) -> dict[str, Any]:
    rows = [row for row in found["messages"] if row["intake"] != "wardline"]
    wanted = [row for row in rows if row["counted"]]
    nobody = [row for row in wanted if not row["received"] and row["state"] != "refused"]
    return {
        "made_at": datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds"),
        "journal": found["journal"],
        "outage": found["outage"],
        "totals": _totals(rows, wanted, nobody),
        "nobody": sorted(nobody, key=_pressing),
        "messages": rows,
    }


def _totals(
    rows: list[dict[str, Any]], wanted: list[dict[str, Any]], nobody: list[dict[str, Any]]
) -> dict[str, Any]:
    """In = delivered + open + superseded + refused; what no ward waits for is counted apart.

    Balanced only if every message stands as its own deliveries say, so that no sum hides a fault.
    """
    by_state = {state: sum(row["state"] == state for row in wanted) for state in _FINAL}
    sound = all(row["state"] == _standing(row) for row in rows)
    return {
        "in": len(wanted),
        **by_state,
        "nobody": len(nobody),
        "recorded": len(rows) - len(wanted),
        "balanced": sound and len(wanted) == sum(by_state.values()),
    }


def _counted(message: Mapping[str, Any]) -> bool:
    """Whether somebody in a ward waits for it; or has to mend it, whatever it was."""
    if message["state"] == "refused":
        return True
    return message["kind"] not in _APART and message["state"] != "recorded"


def _standing(row: Mapping[str, Any]) -> str:
    deliveries = [(Purpose(d["purpose"]), State(d["state"])) for d in row["deliveries"]]
    return standing(deliveries, refused=bool(row["refused"])).value


def _pressing(row: Mapping[str, Any]) -> tuple[int, str]:
    return Priority(row["priority"]).rank, row["received_at"]


def _row(message: Mapping[str, Any], read: Read) -> dict[str, Any]:
    """A message of the report: no raw bytes, but who it is about and when it was first on paper."""
    content = read(message)
    return {
        **{key: value for key, value in message.items() if key != "raw"},
        "patient": _patient(content.patient if content else None),
        "examinations": [_examination(group) for group in content.groups] if content else [],
        "minutes": _minutes(message),
        "counted": _counted(message),
    }


def _reader(charsets: Mapping[str, str]) -> Read:
    """Reads a message again, whatever it came as; None once it was purged, and for what was never
    readable or holds no values (a fax, a dictation)."""
    formats = Formats(kit=Kit(reactor=None), charsets=charsets)

    def read(message: Mapping[str, Any]) -> Message | None:
        keys = ("intake", "format", "control_id", "sender")
        stored: Any = SimpleNamespace(
            raw=message["raw"] or b"", **{key: message[key] for key in keys}
        )
        try:
            return formats.read(stored)
        except Rejected:
            return None

    return read


def _patient(patient: Patient | None) -> dict[str, str]:
    if patient is None:
        return {}
    keys = ("family", "given", "birth_name", "birth_date", "sex", "ipp", "nda")
    return {key: getattr(patient, key) for key in keys}


def _examination(group: Group) -> dict[str, str]:
    return {"order": group.order_key, "name": group.name or group.code}


def _minutes(message: Mapping[str, Any]) -> float | None:
    """From receipt to the first paper that a device proved; the platform's own word is not paper."""
    ends = [a["ended_at"] or a["at"] for a in _tries(message) if _paper(a)]
    if not ends:
        return None
    took = datetime.fromisoformat(min(ends)) - datetime.fromisoformat(message["received_at"])
    return round(took.total_seconds() / 60, 2)


def _tries(message: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for delivery in (*message["deliveries"], *message["stand_ins"]):
        if delivery["purpose"] == Purpose.WARD or delivery in message["stand_ins"]:
            yield from delivery["attempts"]


def _paper(attempt: Mapping[str, Any]) -> bool:
    handed = str(attempt["detail"]).startswith(HANDED)  # to CUPS: nobody saw the paper
    return bool(
        attempt["outcome"] == "delivered" and attempt["channel"] != "platform" and not handed
    )


def as_json(report: Mapping[str, Any]) -> bytes:
    return json.dumps(report, ensure_ascii=False, indent=2).encode() + b"\n"


def as_pdf(report: Mapping[str, Any], *, templates: Path | None = None) -> bytes:
    """A document a head of laboratory signs; `templates` as `printers.pages.set_page` has them."""
    from gateway import signing

    return signing.pdf(report, templates=templates)


FORMS: Mapping[str, Callable[[Mapping[str, Any]], bytes]] = {
    "json": as_json,
    "csv": as_csv,
    "pdf": as_pdf,
}
