"""What every store promises, held over each that fills the role."""

from __future__ import annotations

import contextlib
from dataclasses import replace

import pytest
from twisted.internet.defer import gatherResults

from gateway.delivery import FINAL, IllegalMove, Outcome, Purpose, State, Step
from gateway.message import Identifier, Kind, Location, Patient, Priority
from gateway.store import DeviceRow, PlatformRow, Whereabouts
from tests.unit.store.samples import HANDBACK, PAPER, RELAYED, arrival, ended, new, tried

NODE = "main"


async def claimed(store, lane="CARD/slip", *, now=100.0, **changes):
    """The one row that can be claimed."""
    (row,) = await store.claim(lane, node=NODE, now=now, limit=5, **changes)
    return row


async def ids(store, lane="CARD/slip", *, now=600.0, limit=10, **changes):
    return [
        r.message_id for r in await store.claim(lane, node=NODE, now=now, limit=limit, **changes)
    ]


async def printed(store, row, *, outcome=Outcome.DELIVERED, at=101.0, device="cardio-slip"):
    """One attempt on paper and how it ended; the row as it stands then."""
    attempt = await store.begin(row, device=device, at=at, paper=True)
    if outcome is Outcome.DELIVERED:
        after = tried(row)
    else:
        doubt = row.doubtful or outcome is Outcome.UNCERTAIN
        after = tried(row, State.OPEN, due=at, doubtful=doubt)
    return await store.settle(row, after, at=at, attempt=ended(attempt, outcome))


# -- accepting


async def test_a_message_is_kept_byte_for_byte(store):
    raw = bytes(range(256)) * 9
    accepted = await store.accept(arrival(raw=raw))

    stored = await store.content(accepted.message_id)

    assert stored.raw == raw
    assert (stored.control_id, stored.sender, stored.peer) == ("A1", "SIL|LABO", "192.0.2.1")
    assert (stored.kind, stored.priority, stored.ward) == (Kind.RESULT, Priority.ROUTINE, "CARD")


async def test_its_plan_is_there_with_it(store):
    accepted = await store.accept(arrival(steps=RELAYED, at=7.0))

    (row,) = accepted.deliveries
    assert row == await store.delivery(row.id)
    assert (row.lane, row.due, row.deadline) == ("platform", 7.0, 37.0)
    assert (row.message_id, row.to, row.patient_key) == (accepted.message_id, "CARD", "69102274")


async def test_the_same_message_again_is_one_message(store):
    first = await store.accept(arrival())
    again = await store.accept(arrival(at=200.0, peer="192.0.2.9"))

    assert again.duplicate
    assert again.message_id == first.message_id
    assert again.deliveries == ()
    assert (await store.counts())["open"] == 1


async def test_the_same_message_twice_at_once_is_one_message(store):
    both = await gatherResults([store.accept(arrival()), store.accept(arrival())])

    assert [a.duplicate for a in both] == [False, True]
    assert both[0].message_id == both[1].message_id


async def test_other_content_under_a_known_control_id_is_another_message_and_says_so(store):
    first = await store.accept(arrival())
    other = await store.accept(arrival(raw=b"other"))

    assert not other.duplicate
    assert other.reused == first.message_id
    assert (await store.content(other.message_id)).reused == first.message_id


async def test_a_sender_that_knows_one_control_id_only_is_still_told_apart(store):
    for number in range(60):
        last = await store.accept(arrival(raw=b"%d" % number))

    assert last.reused == last.message_id - 1
    assert (await store.accept(arrival(raw=b"59"))).duplicate


async def test_two_senders_may_use_one_control_id(store):
    await store.accept(arrival())
    other = await store.accept(arrival(sender="IMAGERIE|H"))

    assert not other.duplicate
    assert other.reused is None


async def test_an_empty_control_id_names_nothing(store):
    await store.accept(arrival(""))
    again = await store.accept(arrival(""))

    assert not again.duplicate
    assert again.reused is None


async def test_a_refused_message_may_come_again_once_the_site_is_mended(store):
    refused = await store.accept(arrival(refused="PID: missing", deliveries=()))
    worse = await store.accept(arrival(refused="PID: missing", deliveries=(), raw=b"worse"))
    mended = await store.accept(arrival())

    assert worse.reused is None
    assert not mended.duplicate
    assert mended.reused is None
    assert mended.message_id != refused.message_id


async def test_a_refused_message_sent_again_and_again_is_told_once(store):
    notice = new("LAB", purpose=Purpose.NOTICE, steps=(Step(by="courier"),))
    await store.accept(arrival(refused="PID: missing", deliveries=(notice,)))
    again = await store.accept(arrival(refused="PID: missing", deliveries=(notice,)))

    assert again.duplicate
    assert len(await store.open_deliveries(to="LAB")) == 1


