"""The report for a spreadsheet: one line for each try, and no cell that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any

_MESSAGE = (
    "id", "control_id", "kind", "priority", "ward", "received_at", "state", "received", "minutes",
)  # fmt: skip
_PATIENT = ("family", "given", "birth_date", "ipp", "nda")
_DELIVERY = ("to", "channel", "slip")
_ATTEMPT = ("device", "at", "ended_at", "outcome", "detail")
_PERSON = ("person", "name", "via", "read_back", "difficulties")
HEAD = (*_MESSAGE, *_PATIENT, "order", *_DELIVERY, *_ATTEMPT, *_PERSON)

# What makes a spreadsheet take a cell for a formula; the wide forms are taken for the narrow ones.
_FORMULA = tuple("=+-@＝＋－＠\t\r\n")


def as_csv(report: Mapping[str, Any]) -> bytes:
    """UTF-8 with a mark and semicolons: a French spreadsheet opens it as it is."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";")
    writer.writerow(HEAD)
    for message in report["messages"]:
        for line in _lines(message):
            writer.writerow([_cell(value) for value in line])
    return out.getvalue().encode("utf-8-sig")


def _lines(message: Mapping[str, Any]) -> list[list[Any]]:
    """Each try of each delivery, each word of a person; what has neither has a line all the same."""
    head = [message[key] for key in _MESSAGE]
    head += [message["patient"].get(key, "") for key in _PATIENT]
    head.append(" ".join(e["order"] for e in message["examinations"]))
    own = [(d, d["channel"]) for d in message["deliveries"]]
    own += [(d, "summary") for d in message["stand_ins"]]
    lines: list[list[Any]] = []
    for delivery, channel in own:
        for attempt in delivery["attempts"] or [{}]:
            where = [delivery["to"], attempt.get("channel", channel), delivery["slip"]]
            if channel == "summary":
                where[1] = channel
            tried = [attempt.get(key, "") for key in _ATTEMPT]
            lines.append([*head, *where, *tried, *[""] * len(_PERSON)])
    lines += [[*head, *_said(said)] for said in message["acknowledgements"]]
    return lines or [[*head, *[""] * (len(_DELIVERY) + len(_ATTEMPT) + len(_PERSON))]]


def _said(said: Mapping[str, Any]) -> list[Any]:
    """An acknowledgement in the columns of a try: no delivery of its own, and who it was behind them."""
    outcome = "acknowledged" if said["accepted"] else "not acknowledged"
    told = ["", said["at"], said["at"], outcome, said["conveyed"]]
    return ["", "acknowledgement", "", *told, *(said[key] for key in _PERSON)]


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    return "'" + text if text.lstrip(" ").startswith(_FORMULA) else text
