"""Group commit: one thread with one connection writes; whoever waits shares one sync with all who wait."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, Protocol, TypeVar

import structlog
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.interfaces import IReactorFromThreads
from twisted.python.failure import Failure

from gateway.errors import StoreBroken, StoreFull
from gateway.store.work import Ledger, Work

log = structlog.get_logger()

T = TypeVar("T")

#: Jobs in one commit at most: firing as many Deferreds keeps the reactor for some milliseconds.
MOST = 256


class Writer(Protocol):
    """Takes jobs in order; each Deferred fires once its job is on disk."""

    def submit(
        self, job: Callable[[Work], T], *, grows: bool = False, synced: bool = True
    ) -> Deferred[T]:
        """`grows`: refused first when room is short. `synced`: must outlive a loss of power."""
        ...

    def close(self) -> Deferred[None]: ...


@dataclass(slots=True)
class _Order:
    job: Callable[[Work], Any]
    done: Deferred[Any]
    grows: bool
    synced: bool


class Inline:
    """Runs each job at once, on the caller's thread, in a commit of its own."""

    def __init__(
        self, ledger: Ledger, *, on_broken: Callable[[str], None], room: Callable[[], bool]
    ) -> None:
        self._ledger = ledger
        self._on_broken = on_broken
        self._room = room
        self._closed = False

    def submit(
        self, job: Callable[[Work], T], *, grows: bool = False, synced: bool = True
    ) -> Deferred[T]:
        if self._closed:
            return fail(StoreBroken("the store is closed"))
        if grows and not self._room():
            return fail(StoreFull("little room left on the disk"))
        was_broken = self._ledger.broken
        try:
            result = self._ledger.run([job], synced=synced)[0]
        except (StoreFull, StoreBroken):
            if self._ledger.broken and not was_broken:
                self._on_broken(self._ledger.broken)
            return fail()
        return fail(result) if isinstance(result, Failure) else succeed(result)

    def close(self) -> Deferred[None]:
        self._closed = True
        return succeed(None)


class Threaded:
    """Runs jobs on its own thread: all that wait go into one commit, one alone never lingers."""

    def __init__(
        self,
        ledger: Ledger,
        *,
        reactor: IReactorFromThreads,
        on_broken: Callable[[str], None],
        room: Callable[[], bool],
        after: Callable[[], None] = lambda: None,
    ) -> None:
        self._ledger = ledger
        self._reactor = reactor
        self._on_broken = on_broken
        self._room = room
        self._after = after
        self._queue: SimpleQueue[_Order | None] = SimpleQueue()
        self._closed: Deferred[None] | None = None
        self._thread = Thread(target=self._serve, name="store-writer", daemon=True)
        self._thread.start()

    def submit(
        self, job: Callable[[Work], T], *, grows: bool = False, synced: bool = True
    ) -> Deferred[T]:
        if self._closed is not None:
            return fail(StoreBroken("the store is closed"))
        done: Deferred[T] = Deferred()
        self._queue.put(_Order(job, done, grows, synced))
        return done

    def close(self) -> Deferred[None]:
        """After every job asked for before."""
        if self._closed is None:
            self._closed = Deferred()
            self._queue.put(None)
        return self._closed

    # -- on the writer's thread

    def _serve(self) -> None:
        while (first := self._queue.get()) is not None:
            batch, last = self._waiting(first)
            self._reactor.callFromThread(_fire, self._commit(batch))
            if last:
                break
            self._after()
        self._reactor.callFromThread(self._end)

    def _waiting(self, first: _Order) -> tuple[list[_Order], bool]:
        """Everything that waits now, and whether the end was among it."""
        batch = [first]
        try:
            while len(batch) < MOST:
                order = self._queue.get_nowait()
                if order is None:
                    return batch, True
                batch.append(order)
        except Empty:
            pass
        return batch, False

    def _commit(self, batch: list[_Order]) -> list[tuple[Deferred[Any], Any]]:
        refused: list[tuple[Deferred[Any], Any]] = []
        if any(order.grows for order in batch) and not self._room():
            full = StoreFull("little room left on the disk")
            refused = [(order.done, Failure(full)) for order in batch if order.grows]
            batch = [order for order in batch if not order.grows]
        return refused + (self._run(batch) if batch else [])

    def _run(self, batch: list[_Order]) -> list[tuple[Deferred[Any], Any]]:
        jobs = [order.job for order in batch]
        try:
            results = self._ledger.run(jobs, synced=any(order.synced for order in batch))
        except (StoreFull, StoreBroken) as error:
            self._tell(error)
            return [(order.done, Failure(error)) for order in batch]
        except Exception as error:
            # Nothing is known of the connection any more.
            log.exception("store writer")
            self._ledger.broken = f"{type(error).__name__}: {error}"
            broken = StoreBroken(self._ledger.broken)
            self._tell(broken)
            return [(order.done, Failure(broken)) for order in batch]
        return list(zip((order.done for order in batch), results, strict=True))

    def _tell(self, error: Exception) -> None:
        if isinstance(error, StoreBroken):
            self.broke(str(error))

    def broke(self, why: str) -> None:
        """The disk cannot be trusted (also called by the checkpointer): nothing is written again."""
        self._ledger.broken = self._ledger.broken or why
        on_broken, self._on_broken = self._on_broken, _told
        self._reactor.callFromThread(on_broken, why)

    # -- on the reactor's thread

    def _end(self) -> None:
        self._thread.join()
        assert self._closed is not None
        self._closed.callback(None)


def _told(why: str) -> None:
    """`on_broken` is called once."""


def _fire(results: list[tuple[Deferred[Any], Any]]) -> None:
    for done, result in results:
        done.callback(result)  # a Failure becomes an errback
