"""Connects, and connects again after a pause that doubles; at once when somebody has something to say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet import defer, error
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime, IStreamClientEndpoint
from twisted.internet.protocol import Factory
from twisted.python.failure import Failure

from gateway.channels.platform.wire import Wire

#: Pauses between tries, seconds: none, then doubled each time.
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 5.0


class Connector:
    """Tries until it has a connection or is stopped; `made` and `failed` hear of every try."""

    def __init__(
        self,
        endpoint: IStreamClientEndpoint,
        build: Callable[[], Wire],
        *,
        within: float,
        reactor: IReactorTime,
        made: Callable[[Wire], None],
        failed: Callable[[str], None],
    ) -> None:
        self._endpoint = endpoint
        self._factory = Factory.forProtocol(build)
        self._within = within
        self._reactor = reactor
        self._made = made
        self._failed = failed
        self._failures = 0
        self._trying: Deferred[Any] | None = None
        self._retry: IDelayedCall | None = None

    def now(self) -> None:
        """Try at once, whatever pause was being made."""
        if self._trying is not None:
            return
        self._rest()
        trying: Deferred[Any] = self._endpoint.connect(self._factory)
        self._trying = trying
        trying.addTimeout(self._within, self._reactor)
        trying.addCallback(self._succeeded, trying).addErrback(self._missed, trying)

    def later(self) -> None:
        """Try after the pause that the failures so far ask for."""
        if self._trying is not None or self._retry is not None:
            return
        pause = FIRST_PAUSE * 2.0 ** min(self._failures - 1, 10) if self._failures else 0.0
        self._failures += 1
        self._retry = self._reactor.callLater(min(pause, LONGEST_PAUSE), self.now)

    def stop(self) -> None:
        """Try no more until told."""
        self._rest()
        trying, self._trying = self._trying, None
        if trying is not None:
            trying.cancel()

    def well(self) -> None:
        """The connection was a good one: the next try comes at once."""
        self._failures = 0

    def _rest(self) -> None:
        if self._retry is not None and self._retry.active():
            self._retry.cancel()
        self._retry = None

    def _succeeded(self, wire: Wire, trying: Deferred[Any]) -> None:
        if self._trying is not trying:
            wire.abort()  # stopped meanwhile: nobody wants it
            return
        self._trying = None
        self._made(wire)

    def _missed(self, failure: Failure, trying: Deferred[Any]) -> None:
        if self._trying is not trying:
            return
        self._trying = None
        self.later()
        self._failed(words(failure))


_WORDS: dict[type[BaseException], str] = {
    error.ConnectionRefusedError: "connection refused",
    error.ConnectionDone: "closed by the platform",
    error.ConnectionLost: "connection lost",
    error.ConnectingCancelledError: "no answer in time",
    error.TimeoutError: "no answer in time",
    error.NoRouteError: "no route",
    error.DNSLookupError: "name not known",
    defer.TimeoutError: "no answer in time",
    defer.CancelledError: "no answer in time",
}


def words(failure: Failure) -> str:
    """Why a connection failed or ended: the same few words in the log, on paper and in the report."""
    found = (text for kind, text in _WORDS.items() if failure.check(kind))
    return next(found, failure.getErrorMessage())
