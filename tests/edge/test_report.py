"""The report of an outage out of a real store: its JSON as promised, its PDF as a person reads it."""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from pathlib import Path

import pypdfium2
import pytest

from gateway import reporting, signing, telling
from gateway.config import parse
from gateway.delivery import Outcome, Purpose, State, Step
from gateway.errors import Unusable
from gateway.message import Kind, Priority
from gateway.store.sqlite import SqliteStore
from tests.edge import report_shape
from tests.unit.store.samples import HANDBACK, PAPER, arrival, ended, new, tried

NOW = 1_785_742_000.0  # 3 August 2026, 09:26:40 in Paris
WARDS = [{"code": "CARD", "name": "Cardiologie", "phone": "4300", "devices": ["cardio-slip"]}]


def raw(number, family, given="Éloïse"):
    return (
        f"MSH|^~\\&|SIL|LABO|W|H|20260803||ORU^R01|{number}|P|2.5||||||UNICODE UTF-8\r"
        f"PID|1||{number}9^^^H^PI||{family}^{given}||19530422|F\r"
        f"OBR|1||F{number}|24323-8^Bilan métabolique\rOBX|1|NM|2823-3^Potassium||6.9|mmol/L\r"
    ).encode()


class Outage:
    """An outage as it stands in a store's file."""

    def __init__(self, folder: Path, *, language: str = "fr") -> None:
        self.site = parse(
            {
                "site": {"code": "HEX", "name": "Hôpital Exemple", "language": language},
                "store": {"url": f"sqlite:///{folder}/w.db"},
                "devices": [{"name": "cardio-slip", "kind": "escpos", "connect": "tcp:h:1"}],
                "wards": WARDS,
                "lab": {"devices": ["cardio-slip"]},
            },
            base=folder,
        )
        self.store = SqliteStore(self.site.database(), inline=True, reserve=0)
        self.at = NOW
        self.store.begin_outage(at=NOW, reason="no answer for 3 s", by="watch")

    def takes(self, number, family="LEFÈBVRE", **changes):
        self.at += 1
        told = arrival(
            number, ipp=number, order=f"F{number}", at=self.at, raw=raw(number, family),
            priority=changes.pop("priority", Priority.ROUTINE),
        )  # fmt: skip
        return self.store.accept(replace(told, **changes)).result

    def tries(self, outcome, *, detail, lane="CARD/slip", **after):
        """One attempt on paper, of whatever is due."""
        self.at += 60
        (row,) = self.store.claim(lane, node="n", now=self.at, limit=1).result
        attempt = self.store.begin(row, device="cardio-slip", at=self.at, paper=True).result
        done = ended(attempt, outcome, detail=detail, ended_at=self.at + 5)
        moved = tried(row, **after) if after else tried(row)
        self.store.settle(row, moved, at=self.at, attempt=done, extra=(HANDBACK,))
        return row

    def prints(self):
        return self.tries(Outcome.DELIVERED, detail="GS ( H 7K2Q")

    def fails(self, detail="not ready to print", outcome=Outcome.TEMPORARY, reason="media-empty"):
        later = self.at + 1e6
        return self.tries(outcome, detail=detail, state=State.OPEN, due=later, reason=reason)

    def report(self):
        return reporting.build(self.site, outage_id=None, now=self.at + 100)

    def pages(self):
        """The text of each page."""
        with pypdfium2.PdfDocument(reporting.as_pdf(self.report())) as document:
            return [page.get_textpage().get_text_range() for page in document]


@pytest.fixture
def outage(tmp_path):
    begun = Outage(tmp_path)
    yield begun
    begun.store.close()


def eventful(outage):
    """One of everything."""
    outage.takes("1")
    outage.prints()
    outage.takes("2", "PETIT", priority=Priority.CRITICAL)
    outage.fails(reason="media-empty cover-open")
    outage.takes("3", "DURAND")
    waited = outage.fails("link lost while printing; printer's buffers cleared", Outcome.UNCERTAIN)
    outage.takes("S1", intake="wardline", supersedes=(waited.id,))
    outage.takes("4", refused="PID-3: a required field is missing", deliveries=())
    relay = new("PLATFORM", purpose=Purpose.RELAY, steps=(Step(by="platform"),))
    told = arrival("5", kind=Kind.MOVEMENT, at=outage.at)
    outage.store.accept(replace(told, deliveries=(relay,)))
    return outage


