"""Bring a store's file up to this program's schema, a copy of it put aside first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path

import apsw

from gateway.store.connection import StoreRefused


def history() -> tuple[str, ...]:
    """The SQL of each version, in order: the first makes version 1."""
    folder = resources.files("gateway.store.migrations")
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".sql")), key=lambda f: f.name)
    return tuple(file.read_text(encoding="utf-8") for file in files)


def version(connection: apsw.Connection) -> int:
    return int(connection.pragma("user_version"))


def check(connection: apsw.Connection, *, steps: Sequence[str] | None = None) -> None:
    """Raise StoreRefused unless the file has exactly this program's schema: for readers."""
    newest = len(history() if steps is None else steps)
    found = version(connection)
    _refuse_newer(connection, found, newest)
    if found < newest:
        raise StoreRefused(
            f"{connection.filename}: schema {found}, this program needs {newest}: "
            "`wardline run` upgrades it"
        )


def migrate(
    connection: apsw.Connection, *, moment: float | None = None, steps: Sequence[str] | None = None
) -> None:
    """Run what is missing, each version in one transaction. Raises StoreRefused on a newer file.

    Before an upgrade a copy is written beside the file, named for its version and day; `moment`
    (seconds, UTC) is that day, the file's own last change when not given.
    """
    steps = history() if steps is None else steps
    found = version(connection)
    _refuse_newer(connection, found, len(steps))
    if 0 < found < len(steps):
        _copy(connection, found, moment)
    for number in range(found, len(steps)):
        _step(connection, steps[number], number + 1)


def _step(connection: apsw.Connection, sql: str, number: int) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        if version(connection) == number - 1:  # else another process was faster
            connection.execute(sql)
            connection.execute(f"PRAGMA user_version = {number}")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _refuse_newer(connection: apsw.Connection, found: int, newest: int) -> None:
    if found > newest:
        raise StoreRefused(
            f"{connection.filename}: written by a newer Wardline (schema {found}, "
            f"this one knows {newest}): install that version or put back a copy"
        )


def _copy(connection: apsw.Connection, found: int, moment: float | None) -> None:
    """`wardline.db.v1-20261123.bak`; never over an older copy."""
    path = Path(connection.filename)
    seen = path.stat().st_mtime if moment is None else moment
    day = datetime.fromtimestamp(seen, UTC).strftime("%Y%m%d")
    aside = path.with_name(f"{path.name}.v{found}-{day}.bak")
    number = 1
    while aside.exists():
        number += 1
        aside = path.with_name(f"{path.name}.v{found}-{day}-{number}.bak")
    aside.touch(mode=0o600)
    copy = apsw.Connection(str(aside))
    try:
        with copy.backup("main", connection, "main") as backup:
            backup.step()
    finally:
        copy.close()