async def test_a_message_that_becomes_owed_again_is_open_again(store):
    await handed_over(store)
    await printed(store, await claimed(store, now=120.0))
    await store.release(now=130.0, limit=1)
    row = await claimed(store, "platform", now=130.0)
    notice = new("LAB", purpose=Purpose.NOTICE, steps=(Step(by="courier"),))
    again = tried(row, State.OPEN, due=140.0)
    assert (await store.counts())["delivered"] == 1

    await store.settle(row, again, at=131.0, extra=(notice,))
    assert (await store.counts())["open"] == 1


async def test_text_that_was_read_with_doubt_can_be_stored(store):
    accepted = await store.accept(arrival("A\udce9", sender="S\udce9|L", ipp="9\udce9"))

    stored = await store.content(accepted.message_id)
    assert stored.control_id == "A\\udce9"
    assert store.messages("A\udce9")
    assert await store.whereabouts(["9\udce9"]) is None
    assert await store.confirm(sender="S\udce9|L", control_id="A\udce9", at=1.0, proof="\udce9")


# -- how a message stands


async def test_what_calls_for_no_delivery_is_recorded(store):
    await store.accept(arrival(deliveries=()))

    assert (await store.counts())["recorded"] == 1


async def test_a_refused_message_stays_refused_whatever_becomes_of_its_notice(store):
    notice = new("LAB", purpose=Purpose.NOTICE, steps=(Step(by="courier"),))
    await store.accept(arrival(refused="PID: missing", deliveries=(notice,)))
    assert (await store.counts())["refused"] == 1

    await printed(store, await claimed(store, "LAB/courier"))
    assert (await store.counts())["refused"] == 1


@pytest.mark.parametrize("state", sorted(FINAL - {State.SUPERSEDED}))
async def test_a_message_follows_its_delivery(store, state):
    await store.accept(arrival())
    row = await claimed(store)
    await store.settle(row, tried(row, state), at=101.0)

    word = "delivered" if state is State.WITHDRAWN else state.value
    counts = await store.counts()
    assert counts[word] == 1
    assert sum(counts.values()) == 1


async def test_a_hand_back_keeps_no_message_open(store):
    await store.accept(arrival())
    row = await claimed(store)
    await store.settle(row, tried(row), at=101.0, extra=(HANDBACK,))

    assert (await store.counts())["delivered"] == 1
    assert [d.purpose for d in await store.open_deliveries()] == [Purpose.HANDBACK]


async def test_it_stays_open_while_anybody_still_waits_for_it(store):
    await store.accept(arrival(deliveries=(new("CARD"), new("NEURO"))))
    row = await claimed(store)
    await store.settle(row, tried(row), at=101.0)

    assert (await store.counts())["open"] == 1


async def test_a_summary_supersedes_what_it_stands_for(store):
    old = await store.accept(arrival("A1"))
    other = await store.accept(arrival("A2", ipp="2"))
    waiting = [d.id for a in (old, other) for d in a.deliveries]
    under_way = await store.claim("CARD/slip", node=NODE, now=100.0, limit=1)
    await store.accept(arrival("S1", kind=Kind.NOTICE, ipp="", order="", supersedes=tuple(waiting)))

    states = {d: (await store.delivery(d)).state for d in waiting}
    assert states[under_way[0].id] is State.SENDING, "it may be on paper this moment"
    assert sorted(states.values()) == [State.SENDING, State.SUPERSEDED]
    assert (await store.counts())["superseded"] == 1


# -- claiming


async def test_the_most_pressing_goes_first_then_the_oldest(store):
    for number, priority in enumerate(["routine", "critical", "urgent", "routine", "critical"], 1):
        await store.accept(
            arrival(f"A{number}", ipp=str(number), at=float(number), priority=Priority(priority))
        )

    assert await ids(store) == [2, 5, 3, 1, 4]


async def test_a_claimed_row_is_nobody_elses(store):
    await store.accept(arrival())
    row = await claimed(store)

    assert row.state is State.SENDING
    assert await ids(store) == []


async def test_only_what_is_due_is_claimed(store):
    await store.accept(arrival(at=500.0))

    assert await ids(store, now=499.9) == []
    assert await ids(store, now=500.0) == [1]


async def test_a_claim_keeps_to_its_lane_and_its_limit(store):
    for number in range(5):
        await store.accept(arrival(f"A{number}", ipp=str(number)))
    await store.accept(arrival("B", ipp="b", steps=RELAYED))

    assert len(await ids(store, limit=3)) == 3
    assert len(await ids(store, limit=0)) == 0
    assert await ids(store, "platform") == [6]


async def test_one_patients_messages_go_one_by_one_in_their_order(store):
    await store.accept(arrival("A1"))
    await store.accept(arrival("A2", raw=b"2", priority=Priority.CRITICAL))

    first = await claimed(store, now=200.0)
    assert first.message_id == 1, "the correction never overtakes what it corrects"
    assert await ids(store) == []

    await store.settle(first, tried(first), at=201.0)
    assert await ids(store) == [2]


