"""Takes what a bus gives: each message is on disk, or refused on disk, before the bus may forget it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from traceback import extract_tb
from typing import Any, Protocol

import structlog
from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, DeferredList
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.task import deferLater

from gateway.bus import role
from gateway.bus.body import Receipt
from gateway.bus.keeper import Keeper
from gateway.bus.role import Arrived, Driver, Trouble, Verdict
from gateway.bus.settings import BusIntake as BusSettings
from gateway.errors import Rejected, StoreBroken, StoreFull
from gateway.fhir import Part
from gateway.hl7 import Batch, Limits, peek
from gateway.inbox import LONG, Door
from gateway.intakes.bus.opening import opened
from gateway.intakes.bus.receipts import Receipts
from gateway.message import Message
from gateway.service import in_thread, spawn

_log = structlog.get_logger()

#: After a bug or on a full disk a message is tried again after this long, seconds; after a bug so often.
PAUSE, TRIES = 1.0, 3
#: How often the bus is asked whether it is there, and how long it may take to answer, seconds.
PING_EVERY, PING_WITHIN = 5.0, 15.0
#: How long messages in hand may take to be on disk when the service stops, seconds.
LAST_WORDS = 3.0
#: A bus that was out of reach for so long is told on paper, seconds: what passes there is not copied.
DEAF = 60.0
#: What is kept of a body that is too long to be read, bytes.
GLIMPSE = 4096


class Inbox(Protocol):
    """The front door, as this way in needs it."""

    @property
    def limits(self) -> Limits: ...

    def accept(self, raw: bytes, *, door: Door, peer: str) -> Coroutine[Any, Any, object]:
        """Raises Rejected (which is then on disk), StoreFull or StoreBroken."""
        ...

    def take(
        self, message: Message, raw: bytes, *, format: str, door: Door, peer: str
    ) -> Coroutine[Any, Any, object]:
        """Raises StoreFull or StoreBroken."""
        ...

    def refuse(
        self, raw: bytes, rejected: Rejected, *, door: Door, peer: str
    ) -> Coroutine[Any, Any, object]: ...

    def confirm(
        self, control_id: str, *, sender: str | None, proof: str
    ) -> Coroutine[Any, Any, bool]:
        """A receiver has the message. Whether anything waited for that word."""
        ...


class Alarms(Protocol):
    """What the laboratory is told on paper."""

    def __call__(self, topic: str, *, subject: str, reason: str) -> Coroutine[Any, Any, None]: ...


class BusIntake(Service):
    """One `[[intakes]]` on a bus. It starts whether or not the bus is there, and waits for it."""

    def __init__(
        self,
        settings: BusSettings,
        *,
        driver: Driver,
        inbox: Inbox,
        reactor: Any,
        base: Path,
        on_broken: Callable[[object], None],
        alarms: Alarms | None = None,
    ) -> None:
        self._settings = settings
        self._driver = driver
        self._inbox = inbox
        self._reactor = reactor
        self._base = base
        self._on_broken = on_broken
        self._aside = in_thread(reactor)
        self._door = Door(intake=settings.name, mode=settings.mode, charset=settings.charset)
        self._keeper: Keeper[role.Source] = Keeper(
            self._open, reactor=reactor, made=self._made, failed=self._failed
        )
        self._post: _Post | None = None
        self._session: role.Source | None = None
        self._next: IDelayedCall | None = None
        self._pinging: Deferred[None] | None = None
        self._in_hand: set[Deferred[None]] = set()
        self._receipts = Receipts(
            inbox, intake=settings.name, patience=settings.receipt_wait, reactor=reactor
        )
        self._tried: Deferred[None] | None = None  # until the first try has ended
        self._trouble = ""  # what was last said of the bus
        self._alarms = alarms
        self._deaf: IDelayedCall | None = None  # until it is told that the bus is not heard
        self._full = False  # whether it was said that the disk is full

    @property
    def connected(self) -> bool:
        return self._session is not None

    def startService(self) -> Deferred[None]:
        """Done when its queue is bound, or when that was tried in vain: it is tried again and again."""
        super().startService()
        self._tried = Deferred()
        self._deaf = self._reactor.callLater(DEAF, self._tell_deaf)
        self._keeper.now()
        self._ping_later()
        return self._tried

    def stopService(self) -> Deferred[None]:
        """Take nothing more; what is in hand comes to disk; then goodbye. The bus keeps the rest."""
        super().stopService()
        self._keeper.stop()
        self._has_tried()
        if self._next is not None and self._next.active():
            self._next.cancel()
        if self._pinging is not None:
            self._pinging.cancel()
        self._hears()
        return Deferred.fromCoroutine(self._close())

    async def _close(self) -> None:
        session, self._session, self._post = self._session, None, None
        in_hand = list(self._in_hand)
        cut = self._reactor.callLater(LAST_WORDS, _cut, in_hand)
        await DeferredList(in_hand)
        if cut.active():
            cut.cancel()
        self._receipts.forget()
        if session is not None:
            await session.close()

    # -- a message

    def arrived(self, arrived: Arrived) -> None:
        self._begin(self._take(arrived), "bus message")

    def receipt(self, arrived: Arrived) -> None:
        self._begin(self._receipts.hear(arrived), "bus receipt")

    def _begin(self, work: Coroutine[Any, Any, None], what: str) -> None:
        done = spawn(work, what)
        self._in_hand.add(done)
        done.addBoth(lambda _: self._in_hand.discard(done))

    async def _take(self, arrived: Arrived) -> None:
        peer = self._peer(arrived)
        try:
            found = await self._open_up(arrived)
        except Rejected as rejected:
            # What is only too long says who and what in its first bytes.
            long = len(arrived.body) > self._settings.longest
            body = arrived.body[:GLIMPSE] if long else arrived.body
            await self._keep(body, rejected, peer=peer)
            arrived.settle(Verdict.REFUSED)
            return
        if isinstance(found, Receipt):
            await self._receipts.received(found, arrived)
            return
        if isinstance(found, Batch):
            whole = all([await self._accept(raw, peer=peer) for raw in found.messages])
            if found.fault is not None:
                await self._keep(arrived.body, found.fault, peer=peer)
                whole = False
        else:
            whole = all([await self._accept_part(part, peer=peer) for part in found])
        arrived.settle(Verdict.TAKEN if whole else Verdict.REFUSED)

    async def _open_up(self, arrived: Arrived) -> Batch | Receipt | tuple[Part, ...]:
        settings = self._settings
        work = partial(
            opened,
            arrived,
            intake=settings.name,
            longest=settings.longest,
            limits=self._inbox.limits,
        )
        # JSON costs more to read than HL7.
        return work() if len(arrived.body) <= LONG // 2 else await self._aside(work)

    def _peer(self, arrived: Arrived) -> str:
        return f"{self._settings.host} {arrived.origin}".rstrip()

    async def _accept(self, raw: bytes, *, peer: str) -> bool:
        return await self._kept(
            lambda: self._inbox.accept(raw, door=self._door, peer=peer),
            raw,
            control_id=peek(raw).control_id,
            peer=peer,
        )

    async def _accept_part(self, part: Part, *, peer: str) -> bool:
        return await self._kept(
            lambda: self._inbox.take(
                part.message, part.raw, format="fhir", door=self._door, peer=peer
            ),
            part.raw,
            control_id=part.message.control_id,
            peer=peer,
        )

    async def _kept(
        self,
        work: Callable[[], Coroutine[Any, Any, object]],
        raw: bytes,
        *,
        control_id: str,
        peer: str,
    ) -> bool:
        """Whether it was accepted; otherwise the refusal is on disk. Not before either is."""
        for tries in range(1, TRIES + 1):
            try:
                await self._when_there_is_room(work)
            except Rejected:
                return False
            except (StoreBroken, CancelledError):
                raise
            except Exception as error:  # noqa: BLE001 - one message must not stop its neighbours
                _log.error("intake.bug", error=type(error).__name__, where=_where(error))
                if tries < TRIES:
                    await deferLater(self._reactor, PAUSE)
            else:
                await self._receipts.known(control_id)
                return True
        await self._keep(raw, Rejected("internal error: it cannot be kept", code=207), peer=peer)
        return False

    async def _keep(self, raw: bytes, rejected: Rejected, *, peer: str) -> None:
        """The refusal on disk."""
        await self._when_there_is_room(
            lambda: self._inbox.refuse(raw, rejected, door=self._door, peer=peer)
        )

    async def _when_there_is_room(self, work: Callable[[], Coroutine[Any, Any, object]]) -> None:
        """The bus waits meanwhile: it gives us no more than `prefetch` messages."""
        while True:
            try:
                await work()
            except StoreFull:
                if not self._full:
                    _log.error("intake.full", intake=self._door.intake)
                self._full = True
                await deferLater(self._reactor, PAUSE)
            except StoreBroken as broken:
                self._on_broken(broken)
                raise
            else:
                self._full = False
                return

    # -- the session

    def _open(self) -> Deferred[role.Source]:
        self._post = _Post(self)
        return self._driver.source(self._settings, base=self._base, holder=self._post)

    def _made(self, session: role.Source) -> None:
        if self._post is None:  # lost in the same moment
            session.close()
            self._keeper.later()
            return
        self._session = session
        self._keeper.well()
        self._hears()
        _log.info("intake.connected", intake=self._door.intake)
        self._trouble = ""
        self._has_tried()

    def _failed(self, trouble: Trouble) -> None:
        if trouble.reason != self._trouble:
            _log.warning("intake.no_bus", intake=self._door.intake, why=trouble.reason)
        self._trouble = trouble.reason
        self._has_tried()

    def _has_tried(self) -> None:
        tried, self._tried = self._tried, None
        if tried is not None:
            tried.callback(None)

    def lost(self, post: _Post, trouble: Trouble) -> None:
        if post is not self._post:
            return
        self._session, self._post = None, None
        if self.running:
            self._deaf = self._reactor.callLater(DEAF, self._tell_deaf)
        self._receipts.forget()
        self._failed(trouble)
        self._keeper.later()

    def _hears(self) -> None:
        deaf, self._deaf = self._deaf, None
        if deaf is not None and deaf.active():
            deaf.cancel()

    def _tell_deaf(self) -> None:
        """Once for each time: nobody reads a log, and everything else looks well."""
        if self._alarms is not None:
            work = self._alarms("bus not heard", subject=self._door.intake, reason=self._trouble)
            spawn(work, "bus not heard")

    def _ping_later(self) -> None:
        if self.running:
            self._next = self._reactor.callLater(PING_EVERY, self._ping)

    def _ping(self) -> None:
        """A connection through which nothing comes looks like a quiet bus for minutes otherwise."""
        session, post = self._session, self._post
        if session is None or post is None:
            self._ping_later()
            return
        self._pinging = session.ping().addTimeout(PING_WITHIN, self._reactor)
        self._pinging.addErrback(lambda _: self._silent(session, post))
        self._pinging.addCallback(lambda _: self._ping_later())

    def _silent(self, session: role.Source, post: _Post) -> None:
        if post is self._post and self.running:
            self.lost(post, Trouble("no answer"))
            session.close()


class _Post:
    """Who holds one session of the intake (role `SourceHolder`)."""

    def __init__(self, intake: BusIntake) -> None:
        self._intake = intake

    def arrived(self, arrived: Arrived) -> None:
        self._intake.arrived(arrived)

    def receipt(self, arrived: Arrived) -> None:
        self._intake.receipt(arrived)

    def lost(self, trouble: Trouble) -> None:
        self._intake.lost(self, trouble)


def _cut(in_hand: list[Deferred[None]]) -> None:
    for work in in_hand:
        work.cancel()


def _where(error: BaseException) -> str:
    """The last steps to an unexpected error; its own words may quote a patient and are left out."""
    steps = extract_tb(error.__traceback__)[-3:]
    return " > ".join(f"{step.filename.rpartition('/')[2]}:{step.lineno}" for step in steps)
