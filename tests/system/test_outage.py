"""An outage as people live it: what still waits when the platform returns, packs, and the report."""

from __future__ import annotations

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
