"""Questions that look back: who is in a ward, what came of a patient, what became of an outage's messages."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import apsw

from gateway.message import Patient
from gateway.store import Fate, Stored, Whereabouts, queries, rows
from gateway.store.reads import ALIAS, STORED_COLUMNS
from gateway.store.untold import LateWords, Unrecorded

PRESENT = (
    "SELECT patient, location, ward, at FROM whereabouts WHERE ward = ? AND location IS NOT NULL"
)
NUMBERS = "SELECT old FROM alias WHERE new = ?"

# Walks message_result: its conditions are repeated, or SQLite would not use it.
LATEST = (
    "SELECT"  # noqa: S608 - the columns are ours, here and below
    + STORED_COLUMNS
    + """
FROM message m JOIN content c ON c.message_id = m.id
WHERE m.kind = 'result' AND m.patient_key <> '' AND m.refused = '' AND m.test = 0
AND m.patient_key IN (SELECT value FROM json_each(?)) AND m.received_at >= ?
ORDER BY m.id DESC LIMIT ?
"""
)
# Newest first: whoever had a visit's number last is offered first.
KEYED = """
SELECT m.patient_key FROM keyed_number n JOIN message m ON m.id = n.message_id
WHERE n.number = ? AND m.received_at >= ? AND m.patient_key <> ''
GROUP BY m.patient_key ORDER BY MAX(m.id) DESC LIMIT ?
"""
KNOWN = (
    "SELECT EXISTS (SELECT 1 FROM message WHERE control_id = ? AND control_id <> '' AND sender = ?)"
)

# An attempt of which nobody knows whether it arrived: a later one says so.
DOUBTED = """
SELECT EXISTS (SELECT 1 FROM delivery d JOIN attempt a ON a.delivery_id = d.id
WHERE d.message_id = ? AND a.channel = 'platform' AND a.outcome = 'uncertain')
"""

_OWN = "SELECT" + queries.DELIVERY_COLUMNS + "FROM delivery WHERE message_id = ?1"
_FOR_IT = """
 OR id IN (SELECT d.id FROM stand_in s JOIN delivery d ON d.message_id = s.message_id
           WHERE s.delivery_id IN (SELECT id FROM delivery WHERE message_id = ?1))
ORDER BY message_id, id
"""
FATES = _OWN + _FOR_IT
ATTEMPTS = """
SELECT id, delivery_id, channel, device, at, ended_at, outcome, detail, slip, reprint
FROM attempt WHERE delivery_id = ? ORDER BY id
"""

# Messages of an outage that came out, or should have, in another way than by the platform, and of which
# no record was made. One is ready when nothing about it, nor about what stands for it, can change any more.
UNRECORDED = """
SELECT m.id, NOT EXISTS (
    SELECT 1 FROM delivery d WHERE d.state IN ('open', 'sending', 'held') AND (
        d.message_id = m.id OR d.message_id IN (
            SELECT s.message_id FROM stand_in s JOIN delivery e ON e.id = s.delivery_id
            WHERE e.message_id = m.id)))
FROM message m
WHERE m.outage_id = ?1 AND m.id > ?4 AND m.refused = '' AND m.kind IN ('result', 'order', 'document')
AND EXISTS (SELECT 1 FROM content c WHERE c.message_id = m.id)
AND EXISTS (SELECT 1 FROM delivery d WHERE d.message_id = m.id AND (
    d.purpose = 'handback' OR d.slip IS NOT NULL))
AND NOT EXISTS (
    SELECT 1 FROM message r
    WHERE r.control_id = ?2 || m.id AND r.control_id <> '' AND r.sender = ?3)
ORDER BY m.id LIMIT ?5
"""

# Each message with acknowledgements past the given one, how many records there are of it, and whether one
# of them is as new. In ASCII a point stands just before "/": between them are a record and its further ones.
LATE_WORDS = """
SELECT message_id, last, (
    SELECT COUNT(*) FROM message r
    WHERE r.control_id <> '' AND r.sender = ?3
    AND r.control_id BETWEEN ?2 || message_id AND ?2 || message_id || '/'
), EXISTS (
    SELECT 1 FROM message r
    WHERE r.control_id <> '' AND r.sender = ?3 AND r.received_at > newest
    AND r.control_id BETWEEN ?2 || message_id AND ?2 || message_id || '/'
), EXISTS (SELECT 1 FROM content c WHERE c.message_id = said.message_id)
FROM (SELECT message_id, MAX(id) AS last, MAX(at) AS newest
      FROM acknowledgement WHERE id > ?1 GROUP BY message_id) said ORDER BY message_id