async def test_a_busy_patient_waits(store):
    await store.accept(arrival("A1", ipp="1"))
    await store.accept(arrival("A2", ipp="2"))

    assert await ids(store, busy={"1"}) == [2]


async def test_without_a_patient_there_is_no_order_to_keep(store):
    await store.accept(arrival("A1", ipp=""))
    await store.accept(arrival("A2", ipp=""))

    assert await ids(store) == [1, 2]


async def test_on_paper_a_message_in_its_pause_holds_nobody_up(store):
    await store.accept(arrival("A1"))
    row = await claimed(store)
    await store.settle(row, tried(row, State.OPEN, due=900.0), at=101.0)
    await store.accept(arrival("A2", raw=b"2"))

    assert await ids(store, now=200.0) == [2]


async def test_at_the_platform_order_is_kept_through_a_pause(store):
    await store.accept(arrival("A1", steps=RELAYED))
    row = await claimed(store, "platform")
    await store.settle(row, tried(row, State.OPEN, due=300.0), at=101.0)
    await store.accept(arrival("A2", raw=b"2", steps=RELAYED))

    assert await ids(store, "platform", now=200.0) == []
    assert await ids(store, "platform", now=300.0) == [1]


async def test_a_row_that_always_fails_does_not_starve_its_lane(store):
    await store.accept(arrival("A1", ipp="1", at=100.0))
    row = await claimed(store)
    await store.settle(row, tried(row, State.OPEN, due=150.0), at=101.0)
    await store.accept(arrival("A2", ipp="2", at=140.0))

    assert await ids(store, now=160.0) == [2, 1]


async def test_a_claim_that_lapsed_is_taken_up_again_and_doubted(store):
    await store.accept(arrival())
    row = await claimed(store)
    attempt = await store.begin(row, device="cardio-slip", at=100.0, paper=True)

    assert await ids(store, now=699.0) == []
    again = await claimed(store, now=701.0)

    assert again.doubtful
    assert again.slip == attempt.slip
    stale = await store.settle(row, tried(row), at=702.0, attempt=ended(attempt))
    assert stale.state is State.SENDING, "an attempt given up for lost no longer decides"


async def test_beginning_renews_a_claim(store):
    await store.accept(arrival())
    row = await claimed(store)
    await store.begin(row, device="cardio-slip", at=500.0, paper=True)

    assert await ids(store, now=1000.0) == []


# -- lanes, waking, deadlines


async def test_each_lane_says_when_it_has_work(store):
    await store.accept(arrival("A1", ipp="1", at=5.0))
    await store.accept(arrival("A2", ipp="2", at=3.0, priority=Priority.URGENT))
    await store.accept(arrival("A3", ipp="3", at=9.0, steps=RELAYED))

    assert await store.lanes() == {"CARD/slip": 3.0, "platform": 9.0}


async def test_every_later_moment_is_told_not_only_a_lanes_earliest(store):
    for number, due in enumerate((20.0, 20.3, 31.5, 9.0), 1):
        await store.accept(arrival(f"A{number}", raw=b"%d" % number, ipp=str(number), at=5.0))
        row = await claimed(store, now=5.0)
        await store.settle(row, tried(row, State.OPEN, due=due), at=6.0)
    await store.accept(arrival("A5", raw=b"5", at=7.0, steps=RELAYED))

    moments = await store.moments(after=10.0)
    assert sorted(moments) == [("CARD/slip", 21.0), ("CARD/slip", 32.0)]


async def test_whatever_a_lane_promises_can_be_claimed(store):
    await store.accept(arrival("A1", at=5.0))
    await store.accept(arrival("A2", raw=b"2", at=6.0))
    row = await claimed(store, now=6.0)

    # The second waits behind the first, which is under way: only its lapse would be work.
    assert await store.lanes() == {"CARD/slip": 606.0}
    await store.settle(row, tried(row, State.OPEN, due=50.0), at=7.0)
    assert await store.lanes() == {"CARD/slip": 6.0}
    assert await ids(store, now=6.0) == [2]


async def test_at_the_platform_a_lane_waits_for_the_pause_of_its_first(store):
    await store.accept(arrival("A1", at=5.0, steps=RELAYED))
    row = await claimed(store, "platform", now=5.0)
    await store.settle(row, tried(row, State.OPEN, due=50.0), at=6.0)
    await store.accept(arrival("A2", raw=b"2", at=7.0, steps=RELAYED))

    assert await store.lanes() == {"platform": 50.0}


async def test_a_woken_lane_is_due(store):
    await store.accept(arrival())
    row = await claimed(store)
    await store.settle(row, tried(row, State.OPEN, due=900.0), at=101.0)

    assert await store.wake("NEURO/slip", now=110.0) == 0
    assert await store.wake("CARD/slip", now=110.0) == 1
    assert await ids(store, now=110.0) == [1]


