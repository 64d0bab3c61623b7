from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.delivery import Purpose, State, Step
from gateway.message import Group, Kind, Message, Priority
from gateway.router import Mode, Plan, plan

NOW = 1_000.0
PLANS = {
    p: Plan(
        steps=(Step(by="platform", within=5.0), Step(by="slip", within=9.0), Step(by="courier")),
        expires=60.0,
    )
    for p in Priority
}
RESULT = Message(control_id="1", sender="SIL|LABO", type="ORU^R01", kind=Kind.RESULT)


def by(message: Message, *, ward: str, mode: Mode) -> list[tuple[str, Purpose, str]]:
    planned = plan(message, ward=ward, mode=mode, plans=PLANS, now=NOW)
    return [(d.to, d.purpose, " ".join(s.by for s in d.steps)) for d in planned]


@pytest.mark.parametrize(
    ("mode", "steps"),
    [
        (Mode.RELAY, "platform slip courier"),
        (Mode.DIRECT, "slip courier"),
        (Mode.TAP, "confirm slip courier"),
    ],
)
def test_a_result_goes_to_its_ward_by_the_steps_of_the_mode(mode: Mode, steps: str) -> None:
    assert by(RESULT, ward="CARD", mode=mode) == [("CARD", Purpose.WARD, steps)]


def test_a_result_without_a_ward_of_ours_comes_out_at_the_lab_and_says_why() -> None:
    (delivery,) = plan(RESULT, ward="", mode=Mode.RELAY, plans=PLANS, now=NOW)

    assert (delivery.to, [s.by for s in delivery.steps]) == ("LAB", ["platform", "courier"])
    assert delivery.reason == "unknown ward"
    assert delivery.expires_at is None, "what nobody can place never goes stale in silence"


def test_a_movement_is_only_relayed_and_waits_for_the_platform() -> None:
    movement = replace(RESULT, kind=Kind.MOVEMENT, type="ADT^A01")

    assert by(movement, ward="CARD", mode=Mode.RELAY) == [("PLATFORM", Purpose.RELAY, "platform")]
    assert by(movement, ward="CARD", mode=Mode.DIRECT) == []


def test_an_acknowledgement_is_never_passed_on() -> None:
    ack = replace(RESULT, kind=Kind.OTHER, type="ACK^R01")

    assert by(ack, ward="", mode=Mode.RELAY) == []


def test_paper_has_a_time_to_live_from_its_plan() -> None:
    (delivery,) = plan(RESULT, ward="CARD", mode=Mode.DIRECT, plans=PLANS, now=NOW)

    assert (delivery.expires_at, delivery.state) == (NOW + 60.0, State.OPEN)


LABELS = (Step(by="label", within=60.0), Step(by="slip"))
ORDER = Message(
    control_id="2", sender="DPI|HEX", type="OML^O21", kind=Kind.ORDER, groups=(Group(control="NW"),)
)


def labelled(message: Message, *, mode: Mode, ward: str = "CARD") -> list[tuple[str, str]]:
    """(purpose, steps) of every delivery, and of what begins when the platform is given up."""
    planned = plan(message, ward=ward, mode=mode, plans=PLANS, now=NOW, labels=LABELS)
    found = [(d.purpose, d.steps) for d in planned]
    found += [("beside", d.beside) for d in planned if d.beside]
    return [(str(purpose), " ".join(s.by for s in steps)) for purpose, steps in found]


def test_an_order_prints_its_labels_at_once_where_no_platform_does() -> None:
    assert labelled(ORDER, mode=Mode.DIRECT) == [("ward", "slip courier"), ("label", "label slip")]


@pytest.mark.parametrize("mode", [Mode.RELAY, Mode.TAP])
def test_an_order_prints_its_labels_when_the_platform_is_given_up(mode: Mode) -> None:
    assert labelled(ORDER, mode=mode)[-1] == ("beside", "label slip")


@pytest.mark.parametrize(
    "message",
    [
        replace(ORDER, groups=(Group(control="CA"),)),
        replace(ORDER, test=True),
        RESULT,
    ],
    ids=["cancelled", "test", "result"],
)
def test_nothing_else_prints_labels(message: Message) -> None:
    assert len(labelled(message, mode=Mode.DIRECT)) == 1
