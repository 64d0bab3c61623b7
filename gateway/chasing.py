"""A correction goes to everybody who got the earlier value, by a way at least as strong.

Who read it on paper gets paper, whoever brings the correction otherwise; who heard it from a voice is
called. The platform's own way changes nothing in that: a slip lies in the ward until another lies on it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from gateway.calling.targets import PERSON
from gateway.delivery import NewDelivery, Outcome, Purpose, Step, alongside
from gateway.directory import LAB, PLATFORM, Directory
from gateway.message import Message, Priority, Status
from gateway.router import Plan
from gateway.store import Acknowledgement, Fate, Store

#: How long one person who was told the earlier value is rung before the next (seconds).
WITHIN = 120.0
#: Before every message there is: the store asks for those that came before one.
NEWEST = 2**62

_TAKEN_BACK = frozenset({Status.CORRECTED, Status.WITHDRAWN})
_OUT = frozenset({Outcome.DELIVERED, Outcome.UNCERTAIN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """Who got an earlier value."""

    wards: tuple[str, ...] = ()  # where paper of it came out, or may have
    people: tuple[str, ...] = ()  # codes of those who heard or acknowledged it
    voices: bool = False  # somebody heard it, whether we know their code or not


def takes_back(message: Message) -> bool:
    """Whether anything in it corrects or withdraws what was said before."""
    return any(
        group.status in _TAKEN_BACK or any(o.status in _TAKEN_BACK for o in group.observations)
        for group in message.groups
    )


async def reached(store: Store, directory: Directory, message: Message) -> Reached:
    """Who got what `message` corrects: asked of the store, order by order."""
    if message.patient is None or not message.order_keys:
        return Reached()
    earlier = await store.earlier(message.patient.key, order_keys=message.order_keys, before=NEWEST)
    ids = [stored.id for stored in earlier]
    fates = [fate for number in ids for fate in await store.fates(number)]
    # Who heard a value and never said to have it knows it all the same.
    said = [a for a in await store.acknowledgements(ids) if a.accepted or a.conveyed]
    return Reached(
        wards=tuple(dict.fromkeys(_papered(fates, directory))),
        people=tuple(dict.fromkeys(a.person for a in said if a.person in directory.people)),
        voices=any(_heard(a) for a in said),
    )


def chased(
    planned: Sequence[NewDelivery], got: Reached, *, ward: str, plan: Plan, now: float
) -> tuple[NewDelivery, ...]:
    """The deliveries of a correction, with what those who got the earlier value are owed."""
    found = list(_own(planned, got, ward=ward, plan=plan, now=now))
    rings = any(d.purpose is Purpose.CALL for d in found)
    others = (place for place in got.wards if place not in (ward, LAB))
    found += [_paper(place, plan, now=now, priority=_pressing(planned)) for place in others]
    if got.voices and not rings and plan.calls:
        steps = (*_people(got.people), *plan.calls)
        to = ward or LAB
        found.append(
            NewDelivery(to=to, purpose=Purpose.CALL, priority=_pressing(planned), steps=steps)
        )
    return tuple(found)


def _own(
    planned: Sequence[NewDelivery], got: Reached, *, ward: str, plan: Plan, now: float
) -> Iterator[NewDelivery]:
    """The ward's own: at once on paper where paper lies there already, and to the platform beside it."""
    for delivery in planned:
        relayed = delivery.purpose is Purpose.WARD and delivery.steps[0].by in (
            "platform",
            "confirm",
        )
        if delivery.purpose is Purpose.CALL:
            yield replace(delivery, steps=(*_people(got.people), *delivery.steps))
        elif relayed and ward and ward in got.wards:
            yield replace(delivery, steps=_on_paper(delivery.steps), beside=())
            if delivery.steps[0].by == "platform":
                yield NewDelivery(
                    to=PLATFORM,
                    purpose=Purpose.RELAY,
                    priority=delivery.priority,
                    steps=(Step(by="platform"),),
                )
            if delivery.beside:
                rings = alongside(delivery, delivery.beside)
                yield replace(rings, steps=(*_people(got.people), *rings.steps))
        else:
            yield delivery


def _paper(to: str, plan: Plan, *, now: float, priority: Priority) -> NewDelivery:
    return NewDelivery(
        to=to,
        purpose=Purpose.WARD,
        priority=priority,
        steps=_on_paper(plan.steps),
        expires_at=now + plan.expires,
    )


def _on_paper(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    return tuple(step for step in steps if step.by not in ("platform", "confirm"))


def _people(codes: Sequence[str]) -> tuple[Step, ...]:
    return tuple(Step(by="call", within=WITHIN, to=PERSON + code) for code in codes)


def _pressing(planned: Sequence[NewDelivery]) -> Priority:
    """A correction presses at least like something urgent."""
    ranks = [Priority.URGENT, *(d.priority for d in planned)]
    return min(ranks, key=lambda priority: priority.rank)


def _papered(fates: Sequence[Fate], directory: Directory) -> Iterator[str]:
    for fate in fates:
        for attempt in fate.attempts:
            if attempt.slip is not None and attempt.outcome in _OUT:
                yield fate.delivery.to
                yield directory.owner(attempt.device).code


def _heard(said: Acknowledgement) -> bool:
    return said.via in ("call", "phone")
