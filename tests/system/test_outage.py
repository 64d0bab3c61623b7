"""An outage as people live it: what still waits when the platform returns, packs, and the report."""

from __future__ import annotations

import json

import pytest

from demo import laboratory as lab
from demo.hospital import DidNotHappen, Hospital

pytestmark = pytest.mark.system

ADMITTED = (
    "MSH|^~\\&|GAM|H|W|H|20260803||ADT^A01|M1|P|2.5||||||UNICODE UTF-8\r"
    "PID|1||69102274^^^H^PI||LEFÈBVRE^Éloïse||19530422|F\rPV1|1|I|CARD^12^A\r"
)


@pytest.fixture
def hospital(tmp_path):
    hospital = Hospital(folder=tmp_path / "hospital", speed=5000)
    hospital.open()
    yield hospital
    hospital.close()


def printers(hospital, words):
    for name in hospital.printer_ports:
        hospital.programs[name].say(words)


def states(hospital, control_id):
    (message,) = [m for m in hospital.messages() if m["control_id"] == control_id]
    return {d["to"]: d["state"] for d in message["deliveries"]}


def results(hospital):
    texts = [p.read_text("utf-8") for name in hospital.printer_ports for p in hospital.slips(name)]
    return [text for text in texts if "Sodium" in text]


def test_a_late_acknowledgement_withdraws_the_paper_that_has_not_begun(hospital):
    printers(hospital, "cut off")
    hospital.programs["platform"].say("hang")
    assert hospital.send(lab.result("L1", lab.ELOISE, lab.SODIUM)) == "AA"
    on_its_way = {"CARD": "open", "PLATFORM": "held"}
    hospital.until("it waits for paper", lambda: states(hospital, "L1") == on_its_way)

    hospital.programs["platform"].say("ok")  # what it had kept is answered now
    withdrawn = {"CARD": "withdrawn", "PLATFORM": "delivered"}
    hospital.until("paper is withdrawn", lambda: states(hospital, "L1") == withdrawn)

    printers(hospital, "plug in")
    hospital.until("up", lambda: hospital.status()["platform"]["state"] == "up", within=30)
    hospital.until("the end is told", lambda: hospital.slips("cardio-slip"), within=30)
    assert results(hospital) == []
    assert len(hospital.at_platform()) == 1, "nothing was sent twice"


def test_a_ward_asks_for_its_pack_and_has_it_at_once(hospital):
    assert hospital.send(ADMITTED.encode()) == "AA"
    assert hospital.send(lab.result("P1", lab.ELOISE, lab.SODIUM)) == "AA"

    assert hospital.tell("pack", "--ward", "card") == "said: pack\n"

    (slip,) = hospital.until("a pack", lambda: hospital.slips("cardio-slip"), within=5)
    assert "DOSSIER DE SECOURS 1/1" in slip.read_text("utf-8")
    assert "LEFÈBVRE Éloïse" in slip.read_text("utf-8")
    with pytest.raises(DidNotHappen, match="no ward XX: there is CARD, NEURO"):
        hospital.tell("pack", "--ward", "XX")


def test_an_outage_ends_with_a_record_and_a_report_that_balances(hospital):
    hospital.programs["wardline"].stop()
    told = hospital.config.read_text("utf-8").replace(
        'up_after = "3s"', 'up_after = "3s"\nrecord = "oru"'
    )
    hospital.config.write_text(told, "utf-8")
    hospital.start_wardline()
    hospital.kill("platform")
    for number in range(5):
        result = lab.result(f"R{number}", lab.ELOISE, lab.SODIUM, order=f"9{number}")
        assert hospital.send(result) == "AA"
    hospital.until("five slips", lambda: len(results(hospital)) == 5, within=30)
    before = json.loads(hospital.tell("report"))
    assert before["outage"]["ended_at"] is None

    hospital.start_platform()
    hospital.until("five and their records", lambda: len(hospital.at_platform()) == 10, within=60)

    report = json.loads(hospital.tell("report"))
    assert report["outage"]["ended_at"]
    assert report["totals"] == {
        "in": 5, "delivered": 5, "open": 0, "superseded": 0, "refused": 0, "nobody": 0,
        "recorded": 0, "balanced": True,
    }  # fmt: skip
    assert all(row["minutes"] < 1 for row in report["messages"])
    output = hospital.folder / "report.pdf"
    hospital.tell("report", "--format", "pdf", "--output", str(output))
    assert output.read_bytes().startswith(b"%PDF")
    with pytest.raises(DidNotHappen, match="no outage 7"):
        hospital.tell("report", "--outage", "7")
