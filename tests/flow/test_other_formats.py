"""What came as FHIR or as a document, in an outage and after it."""

from __future__ import annotations

import json

from gateway import document
from gateway.fhir import read_all
from gateway.hl7 import extract, peek, read
from gateway.inbox import Door
from gateway.router import Mode

DOOR = Door(intake="web", mode=Mode.RELAY)
PATIENT = {
    "resourceType": "Patient", "id": "p", "name": [{"family": "DURAND", "given": ["Noémie"]}],
    "birthDate": "1961-02-14", "gender": "female",
    "identifier": [{"type": {"coding": [{"code": "PI"}]}, "value": "69102274"}],
}  # fmt: skip


def report(value="4.10", **more):
    found = {"resourceType": "Observation", "id": "o", "status": "final", "code": {"text": "Potassium"},
             "valueQuantity": {"value": 0.0, "unit": "mmol/L"}}  # fmt: skip
    whole = {
        "resourceType": "DiagnosticReport", "id": "r1", "status": "final", "code": {"text": "Ionogramme"},
        "subject": {"reference": "#p"}, "contained": [PATIENT, found], "result": [{"reference": "#o"}],
        "presentedForm": [{"contentType": "application/pdf", "title": "CR", "data": "JVBERi0xLjQ="}],
    }  # fmt: skip
    return json.dumps(whole | more).replace("0.0", value).encode()


def takes(hospital, raw, *, wards=("CARD",), door=DOOR):
    for part in read_all(raw, sender="SIL|LABO"):
        taking = hospital.inbox.take(
            part.message, part.raw, format="fhir", door=door, peer="10.0.0.1", wards=wards
        )
        hospital.do(taking)
    return part.message


def test_the_platform_is_given_fhir_as_hl7_documents_and_all(hospital):
    message = takes(hospital, report())
    hospital.after(seconds=5)

    (raw,) = hospital.link.received
    given = read(raw)
    assert (peek(raw).control_id, len(message.control_id)) == (message.control_id, 20)
    assert given.patient == message.patient
    assert given.groups[0].observations[0].value == "4.10"
    assert extract(raw, 0) == b"%PDF-1.4"
    assert hospital.paper() == []


def test_fhir_is_printed_in_an_outage_and_handed_back_marked(hospital):
    hospital.link.mood = "dead"
    takes(hospital, report())
    hospital.after(seconds=10)
    (slip,) = hospital.paper()
    assert "4,10" in slip or "4.10" in slip
    assert "DURAND" in slip

    hospital.link.mood = "up"
    hospital.watch.say_up(by="test")
    hospital.do(hospital.store.release(now=hospital.time.now(), limit=10))
    hospital.dispatcher.kick("platform")
    hospital.after(seconds=5)

    (raw,) = hospital.link.received
    assert raw.startswith(b"MSH|") and b"ZWL|DELIVERED|CARD|0001|cardio-slip|" in raw


def test_a_correction_in_fhir_shows_what_it_corrects(hospital):
    hospital.link.mood = "dead"
    takes(hospital, report("4.10"))
    hospital.after(seconds=10)
    takes(hospital, report("6.90", status="corrected"))
    hospital.after(seconds=20)

    newest = hospital.paper()[-1]
    assert "CORRECTION" in newest
    assert "4.10" in newest and "6.90" in newest


def test_a_document_comes_out_in_its_ward_and_never_goes_to_the_platform(hospital):
    raw = document.pack("Électrocardiogramme normal".encode(), media="text/plain", title="ECG")
    message = document.message_of(raw, control_id="D1", sender="SIL|LABO")
    door = Door(intake="web", mode=Mode.DIRECT)
    hospital.do(
        hospital.inbox.take(message, raw, format="document", door=door, peer="", wards=("CARD",))
    )
    hospital.after(seconds=10)

    (slip,) = hospital.paper()
    assert "DOCUMENT" in slip and "ECG" in slip
    assert hospital.link.received == []
