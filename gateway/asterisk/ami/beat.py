"""Tells Asterisk every few seconds that Wardline lives: without that, callers hear the fallback."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import structlog
from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from gateway.asterisk.ami.link import Link
from gateway.asterisk.ami.session import NoAnswer, NotSent, Refused
from gateway.asterisk.ami.words import Event
from gateway.service import spawn

#: Seconds; the dialplan takes one that is older than 15 for an absent Wardline.
EVERY = 5.0

_log = structlog.get_logger()


class Beat(Service):
    """Sets the dialplan's GW_BEAT to the machine's time, as long as `alive` returns without an error.

    `alive` should try what a caller will need, the store above all: a reactor that turns over a broken
    store is no help to a doctor.
    """

    name = "beat"

    def __init__(
        self,
        link: Link,
        *,
        alive: Callable[[], Awaitable[object]],
        now: Callable[[], float],
        reactor: IReactorTime,
    ) -> None:
        self._link = link
        self._alive = alive
        self._now = now
        self._reactor = reactor
        self._next: IDelayedCall | None = None
        self._work: Deferred[None] | None = None
        self._ill = False
        link.ears.append(self)

    def startService(self) -> None:
        super().startService()
        self._look()

    def stopService(self) -> None:
        super().stopService()
        self._rest()

    def event(self, event: Event) -> None:
        """Nothing that happens to calls matters here."""

    def up(self) -> None:
        # A restarted Asterisk has forgotten the last one: callers must not wait for the next.
        if self.running:
            self._look()

    def down(self, why: str) -> None:
        """The next beat will find the link again."""

    def _look(self) -> None:
        self._rest()
        self._work = spawn(self._once(), "beat")
        self._next = self._reactor.callLater(EVERY, self._look)

    def _rest(self) -> None:
        if self._next is not None and self._next.active():
            self._next.cancel()
        if self._work is not None:
            self._work.cancel()

    async def _once(self) -> None:
        try:
            await self._alive()
        except CancelledError:
            raise  # the next look has begun, or Wardline stops
        except Exception as error:  # noqa: BLE001 - whatever it is, callers are better off without us
            if not self._ill:
                _log.error("beat.ill", error=type(error).__name__)
            self._ill = True
            return
        self._ill = False
        variable = {"Variable": "GLOBAL(GW_BEAT)", "Value": str(int(self._now()))}
        try:
            await self._link.ask("Setvar", variable)
        except (NotSent, NoAnswer):
            return  # the link tells of it
        except Refused as refused:
            _log.error("beat.refused", reason=str(refused))