# -- who has received


def received(outage):
    return {row["control_id"]: row["received"] for row in outage.report()["messages"]}


def test_a_summary_that_waits_for_paper_has_told_nobody_and_one_that_came_out_has(outage):
    outage.takes("1")
    waited = outage.fails()
    outage.takes("S1", intake="wardline", supersedes=(waited.id,))
    assert received(outage) == {"1": False}
    assert [row["control_id"] for row in outage.report()["nobody"]] == ["1"]

    outage.prints()

    assert received(outage) == {"1": True}
    report = outage.report()
    assert (report["totals"]["superseded"], report["nobody"]) == (1, [])


def test_what_the_platform_took_back_is_received_whatever_became_of_its_summary(outage):
    outage.takes("1")
    waited = outage.fails()
    outage.takes("S1", intake="wardline", supersedes=(waited.id,))
    outage.store.release(now=outage.at, limit=1)
    (back,) = outage.store.claim("platform", node="n", now=outage.at, limit=1).result
    outage.store.settle(back, tried(back), at=outage.at)

    assert received(outage) == {"1": True}


def test_paper_that_is_proved_is_received_though_somebody_is_still_rung_about_it(outage):
    ring = new("CARD", purpose=Purpose.CALL, steps=(Step(by="call", to="ward"),))
    outage.takes("1", priority=Priority.CRITICAL, deliveries=(new(steps=PAPER), ring))
    outage.prints()

    totals = outage.report()["totals"]
    assert received(outage) == {"1": True}
    assert (totals["open"], totals["nobody"], totals["balanced"]) == (1, 0, True)


def test_what_one_of_its_two_wards_has_not_got_is_still_missed(outage):
    outage.takes("1", deliveries=(new("CARD", steps=PAPER), new("NEURO", steps=PAPER)))
    outage.prints()

    assert received(outage) == {"1": False}


# -- whom it was about


def fhir(number, family):
    value = {
        "resourceType": "Observation", "status": "final", "code": {"text": "Potassium"},
        "subject": {"identifier": {"value": number}, "display": family},
        "valueQuantity": {"value": 4.1},
    }  # fmt: skip
    return json.dumps(value).encode()


def test_a_patient_of_a_fhir_message_is_named_as_any_other(outage):
    outage.takes("1", raw=fhir("1", "DURAND"), format="fhir")

    (row,) = outage.report()["messages"]
    assert (row["patient"]["family"], row["patient"]["ipp"]) == ("DURAND", "1")
    assert row["examinations"] == [{"order": "", "name": "Potassium"}]
    assert (row["format"], row["sender"]) == ("fhir", "SIL|LABO")


@pytest.mark.parametrize("form", ["fax", "dictation", "mail", "document", "no such form"])
def test_what_holds_no_values_says_at_least_who_sent_it(outage, form):
    outage.takes("1", raw=b"\0bytes", format=form)
    (row,) = outage.report()["messages"]
    assert row["patient"] == {}

    assert "envoyé par SIL LABO" in " ".join("".join(outage.pages()).split())


# -- which outage


def test_each_outage_has_its_own_report_and_what_waits_through_two_is_in_the_first(outage):
    outage.takes("1")
    outage.prints()
    outage.takes("2", "PETIT")
    outage.store.end_outage(at=outage.at + 1)
    outage.at += 3600
    outage.takes("between", "DURAND")
    outage.store.begin_outage(at=outage.at + 60, reason="again", by="Dr X")
    outage.at += 120
    outage.takes("3", "MARTIN")

    def inside(which):
        told = reporting.build(outage.site, outage_id=which, now=outage.at)
        assert told["totals"]["balanced"]
        return [row["control_id"] for row in told["messages"]]

    assert inside(1) == ["1", "2"]
    assert inside(2) == ["between", "3"], "what was open when it began waits through it"
    assert inside(None) == inside(2)


# -- JSON


