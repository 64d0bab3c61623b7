"""The outage report as a PDF that a head of laboratory signs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from importlib.resources import as_file, files
from typing import Any
from zoneinfo import ZoneInfo

import typst

from gateway.locale import translator


def pdf(report: Mapping[str, Any]) -> bytes:
    """`report` as `gateway.reporting.build` gives it, set on A4. About 20 ms for a page."""
    printers = files("printers")
    with as_file(printers / "pages" / "report.typ") as page, as_file(printers / "fonts") as fonts:
        made: bytes = typst.compile(  # type: ignore[misc]
            page.read_bytes(),
            font_paths=[str(fonts)],
            ignore_system_fonts=True,
            sys_inputs={"data": json.dumps(_data(report), ensure_ascii=False)},
        )
    return made


def _data(report: Mapping[str, Any]) -> dict[str, Any]:
    language = report["site"]["language"]
    _ = translator(language)
    zone = ZoneInfo(report["site"]["timezone"])
    totals = report["totals"]
    return {
        "language": language,
        "site": report["site"],
        "title": _("Reconciliation report of the outage"),
        "head": report["journal"]["hash"][:16],
        "facts": _facts(report, zone),
        "totals": [[_total(key, language), str(totals[key])] for key in _TOTALS],
        "balanced": totals["balanced"],
        "nobody": [_row(row, zone, language) for row in report["nobody"]],
        "rows": [_row(row, zone, language) for row in report["messages"]],
        "words": _words(language),
    }


_TOTALS = ("in", "delivered", "open", "superseded", "refused", "recorded")


def _total(key: str, language: str) -> str:
    _ = translator(language)
    return {
        "in": _("received"),
        "delivered": _("delivered"),
        "open": _("open"),
        "superseded": _("superseded"),
        "refused": _("refused"),
        "recorded": _("only recorded"),
    }[key]


def _facts(report: Mapping[str, Any], zone: ZoneInfo) -> list[list[str]]:
    _ = translator(report["site"]["language"])
    outage = report["outage"]
    ended = outage["ended_at"]
    return [
        [_("Site"), f"{report['site']['name']} ({report['site']['code']})"],
        [_("Began"), _moment(outage["began_at"], zone)],
        [_("Ended"), _moment(ended, zone) if ended else _("not yet")],
        [_("Reason"), outage["reason"] or "-"],
        [_("Declared by"), outage["by"]],
    ]


def _row(row: Mapping[str, Any], zone: ZoneInfo, language: str) -> dict[str, Any]:
    patient = dict(row["patient"])
    born = patient.get("birth_date", "")
    if len(born) >= 8 and born[:8].isdigit():
        patient["birth"] = f"{born[6:8]}/{born[4:6]}/{born[:4]}"
    return {
        "received": _moment(row["received_at"], zone),
        "patient": patient,
        "ward": row["ward"] or "-",
        "control": row["control_id"],
        "outputs": _outputs(row, zone) or ["-"],
        "minutes": _minutes(row),
        "state": _total(row["state"], language),
    }


def _outputs(row: Mapping[str, Any], zone: ZoneInfo) -> list[str]:
    """Each attempt in a line: when, where, how it ended, its proof."""
    return [
        " ".join(
            part
            for part in (
                _moment(attempt["at"], zone)[-8:],
                attempt["device"],
                f"n° {delivery['slip']:04d}" if delivery["slip"] else "",
                attempt["outcome"] or "…",
                attempt["detail"],
            )
            if part
        )
        for delivery in row["deliveries"]
        for attempt in delivery["attempts"]
    ]


def _minutes(row: Mapping[str, Any]) -> str:
    """Minutes from receipt to the first confirmed output."""
    ends = [
        attempt["ended_at"] or attempt["at"]
        for delivery in row["deliveries"]
        for attempt in delivery["attempts"]
        if attempt["outcome"] == "delivered"
    ]
    if not ends:
        return "-"
    took = datetime.fromisoformat(min(ends)) - datetime.fromisoformat(row["received_at"])
    return f"{took.total_seconds() / 60:.1f}"


def _moment(text: str, zone: ZoneInfo) -> str:
    return datetime.fromisoformat(text).astimezone(zone).strftime("%d/%m/%Y %H:%M:%S")


def _words(language: str) -> dict[str, str]:
    _ = translator(language)
    return {
        "head": _("journal head"),
        "page": _("page"),
        "totals": _("Totals"),
        "balanced": _("received = delivered + open + superseded + refused"),
        "unbalanced": _("The totals do not balance: call whoever looks after Wardline."),
        "nobody": _("Received by nobody"),
        "nobody_none": _("Every result of this outage reached somebody."),
        "nobody_some": _("Nobody is known to have received these. Each must be communicated."),
        "everything": _("Everything that came in"),
        "received": _("Received"),
        "patient": _("Patient"),
        "ward": _("Ward"),
        "control": _("Message"),
        "state": _("State"),
        "outputs": _("Outputs and proofs"),
        "minutes": _("min."),
        "statement": _("I have read this report and dealt with what nobody received."),
        "name": _("Name"),
        "date": _("Date"),
        "signature": _("Signature"),
    }
