"""What a bus gives, good and poisonous, until it is in somebody's hands and the bus has forgotten it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.bus.role import Verdict
from gateway.bus.settings import BusIntake as Settings
from gateway.intakes.bus import BusIntake
from tests.unit.bus.fake import Driver, Parcels

PATIENT = {
    "resourceType": "Patient", "id": "p", "name": [{"family": "DURAND", "given": ["Noémie"]}],
    "birthDate": "1961-02-14", "identifier": [{"type": {"coding": [{"code": "PI"}]}, "value": "69102274"}],
}  # fmt: skip


@pytest.fixture
def bus(hospital):
    bus = Bus(hospital)
    yield bus
    bus.stop()


class Bus:
    """An intake on a bus, and the bus."""

    def __init__(self, hospital):
        self.hospital, self.driver, self.parcels = hospital, Driver(), Parcels()
        self.broken = []
        table = {"connect": "tcp:10.0.0.9:1", "name": "bus", "mode": "direct"}
        self.intake = BusIntake(
            Settings.model_validate(table),
            driver=self.driver,
            inbox=hospital.inbox,
            reactor=hospital.clock,
            base=Path(),
            on_broken=self.broken.append,
        )
        self.intake.startService()
        self.driver.accept()

    def stop(self):
        self.intake.stopService()
        self.hospital.after(seconds=4)

    def gives(self, body, **more):
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.driver.session.holder.arrived(self.parcels(raw, **more))
        self.hospital.after(seconds=10)
        return self.parcels.verdicts[-1]


def value(ward="CARD", **more):
    place = {"resourceType": "Location", "id": "l", "identifier": [{"value": ward}]}
    stay = {"resourceType": "Encounter", "id": "e", "status": "in-progress", "class": {"code": "IMP"},
            "location": [{"location": {"reference": "#l"}}]}  # fmt: skip
    found = {
        "resourceType": "Observation", "status": "final", "code": {"text": "Potassium"},
        "contained": [PATIENT, place, stay], "subject": {"reference": "#p"},
        "encounter": {"reference": "#e"}, "valueQuantity": {"value": 4.1, "unit": "mmol/L"},
    }  # fmt: skip
    return {**found, **more}


def test_a_fhir_bundle_comes_out_in_its_ward(hospital, bus):
    entries = [{"resource": value()}]
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": entries}

    assert bus.gives(bundle) is Verdict.TAKEN

    (slip,) = hospital.paper()
    assert "DURAND" in slip and "Potassium" in slip and "4,1" in slip.replace("4.1", "4,1")


def test_the_same_bundle_given_again_and_again_is_printed_once(hospital, bus):
    for _ in range(20):
        assert bus.gives(value(), message_id="m-1") is Verdict.TAKEN

    assert len(hospital.paper()) == 1


def test_another_body_under_a_known_name_is_printed_and_says_so(hospital, bus):
    bus.gives(value(), message_id="m-1")
    bus.gives(value(valueQuantity={"value": 6.9, "unit": "mmol/L"}), message_id="m-1")

    first, second = hospital.paper()
    assert "6.9" in second.replace("6,9", "6.9")
    assert first != second


def test_a_ward_that_nobody_knows_comes_out_at_the_laboratory(hospital, bus):
    assert bus.gives(value(ward="NOWHERE")) is Verdict.TAKEN
    bus.gives({"format": "hl7v2", "body": hospital.sample(ward="NOWHERE").raw.decode()})

    assert hospital.paper() == []
    assert len(hospital.paper("lab-slip")) == 2


def test_a_file_of_batches_is_every_message_in_it(hospital, bus):
    samples = [hospital.sample(ipp=f"6910{n}").raw for n in range(3)]
    batch = b"FHS|^~\\&|SIL\rBHS|^~\\&|SIL\r" + samples[0] + samples[1] + b"BTS|2\r"
    batch += b"BHS|^~\\&|SIL\r" + samples[2] + b"BTS|1\rFTS|2\r"

    assert bus.gives(batch) is Verdict.TAKEN
    assert len(hospital.paper()) == 3


def test_several_messages_in_one_body_are_parted(hospital, bus):
    samples = [hospital.sample(ipp=f"6910{n}").raw for n in range(3)]

    assert bus.gives(b"".join(samples)) is Verdict.TAKEN
    assert len(hospital.paper()) == 3


def test_what_one_bad_message_among_several_says_is_told_at_the_lab_and_the_others_come_out(
    hospital, bus
):
    good, bad = hospital.sample().raw, hospital.sample().raw
    bad = b"\r".join(s for s in bad.split(b"\r") if not s.startswith(b"PID"))

    assert bus.gives(good + bad) is Verdict.REFUSED, "the dead letters keep the whole"
    assert len(hospital.paper()) == 1
    assert len(hospital.paper("lab-slip")) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\0" * 100,
        b"\x1f\x8b\x08\0\0\0\0\0",
        b"%PDF-1.4",
        b"<Bundle xmlns='http://hl7.org/fhir'/>",
        b"\xff\xfeM\0S\0H\0",
        b"MSH",
        b"MSH|^~\\&|A|B\r",
        b"PID|1||1\r",
        b"[1, 2]",
        b'"MSH|"',
        b'{"format": "hl7v2"}',
        b'{"format": "hl7v2", "body": []}',
        b'{"format": "hl7v2", "body": [null]}',
        b'{"resourceType": "Patient"}',
        b'{"resourceType": "Bundle", "type": "searchset", "entry": []}',
        b'{"resourceType": "Bundle", "type": "message"}',
        b'{"resourceType": ["Bundle"]}',
        b'{"resourceType": "Observation", "status": "final"}',
        b"{" * 100_000,
        b"MSH|^~\\&|" + b"x" * 300_000,
    ],
    ids=lambda body: f"{len(body)}-{body[:12]!r}",
)
def test_what_nobody_can_read_comes_out_at_the_lab_with_the_reason_and_is_not_given_again(
    hospital, bus, body
):
    assert bus.gives(body) is Verdict.REFUSED

    assert len(hospital.paper("lab-slip")) == 1
    assert bus.gives(hospital.sample().raw) is Verdict.TAKEN
    assert len(hospital.paper()) == 1, "its neighbours do not suffer"
