from __future__ import annotations

import csv
import io

from gateway import reporting

ATTEMPT = {
    "at": "2026-08-03T09:00:01.000+00:00",
    "ended_at": "2026-08-03T09:00:02.000+00:00",
    "outcome": "delivered",
    "detail": "GS ( H 7K2Q",
    "device": "cardio-slip",
}


def row(**changes):
    base = {
        "id": 1,
        "control_id": "A1",
        "kind": "result",
        "priority": "routine",
        "ward": "CARD",
        "received_at": "2026-08-03T09:00:00.000+00:00",
        "state": "delivered",
        "patient": {"family": "LEFÈBVRE", "given": "Éloïse", "birth_date": "19530422", "ipp": "6"},
        "deliveries": [
            {
                "to": "CARD",
                "channel": "slip",
                "slip": 42,
                "state": "delivered",
                "attempts": [ATTEMPT],
            }
        ],
    }
    return {**base, **changes}


def lines(*rows):
    text = reporting.as_csv({"messages": rows}).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text), delimiter=";"))


def test_one_line_per_attempt():
    head, line = lines(row())

    found = dict(zip(head, line, strict=True))
    assert (found["control_id"], found["slip"], found["detail"]) == ("A1", "42", "GS ( H 7K2Q")
    assert found["family"] == "LEFÈBVRE"


def test_what_had_no_attempt_has_a_line_all_the_same():
    assert (
        len(lines(row(deliveries=[]), row(deliveries=[{**row()["deliveries"][0], "attempts": []}])))
        == 3
    )


def test_no_cell_is_ever_a_formula():
    patient = {**row()["patient"], "family": '=HYPERLINK("x")', "given": "@SUM(1)"}

    _, line = lines(row(patient=patient))

    assert not any(cell[:1] in ("=", "+", "-", "@") for cell in line)
    assert any("HYPERLINK" in cell for cell in line)
