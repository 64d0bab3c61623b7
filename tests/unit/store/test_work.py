from __future__ import annotations

import errno

import apsw
import pytest

from gateway.errors import StoreBroken, StoreFull
from gateway.store import queries
from gateway.store.journal import NOTHING
from gateway.store.work import Ledger


class Disk:
    """Stands for a connection whose commit fails as it is told."""

    in_transaction = False

    def __init__(self, error, *, number=0):
        self.error = error
        self.system_errno = number

    def cursor(self):
        return self

    def execute(self, sql, values=()):
        if sql == queries.COMMIT:
            raise self.error
        return self

    def fetchall(self):
        return [(0, NOTHING)]


def failing(kind, code=0):
    error = kind("words")
    error.extendedresult = code
    return error


def committed(error, *, number=0):
    return Ledger(Disk(error, number=number)).run([lambda work: None])


@pytest.mark.parametrize(
    ("error", "number"),
    [
        (failing(apsw.FullError), 0),
        (failing(apsw.IOError, apsw.SQLITE_IOERR_WRITE), errno.ENOSPC),
        (failing(apsw.IOError, apsw.SQLITE_IOERR_SHMSIZE), errno.ENOSPC),
        (failing(apsw.IOError, apsw.SQLITE_IOERR_WRITE), errno.EDQUOT),
        (failing(apsw.BusyError), 0),
    ],
)
def test_what_passes_is_only_refused(error, number):
    with pytest.raises(StoreFull):
        committed(error, number=number)


@pytest.mark.parametrize(
    ("error", "number"),
    [
        (failing(apsw.IOError, apsw.SQLITE_IOERR_FSYNC), errno.EIO),
        # The kernel may have dropped what it could not write: even for want of room this is the end.
        (failing(apsw.IOError, apsw.SQLITE_IOERR_FSYNC), errno.ENOSPC),
        (failing(apsw.IOError, apsw.SQLITE_IOERR_WRITE), errno.EIO),
        (failing(apsw.CorruptError), 0),
        (failing(apsw.NotADBError), 0),
        (failing(apsw.ReadOnlyError), 0),
    ],
)
def test_what_does_not_pass_ends_everything(error, number):
    ledger = Ledger(Disk(error, number=number))
    with pytest.raises(StoreBroken):
        ledger.run([lambda work: None])

    assert ledger.broken
    ledger.connection.error = AssertionError("it was tried again")
    with pytest.raises(StoreBroken):
        ledger.run([lambda work: None])
