"""Opening the store's file and closing it again: its connections, its threads, and what they share."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import apsw
import structlog
from twisted.internet.interfaces import IReactorFromThreads

from gateway.store import migrate, views
from gateway.store.checkpoint import Checkpointer
from gateway.store.connection import Path_, readable, writable
from gateway.store.journal import chain_end
from gateway.store.reader import InlineReader, Reader, ThreadedReader
from gateway.store.work import Ledger
from gateway.store.writer import Inline, Threaded, Writer

log = structlog.get_logger()

MEMORY = ":memory:"

#: Room kept for writing down what becomes of messages already accepted, bytes.
RESERVE = 32 * 1024 * 1024


class Opened:
    """An open store: a writer, a reader, and an ear for what other processes write."""

    def __init__(
        self,
        path: Path_,
        *,
        ledger: Ledger,
        writer: Writer,
        reader: Reader,
        ear: apsw.Connection,
        checkpointer: Checkpointer | None = None,
    ) -> None:
        self._path = path
        self._ledger = ledger
        self.writer = writer
        self.reader = reader
        self._ear = ear
        self._checkpointer = checkpointer
        self._heard = ledger.seq

    def overtaken(self) -> bool:
        """Whether another process has written since the last call: the journal is longer than ours.

        The ledger says its own new length before it commits, so what it writes is never mistaken
        for another's.
        """
        try:
            found, _ = chain_end(self._ear.execute)
        except apsw.BusyError:  # asked on the reactor's thread: not now is an answer
            return False
        longer = found > max(self._heard, self._ledger.seq)
        answer = longer or self._ledger.overtaken
        self._heard, self._ledger.overtaken = found, False
        return bool(answer)

    def listing(self, control_id: str | None) -> list[dict[str, Any]]:
        return views.listing(self._ear, control_id)

    def close(self) -> None:
        """The log goes into the database, unless the disk has failed: then nothing is synced again."""
        if self._checkpointer is not None:
            self._checkpointer.stop()
        self.reader.close()
        if self._ear is not self._ledger.connection:
            self._ear.close()
        connection = self._ledger.connection
        if not self._ledger.broken:
            connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0)
        try:
            connection.close()
        except apsw.Error:
            log.exception("close")  # everything is in the log


def open_inline(path: Path_, *, on_broken: Callable[[str], None], reserve: int) -> Opened:
    ledger = _ledger(path)
    writer = Inline(ledger, on_broken=on_broken, room=_room(path, reserve))
    reader = InlineReader(ledger.connection)
    ledger.connection.execute("PRAGMA wal_autocheckpoint = 1000")
    return Opened(path, ledger=ledger, writer=writer, reader=reader, ear=ledger.connection)


def open_threaded(
    path: Path_,
    *,
    reactor: IReactorFromThreads,
    on_broken: Callable[[str], None],
    reserve: int,
) -> Opened:
    ledger = _ledger(path)
    threads: list[Threaded] = []
    checkpointer = Checkpointer(
        path,
        connection=ledger.connection,
        on_broken=lambda why: threads[0].broke(why),  # noqa: PLW0108 - it is not there yet
    )
    writer = Threaded(
        ledger,
        reactor=reactor,
        on_broken=on_broken,
        room=_room(path, reserve),
        after=checkpointer.between_commits,
    )
    threads.append(writer)
    ear = readable(path)
    ear.set_busy_timeout(0)
    return Opened(
        path,
        ledger=ledger,
        writer=writer,
        reader=ThreadedReader(readable(path), reactor=reactor),
        ear=ear,
        checkpointer=checkpointer,
    )


def _ledger(path: Path_) -> Ledger:
    connection = writable(path)
    try:
        migrate.migrate(connection)
    except BaseException:
        connection.close()
        raise
    return Ledger(connection)


def _room(path: Path_, reserve: int) -> Callable[[], bool]:
    """Whether the disk has more room left than is kept for finishing what was begun."""
    if path == MEMORY or reserve <= 0:
        return lambda: True
    folder = Path(path).absolute().parent

    def enough() -> bool:
        disk = os.statvfs(folder)
        return disk.f_bavail * disk.f_frsize > reserve

    return enough
