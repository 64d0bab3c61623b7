"""Mails that wait for a person: what is done once one is let through, or kept out."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, Protocol

import structlog
from twisted.internet.defer import Deferred

from gateway.box import BoxFailed, Why
from gateway.clock import Clock
from gateway.delivery import Delivery, Purpose, State
from gateway.errors import StoreFull
from gateway.intakes.smtp.reading import FORMAT, Box, results
from gateway.intakes.smtp.results import Results
from gateway.mail.envelope import Envelope, unseal
from gateway.mail.origin import Grade
from gateway.store import Fate, Stored

_log = structlog.get_logger()

#: How often what waits for a person is looked at, seconds.
EVERY = 1.0


class Store(Protocol):
    """The store, as far as mails that wait need it."""

    def quarantined(self, *, limit: int = 500) -> Deferred[list[Delivery]]: ...
    def content(self, message_id: int) -> Deferred[Stored]: ...
    def fates(self, message_id: int) -> Deferred[list[Fate]]: ...
    def remember(self, name: str, value: Any, *, at: float) -> Deferred[None]: ...
    def recall(self, prefix: str) -> Deferred[dict[str, dict[str, Any]]]: ...
    def note(self, what: str, *, at: float, detail: Any) -> Deferred[None]: ...


class Returns(Protocol):
    """Whoever tells a sender that its mail was kept out."""

    def kept_out(
        self, stored: Stored, envelope: Envelope, mail: bytes
    ) -> Coroutine[Any, Any, None]: ...


class Waiting:
    """Knows which mails of an intake wait, over restarts, and sees what becomes of each.

    What a person decides is written down by another process; here it is seen, once or again after a
    crash: a message that is taken in twice is known, and so is an answer.
    """

    def __init__(
        self,
        store: Store,
        *,
        intake: str,
        results: Results,
        returns: Returns,
        box: Box,
        clock: Clock,
    ) -> None:
        self._store = store
        self._intake = intake
        self._results = results
        self._returns = returns
        self._box = box
        self._clock = clock
        self._name = f"mail waits {intake}"
        self._waiting: set[int] = set()
        self._recalled = False

    async def expect(self, message_id: int) -> None:
        """This one waits; on disk when it returns, so that a person may decide while we are down."""
        waiting = await self._known()
        if message_id not in waiting:
            waiting.add(message_id)
            await self._keep()

    async def look(self) -> None:
        """What has been decided since."""
        waiting = await self._known()
        before = frozenset(waiting)
        now = {delivery.message_id for delivery in await self._store.quarantined()}
        for message_id in sorted(before - now):
            if await self._decided(message_id):
                waiting.discard(message_id)
        waiting |= now
        if waiting != before:
            await self._keep()

    async def _known(self) -> set[int]:
        if not self._recalled:
            found = await self._store.recall(self._name)
            self._waiting.update(found.get(self._name, {}).get("messages", ()))
            self._recalled = True
        return self._waiting

    async def _keep(self) -> None:
        kept = {"messages": sorted(self._waiting)}
        await self._store.remember(self._name, kept, at=self._clock.now())

    async def _decided(self, message_id: int) -> bool:
        """Whether everything that follows from a person's word on it has been done."""
        try:
            return await self._done(message_id)
        except (StoreFull, BoxFailed) as later:
            _log.warning("smtp.waits", message=message_id, why=type(later).__name__)
        except Exception as error:  # noqa: BLE001 - its text may hold a patient's mail
            _log.error("smtp.failed", message=message_id, error=type(error).__name__)
        return False

    async def _done(self, message_id: int) -> bool:
        stored = await self._store.content(message_id)
        if (stored.format, stored.intake) != (FORMAT, self._intake) or not stored.raw:
            return True
        fates = [f for f in await self._store.fates(message_id) if _ours(f.delivery)]
        if any(fate.delivery.state is State.QUARANTINED for fate in fates):
            return False  # more wait than are looked at
        envelope, mail = unseal(stored.raw)
        if fates and all(_kept_out(fate) for fate in fates):
            await self._returns.kept_out(stored, envelope, mail)
        elif envelope.grade is Grade.C:  # of a sender that is proved they went in when it came
            await self._let_through(stored, mail)
        return True

    async def _let_through(self, stored: Stored, mail: bytes) -> None:
        try:
            found = await results(self._box, mail)
        except BoxFailed as failed:
            if failed.why in (Why.BUSY, Why.STOPPED):
                raise
            return  # its paper says that it cannot be read
        if found:
            # A peer without a name behind its address: whoever prints it says that nothing proves it.
            peer = stored.peer.partition(" ")[0]
            taken = await self._results.let_through(found, peer=peer)
            _log.info("smtp.results", intake=self._intake, message=stored.id, taken=taken)


def _ours(delivery: Delivery) -> bool:
    return delivery.purpose is Purpose.WARD


def _kept_out(fate: Fate) -> bool:
    """By a person, before anything was tried."""
    return fate.delivery.state is State.REFUSED and not fate.attempts
