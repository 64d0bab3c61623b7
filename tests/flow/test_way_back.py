"""When the platform returns: everything goes back, in order, marked, and nothing twice."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.compose import Composer, House
from gateway.delivery import Outcome, Purpose, State
from gateway.platform.handback import Handback
from gateway.platform.watch import State as Platform
from tests.unit.store.samples import HANDBACK, arrival, ended, new, tried


def test_what_was_printed_is_handed_back_marked_and_never_printed_again(hospital):
    hospital.link.mood = "dead"
    hospital.receives(hospital.sample())
    hospital.after(seconds=10)

    hospital.link.mood = "up"
    hospital.watch.say_up(by="test")
    hospital.do(hospital.store.release(now=hospital.time.now(), limit=10))
    hospital.dispatcher.kick("platform")
    hospital.after(seconds=5)

    (raw,) = hospital.link.received
    assert b"ZWL|DELIVERED|CARD|0001|cardio-slip|" in raw
    assert len(hospital.paper()) == 1
    assert hospital.outcomes() == ["CARD slip delivered", "PLATFORM platform delivered"]


def test_movements_wait_for_the_platform_and_are_never_printed(hospital):
    hospital.watch.say_down(by="test", reason="test")
    hospital.receives(
        b"MSH|^~\\&|GAM|H|W|H|20240803||ADT^A01|M1|P|2.5\rPID|1||69102274^^^H^PI||X^Y\r"
        b"PV1|1|I|CARD^3^B\r"
    )
    hospital.after(seconds=60)
    assert hospital.outcomes() == ["PLATFORM platform held"]

    hospital.watch.say_up(by="test")
    hospital.do(hospital.store.release(now=hospital.time.now(), limit=10))
    hospital.dispatcher.kick("platform")
    hospital.after(seconds=1)

    assert hospital.outcomes() == ["PLATFORM platform delivered"]
    assert hospital.paper() == []


def test_a_late_acknowledgement_is_recorded_beside_the_paper(hospital):
    hospital.link.mood = "dead"
    sample = hospital.sample()
    hospital.receives(sample)
    hospital.after(seconds=5)

    moved = hospital.do(
        hospital.store.confirm(
            sender=None, control_id=sample.control_id, at=hospital.time.now(), proof="late MSA AA"
        )
    )

    assert [d.to for d in moved] == ["PLATFORM"]
    assert hospital.outcomes() == ["CARD slip delivered", "PLATFORM platform delivered"]


def test_an_outage_is_one_interval_and_everything_in_it_belongs_to_it(hospital):
    hospital.watch.say_down(by="Dr Martin", reason="coupure")
    hospital.after(seconds=1)
    hospital.receives(hospital.sample())
    hospital.after(seconds=10)
    hospital.watch.say_up(by="Dr Martin")
    hospital.after(seconds=1)

    (outage,) = hospital.do(hospital.store.outages())
    assert outage.by == "Dr Martin"
    assert outage.ended_at is not None
    (message,) = [m for m in hospital.accepted if m.deliveries]
    assert hospital.do(hospital.store.content(message.message_id)).outage_id == outage.id


def test_the_state_of_the_platform_survives_a_restart(hospital):
    hospital.watch.say_down(by="Dr Martin", reason="coupure")
    hospital.after(seconds=1)

    row = hospital.do(hospital.store.platform())

    assert (row.state, row.by) == ("down", "Dr Martin")


def all_printers(hospital, words):
    for printer in hospital.printers:
        hospital.trouble(words, at=printer)


def results(hospital):
    """Slips of results on any printer."""
    return [t for name in hospital.printers for t in hospital.paper(name) if "Potassium" in t]


def test_paper_that_has_not_begun_is_withdrawn_when_the_platform_takes_the_message_back(hospital):
    all_printers(hospital, "paper out")
    hospital.after(seconds=30)
    hospital.link.mood = "dead"
    hospital.receives(hospital.sample())
    hospital.after(seconds=300)
    assert hospital.outcomes() == ["CARD courier open", "PLATFORM platform held"]

    hospital.link.mood = "up"
    hospital.watch.say_up(by="test")
    hospital.do(hospital.store.release(now=hospital.time.now(), limit=10))
    hospital.dispatcher.kick("platform")
    hospital.after(seconds=5)
    assert hospital.outcomes() == ["CARD courier withdrawn", "PLATFORM platform delivered"]

    all_printers(hospital, "paper in")
    hospital.after(seconds=120)
    (raw,) = hospital.link.received
    assert b"ZWL|NOT-DELIVERED|CARD" in raw
    assert results(hospital) == []
    assert hospital.store.messages()[0]["state"] == "delivered"


def test_paper_that_has_not_begun_is_withdrawn_by_a_late_acknowledgement(hospital):
    all_printers(hospital, "paper out")
    hospital.after(seconds=30)
    hospital.link.mood = "hangs"
    sample = hospital.sample()
    hospital.receives(sample)
    hospital.after(seconds=120)

    hospital.do(hospital.inbox.confirm(sample.control_id, sender=None, proof="late MSA AA"))
    all_printers(hospital, "paper in")
    hospital.after(seconds=120)

    assert hospital.outcomes() == ["CARD neighbour withdrawn", "PLATFORM platform delivered"]
    assert results(hospital) == []
    assert hospital.link.received == [], "it has it: it is not sent again"


def test_what_came_out_on_a_summary_is_handed_back_as_delivered_by_it(hospital):
    all_printers(hospital, "paper out")
    hospital.after(seconds=30)
    hospital.link.mood = "dead"
    hospital.receives(hospital.sample())
    hospital.after(seconds=7300)
    all_printers(hospital, "paper in")
    hospital.after(seconds=120)
    assert sum("RÉSUMÉ" in text for text in hospital.paper()) == 1

    hospital.link.mood = "up"
    hospital.watch.say_up(by="test")
    hospital.do(hospital.store.release(now=hospital.time.now(), limit=10))
    hospital.dispatcher.kick("platform")
    hospital.after(seconds=5)

    (raw,) = hospital.link.received
    assert b"ZWL|DELIVERED|CARD|" in raw


async def printed(store, *, at, outcome, **after):
    """One attempt at whatever is due in the ward, as the press writes it down."""
    (row,) = await store.claim("CARD/slip", node="main", now=at, limit=1)
    attempt = await store.begin(row, device="cardio-slip", at=at, paper=True)
    moved = tried(row, **after) if after else tried(row)
    await store.settle(row, moved, at=at, attempt=ended(attempt, outcome), extra=(HANDBACK,))
    return row


def test_a_proved_summary_outweighs_a_slip_of_which_nobody_knows(hospital):
    store = hospital.store
    raw = hospital.sample().raw
    first = hospital.do(store.accept(arrival(raw=raw, deliveries=(new(),))))
    doubt = {"state": State.OPEN, "due": 1e12, "doubtful": True}
    row = hospital.do(printed(store, at=200.0, outcome=Outcome.UNCERTAIN, **doubt))
    hospital.do(store.accept(arrival("S1", order="", supersedes=(row.id,))))
    back = Composer(
        store, hospital.directory, house=House(code="H", name="H", language="fr", timezone="UTC"),
        clock=hospital.time,
    )  # fmt: skip
    owed = replace(row, message_id=first.message_id, purpose=Purpose.HANDBACK)
    assert b"ZWL|UNCERTAIN|CARD|0001" in hospital.do(back.for_platform(owed))[0]

    hospital.do(printed(store, at=300.0, outcome=Outcome.DELIVERED))

    assert b"ZWL|DELIVERED|CARD|0002" in hospital.do(back.for_platform(owed))[0]


class Returning:
    """The hand-back at work, and a probe that only sees whether the platform accepts connections."""

    def __init__(self, hospital):
        self.hospital = hospital
        self.handback = Handback(
            hospital.store,
            watch=hospital.watch,
            idle=lambda: not hospital.link.waiting,
            rate=50,
            every=1.0,
            reactor=hospital.clock,
            clock=hospital.time,
            wake=lambda: hospital.dispatcher.kick("platform"),
        )
        self.handback.startService()

    def after(self, seconds):
        for _ in range(seconds):
            self.hospital.watch.reached()
            self.hospital.after(seconds=1)

    def stop(self):
        self.handback.stopService()


@pytest.fixture
def returning(hospital):
    returning = Returning(hospital)
    yield returning
    returning.stop()


def test_a_platform_that_refused_everything_for_long_gets_all_of_it_when_it_is_well(
    hospital, returning
):
    hospital.link.mood = "refuses"
    for number in range(8):
        hospital.receives(hospital.sample(ipp=f"6910{number}"))
        returning.after(seconds=1)
    hospital.receives(
        b"MSH|^~\\&|GAM|H|W|H|20240803||ADT^A01|M1|P|2.5\rPID|1||69102274^^^H^PI||X^Y\r"
        b"PV1|1|I|CARD^3^B\r"
    )
    assert hospital.watch.state is Platform.DOWN
    returning.after(seconds=100)
    assert not any("refused" in line for line in hospital.outcomes()), "nothing for good"
    assert len(hospital.paper("lab-slip")) == 0

    hospital.link.mood = "up"
    returning.after(seconds=90)

    assert hospital.watch.state is Platform.UP
    assert hospital.outcomes().count("PLATFORM platform delivered") == 9
    assert len(hospital.link.received) == 9
    marked = [raw for raw in hospital.link.received if b"ORU" in raw]
    assert all(b"ZWL|DELIVERED|CARD|" in raw for raw in marked)
    assert len(hospital.paper()) == 8


def test_it_comes_back_by_itself_though_nobody_sends_and_the_first_it_is_tried_with_is_refused(
    hospital, returning
):
    hospital.link.mood = "refuses"
    poison = hospital.sample(ipp="69100")
    for sample in (poison, *(hospital.sample(ipp=f"6911{n}") for n in range(4))):
        hospital.receives(sample)
        returning.after(seconds=1)
    assert hospital.watch.state is Platform.DOWN

    hospital.link.mood = "up"
    hospital.link.refuses_always = {poison.control_id}
    returning.after(seconds=120)

    assert hospital.watch.state is Platform.UP
    assert hospital.outcomes().count("PLATFORM platform delivered") == 4
    assert hospital.outcomes().count("PLATFORM platform refused") == 1, "now that it is well"


def test_a_hung_platform_comes_back_by_itself_though_nobody_sends(hospital, returning):
    hospital.link.mood = "hangs"
    hospital.receives(hospital.sample())
    returning.after(seconds=20)
    assert hospital.watch.state is Platform.DOWN
    returning.after(seconds=100)

    hospital.link.mood = "up"
    returning.after(seconds=90)

    assert hospital.watch.state is Platform.UP
    assert len(hospital.paper()) == 1
    assert b"ZWL|DELIVERED" in hospital.link.received[0]


def test_what_was_under_way_when_the_process_was_killed_says_that_it_may_come_twice(hospital):
    hospital.link.mood = "hangs"
    under_way = hospital.sample(ipp="69101")
    hospital.receives(under_way)
    hospital.after(seconds=1)
    hospital.poller.stopService()

    hospital.wire()  # as after kill -9: the store is all there is
    other = hospital.sample(ipp="69102")
    hospital.receives(other)
    hospital.after(seconds=2)

    assert len(hospital.link.received) == 2
    assert hospital.link.again == [under_way.control_id]
    assert hospital.paper() == []
