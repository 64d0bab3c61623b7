"""Which message goes to whom, by which steps: one pure function."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from gateway.delivery import NewDelivery, Purpose, State, Step, alongside
from gateway.directory import LAB, PLATFORM
from gateway.message import Kind, Message, Priority


class Mode(StrEnum):
    """What an intake is for."""

    RELAY = "relay"  # pass on to the platform, fall back when it does not confirm
    DIRECT = "direct"  # always deliver to the ward
    TAP = "tap"  # keep a copy, deliver only what the platform did not


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The ordered steps of one priority, and how long paper may be waited for (seconds)."""

    steps: tuple[Step, ...]
    expires: float
    calls: tuple[Step, ...] = ()  # whom to call beside the paper, until somebody has it
    ways: Mapping[Mode, tuple[Step, ...]] = field(init=False, repr=False, compare=False)
    """The steps as each mode uses them: one object for all messages, so that the store knows it again."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "ways", {mode: _for_mode(self.steps, mode) for mode in Mode})


_PRINTED = (Kind.RESULT, Kind.ORDER, Kind.DOCUMENT)
_NOWHERE = "unknown ward"
_PLATFORM = (Step(by="platform"),)


def plan(
    message: Message,
    *,
    ward: str,
    mode: Mode,
    plans: Mapping[Priority, Plan],
    now: float,
    labels: tuple[Step, ...] = (),
) -> tuple[NewDelivery, ...]:
    """The deliveries a message calls for; none when it is only to be remembered.

    `labels`: how the ward's label printers are reached; () where it has none.

    A message that is not for paper is relayed and waits for the platform as long as it takes.
    A result whose ward is not ours comes out at the lab, never nowhere.
    """
    if message.type.startswith("ACK"):
        return ()
    if message.kind not in _PRINTED:
        return (_relayed(message),) if mode is Mode.RELAY else ()
    chosen = plans[message.priority]
    steps = chosen.ways[mode]
    if ward:
        paper = _delivery(message, ward, steps, expires_at=now + chosen.expires)
        return _with_beside(paper, _beside(message, chosen, labels))
    first = tuple(s for s in steps if s.by in ("platform", "confirm"))
    lab = (*first, Step(by="courier"))
    return (_delivery(message, LAB, lab, reason=_NOWHERE),)


def quarantined(
    message: Message, *, wards: Sequence[str], plans: Mapping[Priority, Plan], now: float
) -> tuple[NewDelivery, ...]:
    """The deliveries of a message that nobody vouches for: none moves before a person let it through."""
    chosen = plans[message.priority]
    paper = chosen.ways[Mode.DIRECT]
    return tuple(
        replace(
            _delivery(message, ward, paper, expires_at=None),
            state=State.QUARANTINED,
            degraded=False,
        )
        for ward in wards
    )


def _beside(message: Message, chosen: Plan, labels: tuple[Step, ...]) -> tuple[Step, ...]:
    """A result may ring, a new order prints its labels; a test message does neither."""
    if message.test:
        return ()
    if message.kind is Kind.RESULT:
        return chosen.calls
    new = message.kind is Kind.ORDER and any(g.control in _NEW for g in message.groups)
    return labels if new else ()


_NEW = frozenset({"", "NW", "RO", "SN"})  # ORC-1 (table 0119): there are tubes to be drawn


def _with_beside(paper: NewDelivery, beside: tuple[Step, ...]) -> tuple[NewDelivery, ...]:
    """Where the platform may still bring it, this begins when the platform is given up; else at once."""
    if not beside:
        return (paper,)
    if paper.steps[0].by in ("platform", "confirm"):
        return (replace(paper, beside=beside),)
    return (paper, alongside(paper, beside))


def _delivery(
    message: Message,
    to: str,
    steps: tuple[Step, ...],
    *,
    expires_at: float | None = None,
    reason: str = "",
) -> NewDelivery:
    return NewDelivery(
        to=to,
        purpose=Purpose.WARD,
        priority=message.priority,
        steps=steps,
        state=State.OPEN,
        expires_at=expires_at,
        reason=reason,
    )


def _relayed(message: Message) -> NewDelivery:
    return NewDelivery(
        to=PLATFORM,
        purpose=Purpose.RELAY,
        priority=message.priority,
        steps=_PLATFORM,
    )


def _for_mode(steps: tuple[Step, ...], mode: Mode) -> tuple[Step, ...]:
    """The plan's steps as an intake's mode uses them: a tap waits for the platform's confirmation."""
    if mode is Mode.RELAY:
        return steps
    paper = tuple(s for s in steps if s.by != "platform")
    if mode is Mode.DIRECT:
        return paper
    waits = (Step(by="confirm", within=s.within) for s in steps if s.by == "platform")
    return (*waits, *paper)
