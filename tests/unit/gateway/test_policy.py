"""The decision table of policy, row by row, and what must hold whatever happens."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import policy
from gateway.delivery import FINAL, MOVES, Delivery, NewDelivery, Outcome, Purpose, State, Step
from gateway.message import Priority
from gateway.store.rows import begun

NOW = 1_000.0
PLAN = (
    Step(by="platform", within=30.0),
    Step(by="slip", within=60.0),
    Step(by="neighbour", within=60.0),
    Step(by="courier"),
)


def delivery(**changes: object) -> Delivery:
    row = Delivery(
        id=1,
        message_id=1,
        to="CARD",
        purpose=Purpose.WARD,
        priority=Priority.ROUTINE,
        patient_key="69102274",
        steps=PLAN,
        created_at=NOW,
        step_since=NOW,
        state=State.SENDING,
        due=NOW,
    )
    return replace(row, **changes)  # type: ignore[arg-type]


def at(by: str, **changes: object) -> Delivery:
    index = [s.by for s in PLAN].index(by)
    return delivery(step=index, **changes)


# (where it stands, how the attempt ended) -> (step, state, due in seconds, doubtful, owed to the platform)
TABLE = [
    (at("platform"), Outcome.DELIVERED, ("platform", State.DELIVERED, None, False, False)),
    (at("platform"), Outcome.TEMPORARY, ("platform", State.OPEN, 0.3, False, False)),
    (at("platform", tries=1), Outcome.TEMPORARY, ("slip", State.OPEN, 0.0, False, True)),
    (at("platform"), Outcome.UNCERTAIN, ("slip", State.OPEN, 0.0, False, True)),
    (at("platform"), Outcome.PERMANENT, ("slip", State.OPEN, 0.0, False, True)),
    (at("slip"), Outcome.DELIVERED, ("slip", State.DELIVERED, None, False, False)),
    (at("slip"), Outcome.TEMPORARY, ("slip", State.OPEN, 0.5, False, False)),
    (at("slip", tries=2), Outcome.TEMPORARY, ("slip", State.OPEN, 2.0, False, False)),
    (
        at("slip", step_since=NOW - 59.9),
        Outcome.TEMPORARY,
        ("neighbour", State.OPEN, 0.0, False, False),
    ),
    (
        at("slip", priority=Priority.CRITICAL),
        Outcome.TEMPORARY,
        ("neighbour", State.OPEN, 0.0, False, False),
    ),
    (at("slip"), Outcome.UNCERTAIN, ("neighbour", State.OPEN, 0.0, True, False)),
    (at("slip"), Outcome.PERMANENT, ("neighbour", State.OPEN, 0.0, False, False)),
    (at("neighbour"), Outcome.UNCERTAIN, ("courier", State.OPEN, 0.0, True, False)),
    (at("courier"), Outcome.TEMPORARY, ("courier", State.OPEN, 0.5, False, False)),
    (at("courier"), Outcome.UNCERTAIN, ("slip", State.OPEN, 3600.0, True, False)),
    (at("courier"), Outcome.PERMANENT, ("slip", State.OPEN, 5.0, False, False)),
]


@pytest.mark.parametrize(("row", "outcome", "expected"), TABLE)
def test_the_decision_table(
    row: Delivery, outcome: Outcome, expected: tuple[str, State, float | None, bool, bool]
) -> None:
    move = policy.after_attempt(row, outcome, detail="because", now=NOW)

    after = move.after
    due = None if after.due is None else round(after.due - NOW, 3)
    owed = any(new.purpose is Purpose.HANDBACK for new in move.extra)
    assert (after.at.by, after.state, due, after.doubtful, owed) == expected


def test_a_second_printer_of_the_ward_is_tried_at_once() -> None:
    move = policy.after_attempt(
        at("slip"), Outcome.TEMPORARY, detail="media-empty", now=NOW, devices=2
    )

    assert (move.after.at.by, move.after.due) == ("slip", NOW)


def test_what_left_the_platform_says_degraded_on_paper() -> None:
    move = policy.platform_is_down(delivery(), reason="connection refused", now=NOW)

    assert move.after.degraded
    assert [new.state for new in move.extra] == [State.HELD]


@pytest.mark.parametrize("parked", [True, False])
def test_a_courier_slip_says_why_nobody_else_has_it_whatever_the_labs_printer_had(
    parked: bool,
) -> None:
    row = at("courier", reason="no answer")

    if parked:
        move = policy.no_device(row, reason="media-empty", now=NOW)
    else:
        move = policy.after_attempt(row, Outcome.TEMPORARY, detail="media-empty", now=NOW)

    assert move.after.reason == "no answer"
    assert move.note == "media-empty"


def test_what_never_went_to_the_platform_is_not_degraded_nor_owed() -> None:
    move = policy.deadline_passed(at("slip"), reason="media-empty", now=NOW)

    assert not move.after.degraded
    assert move.extra == ()


@pytest.mark.parametrize("beside", [(), (Step(by="call", within=120.0, to="ward"),)])
@pytest.mark.parametrize("purpose", [Purpose.WARD, Purpose.RELAY, Purpose.NOTICE])
@pytest.mark.parametrize("steps", [PLAN, PLAN[1:]])
def test_what_begins_while_the_platform_is_down_stands_as_if_it_had_been_turned_away(
    steps: tuple[Step, ...], purpose: Purpose, beside: tuple[Step, ...]
) -> None:
    new = NewDelivery(
        to="CARD", purpose=purpose, priority=Priority.URGENT, steps=steps, beside=beside
    )
    row = begun(new, id=1, message_id=1, patient_key="1", at=NOW)
    moved = policy.platform_is_down(row, reason="no answer", now=NOW)

    first, *more = policy.begun_down(new, reason="no answer")

    if purpose is Purpose.WARD and steps[0].by == "platform":
        assert begun(first, id=1, message_id=1, patient_key="1", at=NOW) == moved.after
        assert tuple(more) == moved.extra
    else:
        assert (first, *more) == (new,)


def test_a_message_only_for_the_platform_waits_for_it() -> None:
    row = delivery(purpose=Purpose.RELAY, steps=(Step(by="platform"),))

    move = policy.platform_is_down(row, reason="down", now=NOW)

    assert (move.after.state, move.after.due) == (State.HELD, None)


def test_a_relayed_message_the_platform_refuses_is_told_to_the_lab() -> None:
    row = delivery(purpose=Purpose.RELAY, steps=(Step(by="platform"),))

    move = policy.after_attempt(row, Outcome.PERMANENT, detail="AR 207", now=NOW)

    assert move.after.state is State.REFUSED
    assert [(new.to, new.purpose) for new in move.extra] == [("LAB", Purpose.NOTICE)]
    assert move.alarm


def test_what_a_platform_on_trial_does_not_take_waits_and_is_never_refused_for_good() -> None:
    row = delivery(purpose=Purpose.HANDBACK, steps=(Step(by="platform"),), tries=4)

    move = policy.after_trial(row, detail="AR", now=NOW)

    assert (move.after.state, move.after.tries) == (State.OPEN, 4)
    assert move.after.due is not None and move.after.due > NOW
    assert not move.alarm


def test_a_refused_handback_is_tried_again_before_it_is_given_up() -> None:
    row = delivery(purpose=Purpose.HANDBACK, steps=(Step(by="platform"),))

    first = policy.after_attempt(row, Outcome.PERMANENT, detail="AR", now=NOW).after
    last = policy.after_attempt(
        replace(row, tries=policy.HANDBACK_TRIES - 1), Outcome.PERMANENT, detail="AR", now=NOW
    ).after

    assert (first.state, last.state) == (State.OPEN, State.REFUSED)


def test_an_exhausted_plan_begins_again_at_its_first_paper_step_and_alarms() -> None:
    move = policy.deadline_passed(at("courier"), reason="media-empty", now=NOW)

    assert (move.after.at.by, move.after.cycles, move.after.due) == ("slip", 1, NOW + 5.0)
    assert move.alarm


def test_a_critical_result_does_not_wait_for_a_printer_known_to_be_dead() -> None:
    critical = at("slip", priority=Priority.CRITICAL)

    assert policy.no_device(critical, reason="media-empty", now=NOW).after.at.by == "neighbour"
    routine = policy.no_device(at("slip"), reason="media-empty", now=NOW).after
    assert (routine.at.by, routine.due) == ("slip", NOW + 60.0)


@given(st.floats(NOW - 200, NOW))
def test_without_a_device_it_moves_on_or_waits_for_a_later_moment(since: float) -> None:
    row = at("slip", step_since=since)

    after = policy.no_device(row, reason="media-empty", now=NOW).after

    assert after.at.by == "neighbour" or (after.due is not None and after.due > NOW)


def test_what_waits_further_down_comes_back_to_its_own_printer() -> None:
    move = policy.recall(at("courier", state=State.OPEN), by="slip", now=NOW + 9)

    assert move is not None
    assert (move.after.at.by, move.after.step_since) == ("slip", NOW + 9)


@pytest.mark.parametrize(
    "row",
    [
        at("courier", state=State.SENDING),
        at("courier", state=State.OPEN, doubtful=True),
        at("slip", state=State.OPEN),
    ],
)
def test_what_may_be_on_paper_or_is_at_home_is_not_called_back(row: Delivery) -> None:
    assert policy.recall(row, by="slip", now=NOW) is None


@pytest.mark.parametrize(
    ("devices", "trouble", "tries", "expected"),
    [
        (("a", "b"), (), 0, "a"),
        (("a", "b"), (), 1, "b"),
        (("a", "b"), ("a",), 0, "b"),
        (("a",), ("a",), 0, None),
        ((), (), 0, None),
    ],
)
def test_the_first_usable_device_is_chosen_others_in_turn(
    devices: tuple[str, ...], trouble: tuple[str, ...], tries: int, expected: str | None
) -> None:
    assert policy.choose(devices, trouble=trouble, tries=tries) == expected


rows = st.builds(
    delivery,
    step=st.integers(0, 3),
    tries=st.integers(0, 20),
    cycles=st.integers(0, 9),
    doubtful=st.booleans(),
    priority=st.sampled_from(Priority),
    step_since=st.floats(NOW - 200, NOW),
)


@given(rows, st.sampled_from(Outcome), st.integers(1, 4))
def test_whatever_happens_the_next_state_is_legal_and_never_without_a_moment(
    row: Delivery, outcome: Outcome, devices: int
) -> None:
    move = policy.after_attempt(row, outcome, detail="x", now=NOW, devices=devices)

    after = move.after
    assert after.state in MOVES[row.state]
    assert (after.due is not None) == (after.state is State.OPEN)
    assert after.state in FINAL or after.due is None or after.due >= NOW
    assert after.state is not State.DELIVERED or outcome is Outcome.DELIVERED
    assert row.doubtful <= after.doubtful, "a doubt is never forgotten"
    assert row.degraded <= after.degraded


@given(st.lists(st.sampled_from([o for o in Outcome if o is not Outcome.DELIVERED]), max_size=40))
def test_paper_that_nobody_can_confirm_is_never_printed_without_end(
    outcomes: list[Outcome],
) -> None:
    row, now, papers = delivery(), NOW, 0
    for outcome in outcomes:
        on_paper = row.at.by != "platform"
        papers += on_paper and outcome is Outcome.UNCERTAIN
        row = policy.after_attempt(row, outcome, detail="x", now=now).after
        now = max(now, row.due or now)
        row = replace(row, state=State.SENDING)

    hours = (now - NOW) / 3600
    assert papers <= 3 * (hours + 1)
