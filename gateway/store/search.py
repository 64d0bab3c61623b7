"""What a person looks for at a screen, read from the file itself: which message it is, never what it says."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import apsw

from gateway.store.connection import Path_
from gateway.store.views import reading

_COLUMNS = "id, control_id, kind, type, priority, ward, received_at, state, sender"
_FROM = "SELECT " + _COLUMNS + " FROM message "  # noqa: S608 - the columns are ours
_NAMED = _FROM + "WHERE control_id = ? AND control_id <> '' ORDER BY id DESC LIMIT ?"
# Numbers follow time, and moments have no index: one more page for each message would be its price.
_FIRST = "SELECT received_at FROM message WHERE id >= ? ORDER BY id LIMIT 1"
_BETWEEN = (
    _FROM
    + """
WHERE id >= ?1 AND received_at >= ?2 AND received_at < ?3 AND (?4 = '' OR ward = ?4) AND kind <> 'notice'
ORDER BY id DESC LIMIT ?5
"""
)
_DICTATIONS = """
SELECT m.id, m.received_at, m.ward, m.state, length(c.raw), substr(c.raw, 1, 4000)
FROM message m INDEXED BY message_dictation LEFT JOIN content c ON c.message_id = m.id
WHERE m.format = 'dictation' ORDER BY m.id DESC LIMIT ?
"""
_SLIPS = "SELECT id FROM delivery WHERE message_id = ? ORDER BY id"
_ENTRIES = """
SELECT seq, at, what, message_id, delivery_id, detail FROM journal ORDER BY seq DESC LIMIT ?
"""
#: Of a journal's entry: what names an act or a person by a code, and no words of anybody.
_TOLD = (
    "person",
    "page",
    "state",
    "purpose",
    "to",
    "via",
    "read_back",
    "outcome",
    "device",
    "slip",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Enough of a message to recognise it by."""

    id: int
    control_id: str
    kind: str
    type: str
    priority: str
    ward: str
    received_at: float
    state: str
    sender: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dictated:
    """A dictation without its sound. `head` is b"" once it is forgotten."""

    id: int
    received_at: float
    ward: str
    state: str
    size: int
    head: bytes
    deliveries: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry of the journal, in ids and codes."""

    seq: int
    at: float
    what: str
    message_id: int | None
    delivery_id: int | None
    told: str


def named(path: Path_, control_id: str, *, limit: int = 100) -> list[Found]:
    """Messages of this control id, newest first."""
    with reading(path) as connection:
        return [_found(row) for row in connection.execute(_NAMED, (control_id, limit))]


def between(
    path: Path_, *, since: float, until: float, ward: str = "", limit: int = 200
) -> list[Found]:
    """What came in then, newest first; of one ward, or of all."""
    with reading(path) as connection:
        values = (_first(connection, since), since, until, ward, limit)
        return [_found(row) for row in connection.execute(_BETWEEN, values)]


def dictations(path: Path_, *, limit: int = 100) -> list[Dictated]:
    """Newest first."""
    with reading(path) as connection:
        return [_dictated(connection, row) for row in connection.execute(_DICTATIONS, (limit,))]


def entries(path: Path_, *, limit: int = 50) -> list[Entry]:
    """The last of the journal, newest first."""
    with reading(path) as connection:
        return [_entry(row) for row in connection.execute(_ENTRIES, (limit,))]


def _first(connection: apsw.Connection, since: float) -> int:
    """The first message received at or after `since`, by halving."""
    low, high = 1, _one(connection, "SELECT coalesce(max(id), 0) + 1 FROM message")
    while low < high:
        middle = (low + high) // 2
        if _one(connection, _FIRST, middle) < since:
            low = middle + 1
        else:
            high = middle
    return low


def _one(connection: apsw.Connection, sql: str, *values: Any) -> Any:
    found: list[Any] = connection.execute(sql, values).fetchall()
    return found[0][0]


def _found(row: Any) -> Found:
    names = (
        "id",
        "control_id",
        "kind",
        "type",
        "priority",
        "ward",
        "received_at",
        "state",
        "sender",
    )
    return Found(**dict(zip(names, row, strict=True)))


def _dictated(connection: apsw.Connection, row: Any) -> Dictated:
    number, received_at, ward, state, size, head = row
    found: list[Any] = connection.execute(_SLIPS, (number,)).fetchall()
    return Dictated(
        id=number,
        received_at=received_at,
        ward=ward,
        state=state,
        size=size or 0,
        head=head or b"",
        deliveries=tuple(slip for (slip,) in found),
    )


def _entry(row: Any) -> Entry:
    seq, at, what, message_id, delivery_id, detail = row
    said = json.loads(detail)
    told = ", ".join(f"{key} {said[key]}" for key in _TOLD if said.get(key) not in (None, ""))
    return Entry(
        seq=seq, at=at, what=what, message_id=message_id, delivery_id=delivery_id, told=told
    )
