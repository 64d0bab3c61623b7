"""The outage desk: what the watch and people say of the platform becomes a stored interval, told once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

import structlog
from twisted.internet.defer import DeferredLock

from gateway import notice
from gateway.clock import Clock
from gateway.delivery import NewDelivery, Purpose, Step
from gateway.message import Priority
from gateway.notice import Notice, announcement
from gateway.pack import of_an_outage
from gateway.platform.evidence import State as PlatformState
from gateway.platform.watch import Change, Standing, Watch
from gateway.service import spawn
from gateway.store import Accepted, Outage, PlatformRow, Store, Word

log = structlog.get_logger()

#: What a person may say of the platform; other words are for other desks.
WORDS = ("outage begin", "outage end")


class Cut(Protocol):
    """The link to the platform, as far as an outage concerns it."""

    def give_up(self, reason: str) -> None: ...


class OutageDesk:
    """Hears every change of the watch, and every word a person says through the store."""

    def __init__(
        self,
        store: Store,
        *,
        watch: Watch,
        link: Cut,
        clock: Clock,
        wards: Iterable[str],
        platform_changed: Callable[[bool], None],
        accepted: Callable[[Accepted], None],
    ) -> None:
        self._store = store
        self._watch = watch
        self._link = link
        self._clock = clock
        self._wards = tuple(wards)
        self._platform_changed = platform_changed
        self._accepted = accepted
        self._heard = 0
        self._writing = DeferredLock()  # what came later must not be overtaken by what came first
        self.current: Outage | None = None
        watch.observers.append(self._changed)

    async def open(self) -> None:
        """Take up the outage that was open when the last process ended, and what was said since."""
        outages = await self._store.outages()
        self.current = next((o for o in reversed(outages) if o.ended_at is None), None)
        row = await self._store.platform()
        if row is None:  # so that `wardline status` has a word before the first change
            await self._store.save_platform(_row(self._watch.standing))
        await self._mend(row)
        words = [w for w in await self._store.words(after=0) if w.word in WORDS]
        self._heard = words[-1].id if words else 0
        if words and words[-1].at > (row.since if row else 0.0):
            self._obey(words[-1])

    async def _mend(self, row: PlatformRow | None) -> None:
        """The last process may have ended between writing down the state and the outage."""
        if row is None:
            return
        down = row.state in (PlatformState.DOWN, PlatformState.RECOVERING)
        if down and self.current is None:
            await self._begin(at=row.since, reason=row.reason, by=row.by or "watch")
        elif not down and self.current is not None:
            await self._end()

    async def listen(self) -> None:
        """Words said by another process since the last call."""
        for word in await self._store.words(after=self._heard):
            self._heard = word.id
            if word.word in WORDS:
                self._obey(word)

    def _obey(self, word: Word) -> None:
        log.warning("word", by=word.by, word=word.word)
        if word.word == "outage begin":
            self._watch.say_down(by=word.by, reason=word.reason)
        elif word.word == "outage end":
            self._watch.say_up(by=word.by, reason=word.reason)

    def _changed(self, change: Change) -> None:
        after = change.after
        spawn(self._record(change, _row(after)), "outage")
        if after.state is PlatformState.DOWN:
            self._link.give_up(after.reason)
        self._platform_changed(not self._watch.open)

    async def _record(self, change: Change, row: PlatformRow) -> None:
        await self._writing.acquire()
        try:
            await self._store.save_platform(row)
            if change.begins:
                by = change.after.by or "watch"
                log.error("platform down", reason=row.reason, by=by)
                began = _doubted_since(change) or self._clock.now()
                await self._begin(at=began, reason=row.reason, by=by)
            if change.ends:
                log.warning("platform back", reason=row.reason)
                await self._end()
        finally:
            self._writing.release()

    async def _begin(self, *, at: float, reason: str, by: str) -> None:
        self.current = await self._store.begin_outage(at=at, reason=reason, by=by)
        await self._tell_wards(self.current, topic="outage began", now=self._clock.now())

    async def _end(self) -> None:
        now = self._clock.now()
        self.current = None
        ended = await self._store.end_outage(at=now)
        if ended is not None:
            await self._tell_wards(ended, topic="outage ended", now=now)

    async def _tell_wards(self, outage: Outage, *, topic: str, now: float) -> None:
        """One notice on every ward's printer; superseded by the next one where it could not be printed."""
        detail = {
            "outage": outage.id,
            "began_at": outage.began_at,
            "ended_at": outage.ended_at,
            "reason": outage.reason,
        }
        for ward in self._wards:
            stale = await notice.waiting(self._store, ward, stale=_stale)
            arrival = announcement(
                Notice(topic=topic, detail=detail),
                control_id=f"{topic}-{outage.id}-{ward}",
                now=now,
                deliveries=(_to_ward(ward),),
                supersedes=stale,
            )
            self._accepted(await self._store.accept(arrival))


def _row(standing: Standing) -> PlatformRow:
    return PlatformRow(
        state=standing.state.value,
        since=standing.since,
        reason=standing.reason,
        by=standing.by,
        proof=standing.proof,
    )


def _doubted_since(change: Change) -> float | None:
    """An outage begins with the first doubt: what was printed since then belongs to it."""
    before = change.before
    doubted = before.state is PlatformState.SUSPECT and not change.after.by
    return before.since if doubted else None


def _stale(told: Notice) -> bool:
    """What a newer word on the platform makes needless."""
    return told.topic in ("outage began", "outage ended") or of_an_outage(told)


def _to_ward(ward: str) -> NewDelivery:
    """A notice waits for the ward's own printer; it is no use next door."""
    return NewDelivery(
        to=ward,
        purpose=Purpose.NOTICE,
        priority=Priority.ROUTINE,
        steps=(Step(by="slip"),),
    )
