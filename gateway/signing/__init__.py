"""The outage report as a PDF that a head of laboratory signs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from gateway.locale import translator
from gateway.signing.content import Teller
from gateway.signing.words import labels
from printers.pages import compile_page


def pdf(report: Mapping[str, Any]) -> bytes:
    """`report` as `gateway.reporting.build` gives it, set on A4. About 20 ms for a page."""
    return compile_page("report.typ", data(report))


def data(report: Mapping[str, Any]) -> dict[str, Any]:
    """Everything on the page as text in the site's language: the page itself knows none."""
    site = report["site"]
    _ = translator(site["language"])
    tell = Teller(_, zone=ZoneInfo(site["timezone"]), wards=site["wards"])
    totals = report["totals"]
    return {
        "language": site["language"],
        "site": f"{site['name']} ({site['code']})",
        "title": tell.title(report["outage"]),
        "made": _("made on {moment}", moment=tell.moment(report["made_at"])),
        "head": f"{report['journal']['seq']} · {report['journal']['hash'][:16]}",
        "facts": tell.facts(report),
        "totals": [[label, str(totals[key])] for key, label in tell.totals()],
        "apart": tell.apart(totals["recorded"]),
        "balanced": totals["balanced"],
        "nobody": [tell.row(row) for row in report["nobody"]],
        "rows": [tell.row(row) for row in report["messages"] if row["counted"]],
        "words": labels(_),
    }
