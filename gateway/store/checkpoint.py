"""Moves committed pages from the log into the database beside the writer, so that no commit waits for it."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Lock, Thread

import apsw
import structlog

from gateway.store.connection import Path_, writable

log = structlog.get_logger()

#: Pages (4 KiB) in the log at which the side thread begins to copy them.
BEGIN = 1_000
#: … and how many more before it does so again.
STEP = 500
#: Pages at which the writer itself copies what is left, so that its next commit begins the log anew.
#: Under a steady load the side thread alone never quite catches up, and the log would only grow.
BOUND = 4_000


class Checkpointer:
    """A thread with a connection of its own; the writer's connection tells it how long the log is."""

    def __init__(
        self, path: Path_, *, connection: apsw.Connection, on_broken: Callable[[str], None]
    ) -> None:
        self._path = path
        self._writer = connection
        self._on_broken = on_broken
        self._wanted = Event()
        self._turn = Lock()
        self._stopped = False
        self._pages = 0
        self._next = BOUND
        self._mark = BEGIN
        connection.set_wal_hook(self._grown)
        self._thread = Thread(target=self._serve, name="store-checkpoint", daemon=True)
        self._thread.start()

    def between_commits(self) -> None:
        """On the writer's thread, after each commit: keep the log within its bound."""
        if self._pages < BOUND:
            self._next = BOUND
        elif self._pages >= self._next:
            with self._turn:  # the side thread has copied nearly all: little is left to do here
                _copy(self._writer, self._on_broken)
            # A reader that holds an old page keeps the log from beginning anew: do not try each time.
            self._next = self._pages + BOUND // 4

    def stop(self) -> None:
        self._stopped = True
        self._wanted.set()
        self._thread.join()

    def _grown(self, connection: apsw.Connection, name: str, pages: int) -> int:
        if pages < self._pages:  # the log has begun anew
            self._mark = BEGIN
        self._pages = pages
        if pages >= self._mark:
            self._mark = pages + STEP
            self._wanted.set()
        return apsw.SQLITE_OK

    def _serve(self) -> None:
        connection = writable(self._path)
        while self._wanted.wait() and not self._stopped:
            self._wanted.clear()
            with self._turn:
                _copy(connection, self._on_broken)
        connection.close()


def _copy(connection: apsw.Connection, on_broken: Callable[[str], None]) -> None:
    """Whatever no reader still needs. Never waits for anybody."""
    try:
        connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
    except (apsw.BusyError, apsw.LockedError, apsw.FullError):
        pass  # the log keeps everything until the next time
    except apsw.Error as error:
        log.exception("checkpoint")
        on_broken(f"{type(error).__name__}: {error}")