async def test_waking_leaves_alone_what_may_be_on_paper_and_begins_again(store):
    await store.accept(arrival())
    row = await claimed(store)
    pause = tried(row, State.OPEN, due=3700.0, step_since=3700.0, cycles=1, doubtful=True)
    await store.settle(row, pause, at=101.0)

    assert await store.wake("CARD/slip", now=110.0) == 0


async def test_a_step_that_had_not_begun_begins_when_it_is_woken(store):
    await store.accept(arrival())
    row = await claimed(store)
    pause = tried(row, State.OPEN, due=160.0, step_since=160.0, cycles=1)
    await store.settle(row, pause, at=101.0)
    await store.wake("CARD/slip", now=110.0)

    assert await store.overdue(now=169.0, limit=5) == []
    (late,) = await store.overdue(now=170.0, limit=5)
    assert (late.step_since, late.deadline) == (110.0, 170.0)


async def test_deadlines_that_passed_come_most_pressing_first(store):
    await store.accept(arrival("A1", ipp="1", at=0.0))
    await store.accept(arrival("A2", ipp="2", at=1.0, priority=Priority.CRITICAL))
    await store.accept(arrival("A3", ipp="3", at=50.0))
    await store.accept(arrival("A4", ipp="4", at=0.0, steps=(Step(by="courier"),)))

    late = await store.overdue(now=61.0, limit=10)
    assert [d.message_id for d in late] == [2, 1]
    assert len(await store.overdue(now=61.0, limit=1)) == 1


async def test_what_waited_past_its_time_to_live_is_found_by_its_ward(store):
    wards = [("CARD", 10.0), ("CARD", 99.0), ("CARDIO", 10.0), ("CARD/2", 10.0), ("CARD", None)]
    for number, (to, expires) in enumerate(wards):
        delivery = new(to, expires_at=expires)
        await store.accept(arrival(f"A{number}", ipp=str(number), deliveries=(delivery,)))

    assert [d.message_id for d in await store.expired("CARD", now=10.0)] == [1]


async def test_what_is_open_is_listed_oldest_first(store):
    for number in range(4):
        await store.accept(arrival(f"A{number}", ipp=str(number)))
    row = await claimed_first(store)
    await store.settle(row, tried(row), at=101.0)
    await store.claim("CARD/slip", node=NODE, now=100.0, limit=1)

    assert [d.message_id for d in await store.open_deliveries()] == [2, 3, 4]
    assert [d.message_id for d in await store.open_deliveries(limit=1)] == [2]
    assert await store.open_deliveries(to="NEURO") == []


async def claimed_first(store):
    return (await store.claim("CARD/slip", node=NODE, now=100.0, limit=1))[0]


# -- attempts and moves


async def test_slip_numbers_have_no_gap_and_no_twin(store):
    for number in range(3):
        await store.accept(arrival(f"A{number}", ipp=str(number)))
    await store.accept(arrival("N", ipp="n", deliveries=(new("NEURO"),)))

    numbers = [
        (await store.begin(row, device="d", at=101.0, paper=True)).slip
        for row in await store.claim("CARD/slip", node=NODE, now=100.0, limit=9)
    ]
    other = await store.begin(await claimed(store, "NEURO/slip"), device="d", at=101.0, paper=True)

    assert numbers == [1, 2, 3]
    assert other.slip == 1


async def test_every_try_on_paper_has_the_same_number_and_counts_the_prints_before(store):
    await store.accept(arrival())
    outcomes = [Outcome.TEMPORARY, Outcome.UNCERTAIN, Outcome.PERMANENT, Outcome.UNCERTAIN]
    seen = []
    for outcome in outcomes:
        row = await claimed(store, now=200.0)
        attempt = await store.begin(row, device="cardio-slip", at=150.0, paper=True)
        seen.append((attempt.slip, attempt.reprint))
        after = tried(row, State.OPEN, due=150.0)
        await store.settle(row, after, at=150.0, attempt=ended(attempt, outcome))

    assert seen == [(1, 0), (1, 0), (1, 1), (1, 1)]


async def test_an_attempt_that_reached_no_device_takes_no_number(store):
    await store.accept(arrival())
    row = await claimed(store)
    attempt = await store.begin(row, device="cardio-slip", at=101.0, paper=False)

    assert attempt.slip is None
    assert (await store.delivery(row.id)).slip is None


async def test_what_was_delivered_can_be_printed_again_under_its_number(store):
    await store.accept(arrival())
    await printed(store, await claimed(store))
    done = await store.delivery(1)

    again = await store.begin(done, device="cardio-slip", at=300.0, paper=True)
    after = await store.settle(done, done, at=301.0, attempt=ended(again))

    assert (again.slip, again.reprint) == (1, 1)
    assert after.state is State.DELIVERED


async def test_a_move_that_is_not_allowed_is_refused_and_changes_nothing(store):
    await store.accept(arrival())
    row = await claimed(store)
    await store.settle(row, tried(row), at=101.0)

    with pytest.raises(IllegalMove):
        await store.settle(replace(row, state=State.DELIVERED), row, at=102.0)
    assert (await store.delivery(row.id)).state is State.DELIVERED


