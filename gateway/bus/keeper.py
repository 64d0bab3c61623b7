"""Keeps a session with a bus: opens it, and opens it again after a pause that doubles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

import structlog
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.python.failure import Failure

from gateway.bus.role import Session, Trouble

#: Pauses between tries, seconds: the first, then doubled each time.
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 5.0

_log = structlog.get_logger()

S = TypeVar("S", bound=Session)


class Keeper(Generic[S]):
    """Tries until it has a session or is stopped; `made` and `failed` hear of every try."""

    def __init__(
        self,
        opened: Callable[[], Deferred[S]],
        *,
        reactor: IReactorTime,
        made: Callable[[S], None],
        failed: Callable[[Trouble], None],
        longest_pause: float = LONGEST_PAUSE,
    ) -> None:
        self._opened = opened
        self._reactor = reactor
        self._made = made
        self._failed = failed
        self._longest = longest_pause
        self._failures = 0
        self._trying: Deferred[S] | None = None
        self._retry: IDelayedCall | None = None

    def now(self) -> None:
        """Try at once, whatever pause was being made."""
        if self._trying is not None:
            return
        self._rest()
        self._trying = trying = self._opened()
        trying.addCallbacks(
            self._succeeded, self._missed, callbackArgs=(trying,), errbackArgs=(trying,)
        )

    def later(self) -> None:
        """Try after the pause that the failures so far ask for."""
        if self._trying is not None or self._retry is not None:
            return
        pause = FIRST_PAUSE * 2.0 ** min(self._failures, 10)
        self._failures += 1
        self._retry = self._reactor.callLater(min(pause, self._longest), self.now)

    def well(self) -> None:
        """The session was of use: the next try after it comes soon."""
        self._failures = 0

    def stop(self) -> None:
        """Try no more until told."""
        self._rest()
        trying, self._trying = self._trying, None
        if trying is not None:
            trying.cancel()

    def _rest(self) -> None:
        if self._retry is not None and self._retry.active():
            self._retry.cancel()
        self._retry = None

    def _succeeded(self, session: S, trying: Deferred[S]) -> None:
        if self._trying is not trying:
            session.close()  # stopped meanwhile: nobody wants it
            return
        self._trying = None
        self._made(session)

    def _missed(self, failure: Failure, trying: Deferred[S]) -> None:
        if self._trying is not trying:
            failure.trap(CancelledError, Trouble)
            return
        self._trying = None
        self.later()
        self._failed(trouble(failure))


def trouble(failure: Failure) -> Trouble:
    """What went wrong, in the words of `role`; what no driver foresaw is told by its kind."""
    if isinstance(failure.value, Trouble):
        return failure.value
    _log.error("bus.bug", error=failure.getTraceback())
    return Trouble(f"{type(failure.value).__name__} while connecting")