"""


def present(connection: apsw.Connection, ward: str) -> list[Whereabouts]:
    """Each patient once, by their newest word: a discharge may name only one of their numbers."""
    found: dict[str, Whereabouts] = {}
    for row in connection.execute(PRESENT, (ward,)).fetchall():
        patient = rows.whereabouts(row).patient
        patient = replace(patient, ipp=_now(connection, patient.ipp))
        newest = _newest(connection, patient)
        if newest is not None and newest.ward == ward and newest.location is not None:
            found[patient.key] = replace(newest, patient=patient)
    return list(found.values())


def latest(
    connection: apsw.Connection, keys: Sequence[str], *, since: float, limit: int
) -> list[Stored]:
    every = json.dumps(sorted({n for key in keys if key for n in _numbers(connection, key)}))
    return [rows.stored(row) for row in connection.execute(LATEST, (every, since, limit))]


def keyed(connection: apsw.Connection, number: str, *, since: float, limit: int) -> list[str]:
    found = connection.execute(KEYED, (number, since, limit)).fetchall()
    return list(dict.fromkeys(_now(connection, str(key)) for (key,) in found))


def known(connection: apsw.Connection, *, sender: str, control_id: str) -> bool:
    found = connection.execute(KNOWN, (rows.plain(control_id), rows.plain(sender))).fetchall()
    return bool(found[0][0])


def doubted(connection: apsw.Connection, message_id: int) -> bool:
    found = connection.execute(DOUBTED, (message_id,)).fetchall()
    return bool(found[0][0])


def fates(connection: apsw.Connection, message_id: int) -> list[Fate]:
    found = [rows.delivery(row) for row in connection.execute(FATES, (message_id,)).fetchall()]
    return [
        Fate(
            delivery=delivery,
            attempts=tuple(map(rows.attempt, connection.execute(ATTEMPTS, (delivery.id,)))),
        )
        for delivery in found
    ]


def unrecorded(
    connection: apsw.Connection,
    outage_id: int,
    *,
    sender: str,
    prefix: str,
    after: int = 0,
    limit: int = 500,
) -> Unrecorded:
    values = (outage_id, prefix, rows.plain(sender), after, limit)
    found: list[Any] = connection.execute(UNRECORDED, values).fetchall()
    return Unrecorded(
        ready=tuple(message_id for message_id, closed in found if closed),
        waiting=tuple(message_id for message_id, closed in found if not closed),
        more=len(found) == limit,
    )


def late_words(connection: apsw.Connection, *, after: int, sender: str, prefix: str) -> LateWords:
    found: list[Any] = connection.execute(
        LATE_WORDS, (after, prefix, rows.plain(sender))
    ).fetchall()
    return LateWords(
        messages=tuple(
            (message_id, records)
            for message_id, _, records, told, kept in found
            if records and kept and not told
        ),
        last=max((last for _, last, *_ in found), default=after),
    )


def _newest(connection: apsw.Connection, patient: Patient) -> Whereabouts | None:
    keys = (_now(connection, key) for key in (patient.ipp, patient.nda) if key)
    words = [row for key in keys for row in connection.execute(queries.WHEREABOUTS, (key,))]
    return rows.whereabouts(max(words, key=lambda row: row[3])) if words else None


def _now(connection: apsw.Connection, key: str) -> str:
    found = connection.execute(ALIAS, (key,)).fetchall() if key else []
    return str(found[0][0]) if found else key


def _numbers(connection: apsw.Connection, key: str) -> set[str]:
    """Every number the same patient has or had: what is closed stands under the one it came with."""
    now = _now(connection, rows.plain(key))
    return {now, *(row[0] for row in connection.execute(NUMBERS, (now,)))}
