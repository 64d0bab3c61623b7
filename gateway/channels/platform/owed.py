"""What the platform owes an answer to on one connection, and which answer is whose.

An answer belongs to the message whose MSH-10 its MSA-2 repeats, never to the next one waiting: an
engine that answers late would otherwise confirm a message it never received.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

from twisted.internet.defer import Deferred

from gateway.hl7 import Ack

#: How long an answer may come after its wait has ended, seconds; and how many such are remembered.
LATE, REMEMBERED = 600.0, 1000


@dataclass(slots=True, eq=False, kw_only=True)
class Flight:
    """One message on its way, from `deliver` to its answer."""

    raw: bytes
    control_id: str
    token: object  # names the message: two flights of one token are two tries of one message
    telling: bool = True  # whether its silence would say something of the platform
    answer: Deferred[Ack] = field(default_factory=Deferred)
    number: int = 0  # in the order of sending; 0: not sent
    sent_at: float = 0.0

    @property
    def awaited(self) -> bool:
        return not self.answer.called


class Owed:
    """The flights of one connection that have no answer yet."""

    def __init__(self) -> None:
        self._numbers = count(1)
        self._open: dict[int, Flight] = {}  # by number, oldest first
        self._by_id: dict[str, list[Flight]] = {}
        self._answered = 0  # the highest number that was

    def __iter__(self) -> Iterator[Flight]:
        return iter(tuple(self._open.values()))

    @property
    def waiting(self) -> bool:
        """Whether an answer is owed whose absence says something of the platform."""
        return any(True for _ in self._telling())

    @property
    def oldest_waiting(self) -> Flight | None:
        """The first such message."""
        telling = tuple(self._telling())
        return telling[-1] if telling else None

    def admits(self, flight: Flight) -> bool:
        """Whether its answer could be told from all others: no other message of its id is owed one."""
        return all(other.token == flight.token for other in self._by_id.get(flight.control_id, ()))

    def add(self, flight: Flight, *, now: float) -> None:
        """It was sent at `now` (seconds)."""
        flight.number, flight.sent_at = next(self._numbers), now
        flight.raw = b""  # it may wait long, and be long
        self._open[flight.number] = flight
        self._by_id.setdefault(flight.control_id, []).append(flight)
        self._forget(now)

    def take(self, control_id: str, *, positive: bool) -> list[Flight]:
        """The flights that an answer settles, oldest first: all tries of a message once it is
        accepted, only the oldest when that one was refused. Empty for an id that is owed nothing."""
        tries = self._by_id.get(control_id, [])
        settled = tries[:] if positive else tries[:1]
        for flight in settled:
            self._remove(flight)
            self._answered = max(self._answered, flight.number)
        return settled

    def _telling(self) -> Iterator[Flight]:
        """Newest first. What a later answer has overtaken tells nothing: an engine answers in order
        or nearly so, and lives."""
        for number in reversed(self._open):
            if number <= self._answered:
                return
            if self._open[number].telling:
                yield self._open[number]

    def _remove(self, flight: Flight) -> None:
        del self._open[flight.number]
        tries = self._by_id[flight.control_id]
        tries.remove(flight)
        if not tries:
            del self._by_id[flight.control_id]

    def _forget(self, now: float) -> None:
        """Give up hope for the oldest answers, once nobody awaits them."""
        while self._past(oldest := next(iter(self._open.values())), now):
            self._remove(oldest)

    def _past(self, flight: Flight, now: float) -> bool:
        if flight.awaited:
            return False
        return flight.sent_at + LATE <= now or len(self._open) > REMEMBERED
