"""What is under way to a bus: until the bus has it, and from then until its receiver says so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

from twisted.internet.defer import Deferred

from gateway.bus.role import Parcel
from gateway.errors import PermanentFailure, TemporaryFailure, Uncertain

#: Receivers' words are waited for this long after the message left, seconds, and for so many at once.
LATE, REMEMBERED = 600.0, 10_000


@dataclass(slots=True, eq=False, kw_only=True)
class Flight:
    """One message on its way, from `deliver` to its answer: the proof that it arrived."""

    parcel: Parcel
    control_id: str
    token: object
    answer: Deferred[str] = field(default_factory=Deferred)
    number: int = 0  # in the order of sending; 0: not sent
    sent_at: float = 0.0

    @property
    def awaited(self) -> bool:
        return not self.answer.called

    def doubt(self, reason: str) -> None:
        """Nobody can know what became of it."""
        if self.awaited:
            self.answer.errback(Uncertain(reason))

    def refuse(self, why: str, *, for_good: bool = False) -> None:
        """It was not taken."""
        if self.awaited:
            kind = PermanentFailure if for_good else TemporaryFailure
            self.answer.errback(kind(why, reasons=("platform-refused",)))

    def stay(self, why: str) -> None:
        """It was not sent."""
        if self.awaited:
            self.answer.errback(TemporaryFailure(why, reasons=("unreachable",)))


class Flights:
    """The flights of one session whose confirmation the bus still owes."""

    def __init__(self) -> None:
        self._numbers = count(1)
        self._open: dict[int, Flight] = {}  # by number, oldest first
        self._answered = 0  # the highest number that was

    def __len__(self) -> int:
        return len(self._open)

    def __iter__(self) -> Iterator[Flight]:
        return iter(tuple(self._open.values()))

    @property
    def waiting(self) -> bool:
        """Whether something is owed that no later answer has overtaken. What was overtaken (its queue
        has no quorum, say) tells nothing of the rest of the bus."""
        return next(reversed(self._open), 0) > self._answered

    @property
    def oldest_waiting(self) -> str:
        """The control id of the first of these, "" for none."""
        numbers = (n for n in self._open if n > self._answered)
        return next((self._open[n].control_id for n in numbers), "")

    def add(self, flight: Flight, *, now: float) -> None:
        flight.number, flight.sent_at = next(self._numbers), now
        self._open[flight.number] = flight

    def settle(self, flight: Flight) -> None:
        """The bus has answered for this one."""
        del self._open[flight.number]
        self._answered = max(self._answered, flight.number)


class Receivers:
    """The flights that the bus has and whose receivers have not said anything yet."""

    def __init__(self) -> None:
        self._waiting: dict[Flight, None] = {}  # oldest first
        self._named: dict[str, list[Flight]] = {}  # by message id, and by control id

    def add(self, flight: Flight, *, now: float) -> None:
        self._waiting[flight] = None
        for name in self._names(flight):
            self._named.setdefault(name, []).append(flight)
        while self._past(oldest := next(iter(self._waiting)), now):
            self.remove(oldest)

    def find(self, name: str) -> list[Flight]:
        """All tries of the one message that `name` (message id or control id) means, oldest first.

        Empty when it means none, or could mean two: to confirm the wrong patient's result would be
        worse than to print one slip too many.
        """
        found = self._named.get(name, [])
        return found[:] if len({flight.token for flight in found}) == 1 else []

    def remove(self, flight: Flight) -> None:
        del self._waiting[flight]
        for name in self._names(flight):
            self._named[name].remove(flight)
            if not self._named[name]:
                del self._named[name]

    def __contains__(self, flight: Flight) -> bool:
        return flight in self._waiting

    def __iter__(self) -> Iterator[Flight]:
        return iter(tuple(self._waiting))

    def _names(self, flight: Flight) -> set[str]:
        return {flight.parcel.message_id, flight.control_id}

    def _past(self, flight: Flight, now: float) -> bool:
        if flight.awaited:
            return False
        return flight.sent_at + LATE <= now or len(self._waiting) > REMEMBERED
