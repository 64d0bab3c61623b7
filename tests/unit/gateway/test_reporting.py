from __future__ import annotations

import csv
import io

import pytest

from gateway import reporting

ATTEMPT = {
    "at": "2026-08-03T09:00:01.000+00:00",
    "ended_at": "2026-08-03T09:01:30.000+00:00",
    "outcome": "delivered",
    "detail": "GS ( H 7K2Q",
    "device": "cardio-slip",
    "channel": "slip",
    "slip": 42,
    "reprint": 0,
}
HAD = {**ATTEMPT, "outcome": "uncertain", "detail": "link lost", "ended_at": None}
PLATFORM = {**ATTEMPT, "channel": "platform", "device": "platform", "slip": None}
RAW = (
    "MSH|^~\\&|SIL|LABO|W|H|20260803||ORU^R01|A1|P|2.5\rPID|1||6^^^H^PI||LEFÈBVRE^Éloïse||19530422|F\r"
    "OBR|1|P1|F1|24323-8^Bilan\r"
)


def delivery(*attempts, purpose="ward", state="delivered", **changes):
    base = {"id": 1, "to": "CARD", "purpose": purpose, "channel": "slip", "state": state}
    return {**base, "slip": 42, "reason": "", "attempts": list(attempts), **changes}


def found(*deliveries, **changes):
    """A message as `views.report` gives it."""
    base = {
        "id": 1, "control_id": "A1", "sender": "SIL|LABO", "intake": "lab", "format": "hl7v2",
        "kind": "result", "priority": "routine",
        "ward": "CARD", "received_at": "2026-08-03T09:00:00.000+00:00", "state": "delivered",
        "received": True, "refused": "", "outage": 1, "patient": "6", "raw": RAW.encode(),
        "deliveries": list(deliveries or (delivery(ATTEMPT),)), "stand_ins": [],
        "acknowledgements": [],
    }  # fmt: skip
    return {**base, **changes}


def report(*messages, charsets=None):
    told = {"messages": messages, "outage": {}, "journal": {}}
    return reporting.from_store(told, charsets=charsets or {}, now=1_785_750_000.0)


def open_one(**changes):
    return found(delivery(state="open"), state="open", received=False, **changes)


REFUSED = {"state": "refused", "received": False, "refused": "PID-3: missing", "kind": "other"}
TOLD = delivery(ATTEMPT, purpose="notice")
RELAYED = delivery(purpose="relay", state="held")


# -- what is counted


def test_the_totals_balance():
    stale = found(delivery(state="superseded"), state="superseded", received=False)
    totals = report(found(), found(), open_one(), stale, found(TOLD, **REFUSED))["totals"]

    assert totals == {
        "in": 5, "delivered": 2, "open": 1, "superseded": 1, "refused": 1, "nobody": 2,
        "recorded": 0, "balanced": True,
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["movement", "other"])
def test_what_the_platform_alone_uses_is_counted_apart_and_nobody_misses_it(kind):
    held = found(RELAYED, kind=kind, state="open", received=False)
    tapped = found(kind=kind, state="recorded", received=False)
    tapped["deliveries"] = []
    made = report(found(), held, tapped)

    assert (made["totals"]["in"], made["totals"]["recorded"], made["nobody"]) == (1, 2, [])
    assert made["totals"]["balanced"]
    assert [row["counted"] for row in made["messages"]] == [True, False, False]


def test_a_refused_message_is_counted_whatever_it_was_and_is_not_among_the_unreceived():
    made = report(found(TOLD, **REFUSED), found(**{**REFUSED, "kind": "movement"}))
    assert (made["totals"]["refused"], made["nobody"]) == (2, [])


def test_our_own_slips_did_not_come_in():
    assert report(found(), open_one(intake="wardline", kind="notice"))["totals"]["in"] == 1


def test_a_message_that_does_not_stand_as_its_deliveries_say_unbalances_the_totals():
    lost = found(delivery(state="open"), state="delivered")
    assert not report(lost)["totals"]["balanced"]


def test_what_nobody_received_is_listed_the_most_pressing_first():
    late = "2026-08-03T09:05:00.000+00:00"
    made = report(
        open_one(control_id="routine"),
        open_one(control_id="critical, later", priority="critical", received_at=late),
        open_one(control_id="urgent", priority="urgent"),
        open_one(control_id="critical", priority="critical"),
        found(),
    )
    assert [row["control_id"] for row in made["nobody"]] == [
        "critical", "critical, later", "urgent", "routine",
    ]  # fmt: skip


# -- what is said of each


