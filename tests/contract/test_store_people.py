"""What every store promises of people's words: "I have it", "let it through", and what outlives a restart."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.delivery import NewDelivery, Outcome, Purpose, State, Step
from gateway.message import Kind, Message, Priority
from gateway.store import Acknowledgement
from tests.unit.store.samples import PAPER, RELAYED, arrival, ended, new, tried

CALLS = (Step(by="call", within=60.0, to="ward"), Step(by="courier"))


def called(**changes):
    """A critical result on paper, and calls beside it."""
    call = NewDelivery(to="CARD", purpose=Purpose.CALL, priority=Priority.CRITICAL, steps=CALLS)
    paper = new(steps=PAPER, priority=Priority.CRITICAL)
    return arrival(deliveries=(paper, call), priority=Priority.CRITICAL, **changes)


def said(message_id, **changes):
    word = Acknowledgement(
        message_id=message_id, at=110.0, name="Dr Roux", person="4711", via="call",
        conveyed="Potassium 6,8 mmol/L", read_back="ok", keyed=("6*8",),
    )  # fmt: skip
    return replace(word, **changes)


async def purposes(store, message_id):
    return {f.delivery.purpose: f.delivery.state for f in await store.fates(message_id)}


async def test_an_acknowledgement_ends_the_calls_and_leaves_unprinted_paper(store):
    accepted = await store.accept(called())

    moved = await store.acknowledge(said(accepted.message_id))

    assert [d.purpose for d in moved] == [Purpose.CALL]
    found = await purposes(store, accepted.message_id)
    assert found == {Purpose.WARD: State.OPEN, Purpose.CALL: State.DELIVERED}
    (kept,) = await store.acknowledgements([accepted.message_id])
    assert kept == said(accepted.message_id)


async def test_a_call_under_way_ends_with_it_and_its_attempt_moves_nothing_more(store):
    accepted = await store.accept(called())
    (row,) = await store.claim("CARD/call", node="main", now=100.0, limit=5)
    attempt = await store.begin(row, device="phone 2101", at=101.0, paper=False)

    await store.acknowledge(said(accepted.message_id))
    after = await store.settle(
        row,
        replace(row, state=State.OPEN, due=130.0),
        at=120.0,
        attempt=ended(attempt, Outcome.TEMPORARY),
    )

    assert after.state is State.DELIVERED


async def test_what_did_not_count_is_kept_and_ends_nothing(store):
    accepted = await store.accept(called())

    moved = await store.acknowledge(
        said(accepted.message_id, accepted=False, read_back="failed", keyed=("6*9", "8*6"))
    )

    assert moved == []
    found = await purposes(store, accepted.message_id)
    assert found[Purpose.CALL] is State.OPEN
    (kept,) = await store.acknowledgements([accepted.message_id])
    assert kept.keyed == ("6*9", "8*6")
    assert [s.id for s in await store.unacknowledged(since=0.0)] == [accepted.message_id]


async def test_doubtful_paper_is_in_the_hands_of_who_acknowledges_it(store):
    accepted = await store.accept(arrival(steps=PAPER))
    (row,) = await store.claim("CARD/slip", node="main", now=100.0, limit=5)
    attempt = await store.begin(row, device="cardio-slip", at=101.0, paper=True)
    doubtful = tried(row, State.OPEN, due=900.0, doubtful=True)
    await store.settle(row, doubtful, at=102.0, attempt=ended(attempt, Outcome.UNCERTAIN))

    (moved,) = await store.acknowledge(said(accepted.message_id))

    assert (moved.purpose, moved.state) == (Purpose.WARD, State.DELIVERED)
    assert (await store.counts())["delivered"] == 1


async def test_the_worklist_holds_criticals_that_called_for_calls_until_somebody_has_them(store):
    first = await store.accept(called(control_id="A1"))
    await store.accept(
        arrival(control_id="A2", priority=Priority.CRITICAL, steps=RELAYED)
    )  # the platform's

    assert [s.id for s in await store.unacknowledged(since=0.0)] == [first.message_id]
    await store.acknowledge(said(first.message_id))
    assert await store.unacknowledged(since=0.0) == []


async def test_a_critical_nobody_is_called_for_is_on_the_worklist_until_it_is_in_its_ward(store):
    paper = new(steps=PAPER, priority=Priority.CRITICAL)
    accepted = await store.accept(arrival(deliveries=(paper,), priority=Priority.CRITICAL))
    assert [s.id for s in await store.unacknowledged(since=0.0)] == [accepted.message_id]

    (row,) = await store.claim("CARD/slip", node="main", now=100.0, limit=5)
    attempt = await store.begin(row, device="cardio-slip", at=101.0, paper=True)
    at_last = ended(attempt, Outcome.DELIVERED)
    await store.settle(row, tried(row), at=102.0, attempt=at_last)

    assert await store.unacknowledged(since=0.0) == []


async def test_a_couriers_slip_is_at_the_laboratory_until_somebody_says_to_have_it(store):
    courier = new(steps=(Step(by="courier"),), priority=Priority.CRITICAL)
    accepted = await store.accept(arrival(deliveries=(courier,), priority=Priority.CRITICAL))
    (row,) = accepted.deliveries
    (row,) = await store.claim(row.lane, node="main", now=100.0, limit=5)
    attempt = await store.begin(row, device="lab-slip", at=101.0, paper=True)
    at_last = ended(attempt, Outcome.DELIVERED)
    await store.settle(row, tried(row), at=102.0, attempt=at_last)
    assert [s.id for s in await store.unacknowledged(since=0.0)] == [accepted.message_id]

    await store.acknowledge(said(accepted.message_id))

    assert await store.unacknowledged(since=0.0) == []


async def test_what_nobody_vouches_for_waits_until_a_person_lets_it_through(store):
    waiting = replace(new(steps=PAPER), state=State.QUARANTINED)
    accepted = await store.accept(arrival(deliveries=(waiting,)))
    assert await store.claim("CARD/slip", node="main", now=9e9, limit=5) == []
    assert await store.overdue(now=9e9, limit=5) == []
    assert (await store.counts())["open"] == 1
    (kept,) = await store.quarantined()

    moved = await store.judge(
        kept.message_id, through=True, by="lab", reason="they called", at=500.0
    )

    assert [(d.state, d.due, d.step_since) for d in moved] == [(State.OPEN, 500.0, 500.0)]
    (row,) = await store.claim("CARD/slip", node="main", now=500.0, limit=5)
    assert row.message_id == accepted.message_id
    assert await store.quarantined() == []


async def test_what_a_person_refuses_never_moves_again(store):
    waiting = replace(new(steps=PAPER), state=State.QUARANTINED)
    accepted = await store.accept(arrival(deliveries=(waiting,)))

    await store.judge(accepted.message_id, through=False, by="lab", reason="forged", at=500.0)

    assert (await store.counts())["refused"] == 1
    again = await store.judge(accepted.message_id, through=True, by="x", reason="", at=501.0)
    assert again == []


async def test_the_plan_of_the_calls_is_kept_with_the_paper_it_stands_beside(store):
    beside = replace(new(steps=PAPER), beside=CALLS)
    accepted = await store.accept(arrival(deliveries=(beside,)))

    row = await store.delivery(accepted.deliveries[0].id)

    assert row.beside == CALLS


async def test_small_state_is_remembered_replaced_and_forgotten(store):
    await store.remember("lockout 4711", {"fails": 5, "until": 900.0}, at=1.0)
    await store.remember("lockout 4712", {"fails": 1}, at=1.0)
    await store.remember("lockout 4711", {"fails": 6}, at=2.0)
    await store.remember("beat", {}, at=2.0)

    assert await store.recall("lockout ") == {
        "lockout 4711": {"fails": 6},
        "lockout 4712": {"fails": 1},
    }
    await store.remember("lockout 4711", None, at=3.0)
    assert list(await store.recall("lockout ")) == ["lockout 4712"]


async def test_what_was_conveyed_is_forgotten_with_the_content(store):
    accepted = await store.accept(called(at=1.0))
    await store.acknowledge(said(accepted.message_id, at=2.0))
    (row,) = await store.claim("CARD/slip", node="main", now=3.0, limit=5)
    attempt = await store.begin(row, device="cardio-slip", at=3.0, paper=True)
    await store.settle(row, tried(row), at=4.0, attempt=ended(attempt, Outcome.DELIVERED))

    assert await store.purge(before=10.0, limit=10) == 1

    (kept,) = await store.acknowledgements([accepted.message_id])
    assert (kept.conveyed, kept.keyed, kept.name, kept.read_back) == ("", (), "Dr Roux", "ok")


async def test_a_copy_somebody_asks_for_goes_out_and_keeps_nothing_open(store):
    accepted = await store.accept(arrival(steps=PAPER))
    (row,) = await store.claim("CARD/slip", node="main", now=100.0, limit=5)
    attempt = await store.begin(row, device="cardio-slip", at=101.0, paper=True)
    await store.settle(row, tried(row), at=102.0, attempt=ended(attempt, Outcome.DELIVERED))

    again = new(purpose=Purpose.COPY, steps=PAPER[:1])
    owed = await store.owe(accepted.message_id, again, at=200.0, by="4711")

    assert (await store.counts())["delivered"] == 1
    (claimed,) = await store.claim("CARD/slip", node="main", now=200.0, limit=5)
    assert claimed.id == owed.id
    assert claimed.patient_key == row.patient_key
    with pytest.raises(LookupError):
        await store.owe(999, again, at=200.0, by="4711")


async def test_a_word_that_came_after_the_record_is_told_of_once(store):
    def late(after=0):
        return store.late_words(after=after, sender="WARDLINE|HEX", prefix="WLR")

    accepted = await store.accept(called())
    number = accepted.message_id
    await store.acknowledge(said(number, at=110.0))
    assert (await late()).messages == (), "it will stand in the record"

    await store.accept(record(f"WLR{number}", at=120.0))
    assert (await late()).messages == (), "it stands in the record"
    await store.acknowledge(said(number, at=130.0))
    found = await late(after=1)
    assert (found.messages, found.last) == (((number, 1),), 2)
    assert (await late(after=2)).messages == ()

    await store.accept(record(f"WLR{number}.1", at=130.5))
    assert (await late()).messages == ()


def record(control_id, *, at):
    message = Message(control_id=control_id, sender="WARDLINE|HEX", type="", kind=Kind.NOTICE)
    return replace(
        arrival(), message=message, received_at=at, raw=control_id.encode(), deliveries=()
    )
