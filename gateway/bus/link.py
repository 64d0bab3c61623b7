"""The platform when it is a bus: messages out, each with the bus's word for it, or its receiver's own."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import structlog
from twisted.application.service import Service
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.python.failure import Failure

from gateway.bus import letter, role
from gateway.bus.body import Receipt as Word
from gateway.bus.body import read_receipt
from gateway.bus.flights import Flight, Flights, Receivers
from gateway.bus.keeper import Keeper
from gateway.bus.role import Arrived, Declined, Trouble, Unroutable, Verdict
from gateway.bus.settings import BusPlatform
from gateway.clock import Clock
from gateway.delivery import Receipt
from gateway.errors import PermanentFailure, Rejected, TemporaryFailure, Uncertain
from gateway.hl7 import Ack
from gateway.service import spawn

_log = structlog.get_logger()

#: A session that lasted this long was a good one, seconds: the next try comes at once.
LASTED = 5.0
#: How long a session that was given up is still listened to, seconds. A bus that was frozen or blocked
#: reads what we sent when it wakes, and its late word keeps the message from being given back twice.
LINGER = 600.0


class Evidence(Protocol):
    """Who judges from what the link sees whether the bus is up."""

    @property
    def trial_limit(self) -> float | None: ...

    def reached(self) -> None: ...
    def unreachable(self, reason: str) -> None: ...
    def gone(self, reason: str) -> None: ...
    def lost(self, reason: str, *, owing: str) -> None: ...
    def owed(self) -> None: ...
    def acked(self, *, still: bool) -> None: ...
    def refused(self, control_id: str, *, still: bool, why: str) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Late:
    """A word on a message that came after its wait had ended."""

    control_id: str
    token: object  # as it was given to `deliver`; None when nobody here remembers the message
    ack: Ack

    @property
    def accepted(self) -> bool:
        return self.ack.positive

    @property
    def proof(self) -> str:
        return self.ack.text


class PlatformLink(Service):
    """The channel to a bus; see `gateway.channels.platform.PlatformLink`, whose place it takes."""

    def __init__(
        self,
        settings: BusPlatform,
        *,
        driver: role.Driver,
        base: Path,
        reactor: IReactorTime,
        clock: Clock,
        evidence: Evidence,
        on_late: Callable[[Late], object],
    ) -> None:
        self._settings = settings
        self._driver = driver
        self._base = base
        self._reactor = reactor
        self._clock = clock
        self._evidence = evidence
        self._on_late = on_late
        self._keeper: Keeper[role.Target] = Keeper(
            self._open, reactor=reactor, made=self._made, failed=self._failed
        )
        self._queue: deque[Flight] = deque()
        self._receivers = Receivers()
        self._awaited = 0
        self._opening: Line | None = None
        self._line: Line | None = None
        self._retired: Line | None = None
        self._routes: set[str] = set()  # addresses that somebody took messages from
        self.refusing = False

    @property
    def window(self) -> int:
        """How many messages may be unconfirmed at once."""
        return self._settings.window

    @property
    def in_flight(self) -> int:
        """How many messages were sent and await their answer."""
        return self._awaited

    @property
    def connected(self) -> bool:
        return self._line is not None

    def startService(self) -> None:
        super().startService()
        self._keeper.now()

    def stopService(self) -> Deferred[None] | None:
        super().stopService()
        self.give_up("Wardline stops")
        return self._close(self._retired)

    async def deliver(
        self, raw: bytes, control_id: str, *, timeout: float, token: object = None
    ) -> Receipt:
        """The word of the bus, or of its receiver where `receipts` are asked for, within `timeout`.

        Raises TemporaryFailure when it was not sent (reasons "unreachable"), when nobody is there to
        take it or when it was declined (reasons "platform-refused"); PermanentFailure when its receiver
        refused it for good; Uncertain when it left and no word came.
        """
        if not self.running:
            raise TemporaryFailure("the link is stopped", reasons=("unreachable",))
        name = letter.digest(raw) if token is None else token
        parcel = letter.parcel(
            raw, address=self._settings.address, control_id=control_id, token=name
        )
        flight = Flight(parcel=parcel, control_id=control_id, token=name)
        limit = self._evidence.trial_limit
        patience = max(0.0, timeout if limit is None else min(timeout, limit))
        timer = self._reactor.callLater(patience, self._too_late, flight, patience)
        self._queue.append(flight)
        if self._line is None:
            self._keeper.now()
        self._pump()
        try:
            proof = await flight.answer
        finally:
            if timer.active():
                timer.cancel()
        return Receipt(by="platform", proof=proof, at=self._clock.now())

    def give_up(self, reason: str) -> None:
        """End every wait now and leave the session; the next `deliver` opens another."""
        self._keeper.stop()
        line, self._line = self._line, None
        self._empty_queue(reason)
        if line is not None:
            self._retire(line)
        for flight in (*(line.flights if line is not None else ()), *self._receivers):
            _doubt(flight, reason)

    # -- sending

    def _pump(self) -> None:
        """Send what the window and the bus allow."""
        while self._line is not None and not self._line.blocked_by and self._room(self._line):
            flight = self._next()
            if flight is None:
                return
            self._send(flight, self._line)

    def _room(self, line: Line) -> bool:
        if self._evidence.trial_limit is not None:
            return self._awaited < 1
        return len(line.flights) < self.window

    def _next(self) -> Flight | None:
        while self._queue:
            flight = self._queue.popleft()
            if flight.awaited:
                return flight
        return None

    def _send(self, flight: Flight, line: Line) -> None:
        assert line.session is not None
        if not line.flights.waiting:
            self._evidence.owed()
        self._awaited += 1
        flight.answer.addBoth(self._landed)
        line.flights.add(flight, now=self._reactor.seconds())
        parcel, flight.parcel = flight.parcel, replace(flight.parcel, body=b"")  # it may wait long
        published = line.session.publish(parcel)
        published.addCallbacks(
            self._taken, self._not_taken, callbackArgs=(flight, line), errbackArgs=(flight, line)
        )

    def _landed(self, result: str | Failure) -> str | Failure:
        self._awaited -= 1
        self._pump()
        return result

    def _too_late(self, flight: Flight, patience: float) -> None:
        if not flight.awaited:
            return
        if flight.number:
            who = "receipt" if flight in self._receivers else "confirmation"
            flight.answer.errback(Uncertain(f"no {who} within {patience:g} s"))
            return
        why = "no connection"
        if self._line is not None:
            why = self._line.blocked_by or "busy"
        text = f"not sent within {patience:g} s: {why}"
        flight.answer.errback(TemporaryFailure(text, reasons=("unreachable",)))

    def _empty_queue(self, reason: str) -> None:
        """Nothing of these was sent."""
        waiting, self._queue = self._queue, deque()
        for flight in waiting:
            if flight.awaited:
                flight.answer.errback(TemporaryFailure(reason, reasons=("unreachable",)))

    # -- the bus's word

    def _taken(self, _: object, flight: Flight, line: Line) -> None:
        line.flights.settle(flight)
        self.refusing = False
        self._routes.add(flight.parcel.address)
        self._evidence.acked(still=self._still())
        if self._settings.receipts:
            self._receivers.add(flight, now=self._reactor.seconds())
        else:
            proof = f"confirmed by the bus, {flight.parcel.message_id}"
            self._arrived(flight, proof, Ack(code="AA", control_id=flight.control_id, text=proof))
        self._pump()

    def _not_taken(self, failure: Failure, flight: Flight, line: Line) -> None:
        """Whatever is no answer of the bus is the end of the session, of which `lost` will hear."""
        if isinstance(failure.value, Unroutable):
            line.flights.settle(flight)
            self._nobody(flight, failure.value)
        elif isinstance(failure.value, Declined):
            line.flights.settle(flight)
            self._refused(flight, f"declined by the bus: {failure.value}")
        self._pump()

    def _nobody(self, flight: Flight, unroutable: Unroutable) -> None:
        """The bus is well; nobody takes this message. Where somebody did before, that is a fault of the
        bus as good as any; where nobody ever did, it is how the site is made."""
        if flight.parcel.address in self._routes:
            self._refused(flight, str(unroutable))
            return
        self._evidence.acked(still=self._still())
        _refuse(flight, str(unroutable))

    def _refused(self, flight: Flight, why: str) -> None:
        self.refusing = True
        self._evidence.refused(flight.control_id, still=self._still(), why=why)
        _refuse(flight, why)

    def _still(self) -> bool:
        return self._line is not None and self._line.flights.waiting

    def _arrived(self, flight: Flight, proof: str, ack: Ack) -> Deferred[object] | None:
        """Its proof is here, in time or late."""
        if flight.awaited:
            flight.answer.callback(proof)
            return None
        late = Late(control_id=flight.control_id, token=flight.token, ack=ack)
        return maybeDeferred(self._on_late, late)

    # -- a receiver's word

    def heard(self, arrived: Arrived) -> None:
        """A receiver's word on a message."""
        spawn(self._hear(arrived), "receipt")

    async def _hear(self, arrived: Arrived) -> None:
        try:
            word = read_receipt(arrived.body)
        except Rejected as rejected:
            _log.warning("platform.not_a_receipt", why=rejected.reason)
            arrived.settle(Verdict.REFUSED)
            return
        name = arrived.correlation_id
        name = name if name.startswith("wardline:") else word.control_id
        tries = self._receivers.find(name)
        if word.positive:
            await self._received(tries, word, control_id=letter.control_id_of(name))
        elif tries:
            self._receivers.remove(tries[0])
            _conclude(tries[0], word)
        arrived.settle(Verdict.TAKEN)

    async def _received(self, tries: list[Flight], word: Word, *, control_id: str) -> None:
        """Every try of the message has arrived with this one."""
        proof = f"receipt {word.code} {word.by}".rstrip()
        ack = Ack(code=word.code, control_id=control_id, text=proof)
        if not tries:
            await maybeDeferred(self._on_late, Late(control_id=control_id, token=None, ack=ack))
        for flight in tries:
            self._receivers.remove(flight)
            late = self._arrived(flight, proof, ack)
            if late is not None:
                await late

    # -- the session

    def _open(self) -> Deferred[role.Target]:
        self._opening = Line(self)
        return self._driver.target(self._settings, base=self._base, holder=self._opening)

    def _made(self, session: role.Target) -> None:
        line, self._opening = self._opening, None
        assert line is not None
        line.session, line.made_at = session, self._reactor.seconds()
        if line.over:  # lost in the same moment
            self._keeper.later()
            return
        self._line = line
        _log.info("platform.link_made")
        self._evidence.reached()
        self._pump()

    def _failed(self, trouble: Trouble) -> None:
        self._empty_queue(trouble.reason)
        tell = self._evidence.gone if trouble.sure else self._evidence.unreachable
        tell(trouble.reason)

    def lost(self, line: Line, trouble: Trouble) -> None:
        """A session ended, by whoever."""
        if line is self._retired:
            self._retired = None
            line.forget()
        owing = line.flights.oldest_waiting
        for flight in line.flights:
            _doubt(flight, trouble.reason)
        if line is not self._line:
            return
        self._line = None
        _log.info("platform.link_lost", reason=trouble.reason, owing=owing)
        if self._reactor.seconds() - line.made_at >= LASTED:
            self._keeper.well()
            self._keeper.now()
        else:
            self._keeper.later()
        self._evidence.lost(trouble.reason, owing=owing)

    def blocked(self, line: Line) -> None:
        """The bus takes nothing for now, or takes messages again."""
        if line is self._line and line.blocked_by:
            self._evidence.unreachable(line.blocked_by)
        self._pump()

    def _retire(self, line: Line) -> None:
        """Send nothing more on it, and listen for late words."""
        self._close(self._retired)
        self._retired = line
        line.ending = self._reactor.callLater(LINGER, self._close, line)

    def _close(self, line: Line | None) -> Deferred[None] | None:
        if line is None or line.session is None:
            return None
        if line is self._retired:
            self._retired = None
        line.forget()
        line.over = True
        return line.session.close()


