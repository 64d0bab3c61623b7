"""Services that wait for one another: started in order, stopped in reverse, never silently deaf."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any, Protocol, TypeVar

import structlog
from twisted.application.service import MultiService, Service
from twisted.internet.defer import CancelledError, Deferred, DeferredList, maybeDeferred
from twisted.internet.interfaces import IListeningPort, IProtocolFactory, IStreamServerEndpoint
from twisted.internet.threads import deferToThreadPool
from twisted.python.failure import Failure

T = TypeVar("T")

_log = structlog.get_logger()


class Stack(MultiService):
    """Services in the order of the flow: each starts once the one before it has.

    Twisted's own MultiService starts and stops all at once. The first child that cannot start stops
    the start: `startService` fails with its error, those above it were never started, and
    `stopService` then takes down those that were.
    """

    def startService(self) -> Deferred[None]:
        self.running = True
        return Deferred.fromCoroutine(self._up())

    def stopService(self) -> Deferred[None]:
        self.running = False
        return Deferred.fromCoroutine(self._down())

    async def _up(self) -> None:
        for child in self.services:
            try:
                await maybeDeferred(child.startService)
            except BaseException:
                child.running = False
                raise

    async def _down(self) -> None:
        for child in reversed(self.services):
            if child.running:
                await self._stop(child)

    async def _stop(self, child: Service) -> None:
        try:
            await maybeDeferred(child.stopService)
        except Exception:  # noqa: BLE001
            # One that cannot stop must not keep those below it, the store above all, from closing.
            _log.exception("service.stop_failed", service=child.name or type(child).__name__)


class Listener(Service):
    """An endpoint that listens while the service runs. A port that is taken fails the start.

    (Twisted's StreamServerEndpointService logs it and lives on, deaf.)
    """

    def __init__(self, endpoint: IStreamServerEndpoint, factory: IProtocolFactory) -> None:
        self._endpoint = endpoint
        self._factory = factory
        self.port: IListeningPort | None = None

    def startService(self) -> Deferred[None]:
        super().startService()
        return Deferred.fromCoroutine(self._listen())

    def stopService(self) -> Deferred[object]:
        super().stopService()
        port, self.port = self.port, None
        return maybeDeferred(port.stopListening if port else _nothing)

    async def _listen(self) -> None:
        self.port = await self._endpoint.listen(self._factory)


class Aside(Protocol):
    """Does long work somewhere it does not hold up the reactor."""

    def __call__(self, work: Callable[[], T], /) -> Awaitable[T]: ...


async def at_once(work: Callable[[], T], /) -> T:
    """An `Aside` that is none: for tests, and where work is always short."""
    return work()


def in_thread(reactor: Any) -> Aside:
    """An `Aside` in the reactor's thread pool."""

    def aside(work: Callable[[], T], /) -> Deferred[T]:
        return deferToThreadPool(reactor, reactor.getThreadPool(), work)

    return aside


def spawn(work: Coroutine[Any, Any, object], what: str) -> Deferred[None]:
    """Run `work` with nobody awaiting it; if it fails, the log says so now, under the name `what`.

    The Deferred never fails; cancel it to stop the work.
    """
    return Deferred.fromCoroutine(_logged(work, what))


def shielded(work: Coroutine[Any, Any, T]) -> Deferred[T]:
    """`work`, which goes on to its end though whoever awaits it is cancelled."""
    outer: Deferred[T] = Deferred()

    def ended(result: Any) -> None:
        if not outer.called:
            outer.callback(result)  # a Failure as well

    Deferred.fromCoroutine(work).addBoth(ended)
    return outer


async def together(works: Iterable[Coroutine[Any, Any, object]]) -> None:
    """Begin all of `works` in their order and wait for all: what they write shares its commits.

    Raises the error of one that failed, once the others have ended too.
    """
    done = await DeferredList([Deferred.fromCoroutine(w) for w in works], consumeErrors=True)
    for _, result in done:
        if isinstance(result, Failure):
            result.raiseException()


async def _logged(work: Coroutine[Any, Any, object], what: str) -> None:
    try:
        await Deferred.fromCoroutine(work)
    except CancelledError:
        _log.debug("work.cancelled", what=what)
    except Exception:  # noqa: BLE001 - whatever it is, somebody must hear of it
        _log.exception("work.failed", what=what)


def _nothing() -> None:
    """What there is to stop when nothing listened."""
