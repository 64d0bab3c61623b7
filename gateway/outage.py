"""The outage desk: what the watch and people say of the platform becomes a stored interval, told once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

import structlog

from gateway.clock import Clock
from gateway.delivery import Delivery, NewDelivery, Purpose, State, Step
from gateway.message import Priority
from gateway.notice import Notice, announcement
from gateway.platform.evidence import State as PlatformState
from gateway.platform.watch import Change, Standing, Watch
from gateway.service import spawn
from gateway.store import Accepted, Outage, PlatformRow, Store, Word

log = structlog.get_logger()


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
        self.current: Outage | None = None
        watch.observers.append(self._changed)

    async def open(self) -> None:
        """Take up the outage that was open when the last process ended, and what was said since."""
        outages = await self._store.outages()
        self.current = next((o for o in reversed(outages) if o.ended_at is None), None)
        row = await self._store.platform()
        if row is None:  # so that `wardline status` has a word before the first change
            await self._store.save_platform(_row(self._watch.standing))
        words = await self._store.words(after=0)
        self._heard = words[-1].id if words else 0
        if words and words[-1].at > (row.since if row else 0.0):
            self._obey(words[-1])

    async def listen(self) -> None:
        """Words said by another process since the last call."""
        for word in await self._store.words(after=self._heard):
            self._heard = word.id
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
        now = self._clock.now()
        if change.begins:
            by = change.after.by or "watch"
            log.error("platform down", reason=row.reason, by=by)
            began = _doubted_since(change) or now
            self.current = await self._store.begin_outage(at=began, reason=row.reason, by=by)
            await self._tell_wards(self.current, topic="outage began", now=now)
        await self._store.save_platform(row)
        if change.ends:
            log.warning("platform back", reason=row.reason)
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
            waiting = await self._store.open_deliveries(to=ward)
            stale = tuple(d.id for d in waiting if _is_notice(d))
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


def _is_notice(delivery: Delivery) -> bool:
    return delivery.purpose is Purpose.NOTICE and delivery.state is State.OPEN


def _to_ward(ward: str) -> NewDelivery:
    """A notice waits for the ward's own printer; it is no use next door."""
    return NewDelivery(
        to=ward,
        purpose=Purpose.NOTICE,
        priority=Priority.ROUTINE,
        steps=(Step(by="slip"),),
    )