async def test_a_refused_move_spares_its_neighbours_in_the_same_commit(store):
    await store.accept(arrival("A1"))
    row = await claimed(store)
    wrong = store.settle(replace(row, state=State.REFUSED), row, at=101.0)
    right = store.accept(arrival("A2", raw=b"2"))
    gone = store.settle(replace(row, id=99), tried(row), at=101.0)
    after = store.settle(row, tried(row), at=101.0)

    with pytest.raises(IllegalMove):
        await wrong
    with pytest.raises(LookupError):
        await gone
    assert (await right).message_id == 2
    assert (await after).state is State.DELIVERED


async def test_a_row_that_was_moved_meanwhile_is_left_alone(store):
    await store.accept(arrival(steps=RELAYED))
    stale = (await store.overdue(now=130.0, limit=1))[0]
    row = await claimed(store, "platform", now=130.0)

    left = await store.settle(stale, replace(stale, step=1), at=131.0)

    assert left.state is State.SENDING
    assert left.step == 0
    await store.settle(row, tried(row), at=132.0)


async def test_a_move_to_the_next_step_changes_lane_and_deadline(store):
    await store.accept(arrival(steps=RELAYED))
    row = await claimed(store, "platform")
    after = tried(
        row, State.OPEN, due=110.0, step=1, step_since=110.0, degraded=True, reason="down"
    )
    await store.settle(row, after, at=110.0, extra=(HANDBACK,))

    assert await store.lanes() == {"CARD/slip": 110.0}
    (late,) = await store.overdue(now=170.0, limit=5)
    assert (late.degraded, late.reason, late.step) == (True, "down", 1)


async def test_a_wards_series_says_what_became_of_each_number(store):
    for number in range(4):
        await store.accept(arrival(f"A{number}", ipp=str(number)))
    rows = await store.claim("CARD/slip", node=NODE, now=100.0, limit=9)
    outcomes = [Outcome.DELIVERED, Outcome.UNCERTAIN, Outcome.DELIVERED]
    for row, outcome in zip(rows, outcomes, strict=False):
        await printed(store, row, outcome=outcome)
    await store.begin(rows[3], device="neuro-slip", at=120.0, paper=True)

    records = await store.series("CARD", before=5)

    assert [r.number for r in records] == [4, 3, 2, 1]
    assert [r.confirmed for r in records] == [False, True, False, True]
    assert [r.state for r in records] == [
        State.SENDING,
        State.DELIVERED,
        State.OPEN,
        State.DELIVERED,
    ]
    assert (records[0].device, records[0].at) == ("neuro-slip", 120.0)
    assert [r.number for r in await store.series("CARD", before=3, limit=1)] == [2]


async def test_a_settled_row_comes_back_as_it_is_stored(store):
    await store.accept(arrival(ipp="OLD"))
    row = await claimed(store)
    await store.begin(row, device="cardio-slip", at=101.0, paper=True)
    merge = arrival("M", ipp="NEW", kind=Kind.MOVEMENT, deliveries=(), merged="OLD")
    await store.accept(merge)

    after = await store.settle(row, tried(row), at=102.0)

    assert (after.slip, after.patient_key) == (1, "NEW")
    assert after == await store.delivery(row.id)


async def test_it_knows_the_paper_of_each_message(store):
    await store.accept(arrival("A1", ipp="1"))
    await store.accept(arrival("A2", ipp="2", steps=RELAYED))
    await printed(store, await claimed(store))

    papers = await store.papers([1, 2, 3])

    assert list(papers) == [1]
    assert (papers[1].number, papers[1].confirmed, papers[1].ward) == (1, True, "CARD")


# -- patients


def moved(patient, unit, *, at, ward="CARD"):
    location = Location(unit=unit, room="12") if unit else None
    return Whereabouts(patient=patient, location=location, ward=ward, at=at)


async def test_a_patient_is_found_by_either_number(store):
    patient = Patient(
        family="NOËL", ipp="1", nda="V7", identifiers=(Identifier(value="1", kind="PI"),)
    )
    where = moved(patient, "CARD", at=5.0)
    await store.accept(arrival("M1", kind=Kind.MOVEMENT, deliveries=(), whereabouts=where))

    assert await store.whereabouts(["1"]) == where
    assert await store.whereabouts(["V7"]) == where
    assert await store.whereabouts(["?", "V7"]) == where
    assert await store.whereabouts(["2"]) is None


async def test_the_newest_word_holds_even_when_it_comes_first(store):
    patient = Patient(ipp="1")
    for at, unit in [(5.0, "CARD"), (9.0, "NEURO"), (7.0, "REA")]:
        where = moved(patient, unit, at=at)
        await store.accept(arrival(unit, kind=Kind.MOVEMENT, deliveries=(), whereabouts=where))

    assert (await store.whereabouts(["1"])).location.unit == "NEURO"