def test_its_json_is_what_the_reference_promises(outage):
    told = json.loads(reporting.as_json(eventful(outage).report()))

    report_shape.Report.model_validate(told)
    assert told["totals"] == {
        "in": 4, "delivered": 1, "open": 1, "superseded": 1, "refused": 1, "nobody": 2,
        "recorded": 1, "balanced": True,
    }  # fmt: skip
    assert told["outage"]["ended_at"] is None


def test_the_schema_in_the_reference_is_current():
    assert report_shape.SCHEMA.read_text("utf-8") == report_shape.schema()


def test_the_reference_says_what_every_key_means():
    page = report_shape.SCHEMA.with_name("report.md").read_text("utf-8")
    assert [key for key in sorted(report_shape.keys()) if f"`{key}`" not in page] == []


def test_an_outage_that_never_was_is_one_line(outage):
    for which in ("7", "the-last", "-1", "٣"):
        with pytest.raises(Unusable) as told:
            telling.report(outage.site, outage=which, form="json", output=None)
        assert which in str(told.value)
        assert "\n" not in str(told.value)


# -- PDF


def test_its_pdf_says_first_what_nobody_received_and_whom_to_call(outage):
    (text, *_) = eventful(outage).pages()

    nobody, everything = text.split("Tout ce qui est arrivé (4)")
    assert "Ce que personne n'a reçu (2)" in nobody
    assert "PETIT Éloïse" in nobody
    assert "DURAND Éloïse" in nobody
    assert "LEFÈBVRE" not in nobody
    assert "CRITIQUE" in nobody
    assert "4300" in nobody
    assert "GS ( H 7K2Q" in " ".join(everything.split())


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("fr", ("plus de papier, capot ouvert", "incertain", "sa fiche de résumé n'est pas sortie",
                "pas prête à imprimer", "sans réponse depuis 3 s", "la surveillance de Wardline",
                "pas terminée", "22/04/1953", "1,1", "refusé")),
        ("en", ("out of paper, cover open", "uncertain", "its summary slip has not come out",
                "not ready to print", "no answer for 3 s", "Wardline's watch", "not ended",
                "22-Apr-1953", "1.1", "was refused")),
    ],
)  # fmt: skip
def test_outcomes_and_reasons_are_in_the_sites_language(tmp_path, language, words):
    outage = eventful(Outage(tmp_path, language=language))
    text = " ".join("".join(outage.pages()).split())
    outage.store.close()

    assert [word for word in words if word not in text] == []


def test_an_outage_in_which_nothing_came_is_signed_too(outage):
    outage.store.end_outage(at=NOW + 60)
    (text,) = outage.pages()

    assert "Rien n'est arrivé." in text
    assert "Signature" in text


def test_a_long_report_repeats_its_head_and_signs_once(outage):
    for number in range(120):
        outage.takes(f"{number:03}", deliveries=(new(steps=PAPER),))
    pages = outage.pages()

    assert len(pages) > 5
    assert all("Reçu le" in page for page in pages[:-1])
    assert sum("Signature" in page for page in pages) == 1
    assert all(f"page {n}/{len(pages)}" in page for n, page in enumerate(pages, start=1))


def test_no_word_of_a_sender_lies_over_its_neighbour(outage):
    outage.takes("X" * 60, "L" * 80)
    (row,) = signing.shown(outage.report())["nobody"]

    told = f"{row['control']} {row['patient']['name']}"
    assert max(map(len, re.split(r"[\s\u200b]", told))) <= signing.WORD
    assert row["patient"]["name"].replace("\u200b", "") == "L" * 80 + " Éloïse"


def test_nothing_of_a_message_is_ever_markup(outage):
    names = ("#panic()", "*bold* $x$ \\u{41}", '"] #sys.inputs', "<b>&amp;</b>", "L" * 300)
    for number, name in enumerate(names):
        outage.takes(str(number), name.replace("&", "").replace("\\", "").replace("^", ""))
    text = "".join(outage.pages())

    for words in ("#panic()", "*bold* $x$", '"] #sys.inputs', "<b>"):
        assert words in text


def test_it_needs_no_font_of_this_machine(outage, monkeypatch):
    monkeypatch.setitem(os.environ, "HOME", "/nonexistent")
    assert "Hôpital Exemple" in outage.pages()[0]
