"""One transaction under way: jobs run in it one after another, and are on disk together or not at all."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

import apsw
from twisted.python.failure import Failure

from gateway.errors import StoreBroken, StoreFull
from gateway.store import queries
from gateway.store.journal import Journal, chain_end
from gateway.store.queries import Execute

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})
_SYNCS = frozenset(
    {apsw.SQLITE_IOERR_FSYNC, apsw.SQLITE_IOERR_DIR_FSYNC, apsw.SQLITE_IOERR_COMMIT_ATOMIC}
)
_FATAL = (apsw.IOError, apsw.CorruptError, apsw.NotADBError, apsw.CantOpenError, apsw.NoMemError)
_PASSING = (apsw.BusyError, apsw.LockedError, apsw.ProtocolError)


class Work:
    """What a job is given: statements, the journal, and what stays as it is until somebody else writes."""

    __slots__ = ("_connection", "_last_delivery", "_merges", "_outage", "execute", "journal")

    def __init__(self, connection: apsw.Connection, execute: Execute) -> None:
        self._connection = connection
        self._outage: tuple[Any, ...] | None = None
        self._last_delivery = -1
        self._merges: bool | None = None
        self.execute = execute
        self.journal = Journal(execute)

    def rows(self, sql: str, values: Sequence[object] = ()) -> list[Any]:
        found: list[Any] = self.execute(sql, values).fetchall()
        return found

    def row(self, sql: str, values: Sequence[object] = ()) -> Any | None:
        """The first row, or None."""
        found = self.execute(sql, values).fetchall()
        return found[0] if found else None

    def each(self, sql: str, values: Sequence[object] = ()) -> Iterator[Any]:
        """Rows one by one, on a cursor of their own: other statements may run in between."""
        cursor = self._connection.cursor()
        try:
            yield from cursor.execute(sql, values)
        finally:
            cursor.close(True)

    def insert(self, sql: str, values: Sequence[object]) -> int:
        """The id the new row was given."""
        self.execute(sql, values)
        return self._connection.last_insert_rowid()

    def change(self, sql: str, values: Sequence[object]) -> int:
        """How many rows it changed."""
        self.execute(sql, values)
        return self._connection.changes()

    def next_delivery(self) -> int:
        """An id for a new delivery, known before its row is written."""
        if self._last_delivery < 0:
            (self._last_delivery,) = self.rows(queries.LAST_DELIVERY)[0]
        self._last_delivery += 1
        return self._last_delivery

    @property
    def merges(self) -> bool:
        """Whether any patient's number was ever merged into another: at most sites none was."""
        if self._merges is None:
            self._merges = bool(self.rows(queries.ANY_ALIAS)[0][0])
        return self._merges

    def merged(self) -> None:
        self._merges = True

    @property
    def outage(self) -> tuple[Any, ...] | None:
        """The outage that is open, as OUTAGE_COLUMNS."""
        if self._outage is None:
            self._outage = self.row(queries.OUTAGE_OPEN) or ()
        return self._outage or None

    def outage_changed(self) -> None:
        self._outage = None


Job = Callable[[Work], Any]


class Ledger:
    """The one connection that writes: runs batches of jobs, each batch one commit."""

    def __init__(self, connection: apsw.Connection) -> None:
        self.connection = connection
        self._execute = connection.cursor().execute
        self._synced = True
        self._known: tuple[int, Work] | None = None  # what was left, at which version of the file
        self.broken = ""
        # The last journal entry this ledger knows, its own or another's.
        self.seq, _ = chain_end(connection.execute)
        self.overtaken = False  # another process wrote since somebody last asked

    def run(self, jobs: Sequence[Job], *, synced: bool = True) -> list[Any]:
        """The result of each job, a Failure for one that raised: it alone is undone.

        Raises StoreFull (nothing was written; try again) or StoreBroken (for ever).
        """
        if self.broken:
            raise StoreBroken(self.broken)
        try:
            self._sync(synced)
            return self._together(jobs)
        except apsw.Error as error:
            raise self._judged(error) from error

    def _together(self, jobs: Sequence[Job]) -> list[Any]:
        # Savepoints cost a fifth of an accept, and jobs hardly ever fail: only when one has is the
        # batch run again, each job by itself within it. A job changes nothing but the database.
        try:
            return self._transact(jobs, _bare)
        except apsw.Error as error:
            if _storage(error):
                raise
            return self._transact(jobs, _guarded)
        except Exception:  # noqa: BLE001 - whatever it was, it was one job's fault
            return self._transact(jobs, _guarded)

    def _transact(self, jobs: Sequence[Job], run: Callable[[Work, Job], Any]) -> list[Any]:
        execute = self._execute
        execute(queries.BEGIN)
        try:
            work = self._work()
            if work.journal.seq != self.seq:
                self.overtaken = True
                self.seq = work.journal.seq
            before = self.seq
            results = [run(work, job) for job in jobs]
            work.journal.close()
            self.seq = work.journal.seq  # said before the commit: see `Opened.overtaken`
            try:
                execute(queries.COMMIT)
            except BaseException:
                self.seq = before
                raise
        except BaseException:
            self._known = None
            self._undo()
            raise
        self._known = self.connection.data_version(), work
        return results

    def _work(self) -> Work:
        """What the last transaction left, unless anybody has written since: SQLite counts that."""
        if self._known is not None and self._known[0] == self.connection.data_version():
            return self._known[1]
        return Work(self.connection, self._execute)

    def _undo(self) -> None:
        # SQLite has already rolled back on some errors; where it cannot, BEGIN fails and all ends there.
        with suppress(apsw.Error):
            if self.connection.in_transaction:
                self._execute(queries.ROLLBACK)

    def _sync(self, synced: bool) -> None:
        if synced is not self._synced:
            self._execute(queries.SYNCED if synced else queries.UNSYNCED).fetchall()
            self._synced = synced

    def _judged(self, error: apsw.Error) -> Exception:
        if isinstance(error, _PASSING):
            return StoreFull("another process holds the store")
        if self._no_room(error):
            return StoreFull("no room left on the disk")
        self.broken = f"{type(error).__name__}: {error}"
        return StoreBroken(self.broken)

    def _no_room(self, error: apsw.Error) -> bool:
        if isinstance(error, apsw.FullError):
            return True
        # A log that cannot grow its index says I/O error. A failed sync is never just a full disk.
        code = getattr(error, "extendedresult", 0)
        return (
            isinstance(error, apsw.IOError)
            and code not in _SYNCS
            and self.connection.system_errno in _NO_ROOM
        )


def _storage(error: apsw.Error) -> bool:
    """Whether the disk, not the job, is at fault."""
    return isinstance(error, (*_FATAL, *_PASSING, apsw.FullError))


def _bare(work: Work, job: Job) -> Any:
    return job(work)


def _guarded(work: Work, job: Job) -> Any:
    work.execute(queries.SAVEPOINT)
    mark = work.journal.mark
    try:
        result = job(work)
    except Exception as error:
        if isinstance(error, apsw.Error) and _storage(error):
            raise
        work.execute(queries.ROLLBACK_TO)
        work.journal.back_to(mark)
        work.outage_changed()
        result = Failure()
    work.execute(queries.RELEASE)
    return result
