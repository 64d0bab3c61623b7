"""What every store answers when somebody looks back: a ward, a patient, an outage's messages."""

from __future__ import annotations

from dataclasses import replace

from gateway.delivery import NewDelivery, Outcome, Purpose, State, Step
from gateway.message import Kind, Location, Message, Patient, Priority
from gateway.store import Whereabouts
from tests.contract.test_store import claimed, printed
from tests.unit.store.samples import HANDBACK, arrival, tried

BED = Location(unit="CARD", room="12", bed="A")
SENDER = "WARDLINE|HEX"


def where(ipp="69102274", *, nda="", ward="CARD", at=100.0, here=True, family="LEFÈBVRE"):
    patient = Patient(family=family, ipp=ipp, nda=nda)
    return Whereabouts(patient=patient, location=BED if here else None, ward=ward, at=at)


async def moves(store, place, **changes):
    """ADT says where a patient is."""
    number = f"M{place.at}{place.patient.key}{place.ward}"
    told = arrival(number, ipp=place.patient.ipp, order="", kind=Kind.MOVEMENT, deliveries=())
    await store.accept(replace(told, whereabouts=place, **changes))


async def names(store, ward="CARD"):
    return sorted(w.patient.key for w in await store.present(ward))


# -- who is in a ward


async def test_a_ward_knows_who_is_present(store):
    await moves(store, where())
    await moves(store, where("2"))
    await moves(store, where("3", ward="NEURO"))

    assert await names(store) == ["2", "69102274"]
    assert {w.location for w in await store.present("CARD")} == {BED}


async def test_who_is_known_by_two_numbers_is_one_person(store):
    await moves(store, where(nda="V1"))

    assert await names(store) == ["69102274"]


async def test_who_has_left_is_not_present_even_if_only_one_number_says_so(store):
    await moves(store, where(nda="V1"))
    await moves(store, where(here=False, ward="", at=101.0))

    assert await names(store) == []


async def test_who_was_moved_is_present_in_the_other_ward_only(store):
    await moves(store, where(nda="V1"))
    await moves(store, where(ward="NEURO", at=101.0))

    assert (await names(store), await names(store, "NEURO")) == ([], ["69102274"])


async def test_who_was_merged_is_present_once_under_the_number_that_holds(store):
    await moves(store, where("old"))
    await moves(store, where("new", at=101.0), merged="old")

    assert await names(store) == ["new"]


async def test_who_was_merged_without_a_new_word_is_present_under_the_number_that_holds(store):
    await moves(store, where("old"))
    merge = arrival("G1", ipp="new", order="", kind=Kind.MOVEMENT, deliveries=())
    await store.accept(replace(merge, merged="old"))

    assert await names(store) == ["new"]


# -- what came of a patient


async def latest(store, *keys, since=0.0, limit=30):
    return [s.control_id for s in await store.latest(keys, since=since, limit=limit)]


async def test_the_latest_results_come_newest_first(store):
    for number in ("A1", "A2", "A3"):
        await store.accept(arrival(number))
    await store.accept(arrival("B1", ipp="other"))

    assert await latest(store, "69102274", limit=2) == ["A3", "A2"]


async def test_results_are_found_under_either_number(store):
    await store.accept(arrival("A1"))
    await store.accept(arrival("A2", ipp="V1"))

    assert await latest(store, "69102274", "V1") == ["A2", "A1"]
    assert await latest(store, "") == []


def seen_as(control_id, *, ipp, nda, **about):
    told = arrival(control_id, ipp=ipp, **about)
    patient = replace(told.message.patient, ipp=ipp, nda=nda)
    return replace(told, message=replace(told.message, patient=patient))


async def test_a_telephones_keys_find_patients_by_visit_and_by_the_figures_of_an_ipp(store):
    await store.accept(seen_as("A1", ipp="69102274", nda="24-001234"))
    await store.accept(seen_as("A2", ipp="HEX/0077-1", nda="V12"))
    await store.accept(seen_as("A3", ipp="55500011", nda="24001234", at=101.0))

    assert await store.keyed("24001234", since=0.0) == ["55500011", "69102274"]
    assert await store.keyed("24001234", since=100.5) == ["55500011"]
    assert await store.keyed("00771", since=0.0) == ["HEX/0077-1"]
    assert await store.keyed("12", since=0.0) == []
    assert await store.keyed("", since=0.0) == []


