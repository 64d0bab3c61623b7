"""After an outage the platform is told who received what, once, and after the message itself."""

from __future__ import annotations

import pytest

from gateway.hl7 import Form, read
from gateway.platform.record import Recorder
from gateway.poller import Repeat
from gateway.router import Mode


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
