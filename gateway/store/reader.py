"""Answers questions on a connection of their own, so that no accept waits for an answer."""

from __future__ import annotations

from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from typing import Any, Protocol, TypeVar

import apsw
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.interfaces import IReactorFromThreads
from twisted.python.failure import Failure

from gateway.errors import StoreBroken

T = TypeVar("T")
Question = Callable[[apsw.Connection], T]


class Reader(Protocol):
    """Answers questions about what was on disk when they were asked, or later."""

    def ask(self, question: Question[T]) -> Deferred[T]: ...

    def close(self) -> None: ...


class InlineReader:
    """Answers at once, on the caller's thread."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    def ask(self, question: Question[T]) -> Deferred[T]:
        try:
            return succeed(question(self._connection))
        except Exception:  # noqa: BLE001 - who asked hears it
            return fail()

    def close(self) -> None:
        """The connection is the writer's."""


class ThreadedReader:
    """Answers in turn, on a thread with a connection that cannot write."""

    def __init__(self, connection: apsw.Connection, *, reactor: IReactorFromThreads) -> None:
        self._connection = connection
        self._reactor = reactor
        self._queue: SimpleQueue[tuple[Question[Any], Deferred[Any]] | None] = SimpleQueue()
        self._closed = False
        self._thread = Thread(target=self._serve, name="store-reader", daemon=True)
        self._thread.start()

    def ask(self, question: Question[T]) -> Deferred[T]:
        if self._closed:
            return fail(StoreBroken("the store is closed"))
        done: Deferred[T] = Deferred()
        self._queue.put((question, done))
        return done

    def close(self) -> None:
        self._closed = True
        self._queue.put(None)
        self._thread.join()
        self._connection.close()

    def _serve(self) -> None:
        while (asked := self._queue.get()) is not None:
            question, done = asked
            result: Any
            try:
                result = question(self._connection)
            except Exception:  # noqa: BLE001 - who asked hears it
                result = Failure()
            self._reactor.callFromThread(done.callback, result)
