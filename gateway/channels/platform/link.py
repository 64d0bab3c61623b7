"""One connection to the platform, kept open: messages out, each answer to the message it names."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from twisted.application.service import Service
from twisted.internet.defer import Deferred, succeed
from twisted.internet.endpoints import clientFromString
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

from gateway.channels.platform.connector import Connector, words
from gateway.channels.platform.owed import Flight
from gateway.channels.platform.roles import Evidence, Late
from gateway.channels.platform.swallowed import Swallowed
from gateway.channels.platform.wire import Wire
from gateway.clock import Clock
from gateway.delivery import Receipt
from gateway.errors import PermanentFailure, TemporaryFailure, Uncertain
from gateway.hl7 import Ack

if TYPE_CHECKING:
    from gateway.channels.platform import Settings

_log = structlog.get_logger()

#: A connection that lasted this long was a good one, seconds: the next try comes at once.
LASTED = 5.0
#: How long a trial may be owed its answer before the next one goes over another connection, seconds.
RENEW = 30.0
#: How long a connection that was given up is still listened to, for answers that come late.
LINGER = 30.0


class PlatformLink(Service):
    """The channel to the main messaging platform (MLLP, HL7 v2 original or enhanced acknowledgement)."""

    def __init__(
        self,
        settings: Settings,
        *,
        reactor: IReactorTime,
        clock: Clock,
        evidence: Evidence,
        on_late: Callable[[Late], None],
        base: Path = Path(),  # other kinds of platform read files of the site's
    ) -> None:
        self._settings = settings
        self._reactor = reactor
        self._clock = clock
        self._evidence = evidence
        self._on_late = on_late
        self._connector = Connector(
            clientFromString(reactor, settings.connect),
            lambda: Wire(self, reactor=reactor),
            within=settings.connect_within,
            reactor=reactor,
            made=self._made,
            failed=self._failed,
        )
        self._queue: deque[Flight] = deque()
        self._swallowed = Swallowed()
        self._awaited = 0
        self._wire: Wire | None = None
        self._retired: Wire | None = None
        self._closing: Deferred[None] | None = None

    @property
    def window(self) -> int:
        """How many messages may be unanswered at once."""
        return self._settings.window

    @property
    def in_flight(self) -> int:
        """How many messages were sent and await their answer."""
        return self._awaited

    @property
    def connected(self) -> bool:
        return self._wire is not None

    def startService(self) -> None:
        super().startService()
        self._connector.now()

    def stopService(self) -> Deferred[None]:
        super().stopService()
        self.give_up("Wardline stops")
        if self._retired is None:
            return succeed(None)
        self._closing = Deferred()
        self._retired.abort()
        return self._closing

    async def deliver(
        self,
        raw: bytes,
        control_id: str,
        *,
        timeout: float,
        token: object = None,
        again: bool = False,  # MLLP has no place to say it: the control id is the same
    ) -> Receipt:
        """The platform's own word that it has the message `raw` (MSH-10 `control_id`), within seconds.

        `token` names the message: two calls with the same one are two tries of one message, and an
        answer to either confirms it. Without one the bytes name it.

        Raises TemporaryFailure when nothing was sent (reasons "unreachable") or it answered AE or CE
        (reasons "platform-refused"), PermanentFailure when it answered AR or CR, Uncertain when the
        message left and no answer came: cut off, too late or given up. HL7 v2.5 chapter 2.9.2.
        """
        if not self.running:
            raise TemporaryFailure("the link is stopped", reasons=("unreachable",))
        if not control_id:
            raise PermanentFailure("no control id: its answer could not be told from another")
        token = hash(raw) if token is None else token
        flight = Flight(raw=raw, control_id=control_id, token=token)
        limit = self._evidence.trial_limit
        patience = max(0.0, timeout if limit is None else min(timeout, limit))
        timer = self._reactor.callLater(patience, self._too_late, flight, patience)
        self._queue.append(flight)
        self._renew()
        if self._wire is None:
            self._connector.now()
        self._pump()
        try:
            ack = await flight.answer
        finally:
            if timer.active():
                timer.cancel()
        proof = f"MSA {ack.code} {ack.control_id}"
        return Receipt(by="platform", proof=proof, at=self._clock.now())

    def give_up(self, reason: str) -> None:
        """End every wait now and leave the connection; the next `deliver` opens another."""
        self._connector.stop()
        wire, self._wire = self._wire, None
        self._empty_queue(reason)
        if wire is not None:
            for flight in wire.owed:
                if flight.awaited:
                    self._swallowed.unanswered(flight.control_id)
            self._retire(wire)
            self._abandon(wire, reason)

    # -- sending

    def _pump(self) -> None:
        """Send what the window, the platform's reading and its control ids allow."""
        while (wire := self._wire) is not None and not wire.paused and self._room(wire):
            flight = self._next(wire)
            if flight is None:
                return
            first = not wire.owed.waiting
            flight.telling = flight.control_id not in self._swallowed
            self._awaited += 1
            flight.answer.addBoth(self._landed)
            wire.send(flight, now=self._reactor.seconds())
            if first and flight.telling:
                self._evidence.owed()

    def _room(self, wire: Wire) -> bool:
        """On trial, none while the last one is owed its answer: a platform that thaws must not find
        one message many times over."""
        if self._evidence.trial_limit is None:
            return self._awaited < self.window
        return not self._awaited and not wire.owed.waiting

    def _renew(self) -> None:
        """On trial, a connection that has not answered for long may be all that hangs: try another."""
        oldest = self._wire.owed.oldest_waiting if self._wire else None
        if self._wire is None or oldest is None or self._evidence.trial_limit is None:
            return
        if not oldest.awaited and oldest.sent_at + RENEW <= self._reactor.seconds():
            wire, self._wire = self._wire, None
            self._retire(wire)

    def _next(self, wire: Wire) -> Flight | None:
        """The first in the queue whose answer could be told from those that are owed."""
        while self._queue and not self._queue[0].awaited:
            self._queue.popleft()
        for flight in self._queue:
            if flight.awaited and wire.owed.admits(flight):
                self._queue.remove(flight)
                return flight
        return None

    def _landed(self, result: Ack | Failure) -> Ack | Failure:
        self._awaited -= 1
        self._pump()
        return result

    def _too_late(self, flight: Flight, patience: float) -> None:
        if not flight.awaited:
            return
        if flight.number:
            self._swallowed.unanswered(flight.control_id)
            flight.answer.errback(Uncertain(f"no acknowledgement within {patience:g} s"))
        else:
            why = "busy" if self._wire else "no connection"
            text = f"not sent within {patience:g} s: {why}"
            flight.answer.errback(TemporaryFailure(text, reasons=("unreachable",)))

    def _empty_queue(self, reason: str) -> None:
        """Nothing of these was sent."""
        waiting, self._queue = self._queue, deque()
        for flight in waiting:
            if flight.awaited:
                flight.answer.errback(TemporaryFailure(reason, reasons=("unreachable",)))

    def _abandon(self, wire: Wire, reason: str) -> None:
        """Nobody can know what became of these."""
        for flight in wire.owed:
            if flight.awaited:
                flight.answer.errback(Uncertain(f"no acknowledgement: {reason}"))

    # -- answers (role `wire.Owner`)

    def answered(self, wire: Wire, ack: Ack) -> None:
        """An answer, matched on MSA-2 and on nothing else."""
        settled = wire.owed.take(ack.control_id, positive=ack.positive)
        if not settled:
            wire.foreign(ack)
            return
        still = self._wire is not None and self._wire.owed.waiting
        if ack.positive:
            self._spare(settled[0], ack)
            self._connector.well()
            self._swallowed.accepted(ack.control_id)
            self._evidence.acked(still=still)
        else:
            self._evidence.refused(ack.control_id, still=still)
        for flight in settled:
            if flight.awaited:
                _conclude(flight, ack)
            else:
                self._on_late(Late(control_id=ack.control_id, token=flight.token, ack=ack))
        self._pump()

    def _spare(self, accepted: Flight, ack: Ack) -> None:
        """Another try of what was just accepted waits to be sent: it need not be."""
        for flight in tuple(self._queue):
            same = (flight.control_id, flight.token) == (accepted.control_id, accepted.token)
            if same and flight.awaited:
                _conclude(flight, ack)

    def writable(self, wire: Wire) -> None:
        """It reads again."""
        self._pump()

    # -- the connection

    def _made(self, wire: Wire) -> None:
        self._wire = wire
        _log.info("platform.link_made")
        self._evidence.reached()
        self._pump()

    def _failed(self, reason: str) -> None:
        self._empty_queue(reason)
        self._evidence.unreachable(reason)

    def lost(self, wire: Wire, reason: Failure, *, lasted: float) -> None:
        """A connection ended, by whoever."""
        if wire is self._retired:
            self._retired = None
            if self._closing is not None:
                self._closing.callback(None)
        if wire is not self._wire:
            return
        self._wire = None
        oldest = wire.owed.oldest_waiting
        why, owing = words(reason), oldest.control_id if oldest else ""
        _log.info("platform.link_lost", reason=why, owing=owing)
        if lasted >= LASTED:
            self._connector.well()
        self._connector.later()
        self._abandon(wire, why)
        self._evidence.lost(why, owing=owing)

    def _retire(self, wire: Wire) -> None:
        """Send nothing more on it; what it still answers proves that the message did arrive."""
        if self._retired is not None:
            self._retired.abort()
        self._retired = wire
        wire.retire(linger=LINGER)


def _conclude(flight: Flight, ack: Ack) -> None:
    """End the wait of a flight with its answer."""
    said = f"MSA {ack.code} {ack.control_id}"
    if ack.positive:
        flight.answer.callback(ack)
    elif ack.code in ("AR", "CR"):
        flight.answer.errback(
            PermanentFailure(f"{said}: {ack.text[:200]}", reasons=("platform-refused",))
        )
    else:
        flight.answer.errback(
            TemporaryFailure(f"{said}: {ack.text[:200]}", reasons=("platform-refused",))
        )
