"""The outage desk: what the watch and people say of the platform becomes a stored interval, told once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import structlog

from gateway.clock import Clock
from gateway.platform.watch import Change, State, Watch
from gateway.service import spawn
from gateway.store import Outage, PlatformRow, Store, Word

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
        platform_changed: Callable[[bool], None],
    ) -> None:
        self._store = store
        self._watch = watch
        self._link = link
        self._clock = clock
        self._platform_changed = platform_changed
        self._heard = 0
        self.current: Outage | None = None
        watch.observers.append(self._changed)

    async def open(self) -> None:
        """Take up the outage that was open when the last process ended, and the words said since."""
        outages = await self._store.outages()
        self.current = next((o for o in reversed(outages) if o.ended_at is None), None)
        words = await self._store.words(after=0)
        self._heard = words[-1].id if words else 0

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
        row = PlatformRow(
            state=after.state.value,
            since=after.since,
            reason=after.reason,
            by=after.by,
            proof=after.proof,
        )
        spawn(self._record(change, row), "outage")
        if after.state is State.DOWN:
            self._link.give_up(after.reason)
        self._platform_changed(not self._watch.open)

    async def _record(self, change: Change, row: PlatformRow) -> None:
        now = self._clock.now()
        if change.begins:
            by = change.after.by or "watch"
            log.error("platform down", reason=row.reason, by=by)
            self.current = await self._store.begin_outage(at=now, reason=row.reason, by=by)
        await self._store.save_platform(row)
        if change.ends:
            log.warning("platform back", reason=row.reason)
            self.current = None
            await self._store.end_outage(at=now)
