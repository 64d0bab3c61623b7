"""What fallback delivered goes back to the platform: at a bounded rate once it is up, one by one before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from twisted.application.service import Service
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from gateway.clock import Clock
from gateway.platform.evidence import State
from gateway.service import spawn

#: The pause between releases while there is something to give back, seconds.
STEADY = 0.2


class Held(Protocol):
    """The store, as far as this room needs it."""

    def release(self, *, now: float, limit: int) -> Deferred[int]: ...


class Judge(Protocol):
    """The watch, likewise."""

    @property
    def state(self) -> State: ...

    @property
    def trial(self) -> bool: ...


class Handback(Service):
    """Releases what is HELD for the platform, oldest first, and wakes who delivers it.

    Live messages share the platform's lane and go first: while any message awaits its answer, only
    one at a time is added to them; otherwise at most `rate` a second. While the platform is on trial,
    one each `every` seconds, and none while the last one is unanswered.
    """

    def __init__(
        self,
        store: Held,
        *,
        watch: Judge,
        idle: Callable[[], bool],
        rate: int,
        every: float,
        reactor: IReactorTime,
        clock: Clock,
        wake: Callable[[], None],
    ) -> None:
        self._store = store
        self._watch = watch
        self._idle = idle
        self._batch = max(1, int(rate * STEADY))
        self._steady = max(STEADY, 1 / rate)
        self._every = every
        self._reactor = reactor
        self._clock = clock
        self._wake = wake
        self._next: IDelayedCall | None = None
        self._releasing: Deferred[None] = succeed(None)

    def startService(self) -> None:
        super().startService()
        self._tick()

    def stopService(self) -> Deferred[None]:
        super().stopService()
        if self._next is not None and self._next.active():
            self._next.cancel()
        return self._releasing

    def _allowed(self) -> int:
        """How many may be released now."""
        if self._watch.state is State.UP:
            return self._batch if self._idle() else 1
        return 1 if self._watch.trial and self._idle() else 0

    def _tick(self) -> None:
        if self.running:
            self._releasing = spawn(self._release(), "handback")

    async def _release(self) -> None:
        limit, released = self._allowed(), 0
        try:
            if limit:
                released = await self._store.release(now=self._clock.now(), limit=limit)
        finally:
            if self.running:
                steady = released and self._watch.state is State.UP
                self._next = self._reactor.callLater(
                    self._steady if steady else self._every, self._tick
                )
        if released:
            self._wake()
