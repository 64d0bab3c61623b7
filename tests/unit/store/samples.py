"""Arrivals as an intake would hand them in, short enough to read in a test."""

from __future__ import annotations

from dataclasses import replace

from gateway.delivery import Attempt, Delivery, NewDelivery, Outcome, Purpose, State, Step
from gateway.message import Group, Kind, Message, Patient, Priority
from gateway.store import Arrival

RELAYED = (
    Step(by="platform", within=30.0),
    Step(by="slip", within=60.0),
    Step(by="neighbour", within=60.0),
    Step(by="courier"),
)
PAPER = RELAYED[1:]
HANDBACK = NewDelivery(
    to="PLATFORM",
    purpose=Purpose.HANDBACK,
    priority=Priority.ROUTINE,
    steps=(Step(by="platform"),),
    state=State.HELD,
)


def new(to="CARD", *, steps=PAPER, priority=Priority.ROUTINE, purpose=Purpose.WARD, **changes):
    """A delivery that is not a row yet."""
    return NewDelivery(to=to, purpose=purpose, priority=priority, steps=steps, **changes)


def arrival(control_id="A1", *, ipp="69102274", order="F1", at=100.0, deliveries=None, **changes):
    """A result for CARD; `raw` follows the control id unless given."""
    priority = changes.pop("priority", Priority.ROUTINE)
    message = Message(
        control_id=control_id,
        sender=changes.pop("sender", "SIL|LABO"),
        type="ORU^R01",
        kind=changes.pop("kind", Kind.RESULT),
        priority=priority,
        patient=Patient(family="LEFÈBVRE", ipp=ipp) if ipp else None,
        groups=(Group(filler=order),) if order else (),
    )
    if deliveries is None:
        deliveries = (new(priority=priority, steps=changes.pop("steps", PAPER)),)
    wanted = {
        "intake": "lab",
        "peer": "192.0.2.1",
        "received_at": at,
        "message": message,
        "raw": f"MSH|^~\\&|SIL|LABO|||||ORU^R01|{control_id}\rOBX|1|NM|K||4,1".encode(
            errors="surrogateescape"
        ),
        "ward": "CARD",
        "deliveries": tuple(deliveries),
    }
    return Arrival(**(wanted | changes))


def tried(row: Delivery, state: State = State.DELIVERED, **changes) -> Delivery:
    """The row after one more try."""
    due = None if state is not State.OPEN else changes.pop("due", row.due)
    return replace(row, state=state, tries=row.tries + 1, due=due, **changes)


def ended(attempt: Attempt, outcome: Outcome = Outcome.DELIVERED, **changes) -> Attempt:
    return replace(attempt, outcome=outcome, **changes)