def test_what_was_handed_to_others_is_no_paper_yet():
    handed = {
        **ATTEMPT,
        "channel": "page",
        "detail": "handed to CUPS, job 12: nobody saw the paper",
    }
    assert report(found(delivery(handed)))["messages"][0]["minutes"] is None


def test_minutes_run_to_the_first_paper_that_was_proved():
    later = {**ATTEMPT, "ended_at": "2026-08-03T09:30:00.000+00:00"}
    assert report(found(delivery(HAD, later, ATTEMPT)))["messages"][0]["minutes"] == 1.5


def test_the_platforms_word_is_not_paper():
    back = delivery(PLATFORM, purpose="handback", to="PLATFORM", channel="platform")
    for deliveries in ([delivery(HAD, state="open"), back], [delivery(PLATFORM)]):
        assert report(found(*deliveries))["messages"][0]["minutes"] is None


def test_the_paper_of_a_summary_is_the_paper_of_what_it_stands_for():
    summary = delivery(ATTEMPT, purpose="notice")
    stale = found(delivery(state="superseded"), state="superseded", stand_ins=[summary])
    assert report(stale)["messages"][0]["minutes"] == 1.5


def test_a_message_names_its_patient_and_its_examinations():
    (row,) = report(found())["messages"]
    assert (row["patient"]["family"], row["patient"]["birth_date"]) == ("LEFÈBVRE", "19530422")
    assert row["examinations"] == [{"order": "F1", "name": "Bilan"}]
    assert "raw" not in row


def test_it_is_read_in_its_intakes_charset():
    latin = found(raw=RAW.encode("latin-1"))
    (row,) = report(latin, charsets={"lab": "latin-1"})["messages"]
    assert row["patient"]["given"] == "Éloïse"


@pytest.mark.parametrize("raw", [None, b"", b"\x00\xff nonsense"])
def test_content_that_is_gone_or_was_never_readable_takes_no_proof_away(raw):
    (row,) = report(found(raw=raw))["messages"]
    assert (row["patient"], row["examinations"], row["minutes"]) == ({}, [], 1.5)


# -- for a spreadsheet


def lines(*messages):
    text = reporting.as_csv(report(*messages)).decode("utf-8-sig")
    head, *rows = csv.reader(io.StringIO(text), delimiter=";")
    return [dict(zip(head, row, strict=True)) for row in rows]


def test_one_line_per_attempt():
    first, second = lines(found(delivery(HAD, ATTEMPT)))

    assert (first["outcome"], second["outcome"]) == ("uncertain", "delivered")
    assert (second["control_id"], second["slip"], second["detail"]) == ("A1", "42", "GS ( H 7K2Q")
    assert (second["family"], second["order"], second["minutes"]) == ("LEFÈBVRE", "F1", "1.5")


def test_what_had_no_attempt_has_a_line_all_the_same():
    nothing = found()
    nothing["deliveries"] = []
    assert len(lines(nothing, found(delivery()))) == 2


def test_a_summarys_attempts_are_lines_of_what_it_stands_for():
    summary = delivery(ATTEMPT, purpose="notice")
    stale = found(delivery(state="superseded"), state="superseded", stand_ins=[summary])
    assert [row["channel"] for row in lines(stale)] == ["slip", "summary"]


def test_who_said_to_have_it_has_a_line_of_its_own():
    said = {
        "at": "2026-08-03T09:05:00.000+00:00", "person": "MB", "name": "M. Bernard", "via": "desk",
        "accepted": True, "conveyed": "", "read_back": "ok", "keyed": ["6,8"], "difficulties": "",
    }  # fmt: skip
    told = found(acknowledgements=[said, {**said, "accepted": False, "difficulties": "hung up"}])

    _, had, tried = lines(told)

    assert (had["channel"], had["outcome"], had["name"]) == (
        "acknowledgement", "acknowledged", "M. Bernard",
    )  # fmt: skip
    assert (had["at"], had["via"], had["read_back"]) == (said["at"], "desk", "ok")
    assert (tried["outcome"], tried["difficulties"]) == ("not acknowledged", "hung up")


@pytest.mark.parametrize("begins", ["=", "+", "-", "@", "\t", "\r", "\n", " =", "＝", "＠"])
def test_no_cell_is_ever_a_formula(begins):
    raw = RAW.replace("LEFÈBVRE", begins + "cmd").encode()
    attempt = {**ATTEMPT, "detail": begins + "1+1"}

    text = reporting.as_csv(report(found(delivery(attempt), raw=raw))).decode("utf-8-sig")

    cells = [cell for row in csv.reader(io.StringIO(text), delimiter=";") for cell in row]
    assert any("1+1" in cell for cell in cells)
    assert not any(cell.lstrip(" ").startswith(tuple("=+-@＝＠\t\r\n")) for cell in cells)