async def test_a_visit_leads_to_the_number_that_holds_now(store):
    await store.accept(seen_as("A1", ipp="old", nda="24001234"))
    await moves(store, where("new", at=101.0), merged="old")

    assert await store.keyed("24001234", since=0.0) == ["new"]


async def test_results_from_before_are_left_out(store):
    await store.accept(arrival("A1", at=99.0))
    await store.accept(arrival("A2", at=100.0))

    assert await latest(store, "69102274", since=100.0) == ["A2"]


async def test_orders_tests_and_refused_messages_are_no_results(store):
    real = arrival("A1")
    await store.accept(arrival("A2", kind=Kind.ORDER))
    await store.accept(arrival("A3", refused="no"))
    await store.accept(
        replace(arrival("A4"), message=replace(real.message, control_id="A4", test=True))
    )
    await store.accept(real)

    assert await latest(store, "69102274") == ["A1"]


async def test_what_was_closed_before_a_merge_is_found_under_the_number_that_holds(store):
    await store.accept(arrival("A1", ipp="old", deliveries=()))
    await moves(store, where("new", at=101.0), merged="old")

    assert await latest(store, "new") == await latest(store, "old") == ["A1"]


async def test_a_purged_result_is_not_among_them(store):
    await store.accept(arrival("A1", deliveries=()))
    assert await store.purge(before=200.0, limit=10) == 1

    assert await latest(store, "69102274") == []


async def test_a_message_is_known_by_sender_and_control_id(store):
    await store.accept(arrival("A1"))

    assert await store.known(sender="SIL|LABO", control_id="A1")
    assert not await store.known(sender="SIL|LABO", control_id="A2")
    assert not await store.known(sender="IMAGERIE|H", control_id="A1")
    assert not await store.known(sender="SIL|LABO", control_id="")


# -- what became of a message


async def test_a_messages_fate_is_its_deliveries_with_every_try(store):
    accepted = await store.accept(arrival())
    await printed(store, await claimed(store), outcome=Outcome.TEMPORARY)
    await printed(store, await claimed(store, now=200.0), at=201.0)

    (fate,) = await store.fates(accepted.message_id)

    assert fate.delivery.state is State.DELIVERED
    assert [a.outcome for a in fate.attempts] == [Outcome.TEMPORARY, Outcome.DELIVERED]
    assert fate.attempts[1].slip == fate.delivery.slip == 1


async def test_what_stands_for_it_belongs_to_its_fate(store):
    first = await store.accept(arrival("A1"))
    (stale,) = first.deliveries
    summary = await store.accept(arrival("S1", supersedes=(stale.id,)))
    await printed(store, await claimed(store))

    own, stand_in = await store.fates(first.message_id)

    assert own.delivery.state is State.SUPERSEDED
    assert (stand_in.delivery.message_id, stand_in.delivery.state) == (
        summary.message_id, State.DELIVERED,
    )  # fmt: skip


# -- the platform takes back


async def handed_back(store, *, outcome=Outcome.DELIVERED):
    """A message that waits for paper, and whose hand-back the platform has answered."""
    accepted = await store.accept(arrival())
    row = await claimed(store)
    attempt = await store.begin(row, device="cardio-slip", at=101.0, paper=False)
    waits = tried(row, State.OPEN, due=500.0)
    await store.settle(row, waits, at=101.0, attempt=attempt, extra=(HANDBACK,))
    await store.release(now=102.0, limit=1)
    back = await claimed(store, "platform", now=102.0)
    after = tried(back) if outcome is Outcome.DELIVERED else tried(back, State.OPEN, due=110.0)
    await store.settle(back, after, at=103.0)
    return accepted


