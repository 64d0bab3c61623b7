"""After an outage the platform is told who received what, once, and after the message itself."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from gateway.hl7 import Form, peek, read
from gateway.platform import record
from gateway.platform.record import Recorder
from gateway.poller import Repeat
from gateway.router import Mode
from gateway.store import Acknowledgement


@pytest.fixture
def recording(hospital):
    """Starts a recorder; again, as after a restart."""
    running = []

    def start(form=Form.ORU):
        for repeat in running:
            repeat.stopService()
        recorder = Recorder(hospital.store, form=form, site="HEX", clock=hospital.time)
        repeat = Repeat(recorder.look, every=5.0, clock=hospital.time, what="record")
        repeat.startService()
        running.append(repeat)

    yield start
    for repeat in running:
        repeat.stopService()


def outage(hospital, *samples, paper=True):
    """The platform dies under a stream of results and returns."""
    hospital.link.mood = "dead"
    for sample in samples:
        hospital.receives(sample)
    hospital.after(seconds=30)
    hospital.link.mood = "up"
    hospital.watch.say_up(by="test")
    hospital.after(seconds=1)
    handed_back(hospital)


def handed_back(hospital):
    """What is held goes to the platform."""
    for _ in range(3):
        hospital.do(hospital.store.release(now=hospital.time.now(), limit=10))
        hospital.dispatcher.kick("platform")
        hospital.after(seconds=10)


def records(hospital):
    return [raw for raw in hospital.link.received if b"WARDLINE" in raw[:30]]


def told(raw):
    """Each fact by its try and code."""
    return {(o.sub_id, o.code): o.value for g in read(raw).groups for o in g.observations}


def test_every_receipt_of_the_outage_goes_to_the_platform(hospital, recording):
    recording()
    outage(hospital, hospital.sample())

    first, record = hospital.link.received
    assert b"ZWL|DELIVERED" in first
    found = told(record)
    assert found["", "WL-MESSAGE"] == "A00001"
    assert found["", "WL-STATE"] == "delivered"
    tries = {v: k[0] for k, v in found.items() if k[1] == "WL-CHANNEL"}
    assert tries.keys() == {"platform", "slip"}
    slip = tries["slip"]
    assert found[slip, "WL-OUTCOME"] == "delivered"
    assert (found[slip, "WL-TO"], found[slip, "WL-SLIP"]) == ("CARD", "1")
    assert found[slip, "WL-DEVICE"] == "cardio-slip"
    assert found[slip, "WL-PROOF"]
    assert read(record).patient.ipp == "69102274"
    assert hospital.do(hospital.store.outages())[0].ended_at is not None


def acknowledges(hospital, control_id, **changes):
    (stored,) = [m for m in stored_messages(hospital) if m.control_id == control_id]
    word = Acknowledgement(
        message_id=stored.id, at=hospital.time.now(), name="Dr Roux", person="DR", via="desk",
        conveyed="Potassium 6,8 mmol/L", read_back="ok", keyed=("6,8",),
    )  # fmt: skip
    hospital.do(hospital.store.acknowledge(replace(word, **changes)))


def stored_messages(hospital):
    return [hospital.do(hospital.store.content(number)) for number in range(1, 3)]


def test_who_said_to_have_it_stands_in_the_record(hospital, recording):
    recording()
    hospital.link.mood = "dead"
    hospital.receives(hospital.sample())
    hospital.after(seconds=45)
    acknowledges(hospital, "A00001")
    hospital.link.mood = "up"
    hospital.watch.say_up(by="test")
    hospital.after(seconds=1)
    handed_back(hospital)

    (record,) = records(hospital)
    said = {code: value for (_, code), value in told(record).items()}
    assert (said["WL-ACKNOWLEDGED"], said["WL-PERSON"], said["WL-VIA"]) == (
        "yes",
        "Dr Roux",
        "desk",
    )
    assert said["WL-READ-BACK"] == "ok 6,8"


def test_who_says_so_after_the_record_is_told_in_another(hospital, recording):
    recording()
    outage(hospital, hospital.sample())
    assert len(records(hospital)) == 1

    acknowledges(hospital, "A00001", accepted=False, read_back="failed", difficulties="noise")
    hospital.after(seconds=10)
    handed_back(hospital)
    recording()
    hospital.after(seconds=10)
    handed_back(hospital)

    first, second = records(hospital)
    assert (peek(first).control_id, peek(second).control_id) == ("WLR1", "WLR1.1")
    said = {code: value for (_, code), value in told(second).items()}
    assert (said["WL-ACKNOWLEDGED"], said["WL-DIFFICULTIES"]) == ("no", "noise")


def test_as_fhir_each_receipt_and_each_word_is_a_communication(hospital, recording):
    recording("fhir")
    hospital.link.mood = "dead"
    hospital.receives(hospital.sample())
    hospital.after(seconds=45)
    acknowledges(hospital, "A00001")
    hospital.link.mood = "up"
    hospital.watch.say_up(by="test")
    hospital.after(seconds=1)
    handed_back(hospital)

    (raw,) = [each for each in hospital.link.received if each.startswith(b"{")]
    found = json.loads(raw)
    assert (found["resourceType"], found["identifier"]["value"]) == ("Bundle", "WLR1")
    every = [entry["resource"] for entry in found["entry"]]
    assert {each["subject"]["identifier"]["value"] for each in every} == {"69102274"}
    slip = next(each for each in every if each["medium"][0]["text"] == "slip")
    assert (slip["status"], slip["recipient"][0]["display"]) == ("completed", "CARD")
    assert slip["payload"][0]["contentString"] and "0001" in slip["note"][0]["text"]
    tried = next(each for each in every if each["medium"][0]["text"] == "platform")
    assert tried["status"] in ("not-done", "unknown") and tried["statusReason"]["text"]
    person = every[-1]
    assert person["recipient"][0]["identifier"]["value"] == "DR"
    assert (person["status"], person["medium"][0]["coding"][0]["code"]) == ("completed", "VERBAL")


def test_a_long_outage_is_gone_through_piece_by_piece_and_nothing_is_left_out(
    hospital, recording, monkeypatch
):
    monkeypatch.setattr(record, "BATCH", 2)
    monkeypatch.setattr(record, "GOES", 2)
    samples = [hospital.sample(ipp=f"6910{n}") for n in range(9)]
    recording()
    outage(hospital, *samples)
    for _ in range(4):
        hospital.after(seconds=5)
        handed_back(hospital)

    assert len(records(hospital)) == 9
    about = {told(raw)[("", "WL-MESSAGE")] for raw in records(hospital)}
    assert about == {sample.control_id for sample in samples}


def test_what_waits_is_come_back_to(hospital, recording):
    recording()
    hospital.link.mood = "dead"
    for ipp in ("69101", "69102"):
        hospital.receives(hospital.sample(ipp=ipp))
    hospital.after(seconds=30)
    hospital.link.mood = "up"
    hospital.watch.say_up(by="test")
    hospital.do(hospital.store.release(now=hospital.time.now(), limit=1))
    hospital.dispatcher.kick("platform")
    hospital.after(seconds=10)
    hospital.do(hospital.store.release(now=hospital.time.now(), limit=1))
    hospital.after(seconds=10)
    assert len(records(hospital)) <= 1, "the other is still owed itself"

    handed_back(hospital)
    assert len(records(hospital)) == 2


def test_a_restart_tells_nothing_twice(hospital, recording):
    recording()
    outage(hospital, hospital.sample())
    assert len(records(hospital)) == 1

    recording()
    hospital.after(seconds=30)
    handed_back(hospital)

    assert len(records(hospital)) == 1


def test_what_the_platform_did_not_take_is_still_owed_to_it(hospital, recording):
    recording(Form.MDM)
    outage(hospital, hospital.sample(), hospital.sample(ipp="2", order="2"))
    assert len(records(hospital)) == 2
    hospital.link.mood = "dead"
    hospital.receives(hospital.sample(ipp="3", order="3"))
    hospital.after(seconds=30)
    hospital.watch.say_up(by="test")
    hospital.after(seconds=10)
    handed_back(hospital)
    assert len(records(hospital)) == 2

    hospital.link.mood = "up"
    hospital.watch.say_up(by="test")
    hospital.after(seconds=30)
    handed_back(hospital)

    assert len(records(hospital)) == 3


def test_a_record_that_is_refused_prints_nothing_at_the_lab(hospital, recording):
    recording()
    outage(hospital, hospital.sample())
    assert records(hospital)
    hospital.link.mood = "dead"
    hospital.receives(hospital.sample(ipp="2", order="2"))
    hospital.after(seconds=30)
    hospital.link.mood = "up"
    hospital.watch.say_up(by="test")
    hospital.after(seconds=1)
    hospital.do(hospital.store.release(now=hospital.time.now(), limit=10))
    hospital.dispatcher.kick("platform")
    hospital.after(seconds=10)
    hospital.link.mood = "refuses"
    handed_back(hospital)
    hospital.after(seconds=120)

    assert hospital.paper(at="lab-slip") == []
    assert not any(d.state == "open" for d in hospital.do(hospital.store.open_deliveries()))


def test_an_outage_that_lasts_is_not_recorded_yet(hospital, recording):
    recording()
    hospital.watch.say_down(by="test", reason="test")
    hospital.receives(hospital.sample())
    hospital.after(seconds=60)

    assert not any(d.to == "PLATFORM" and d.purpose == "notice"
                   for d in hospital.do(hospital.store.open_deliveries()))  # fmt: skip


def test_even_what_is_settled_at_once_is_recorded_when_the_outage_has_ended(hospital, recording):
    recording()
    hospital.mode = Mode.DIRECT
    hospital.watch.say_down(by="test", reason="test")
    hospital.receives(hospital.sample())
    hospital.after(seconds=60)
    assert hospital.do(hospital.store.open_deliveries()) == []

    hospital.watch.say_up(by="test")
    hospital.after(seconds=10)
    handed_back(hospital)

    assert len(records(hospital)) == 1
