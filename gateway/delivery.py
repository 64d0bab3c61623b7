"""One message to one recipient: its plan, its attempts, its states and the only moves between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from gateway.message import Priority


class State(StrEnum):
    """Where a delivery is. Every state but the last four has a next moment (`due`) or a next event."""

    OPEN = "open"  # waits for `due`
    SENDING = "sending"  # claimed: an attempt is under way
    HELD = "held"  # waits for the platform to come back (hand-back)
    QUARANTINED = "quarantined"  # nobody vouches for its sender: waits for a person
    DELIVERED = "delivered"  # proved by a receipt
    SUPERSEDED = "superseded"  # a newer slip, or a summary slip, stands for it
    WITHDRAWN = "withdrawn"  # no longer wanted: the platform delivered it meanwhile
    REFUSED = "refused"  # cannot ever be delivered; a person was told


FINAL = frozenset({State.DELIVERED, State.SUPERSEDED, State.WITHDRAWN, State.REFUSED})

MOVES: Mapping[State, frozenset[State]] = {
    State.OPEN: frozenset(
        {
            State.OPEN,
            State.SENDING,
            State.HELD,
            State.DELIVERED,  # a person says "I have it" while the next try is waited for
            State.SUPERSEDED,
            State.WITHDRAWN,
            State.REFUSED,
        }
    ),
    State.SENDING: frozenset(
        {State.OPEN, State.HELD, State.DELIVERED, State.SUPERSEDED, State.WITHDRAWN, State.REFUSED}
    ),
    State.HELD: frozenset({State.OPEN, State.DELIVERED, State.WITHDRAWN}),
    State.QUARANTINED: frozenset({State.OPEN, State.REFUSED}),
    State.DELIVERED: frozenset(),
    State.SUPERSEDED: frozenset(),
    State.WITHDRAWN: frozenset(),
    State.REFUSED: frozenset(),
}


class IllegalMove(Exception):
    """A delivery was asked to make a move that is not in `MOVES`: a bug, never retried."""


def check_move(before: State, after: State) -> None:
    """Raise `IllegalMove` unless `MOVES` allows it."""
    if after not in MOVES[before]:
        raise IllegalMove(f"{before} -> {after}")


class Outcome(StrEnum):
    """How an attempt ended."""

    DELIVERED = "delivered"
    TEMPORARY = "temporary"
    PERMANENT = "permanent"
    UNCERTAIN = "uncertain"


class Purpose(StrEnum):
    """Why a delivery exists."""

    WARD = "ward"  # a message to its ward (or to the lab when it has none)
    RELAY = "relay"  # a message only the platform can use: waits for it, never printed
    HANDBACK = "handback"  # a message delivered by fallback, owed to the platform
    NOTICE = "notice"  # Wardline's own words: refusals, outage notices, summaries
    CALL = "call"  # a telephone call beside the paper, until a person has it
    LABEL = "label"  # an order's specimen labels
    COPY = "copy"  # once more because somebody asked for it: it says that it is a duplicate


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One rung of a plan: who carries it, and for how long it may try (seconds; None: for ever)."""

    by: str  # one of `Directory`'s words, "platform", "confirm" or "call"
    within: float | None = None
    to: str = ""  # "call": "ward", "roster", "lab" or the name of a roster


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A row of the dispatcher's table. Moments are seconds since the epoch, UTC."""

    id: int
    message_id: int
    to: str  # ward code, "LAB" or "PLATFORM"
    purpose: Purpose
    priority: Priority
    patient_key: str  # order is kept per patient; "" when none
    steps: tuple[Step, ...]
    created_at: float
    step: int = 0  # index into steps
    step_since: float = 0.0  # when this step began: its deadline is step_since + within
    state: State = State.OPEN
    due: float | None = 0.0  # next try, None while HELD or final
    tries: int = 0  # attempts within this step
    cycles: int = 0  # how often the whole plan was exhausted and begun again
    doubtful: bool = False  # an earlier attempt ended uncertain: paper says POSSIBLE DUPLICATE
    degraded: bool = False  # left the platform step: paper says DOWNTIME
    reason: str = ""  # why it left its last step: printed where it comes out instead
    slip: int | None = None  # its number in the ward's gapless series, once it had paper
    expires_at: float | None = None  # past this it is not printed as such: a summary stands for it
    beside: tuple[
        Step, ...
    ] = ()  # the plan of what begins when the platform is given up: calls, labels

    @property
    def at(self) -> Step:
        return self.steps[self.step]

    @property
    def deadline(self) -> float | None:
        """When this step must have ended; None when it may try for ever."""
        return None if self.at.within is None else self.step_since + self.at.within

    @property
    def lane(self) -> str:
        """The queue it stands in: one dead device delays no other lane."""
        return "platform" if self.at.by == "platform" else f"{self.to}/{self.at.by}"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDelivery:
    """A delivery that is not a row yet."""

    to: str
    purpose: Purpose
    priority: Priority
    steps: tuple[Step, ...]
    step: int = 0  # where its plan begins: past the platform that is known to be down
    state: State = State.OPEN  # OPEN (due at once) or HELD
    expires_at: float | None = None
    reason: str = ""
    degraded: bool = False
    beside: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try on one channel, written down before the first byte leaves."""

    id: int
    delivery_id: int
    channel: str  # the step's word: "platform", "slip"…
    device: str  # "platform" or the device's name
    at: float
    ended_at: float | None = None
    outcome: Outcome | None = None  # None while under way
    detail: str = ""
    slip: int | None = None
    reprint: int = 0  # how many earlier attempts of this delivery may have put paper out


#: A receipt whose proof begins so says that others have it now, and not that it is on paper.
HANDED = "handed to"


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """Proof from a device or a person that it arrived; or that it was handed on (HANDED)."""

    by: str  # device name or person
    proof: str  # "GS ( H 7K2Q", "MSA AA A00040"
    at: float


def alongside(paper: Delivery | NewDelivery, steps: tuple[Step, ...]) -> NewDelivery:
    """What goes out beside a delivery on paper: calls until a person has it, or an order's labels."""
    return NewDelivery(
        to=paper.to,
        purpose=Purpose.LABEL if steps[0].by == "label" else Purpose.CALL,
        priority=paper.priority,
        steps=steps,
        degraded=paper.degraded,
    )
