from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.delivery import Attempt, Delivery, Outcome, Purpose, Step
from gateway.hl7 import read
from gateway.message import Kind, Priority
from gateway.platform.communication import Told, bundle
from gateway.store import Acknowledgement, Fate, Stored

NOW = 1_785_750_000.0  # 3 August 2026, 09:40 UTC
RAW = (
    b"MSH|^~\\&|SIL|LABO|W|H|20260803||ORU^R01|A1|P|2.5\r"
    b"PID|1||69102274^^^H^PI||ROUX^Zoe||19530422|F\rPV1|1|I|CARD|||||||||||||||N7^^^H^VN\r"
    b"OBR|1|P1|F1|24323-8^Bilan\rOBX|1|NM|2823-3^Potassium||6.8\r"
)
STORED = Stored(
    id=7, intake="lab", peer="", received_at=NOW, format="hl7v2", raw=RAW, sha256=b"", control_id="A1",
    sender="SIL|LABO", kind=Kind.RESULT, type="ORU^R01", priority=Priority.CRITICAL, ward="CARD",
    patient_key="69102274", test=False, refused="", reused=None, warnings=(), outage_id=1,
)  # fmt: skip
#: Elements of Communication (R4, 4.0.1) that are used, and what each holds.
KNOWN = {
    "resourceType": str, "identifier": list, "basedOn": list, "status": str, "statusReason": dict,
    "category": list, "priority": str, "medium": list, "subject": dict, "about": list,
    "encounter": dict, "sent": str, "received": str, "recipient": list, "sender": dict,
    "payload": list, "note": list,
}  # fmt: skip
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00")


def fate(outcome, *, detail="GS ( H 7K2Q", channel="slip"):
    delivery = Delivery(
        id=1, message_id=7, to="CARD", purpose=Purpose.WARD, priority=Priority.CRITICAL,
        patient_key="", steps=(Step(by="slip"),), created_at=NOW,
    )  # fmt: skip
    attempt = Attempt(
        id=1, delivery_id=1, channel=channel, device="cardio-slip", at=NOW + 1, ended_at=NOW + 2,
        outcome=outcome, detail=detail, slip=42,
    )  # fmt: skip
    return Fate(delivery=delivery, attempts=(attempt,))


def made(*fates, words=(), message=True):
    told = Told(stored=STORED, fates=fates, acknowledgements=words)
    raw = bundle(told, read(RAW) if message else None, control_id="WLR7", site="HEX", now=NOW)
    found = json.loads(raw)
    return [entry["resource"] for entry in found["entry"]] if "entry" in found else []


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (Outcome.DELIVERED, "completed"),
        (Outcome.TEMPORARY, "not-done"),
        (Outcome.PERMANENT, "not-done"),
        (Outcome.UNCERTAIN, "unknown"),
        (None, "unknown"),
    ],
)
def test_how_a_try_ended_is_its_status_and_never_more(outcome, status):
    (found,) = made(fate(outcome))

    assert found["status"] == status
    assert ("received" in found) is (status == "completed")
    assert ("statusReason" in found) is (status != "completed")


def test_it_names_whom_and_what_it_is_about_and_no_value():
    (found,) = made(fate(Outcome.DELIVERED))

    assert found["subject"]["identifier"]["value"] == "69102274"
    assert found["encounter"]["identifier"]["value"] == "N7"
    assert found["about"][0]["identifier"]["value"] == "F1"
    assert found["basedOn"][0]["identifier"]["value"] == "A1"
    assert found["priority"] == "stat"
    assert "6.8" not in json.dumps(found)


def test_what_cannot_be_read_any_more_names_nobody():
    (found,) = made(fate(Outcome.DELIVERED), message=False)
    assert not found.keys() & {"subject", "encounter", "about"}


@given(st.text(max_size=20), st.text(max_size=20), st.sampled_from(list(Outcome)))
def test_whatever_a_device_or_a_person_said_it_stays_a_resource_of_the_standard(
    said, name, outcome
):
    word = Acknowledgement(
        message_id=7, at=NOW, name=name, via="desk", conveyed=said, difficulties=said
    )
    for found in made(fate(outcome, detail=said), words=(word,)):
        assert {key: type(value) for key, value in found.items()} == {
            key: KNOWN[key] for key in found
        }
        assert all(MOMENT.fullmatch(found[key]) for key in ("sent", "received") if key in found)
        assert {"status", "identifier", "recipient", "medium"} <= found.keys()
        assert not re.search(r'""|\[\]|\{\}', json.dumps(found)), "FHIR forbids what is empty"


def test_each_has_an_identifier_of_its_own_that_never_changes():
    word = Acknowledgement(message_id=7, at=NOW, name="Dr Roux", via="call", keyed=("6,8",))
    first, second = made(fate(Outcome.DELIVERED), words=(word,))

    assert [each["identifier"][0]["value"] for each in (first, second)] == ["WLR7.1", "WLR7.2"]
    assert second["medium"][0]["coding"][0]["code"] == "PHONE"
