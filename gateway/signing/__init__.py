"""The outage report as a PDF that a head of laboratory signs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from gateway.locale import translator
from gateway.signing.content import Teller
from gateway.signing.labels import labels
from printers.pages import Unset, compile_page
from printers.pages.content import several

#: Letters of a word that fit into the narrowest column, and into one that is narrower still.
WORD, NARROW = 16, {"control": 11}


def pdf(report: Mapping[str, Any], *, templates: Path | None = None) -> bytes:
    """`report` as `gateway.reporting.build` gives it, set on A4. About 20 ms for a page.

    By the site's own template in `templates` where that can be set.
    """
    said = shown(report)
    try:
        return compile_page("report.typ", said, templates=templates)
    except Unset:
        if templates is None:
            raise
        return compile_page("report.typ", said)


def shown(report: Mapping[str, Any]) -> dict[str, Any]:
    """`data`, as the page can set it."""
    found: dict[str, Any] = _shown(data(report))
    return found


def _shown(found: Any, key: str = "") -> Any:
    """Every text of it made visible: what a sender wrote, no font of ours may have, and no column hold."""
    if isinstance(found, str):
        return _breakable(several(found, 200), NARROW.get(key, WORD))
    if isinstance(found, Mapping):
        return {key: _shown(each, key) for key, each in found.items()}
    return [_shown(each, key) for each in found] if isinstance(found, list | tuple) else found


def _breakable(text: str, longest: int) -> str:
    """A word that is longer may go on in the next line: what does not fit would lie over its neighbour."""
    if len(text) <= longest:
        return text
    cut = re.compile(rf"(\S{{{longest}}})(?=\S)")
    return cut.sub("\\1\u200b", text)


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
