"""Calls beside the paper: when they begin, how they go on, and that the platform is given up only once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway import policy, router
from gateway.delivery import Delivery, Outcome, Purpose, State, Step
from gateway.directory import Directory, Ward
from gateway.message import Kind, Message, Priority
from gateway.router import Mode, Plan

NOW = 1_000.0
CALLS = (
    Step(by="call", within=120.0, to="ward"),
    Step(by="call", within=120.0, to="roster"),
    Step(by="courier"),
)
STEPS = (Step(by="platform", within=5.0), Step(by="slip", within=10.0), Step(by="courier"))
PLANS = {p: Plan(steps=STEPS, expires=7200.0) for p in Priority}
PLANS[Priority.CRITICAL] = Plan(steps=STEPS, expires=7200.0, calls=CALLS)


def planned(mode, *, priority=Priority.CRITICAL, **changes):
    message = Message(
        control_id="A1", sender="SIL|LABO", type="ORU^R01", kind=Kind.RESULT, priority=priority
    )
    return router.plan(replace(message, **changes), ward="CARD", mode=mode, plans=PLANS, now=NOW)


def call(**changes):
    row = Delivery(
        id=2, message_id=1, to="CARD", purpose=Purpose.CALL, priority=Priority.CRITICAL,
        patient_key="69102274", steps=CALLS, created_at=NOW, step_since=NOW,
        state=State.SENDING, due=NOW,
    )  # fmt: skip
    return replace(row, **changes)


def test_a_direct_critical_rings_at_once_beside_its_paper():
    paper, rings = planned(Mode.DIRECT)

    assert (paper.purpose, rings.purpose, rings.steps) == (Purpose.WARD, Purpose.CALL, CALLS)


@pytest.mark.parametrize("mode", [Mode.RELAY, Mode.TAP])
def test_while_the_platform_may_bring_it_nobody_is_rung(mode):
    (paper,) = planned(mode)

    assert paper.beside == CALLS


@pytest.mark.parametrize(
    "changes", [{"priority": Priority.ROUTINE}, {"test": True}, {"kind": Kind.ORDER}]
)
def test_nobody_is_rung_for_routine_tests_and_orders(changes):
    assert [d.purpose for d in planned(Mode.DIRECT, **changes)] == [Purpose.WARD]


def test_giving_the_platform_up_begins_the_calls_once():
    row = call(purpose=Purpose.WARD, steps=STEPS, beside=CALLS)

    first = policy.platform_is_down(row, reason="down", now=NOW)
    later = policy.after_attempt(first.after, Outcome.UNCERTAIN, detail="x", now=NOW)

    assert [x.purpose for x in first.extra] == [Purpose.HANDBACK, Purpose.CALL]
    assert first.extra[1].degraded
    assert later.extra == ()


def test_a_message_the_platform_refuses_is_called_all_the_same():
    row = call(purpose=Purpose.WARD, steps=STEPS, beside=CALLS)

    move = policy.after_attempt(row, Outcome.PERMANENT, detail="AR", now=NOW)

    assert [x.purpose for x in move.extra] == [Purpose.HANDBACK, Purpose.CALL]


# how a call ended -> (step, seconds until the next)
@pytest.mark.parametrize(
    ("outcome", "since", "where", "due"),
    [
        (Outcome.TEMPORARY, 0.0, "ward", 15.0),
        (Outcome.UNCERTAIN, 0.0, "ward", 15.0),
        (Outcome.TEMPORARY, 110.0, "roster", 0.0),
        (Outcome.PERMANENT, 0.0, "roster", 0.0),
    ],
)
def test_it_rings_again_until_the_step_is_over_then_the_next_person(outcome, since, where, due):
    move = policy.after_attempt(call(step_since=NOW - since), outcome, detail="busy", now=NOW)

    assert (move.after.at.to, move.after.due) == (where, NOW + due)
    assert move.after.state is State.OPEN
    assert not move.after.doubtful


def test_after_the_last_telephone_somebody_walks_and_then_it_rings_again():
    walks = policy.after_attempt(call(step=1), Outcome.PERMANENT, detail="no number", now=NOW)
    again = policy.after_attempt(
        replace(walks.after, state=State.SENDING), Outcome.PERMANENT, detail="fire", now=NOW
    )

    assert walks.after.at.by == "courier"
    assert (again.after.step, again.after.cycles) == (0, 1)
    assert again.alarm


WARDS = {
    "CARD": Ward(code="CARD", name="Cardiologie", devices=("a4", "slip", "fax", "zebra")),
    "NEURO": Ward(code="NEURO", name="Neurologie", neighbours=("CARD",)),
}
MEDIA = {"a4": "page", "fax": "fax", "zebra": "label"}


@pytest.mark.parametrize(
    ("to", "by", "devices"),
    [
        ("CARD", "slip", ("slip",)),
        ("CARD", "page", ("a4",)),
        ("CARD", "fax", ("fax",)),
        ("CARD", "label", ("zebra",)),
        ("NEURO", "neighbour", ("slip", "a4")),
        ("NEURO", "courier", ("lab-slip",)),
        ("CARD", "call", ()),
    ],
)
def test_a_step_goes_to_devices_that_put_out_its_kind_of_paper(to, by, devices):
    lab = Ward(code="LAB", name="Laboratoire", devices=("lab-slip", "zebra"))
    directory = Directory.of(WARDS, lab=lab, media=MEDIA)

    assert directory.devices_of(to, by=by) == devices