async def states(store, accepted):
    return [f.delivery.state for f in await store.fates(accepted.message_id)]


async def test_a_hand_back_that_arrives_withdraws_the_paper_that_has_not_begun(store):
    accepted = await handed_back(store)

    assert await states(store, accepted) == [State.WITHDRAWN, State.DELIVERED]
    assert (await store.counts())["delivered"] == 1


async def test_a_hand_back_that_fails_withdraws_nothing(store):
    accepted = await handed_back(store, outcome=Outcome.TEMPORARY)

    assert await states(store, accepted) == [State.OPEN, State.OPEN]


async def test_paper_under_way_is_left_to_end(store):
    accepted = await store.accept(arrival(deliveries=None))
    row = await claimed(store)
    await store.settle(row, tried(row, State.OPEN, due=101.0), at=101.0, extra=(HANDBACK,))
    await store.release(now=102.0, limit=1)
    back = await claimed(store, "platform", now=102.0)
    paper = await claimed(store, now=102.0)

    await store.settle(back, tried(back), at=103.0)

    assert await states(store, accepted) == [State.SENDING, State.DELIVERED]
    await printed(store, paper, at=104.0)
    assert await states(store, accepted) == [State.DELIVERED, State.DELIVERED]


# -- what the platform has no record of


def record(message_id):
    """The record of a message, as it waits for the platform."""
    message = Message(
        control_id=f"WLR{message_id}", sender=SENDER, type="ORU^R01", kind=Kind.NOTICE
    )
    steps = (Step(by="platform"),)
    owed = NewDelivery(
        to="PLATFORM", purpose=Purpose.NOTICE, priority=Priority.ROUTINE, steps=steps,
        state=State.HELD,
    )  # fmt: skip
    return replace(arrival(), message=message, intake="wardline", deliveries=(owed,))


async def unrecorded(store, outage):
    found = await store.unrecorded(outage.id, sender=SENDER, prefix="WLR")
    return found.ready, found.waiting


async def test_a_message_is_ready_to_be_recorded_once_nothing_about_it_can_change(store):
    outage = await store.begin_outage(at=99.0, reason="test", by="test")
    accepted = await store.accept(arrival())
    assert await unrecorded(store, outage) == ((), ()), "nothing has been done yet"
    row = await claimed(store)
    attempt = await store.begin(row, device="cardio-slip", at=101.0, paper=True)
    assert await unrecorded(store, outage) == ((), (accepted.message_id,))

    await store.settle(row, tried(row), at=102.0, attempt=attempt, extra=(HANDBACK,))
    assert await unrecorded(store, outage) == ((), (accepted.message_id,)), (
        "its hand-back is still owed"
    )
    await store.release(now=103.0, limit=1)
    back = await claimed(store, "platform", now=103.0)
    await store.settle(back, tried(back), at=104.0)

    assert await unrecorded(store, outage) == ((accepted.message_id,), ())
    await store.accept(record(accepted.message_id))
    assert await unrecorded(store, outage) == ((), ())
    assert (await store.counts())["open"] == 0, "a record did not come in"


async def test_what_waits_for_its_summary_is_not_ready(store):
    outage = await store.begin_outage(at=99.0, reason="test", by="test")
    first = await store.accept(arrival("A1"))
    await printed(store, await claimed(store), outcome=Outcome.UNCERTAIN)
    (stale,) = first.deliveries
    await store.accept(replace(arrival("S1", kind=Kind.NOTICE), supersedes=(stale.id,)))
    assert await unrecorded(store, outage) == ((), (first.message_id,))

    await printed(store, await claimed(store, now=200.0))

    assert await unrecorded(store, outage) == ((first.message_id,), ())


async def test_what_the_platform_took_itself_needs_no_record(store):
    outage = await store.begin_outage(at=99.0, reason="test", by="test")
    await store.accept(arrival(steps=(Step(by="platform"),)))
    row = await claimed(store, "platform")
    await store.settle(row, tried(row), at=101.0)

    assert await unrecorded(store, outage) == ((), ())