class Line:
    """One session with the bus and what is under way on it (role `TargetHolder`)."""

    def __init__(self, link: PlatformLink) -> None:
        self.session: role.Target | None = None
        self.flights = Flights()
        self.blocked_by = ""  # why the bus takes nothing for now
        self.over = False
        self.made_at = 0.0
        self.ending: IDelayedCall | None = None
        self._link = link

    def forget(self) -> None:
        """Its end need not be seen to any more."""
        if self.ending is not None and self.ending.active():
            self.ending.cancel()

    def lost(self, trouble: Trouble) -> None:
        self.over = True
        self._link.lost(self, trouble)

    def blocked(self, reason: str) -> None:
        self.blocked_by = reason
        self._link.blocked(self)

    def receipt(self, arrived: Arrived) -> None:
        self._link.heard(arrived)


def _doubt(flight: Flight, reason: str) -> None:
    """Nobody can know what became of it."""
    if flight.awaited:
        flight.answer.errback(Uncertain(f"no confirmation: {reason}"))


def _refuse(flight: Flight, why: str) -> None:
    if flight.awaited:
        flight.answer.errback(TemporaryFailure(why, reasons=("platform-refused",)))


def _conclude(flight: Flight, word: Word) -> None:
    """Its receiver does not take it: for good, or not now."""
    if not flight.awaited:
        return
    said = f"receipt {word.code} {word.by}: {word.text[:200]}".rstrip(": ")
    kind = PermanentFailure if word.code == "AR" else TemporaryFailure
    flight.answer.errback(kind(said, reasons=("platform-refused",)))
