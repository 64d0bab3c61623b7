"""The outage report as a PDF that a head of laboratory signs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.resources import as_file, files
from typing import Any
from zoneinfo import ZoneInfo

import typst

from gateway.locale import translator
from gateway.signing.content import Teller
from gateway.signing.words import labels


def pdf(report: Mapping[str, Any]) -> bytes:
    """`report` as `gateway.reporting.build` gives it, set on A4. About 20 ms for a page."""
    printers = files("printers")
    with as_file(printers / "pages" / "report.typ") as page, as_file(printers / "fonts") as fonts:
        made: bytes = typst.compile(  # type: ignore[misc]
            page.read_bytes(),
            font_paths=[str(fonts)],
            ignore_system_fonts=True,
            sys_inputs={"data": json.dumps(data(report), ensure_ascii=False)},
        )
    return made


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
