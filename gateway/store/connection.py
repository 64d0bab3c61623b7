"""Connections to the store's file: opened so that a commit is on disk, or not opened at all."""

from __future__ import annotations

import os
from pathlib import Path

import apsw

from gateway.errors import Unusable

#: Before 3.51.3, two connections to one WAL database could lose a commit when the log was reset.
OLDEST = (3, 51, 3)

#: How long a connection waits for another process (the command line) to end its write, milliseconds.
BUSY = 5_000

_WRITE = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE | apsw.SQLITE_OPEN_NOMUTEX
_READ = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_NOMUTEX

Path_ = str | Path


class StoreRefused(Unusable):
    """The file cannot be used as a store; one line says why and what to do."""


class NoStore(StoreRefused):
    """There is no file yet: the service has never run here."""


def check_version(version: str) -> None:
    """Raise StoreRefused when this SQLite is one that can lose a commit."""
    if tuple(int(part) for part in version.split(".")[:3]) < OLDEST:
        wanted = ".".join(map(str, OLDEST))
        raise StoreRefused(f"SQLite {version} can lose commits in WAL mode: {wanted} is needed")


def writable(path: Path_) -> apsw.Connection:
    """A connection that may write: WAL, every commit synced. Creates the file, for its owner only."""
    check_version(apsw.sqlite_lib_version())
    if path != ":memory:":
        _private(Path(path))
    connection = _open(path, _WRITE)
    _settle(connection, path)
    for pragma in ("synchronous = FULL", "wal_autocheckpoint = 0", "cache_size = -16384"):
        connection.execute(f"PRAGMA {pragma}")
    return connection


def readable(path: Path_) -> apsw.Connection:
    """A connection that cannot write, whether or not the service runs. Raises NoStore, StoreRefused."""
    check_version(apsw.sqlite_lib_version())
    if not Path(path).exists():
        raise NoStore(f"{path}: no store yet; `wardline run` makes it")
    connection = _open(path, _READ)
    connection.set_busy_timeout(BUSY)
    connection.execute("PRAGMA query_only = ON")
    return connection


def _open(path: Path_, flags: int) -> apsw.Connection:
    try:
        connection = apsw.Connection(str(path), flags=flags, statementcachesize=128)
        connection.execute("PRAGMA schema_version").fetchall()
    except apsw.NotADBError as error:
        raise StoreRefused(f"{path}: not a database") from error
    except apsw.Error as error:
        raise StoreRefused(f"{path}: cannot open the store: {error}") from error
    return connection


def _settle(connection: apsw.Connection, path: Path_) -> None:
    connection.set_busy_timeout(BUSY)
    # A store that broke must not be checkpointed on the way out; `close` does it when all is well.
    connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
    mode = connection.pragma("journal_mode", "wal")
    if mode != "wal" and path != ":memory:":
        raise StoreRefused(f"{path}: this file system allows no write-ahead log (mode {mode})")
    connection.pragma("foreign_keys", True)
    connection.pragma("mmap_size", 0)
    connection.pragma("temp_store", "MEMORY")


def _private(path: Path) -> None:
    """Patients' results: nobody but the service's user reads them. The log takes the file's mode."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if path.exists():
            path.chmod(path.stat().st_mode & 0o600)
            return
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        directory = os.open(path.parent, os.O_RDONLY)
        os.fsync(directory)
        os.close(directory)
    except OSError as error:
        raise StoreRefused(f"{path}: cannot open the store: {error.strerror}") from error
