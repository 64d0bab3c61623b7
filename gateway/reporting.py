"""Who received what during an outage: first what nobody received, then every proof, totals that balance."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping
from typing import Any

from gateway.config import Site
from gateway.errors import Rejected
from gateway.hl7 import read
from gateway.store import views

_FINAL = ("delivered", "open", "superseded", "refused")


def build(site: Site, *, outage_id: int | None) -> dict[str, Any]:
    """The report as plain data: `outage`, `totals`, `nobody`, `messages`.

    Raises views.NoStore or views.NoOutage.
    """
    found = views.report(site.database(), outage_id=outage_id)
    rows = [_row(message) for message in found["messages"] if message["intake"] != "wardline"]
    printed = [row for row in rows if row["state"] != "recorded"]
    return {
        "site": {
            "code": site.site.code,
            "name": site.site.name,
            "language": site.site.language,
            "timezone": site.site.timezone,
        },
        "journal": found["journal"],
        "outage": found["outage"],
        "totals": _totals(rows),
        "nobody": [row for row in printed if not row["received"] and row["state"] != "refused"],
        "messages": rows,
    }


def _totals(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """In = delivered + open + superseded + refused; what had nothing to deliver is counted apart."""
    by_state = {state: sum(row["state"] == state for row in rows) for state in _FINAL}
    recorded = sum(row["state"] == "recorded" for row in rows)
    came_in = len(rows) - recorded
    return {
        "in": came_in,
        **by_state,
        "recorded": recorded,
        "balanced": came_in == sum(by_state.values()),
    }


def _row(message: Mapping[str, Any]) -> dict[str, Any]:
    return {**{k: v for k, v in message.items() if k != "raw"}, "patient": _patient(message)}


def _patient(message: Mapping[str, Any]) -> dict[str, str]:
    """Name, birth date and IPP, while the content is still kept."""
    try:
        patient = read(message.get("raw") or b"").patient
    except Rejected:
        return {}
    if patient is None:
        return {}
    return {
        "family": patient.family,
        "given": patient.given,
        "birth_date": patient.birth_date,
        "ipp": patient.ipp,
        "nda": patient.nda,
    }


def as_json(report: Mapping[str, Any]) -> bytes:
    return json.dumps(report, ensure_ascii=False, indent=2).encode() + b"\n"


def as_csv(report: Mapping[str, Any]) -> bytes:
    """One line per attempt, semicolons (a French spreadsheet opens it), no cell is ever a formula."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";")
    writer.writerow(_HEAD)
    for message in report["messages"]:
        for line in _lines(message):
            writer.writerow([_cell(value) for value in line])
    return out.getvalue().encode("utf-8-sig")


_HEAD = (
    "id", "control_id", "kind", "priority", "ward", "received_at", "state", "family", "given",
    "birth_date", "ipp", "to", "channel", "slip", "at", "outcome", "detail",
)  # fmt: skip


def _lines(message: Mapping[str, Any]) -> list[list[Any]]:
    patient = message["patient"]
    head = [message[key] for key in _HEAD[:7]]
    head += [patient.get(key, "") for key in ("family", "given", "birth_date", "ipp")]
    lines = [
        [*head, d["to"], d["channel"], d["slip"], a["at"], a["outcome"], a["detail"]]
        for d in message["deliveries"]
        for a in d["attempts"] or [{"at": "", "outcome": "", "detail": ""}]
    ]
    return lines or [[*head, "", "", "", "", "", ""]]


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    return "'" + text if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def as_pdf(report: Mapping[str, Any]) -> bytes:
    """A document a head of laboratory signs."""
    from gateway import signing

    return signing.pdf(report)


FORMS: Mapping[str, Callable[[Mapping[str, Any]], bytes]] = {
    "json": as_json,
    "csv": as_csv,
    "pdf": as_pdf,
}