async def test_whoever_left_is_nowhere(store):
    patient = Patient(ipp="1")
    for at, unit in [(5.0, "CARD"), (9.0, "")]:
        where = moved(patient, unit, at=at, ward="")
        await store.accept(arrival(f"M{at}", kind=Kind.MOVEMENT, deliveries=(), whereabouts=where))

    assert (await store.whereabouts(["1"])).location is None


async def test_whereabouts_see_every_message_accepted_before(store):
    where = moved(Patient(ipp="1"), "CARD", at=5.0)
    accepting = store.accept(arrival(kind=Kind.MOVEMENT, deliveries=(), whereabouts=where))
    asking = store.whereabouts(["1"])

    assert await asking == where
    await accepting


async def test_a_merge_takes_along_what_is_open_and_remembers_what_was(store):
    await store.accept(arrival("A1", ipp="OLD", order="F7"))
    await printed(store, await claimed(store))
    await store.accept(arrival("A2", ipp="OLD"))
    await handed_over(store, "H", ipp="OLD")
    where = moved(Patient(ipp="OLD"), "CARD", at=5.0)
    await store.accept(arrival("M1", ipp="OLD", deliveries=(), whereabouts=where))
    merge = arrival("M2", ipp="NEW", order="", kind=Kind.MOVEMENT, deliveries=(), merged="OLD")
    await store.accept(merge)
    late = await store.accept(arrival("A3", ipp="OLD", raw=b"3"))

    assert {d.patient_key for d in await store.open_deliveries()} == {"NEW"}
    assert (await store.content(2)).patient_key == "NEW"
    assert (await store.content(1)).patient_key == "OLD", "what was proved stays as it was proved"
    assert await ids(store) == [2], "order holds across the merge"
    assert (await store.whereabouts(["OLD"])).location.unit == "CARD"
    assert (await store.whereabouts(["NEW"])).location.unit == "CARD"
    found = await store.earlier("NEW", order_keys=["F7"], before=late.message_id)
    assert [s.id for s in found] == [1]


async def test_a_merge_that_is_taken_back_leaves_one_patient(store):
    for control_id, ipp, merged in [("M1", "B", "A"), ("M2", "C", "B"), ("M3", "A", "C")]:
        await store.accept(
            arrival(control_id, ipp=ipp, kind=Kind.MOVEMENT, deliveries=(), merged=merged)
        )
    keys = [
        (await store.accept(arrival(f"R{ipp}", ipp=ipp))).deliveries[0].patient_key for ipp in "ABC"
    ]

    assert keys == ["A", "A", "A"]


async def test_what_a_correction_corrects_is_found_newest_first(store):
    await store.accept(arrival("A1", order="F1"))
    await store.accept(arrival("A2", order="F2"))
    await store.accept(arrival("A3", order="F1", raw=b"3"))
    await store.accept(arrival("A4", order="F1", ipp="other"))
    correction = await store.accept(arrival("A5", order="F1", raw=b"5"))

    before = correction.message_id
    found = await store.earlier("69102274", order_keys=["F1"], before=before)
    assert [s.id for s in found] == [3, 1]
    assert await store.earlier("69102274", order_keys=["F9"], before=before) == []
    await store.accept(arrival("A6", order="F1", ipp=""))
    assert await store.earlier("", order_keys=["F1"], before=99) == []


# -- the platform's word


async def handed_over(store, control_id="A1", **changes):
    """A message that went to paper and is owed to the platform; its two deliveries."""
    await store.accept(arrival(control_id, steps=RELAYED, **changes))
    row = await claimed(store, "platform")
    after = tried(row, State.OPEN, due=110.0, step=1, step_since=110.0)
    await store.settle(row, after, at=110.0, extra=(HANDBACK,))
    return row.id


async def test_a_late_confirmation_ends_the_hand_back_and_spares_the_paper(store):
    paper = await handed_over(store)

    moved = await store.confirm(sender="SIL|LABO", control_id="A1", at=120.0, proof="MSA AA A1")

    assert {d.purpose: d.state for d in moved} == {
        Purpose.WARD: State.WITHDRAWN,
        Purpose.HANDBACK: State.DELIVERED,
    }
    assert (await store.delivery(paper)).state is State.WITHDRAWN
    assert (await store.counts())["delivered"] == 1


async def test_paper_that_is_out_stays_and_both_are_recorded(store):
    paper = await handed_over(store)
    await printed(store, await claimed(store, now=120.0))

    moved = await store.confirm(sender=None, control_id="A1", at=130.0, proof="MSA AA A1")

    assert [d.purpose for d in moved] == [Purpose.HANDBACK]
    assert (await store.delivery(paper)).state is State.DELIVERED


async def test_paper_under_way_is_not_withdrawn_under_the_printers_hands(store):
    await handed_over(store)
    row = await claimed(store, now=120.0)

    await store.confirm(sender=None, control_id="A1", at=130.0, proof="MSA AA A1")

    assert (await store.delivery(row.id)).state is State.SENDING


