"""A way in from a bus: what the bus may forget, when, and what it is told of the rest."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from gateway.bus.role import Verdict
from gateway.bus.settings import BusIntake as Settings
from gateway.errors import Rejected, StoreBroken, StoreFull
from gateway.hl7 import Limits, peek
from gateway.intakes.bus import BusIntake
from tests.unit.bus.fake import Driver, Parcels, message


class Inbox:
    """Keeps what comes in; `troubles` are raised first, `waits` is awaited."""

    limits = Limits()

    def __init__(self):
        self.accepted, self.refusals, self.confirmed = [], [], []
        self.troubles = []
        self.waits = None

    async def accept(self, raw, *, door, peer):
        if self.waits is not None:
            await self.waits
        if self.troubles:
            raise self.troubles.pop(0)
        self.accepted.append((peek(raw).control_id, door.intake, door.mode, peer))

    async def take(self, message, raw, *, format, door, peer):
        if self.troubles:
            raise self.troubles.pop(0)
        self.accepted.append((message.control_id, format, message.sender, message.patient.family))

    async def refuse(self, raw, rejected, *, door, peer):
        if self.troubles:
            raise self.troubles.pop(0)
        self.refusals.append((raw, rejected.reason))

    async def confirm(self, control_id, *, sender, proof):
        known = any(found[0] == control_id for found in self.accepted)
        self.confirmed.append((control_id, sender, proof, known))
        return known


class Bench:
    def __init__(self, **more):
        table = {"connect": "tcp:10.0.0.9:1", "name": "bus", "mode": "tap", **more}
        self.clock, self.driver, self.inbox = Clock(), Driver(), Inbox()
        self.broken, self.parcels, self.alarmed = [], Parcels(), []
        self.intake = BusIntake(
            Settings.model_validate(table),
            driver=self.driver,
            inbox=self.inbox,
            reactor=self.clock,
            base=Path(),
            on_broken=self.broken.append,
            alarms=self.alarm,
        )
        self.started = self.intake.startService()

    async def alarm(self, topic, *, subject, reason):
        self.alarmed.append((topic, subject, reason))

    def arrives(self, body, **more):
        self.driver.session.holder.arrived(self.parcels(body, **more))

    def hears(self, name, **more):
        word = {"receipt_for": name, "by": "DPI", **more}
        self.driver.session.holder.receipt(self.parcels(json.dumps(word).encode()))

    @property
    def verdicts(self):
        return self.parcels.verdicts


@pytest.fixture
def bench():
    bench = Bench()
    bench.driver.accept()
    return bench


def test_it_has_started_when_its_queue_is_bound():
    bench = Bench()
    assert not bench.started.called
    bench.driver.accept()
    assert bench.started.called
    assert bench.intake.connected


def test_it_starts_without_its_bus_too_and_goes_on_trying():
    bench = Bench()
    bench.driver.refuse()
    assert bench.started.called

    bench.clock.advance(0.25)
    bench.driver.accept()
    assert bench.intake.connected


def test_a_bus_that_is_not_heard_for_a_minute_is_told_at_the_lab_once():
    bench = Bench()
    for _ in range(70):
        if bench.driver.tries:
            bench.driver.refuse("exchange results is gone")
        bench.clock.advance(1)
    assert bench.alarmed == [("bus not heard", "bus", "exchange results is gone")]

    while not bench.driver.tries:
        bench.clock.advance(1)
    bench.driver.accept()
    bench.clock.advance(4)
    bench.driver.session.lose()
    for _ in range(200):
        if bench.driver.tries:
            bench.driver.refuse()
        bench.clock.advance(1)
    assert len(bench.alarmed) == 2, "for the second time"


def test_a_bus_that_is_gone_for_a_moment_is_no_alarm(bench):
    bench.driver.session.lose()
    bench.clock.advance(1)
    bench.driver.accept()
    for _ in range(20):
        bench.clock.advance(5)
        bench.driver.session.answer()
    assert bench.alarmed == []


def test_the_bus_may_forget_a_message_once_it_is_on_disk(bench):
    bench.inbox.waits = Deferred()
    bench.arrives(message("A1"), origin="results")
    assert bench.verdicts == []

    bench.inbox.waits.callback(None)

    assert bench.verdicts == [Verdict.TAKEN]
    assert bench.inbox.accepted == [("A1", "bus", "tap", "10.0.0.9 results")]


def test_what_the_inbox_refuses_goes_to_the_dead_letters(bench):
    bench.inbox.troubles = [Rejected("two patients", location="PID")]
    bench.arrives(message("A1"))

    assert bench.verdicts == [Verdict.REFUSED]
    assert bench.inbox.refusals == [], "the inbox has written that down itself"


def resource(ipp="69102274", **more):
    subject = {"identifier": {"value": ipp}, "display": "DURAND Noémie"}
    found = {"resourceType": "Observation", "status": "final", "code": {"text": "Potassium"},
             "subject": subject, "valueQuantity": {"value": 4.1, "unit": "mmol/L"}}  # fmt: skip
    return {**found, **more}


def bundled(*resources, kind="message", **more):
    entries = [{"resource": each} for each in resources]
    return {"resourceType": "Bundle", "type": kind, "entry": entries, **more}


def as_json(found):
    return json.dumps(found).encode()


def test_fhir_is_taken_under_the_name_its_bundle_has_and_in_its_senders(bench):
    head = {"resourceType": "MessageHeader", "source": {"name": "SIL"}}
    bench.arrives(as_json(bundled(head, resource(), identifier={"value": "B1"})))

    ((name, form, sender, _),) = bench.inbox.accepted
    assert (name, form, sender) == ("B1", "fhir", "SIL|")
    assert bench.verdicts == [Verdict.TAKEN]


def test_fhir_without_a_name_has_the_one_that_its_publisher_gave_it(bench):
    bench.arrives(as_json(resource()), message_id="m-17")
    bench.arrives(as_json(resource()))
    bench.arrives(as_json({"format": "fhir", "id": "A7", "body": resource()}), message_id="m-18")

    names = [found[0] for found in bench.inbox.accepted]
    assert names[0] == "m-17" and names[2] == "A7"
    assert len(names[1]) == 20, "made of its bytes"
    assert {found[2] for found in bench.inbox.accepted} == {"FHIR|bus"}


def test_a_transaction_of_two_patients_is_two_messages(bench):
    other = resource(subject={"identifier": {"value": "2"}, "display": "MARTIN Paul"})
    bench.arrives(as_json(bundled(resource(), other, kind="transaction")))

    assert len(bench.inbox.accepted) == 2
    assert bench.verdicts == [Verdict.TAKEN]


def test_a_receipt_names_a_fhir_message_by_its_name(bench):
    bench.hears("B1")
    bench.arrives(as_json(bundled(resource(), identifier={"value": "B1"})))

    assert bench.inbox.confirmed[-1] == ("B1", None, "receipt AA DPI", True)


def test_fhir_that_cannot_be_read_is_refused_whole(bench):
    body = as_json(bundled(resource(), resource(status="no such status"), pad="x" * 5000))
    bench.arrives(body)

    assert bench.inbox.accepted == []
    ((raw, reason),) = bench.inbox.refusals
    assert raw == body and reason
    assert bench.verdicts == [Verdict.REFUSED]


@pytest.mark.parametrize("body", [b"", b"{", b'{"resourceType": "Bundle"}'])
def test_what_cannot_be_read_is_refused_on_disk_first(bench, body):
    bench.arrives(body)

    assert bench.verdicts == [Verdict.REFUSED]
    assert [raw for raw, _ in bench.inbox.refusals] == [body]


def test_what_is_too_long_is_refused_by_its_beginning():
    bench = Bench(longest=2000)
    bench.driver.accept()
    bench.arrives(message("A1") + b"x" * 5000)

    ((raw, reason),) = bench.inbox.refusals
    assert (len(raw), reason) == (4096, "longer than 2000 bytes")
    assert bench.verdicts == [Verdict.REFUSED]


def test_each_message_of_a_batch_is_taken_and_a_wrong_count_is_told(bench):
    batch = b"BHS|^~\\&\r" + message("A1") + message("A2") + b"BTS|3\r"
    bench.arrives(batch)

    assert [found[0] for found in bench.inbox.accepted] == ["A1", "A2"]
    assert len(bench.inbox.refusals) == 1
    assert bench.verdicts == [Verdict.REFUSED], "the dead letters keep the whole"


def test_one_bad_message_of_a_batch_does_not_stop_its_neighbours(bench):
    bench.inbox.troubles = [Rejected("no patient")]
    bench.arrives(message("A1") + message("A2"))

    assert [found[0] for found in bench.inbox.accepted] == ["A2"]
    assert bench.verdicts == [Verdict.REFUSED]


def test_a_full_disk_is_waited_out(bench):
    bench.inbox.troubles = [StoreFull()] * 5
    bench.arrives(message("A1"))
    bench.clock.pump([1.0] * 4)
    assert bench.verdicts == []

    bench.clock.advance(1.0)
    assert bench.verdicts == [Verdict.TAKEN]


def test_a_bug_is_tried_three_times_and_then_refused(bench):
    bench.inbox.troubles = [ZeroDivisionError()] * 3
    bench.arrives(message("A1"))
    bench.clock.pump([1.0] * 2)

    assert bench.verdicts == [Verdict.REFUSED]
    assert bench.inbox.refusals[0][1] == "internal error: it cannot be kept"


def test_on_a_broken_store_nothing_is_forgotten(bench):
    bench.inbox.troubles = [StoreBroken()]
    bench.arrives(message("A1"))

    assert len(bench.broken) == 1
    assert bench.verdicts == []


def test_a_receipt_closes_the_copy_that_waits_for_it(bench):
    bench.arrives(message("A1"))
    bench.hears("A1", sender="SIL|LABO")

    assert bench.inbox.confirmed == [("A1", "SIL|LABO", "receipt AA DPI", True)]
    assert bench.verdicts == [Verdict.TAKEN] * 2


def test_a_receipt_that_is_too_early_waits_for_its_message(bench):
    bench.hears("A1")
    assert bench.verdicts == []

    bench.arrives(message("A1"))

    assert bench.inbox.confirmed[-1] == ("A1", None, "receipt AA DPI", True)
    assert bench.verdicts == [Verdict.TAKEN] * 2
    bench.clock.advance(60)
    assert len(bench.verdicts) == 2


def test_a_receipt_for_nothing_of_ours_is_forgotten_in_the_end(bench):
    bench.hears("Z9")
    bench.clock.advance(30)

    assert bench.verdicts == [Verdict.TAKEN]


def test_a_receipt_may_come_with_the_messages(bench):
    bench.arrives(message("A1"))
    bench.arrives(json.dumps({"receipt_for": "A1"}).encode())

    assert bench.inbox.confirmed[-1][0] == "A1"


def test_a_receipt_names_its_message_by_our_message_id_too(bench):
    bench.arrives(message("A1"))
    bench.driver.session.holder.receipt(
        bench.parcels(b'{"receipt_for": "x"}', correlation_id="wardline:7:A1")
    )

    assert bench.inbox.confirmed[-1][0] == "A1"


def test_a_receivers_refusal_leaves_the_copy_to_its_deadline(bench):
    bench.arrives(message("A1"))
    bench.hears("A1", status="refused")

    assert bench.inbox.confirmed == []
    assert bench.verdicts == [Verdict.TAKEN] * 2


def test_receipts_that_waited_when_the_bus_went_come_again(bench):
    bench.hears("A1")
    bench.driver.session.lose()
    bench.clock.advance(31)

    assert bench.verdicts == []


def test_a_bus_that_is_lost_is_sought_again(bench):
    bench.driver.session.lose()
    assert not bench.intake.connected
    bench.clock.advance(0.25)
    bench.driver.accept()

    assert bench.intake.connected


def test_a_bus_that_answers_nothing_is_left(bench):
    bench.clock.advance(5)
    assert len(bench.driver.session.pings) == 1
    bench.clock.advance(15)

    assert bench.driver.session.closed == 1
    assert not bench.intake.connected


def test_a_bus_that_answers_is_kept(bench):
    for _ in range(10):
        bench.clock.advance(5)
        bench.driver.session.answer()

    assert bench.intake.connected
    assert bench.driver.session.closed == 0


def test_a_stop_waits_for_what_is_in_hand_and_not_for_longer_than_it_may(bench):
    bench.inbox.waits = Deferred()
    bench.arrives(message("A1"))
    stopped = bench.intake.stopService()
    assert not stopped.called
    assert bench.driver.session.closed == 0

    bench.clock.advance(3)

    assert stopped.called
    assert bench.verdicts == [], "the bus will give it again"
    assert bench.driver.session.closed == 1
    assert bench.clock.getDelayedCalls() == []
