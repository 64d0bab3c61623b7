"""The platform when it is a bus: messages out, each with the bus's word for it, or its receiver's own."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import structlog
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

from gateway.bus import letter, role
from gateway.bus.flights import Flight
from gateway.bus.judge import Judge
from gateway.bus.keeper import Keeper
from gateway.bus.line import Line
from gateway.bus.receipts import Late, Receipts
from gateway.bus.role import Arrived, Declined, Trouble, Unroutable
from gateway.clock import Clock
from gateway.delivery import Receipt
from gateway.errors import TemporaryFailure

_log = structlog.get_logger()

#: A session that lasted this long was a good one, seconds: the next try comes at once.
LASTED = 5.0
#: How long a session that was given up is still listened to, seconds. A bus that was frozen or blocked
#: reads what we sent when it wakes, and its late word keeps the message from being given back twice.
LINGER = 600.0
#: Messages remembered as perhaps sent: another try of one of them says so.
DOUBTED = 10_000


class Settings(Protocol):
    """What the link needs to know of the site."""

    @property
    def address(self) -> str:
        """Where messages go; places in braces are filled from each message (see `letter`)."""
        ...

    @property
    def window(self) -> int: ...

    @property
    def receipts(self) -> str: ...


class PlatformLink(Service):
    """The channel to a bus; see `gateway.channels.platform.PlatformLink`, whose place it takes."""

    def __init__(
        self,
        settings: Settings,
        *,
        driver: role.Driver,
        base: Path,
        reactor: IReactorTime,
        clock: Clock,
        evidence: Judge,
        on_late: Callable[[Late], object],
    ) -> None:
        self._settings = settings
        self._driver = driver
        self._base = base
        self._reactor = reactor
        self._clock = clock
        self._judge = evidence
        self._keeper: Keeper[role.Target] = Keeper(
            self._open, reactor=reactor, made=self._made, failed=self._failed
        )
        self._queue: deque[Flight] = deque()
        self._receipts = Receipts(on_late)
        self._awaited = 0
        self._opening: Line | None = None
        self._line: Line | None = None
        self._retired: Line | None = None
        self._routes: set[str] = set()  # addresses that somebody took messages from
        self._doubted: dict[object, None] = {}  # tokens, oldest first
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
        self,
        raw: bytes,
        control_id: str,
        *,
        timeout: float,
        token: object = None,
        again: bool = False,
    ) -> Receipt:
        """The word of the bus, or of its receiver where `receipts` are asked for, within `timeout`.

        Raises TemporaryFailure when it was not sent (reasons "unreachable"), when nobody is there to
        take it or when it was declined (reasons "platform-refused"); PermanentFailure when its receiver
        refused it for good; Uncertain when it left and no word came.
        """
        if not self.running:
            raise TemporaryFailure("the link is stopped", reasons=("unreachable",))
        flight = self._flight(raw, control_id, token, again=again)
        limit = self._judge.trial_limit
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
            self._doubt(line, reason)
        for flight in self._receipts.awaited:
            flight.doubt(f"no receipt: {reason}")

    def _flight(self, raw: bytes, control_id: str, token: object, *, again: bool) -> Flight:
        name = letter.digest(raw) if token is None else token
        parcel = letter.parcel(
            raw,
            address=self._settings.address,
            control_id=control_id,
            token=name,
            again=again or name in self._doubted,
        )
        return Flight(parcel=parcel, control_id=control_id, token=name)

    # -- sending

    def _pump(self) -> None:
        """Send what the window and the bus allow."""
        while self._line is not None and not self._line.blocked_by and self._room(self._line):
            flight = self._next()
            if flight is None:
                return
            assert self._line.session is not None
            if why := self._line.session.objection(flight.parcel):
                flight.refuse(why, for_good=True)
            else:
                self._send(flight, self._line)

    def _room(self, line: Line) -> bool:
        if self._judge.trial_limit is not None:
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
            self._judge.owed()
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
        if not flight.number:
            why = (self._line.blocked_by or "busy") if self._line else "no connection"
            flight.stay(f"not sent within {patience:g} s: {why}")
        elif flight in self._receipts.awaited:
            flight.doubt(f"no receipt within {patience:g} s")
        else:
            self._remember(flight)
            flight.doubt(f"no confirmation within {patience:g} s")

    def _empty_queue(self, reason: str) -> None:
        """Nothing of these was sent."""
        waiting, self._queue = self._queue, deque()
        for flight in waiting:
            flight.stay(reason)

    def _doubt(self, line: Line, reason: str) -> None:
        """The bus may have what it has not confirmed."""
        for flight in line.flights:
            self._remember(flight)
            flight.doubt(f"no confirmation: {reason}")

    def _remember(self, flight: Flight) -> None:
        self._doubted[flight.token] = None
        if len(self._doubted) > DOUBTED:
            del self._doubted[next(iter(self._doubted))]

    # -- the bus's word

    def _taken(self, _: object, flight: Flight, line: Line) -> None:
        line.flights.settle(flight)
        self.refusing = False
        self._routes.add(flight.parcel.address)
        self._doubted.pop(flight.token, None)
        self._judge.acked(still=self._still())
        if self._settings.receipts:
            self._receipts.awaited.add(flight, now=self._reactor.seconds())
        else:
            self._receipts.arrived(flight, f"confirmed by the bus, {flight.parcel.message_id}")
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
        self._judge.acked(still=self._still())
        flight.refuse(str(unroutable))

    def _refused(self, flight: Flight, why: str) -> None:
        self.refusing = True
        self._judge.refused(flight.control_id, still=self._still(), why=why)
        flight.refuse(why)

    def _still(self) -> bool:
        return self._line is not None and self._line.flights.waiting

    def receipt(self, arrived: Arrived) -> None:
        """A receiver's word on a message."""
        self._receipts.heard(arrived)

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
        self._judge.reached()
        self._pump()

    def _failed(self, trouble: Trouble) -> None:
        self._empty_queue(trouble.reason)
        tell = self._judge.gone if trouble.sure else self._judge.unreachable
        tell(trouble.reason)

    def lost(self, line: Line, trouble: Trouble) -> None:
        """A session ended, by whoever."""
        if line is self._retired:
            self._retired = None
            line.forget()
        owing = line.flights.oldest_waiting
        self._doubt(line, trouble.reason)
        if line is not self._line:
            return
        self._line = None
        _log.info("platform.link_lost", reason=trouble.reason, owing=owing)
        if self._reactor.seconds() - line.made_at >= LASTED:
            self._keeper.well()
            self._keeper.now()
        else:
            self._keeper.later()
        self._judge.lost(trouble.reason, owing=owing)

    def blocked(self, line: Line) -> None:
        """The bus takes nothing for now, or takes messages again."""
        if line is self._line and line.blocked_by:
            tell = self._judge.gone if role.lasts(line.blocked_by) else self._judge.unreachable
            tell(line.blocked_by)
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