async def test_a_hand_back_that_waits_its_turn_is_confirmed_as_well(store):
    await handed_over(store)
    await store.release(now=115.0, limit=9)

    moved = await store.confirm(sender=None, control_id="A1", at=120.0, proof="MSA AA A1")

    assert State.DELIVERED in {d.state for d in moved}


@pytest.mark.parametrize("other", [{"sender": "OTHER|LAB"}, {"raw": b"reused"}])
async def test_a_confirmation_that_could_mean_two_messages_withdraws_neither(store, other):
    await store.accept(arrival("A1", ipp="1"))
    await store.accept(arrival("A1", ipp="2", **other))

    assert await store.confirm(sender=None, control_id="A1", at=120.0, proof="MSA AA A1") == []
    assert len(await store.open_deliveries()) == 2


async def test_a_confirmation_without_a_sender_is_not_guessed_between_two(store):
    await store.accept(arrival("A1", ipp="1", sender="OTHER|LAB"))
    await printed(store, await claimed(store))
    await store.accept(arrival("A1", ipp="2"))

    assert await store.confirm(sender=None, control_id="A1", at=120.0, proof="MSA AA A1") == []


async def test_a_confirmation_of_nothing_we_know_is_only_recorded(store):
    assert await store.confirm(sender=None, control_id="X", at=1.0, proof="MSA AA X") == []


async def test_a_confirmation_without_a_sender_is_of_the_last_day(store):
    await store.accept(arrival(at=100.0))

    late = 100.0 + 2 * 86400
    assert await store.confirm(sender=None, control_id="A1", at=late, proof="MSA AA A1") == []
    assert len(await store.confirm(sender="SIL|LABO", control_id="A1", at=late, proof="MSA")) == 1


async def test_what_is_held_is_released_oldest_first(store):
    for number in range(3):
        await handed_over(store, f"A{number}", ipp=str(number))

    assert await store.release(now=200.0, limit=2) == 2
    assert await ids(store, "platform", now=200.0) == [1, 2]
    assert await store.release(now=201.0, limit=9) == 1
    assert await store.release(now=202.0, limit=9) == 0


# -- after a crash


async def test_paper_under_way_at_a_crash_is_doubtful_and_due(store):
    await store.accept(arrival())
    row = await claimed(store)
    attempt = await store.begin(row, device="cardio-slip", at=101.0, paper=True)

    assert await store.recover(node=NODE, now=500.0) == 1

    after = await store.delivery(row.id)
    assert (after.state, after.due, after.step) == (State.OPEN, 500.0, 0)
    assert after.doubtful
    assert after.slip == attempt.slip
    again = await claimed(store, now=500.0)
    attempt = await store.begin(again, device="cardio-slip", at=501.0, paper=True)
    assert attempt.reprint == 1


async def test_a_relay_under_way_at_a_crash_is_tried_again_at_the_same_step(store):
    await store.accept(arrival(steps=RELAYED))
    row = await claimed(store, "platform")
    await store.begin(row, device="platform", at=101.0, paper=False)
    await store.recover(node=NODE, now=500.0)

    after = await store.delivery(row.id)
    assert (after.lane, after.due, after.doubtful) == ("platform", 500.0, False)


async def test_a_claim_without_an_attempt_is_simply_open_again(store):
    await store.accept(arrival())
    row = await claimed(store)

    assert await store.recover(node="another", now=500.0) == 0
    assert await store.recover(node=NODE, now=500.0) == 1
    assert not (await store.delivery(row.id)).doubtful


async def test_a_reprint_under_way_at_a_crash_is_uncertain(store):
    await store.accept(arrival())
    await printed(store, await claimed(store))
    await store.begin(await store.delivery(1), device="cardio-slip", at=300.0, paper=True)
    await store.recover(node=NODE, now=500.0)

    again = await store.begin(await store.delivery(1), device="d", at=600.0, paper=True)
    assert again.reprint == 2


# -- the site


async def test_a_message_belongs_to_the_outage_it_waited_through(store):
    await store.accept(arrival("A0", ipp="0"))
    await printed(store, await claimed(store))
    await store.accept(arrival("A1", ipp="1"))
    outage = await store.begin_outage(at=200.0, reason="no answer", by="watch")
    await store.accept(arrival("A2", ipp="2"))
    await store.end_outage(at=300.0)
    await store.accept(arrival("A3", ipp="3"))

    belongs = [(await store.content(n)).outage_id for n in (1, 2, 3, 4)]
    assert belongs == [None, outage.id, outage.id, None]


async def test_the_message_that_found_the_platform_dead_belongs_to_the_outage(store):
    """It is on paper, and closed, before anybody has judged; the platform is still owed it."""
    await store.accept(arrival("A0", at=100.0))
    row = await claimed(store)
    attempt = await store.begin(row, device="cardio-slip", at=101.0, paper=True)
    await store.settle(row, tried(row), at=101.0, attempt=ended(attempt), extra=(HANDBACK,))
    assert (await store.counts())["delivered"] == 1

    outage = await store.begin_outage(at=100.5, reason="connection refused", by="watch")

    assert (await store.content(1)).outage_id == outage.id


async def test_an_outage_that_is_dated_back_takes_what_came_since(store):
    for at in (100.0, 150.0):
        await store.accept(arrival(f"A{at}", at=at, deliveries=()))
    outage = await store.begin_outage(at=150.0, reason="no answer", by="watch")

    assert [(await store.content(n)).outage_id for n in (1, 2)] == [None, outage.id]


async def test_there_is_one_outage_at_a_time(store):
    first = await store.begin_outage(at=200.0, reason="no answer", by="watch")
    same = await store.begin_outage(at=201.0, reason="other", by="somebody")
    ended_one = await store.end_outage(at=300.0)

    assert same == first
    assert ended_one.ended_at == 300.0
    assert await store.end_outage(at=301.0) is None
    second = await store.begin_outage(at=400.0, reason="again", by="watch")
    assert [o.id for o in await store.outages()] == [first.id, second.id]
    assert [o.ended_at for o in await store.outages()] == [300.0, None]


async def test_devices_and_platform_are_remembered_as_they_were(store):
    assert await store.platform() is None
    for state in ("down", "up"):
        row = PlatformRow(state=state, since=5.0, reason="r", by="somebody", proof=state == "down")
        await store.save_platform(row)
    for reasons in (("media-empty",), ("media-empty", "cover-open")):
        device = DeviceRow(name="cardio-slip", state="trouble", reasons=reasons, since=5.0)
        await store.save_device(device)

    assert await store.platform() == row
    assert await store.devices() == {"cardio-slip": device}


async def test_words_are_heard_in_the_order_they_were_said(store):
    first = await store.say(at=1.0, by="a", word="outage begin", reason="works", detail={})
    second = await store.say(at=2.0, by="b", word="reprint", reason="", detail={"delivery": 7})

    assert await store.words(after=0) == [first, second]
    assert await store.words(after=first.id) == [second]
    assert second.detail == {"delivery": 7}


async def test_its_own_writes_are_nobody_elses(store):
    await store.accept(arrival())
    await store.note("started", at=1.0, detail={"node": NODE})

    assert not store.changed()


async def test_content_is_forgotten_once_nothing_is_owed(store):
    await store.accept(arrival("A1", ipp="1"))
    await store.accept(arrival("A2", ipp="2"))
    await store.accept(arrival("A3", ipp="3", at=900.0))
    await handed_over(store, "A4", ipp="4")
    for row in await store.claim("CARD/slip", node=NODE, now=1000.0, limit=9, busy={"2"}):
        await printed(store, row, at=500.0)

    assert await store.purge(before=800.0, limit=9) == 1
    assert (await store.content(1)).raw == b""
    assert len((await store.content(1)).sha256) == 32
    for kept in (2, 3, 4):  # open, young, still owed to the platform
        assert (await store.content(kept)).raw != b""
    assert await store.purge(before=800.0, limit=9) == 0


async def test_a_purge_keeps_to_its_limit(store):
    for number in range(3):
        await store.accept(arrival(f"A{number}", deliveries=()))

    assert await store.purge(before=800.0, limit=2) == 2
    assert await store.purge(before=800.0, limit=2) == 1


async def test_what_does_not_exist_is_said_to_be_missing(store):
    with pytest.raises(LookupError):
        await store.content(1)
    with pytest.raises(LookupError):
        await store.delivery(1)


async def test_the_listing_has_the_shape_the_contract_promises(store):
    await store.accept(arrival())
    await printed(store, await claimed(store))

    (message,) = store.messages()
    assert {
        key: message[key]
        for key in ("id", "control_id", "intake", "kind", "priority", "ward", "state")
    } == {
        "id": 1,
        "control_id": "A1",
        "intake": "lab",
        "kind": "result",
        "priority": "routine",
        "ward": "CARD",
        "state": "delivered",
    }
    assert message["received_at"] == "1970-01-01T00:01:40.000+00:00"
    (delivery,) = message["deliveries"]
    assert (delivery["to"], delivery["channel"], delivery["state"]) == ("CARD", "slip", "delivered")
    (attempt,) = delivery["attempts"]
    assert (attempt["outcome"], attempt["device"]) == ("delivered", "cardio-slip")
    assert store.messages("A1") == [message]
    assert store.messages("A2") == []


async def test_closing_twice_is_closing_once(store):
    with contextlib.suppress(Exception):
        await store.close()
    await store.close()


@pytest.mark.parametrize("steps", [RELAYED, PAPER])
async def test_steps_come_back_as_they_were_given(store, steps):
    await store.accept(arrival(steps=steps))

    assert (await store.delivery(1)).steps == steps
