"""Questions that change nothing, each with the reason for its shape."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import apsw

from gateway.delivery import Delivery
from gateway.store import (
    Acknowledgement,
    DeviceRow,
    Outage,
    PlatformRow,
    SlipRecord,
    Stored,
    Word,
    rows,
)
from gateway.store.queries import ACKNOWLEDGEMENT_COLUMNS, DELIVERY_COLUMNS, OUTAGE_COLUMNS

STORED_COLUMNS = """
m.id, m.intake, m.peer, m.received_at, m.format, c.raw, m.sha256, m.control_id, m.sender, m.kind,
m.type, m.priority, m.ward, m.patient_key, m.test, m.refused, m.reused, m.warnings, m.outage_id
"""
_STORED = "SELECT" + STORED_COLUMNS + "FROM message m LEFT JOIN content c ON c.message_id = m.id "
_DELIVERY = "SELECT" + DELIVERY_COLUMNS + "FROM delivery "

CONTENT = _STORED + "WHERE m.id = ?"

# A correction may come under either number of a patient whose files were merged.
EARLIER = (
    "WITH holds (key) AS (SELECT coalesce((SELECT new FROM alias WHERE old = ?1), ?1)) "  # noqa: S608 - the columns are ours, here and below
    + _STORED
    + """
WHERE m.id IN (SELECT message_id FROM message_order
               WHERE order_key IN (SELECT value FROM json_each(?2)) AND message_id < ?3)
AND (m.patient_key = (SELECT key FROM holds)
     OR m.patient_key IN (SELECT old FROM alias WHERE new = (SELECT key FROM holds)))
ORDER BY m.id DESC LIMIT 50
"""
)
ALIAS = "SELECT new FROM alias WHERE old = ?"

DELIVERY = _DELIVERY + "WHERE id = ?"
OVERDUE = (
    _DELIVERY
    + """
WHERE state = 'open' AND deadline IS NOT NULL AND deadline <= ? ORDER BY rank, deadline, id LIMIT ?
"""
)
# What waits for a ward's paper stands in lanes that begin with its code: "CARD/slip" lies between
# "CARD/" and "CARD0". An index of its own would cost every accept a page.
EXPIRED = (
    _DELIVERY
    + """
WHERE state = 'open' AND lane >= ?1 || '/' AND lane < ?1 || '0' AND recipient = ?1
AND expires_at <= ?2 ORDER BY rank, message_id, id LIMIT ?3
"""
)
# Each of the three has its own small index; together they are sorted, not the table walked.
_OPEN = """
WITH waiting AS (
    SELECT id FROM delivery INDEXED BY delivery_due WHERE state = 'open'
    UNION ALL SELECT id FROM delivery INDEXED BY delivery_claimed WHERE state = 'sending'
    UNION ALL SELECT id FROM delivery INDEXED BY delivery_held WHERE state = 'held')
"""
OPEN_ALL = _OPEN + _DELIVERY + "WHERE id IN waiting ORDER BY message_id, id LIMIT ?2"
OPEN_TO = (
    _OPEN + _DELIVERY + "WHERE id IN waiting AND recipient = ?1 ORDER BY message_id, id LIMIT ?2"
)

# Skips from lane to lane through the index instead of reading every open row; then takes, for each
# priority, the first row that does not stand behind another of its patient. A claim that lapses is
# work too.
LANES = """
WITH RECURSIVE
open_lane (lane) AS (
    SELECT min(lane) FROM delivery WHERE state = 'open'
    UNION ALL
    SELECT (SELECT min(d.lane) FROM delivery d WHERE d.state = 'open' AND d.lane > o.lane)
    FROM open_lane o WHERE o.lane IS NOT NULL),
rank (rank) AS (VALUES (0), (1), (2)),
moment (lane, due) AS (
    SELECT o.lane, (
        SELECT d.due FROM delivery d
        WHERE d.state = 'open' AND d.lane = o.lane AND d.rank = r.rank AND NOT EXISTS (
            SELECT 1 FROM delivery e
            WHERE e.state IN ('open', 'sending') AND e.patient_key <> ''
            AND e.patient_key = d.patient_key AND e.lane = d.lane
            AND (e.message_id, e.id) < (d.message_id, d.id)
            AND NOT (e.state = 'open' AND (e.doubtful OR e.lane <> 'platform')))
        ORDER BY d.due LIMIT 1)
    FROM open_lane o, rank r WHERE o.lane IS NOT NULL
    UNION ALL
    SELECT lane, min(claimed_until) FROM delivery INDEXED BY delivery_claimed
    WHERE state = 'sending' GROUP BY lane)
SELECT lane, min(due) FROM moment WHERE due IS NOT NULL GROUP BY lane
"""
# To the second: what waits for a printer all night has a moment of its own each.
MOMENTS = """
SELECT DISTINCT lane, CAST(due AS INTEGER) + 1 FROM delivery INDEXED BY delivery_due
WHERE state = 'open' AND due > ?
"""

_SLIP = """
SELECT d.recipient, d.slip, d.id,
    (SELECT a.device FROM attempt a WHERE a.delivery_id = d.id AND a.slip IS NOT NULL
     ORDER BY a.id DESC LIMIT 1),
    (SELECT a.at FROM attempt a WHERE a.delivery_id = d.id AND a.slip IS NOT NULL
     ORDER BY a.id DESC LIMIT 1),
    d.state,
    EXISTS (SELECT 1 FROM attempt a WHERE a.delivery_id = d.id AND a.slip IS NOT NULL
            AND a.outcome = 'delivered'),
    d.message_id
"""
SERIES = (
    _SLIP
    + "FROM delivery d WHERE d.recipient = ? AND d.slip IS NOT NULL AND d.slip < ? "
    + "ORDER BY d.slip DESC LIMIT ?"
)
PAPERS = (
    _SLIP  # noqa: S608
    + "FROM delivery d WHERE d.slip IS NOT NULL "
    + "AND d.message_id IN (SELECT value FROM json_each(?)) ORDER BY d.id"
)

DEVICES = "SELECT name, state, reasons, since FROM device ORDER BY name"
PLATFORM = "SELECT state, since, reason, by, proof FROM platform"
OUTAGES = "SELECT " + OUTAGE_COLUMNS + " FROM outage ORDER BY id"  # noqa: S608
WORDS = "SELECT id, at, by, word, reason, detail FROM word WHERE id > ? ORDER BY id"
RECALL = "SELECT name, value FROM memory WHERE substr(name, 1, length(?)) = ? ORDER BY name"
ACKNOWLEDGEMENTS = (
    "SELECT"  # noqa: S608
    + ACKNOWLEDGEMENT_COLUMNS
    + "FROM acknowledgement WHERE message_id IN (SELECT value FROM json_each(?)) ORDER BY id"
)
QUARANTINED = (
    _DELIVERY
    + "INDEXED BY delivery_quarantined WHERE state = 'quarantined' ORDER BY message_id, id LIMIT ?"
)
# Critical results of the last days that no person has said to have, oldest first.
UNACKNOWLEDGED = (
    _STORED  # noqa: S608
    + """
WHERE m.kind = 'result' AND m.priority = 'critical' AND m.refused = '' AND m.test = 0
AND m.received_at >= ?1
AND EXISTS (SELECT 1 FROM delivery d WHERE d.message_id = m.id AND (d.purpose = 'call'
    OR d.purpose = 'ward' AND (
        d.state IN ('open', 'sending', 'refused') AND d.lane <> 'platform'
        OR d.state = 'delivered' AND d.lane LIKE '%/courier')))
AND NOT EXISTS (SELECT 1 FROM acknowledgement a WHERE a.message_id = m.id AND a.accepted)
ORDER BY m.received_at, m.id LIMIT ?2
"""
)
COUNTS = "SELECT state, n FROM tally"


def content(connection: apsw.Connection, message_id: int) -> Stored:
    found = connection.execute(CONTENT, (message_id,)).fetchall()
    if not found:
        raise LookupError(f"no message {message_id}")
    return rows.stored(found[0])


def earlier(
    connection: apsw.Connection, patient_key: str, order_keys: Sequence[str], before: int
) -> list[Stored]:
    """Newest first. Nothing when the patient is not known: an order number alone proves no identity."""
    if not patient_key:
        return []
    keys = json.dumps([rows.plain(key) for key in order_keys])
    return [rows.stored(row) for row in connection.execute(EARLIER, (patient_key, keys, before))]


def delivery(connection: apsw.Connection, delivery_id: int) -> Delivery:
    found = connection.execute(DELIVERY, (delivery_id,)).fetchall()
    if not found:
        raise LookupError(f"no delivery {delivery_id}")
    return rows.delivery(found[0])


def deliveries(connection: apsw.Connection, sql: str, values: Sequence[object]) -> list[Delivery]:
    return [rows.delivery(row) for row in connection.execute(sql, values)]


def series(connection: apsw.Connection, ward: str, before: int, limit: int) -> list[SlipRecord]:
    found = connection.execute(SERIES, (ward, before, limit))
    return [rows.slip_record(row[:-1]) for row in found]


def papers(connection: apsw.Connection, message_ids: Sequence[int]) -> dict[int, SlipRecord]:
    found = connection.execute(PAPERS, (json.dumps(list(message_ids)),))
    return {row[-1]: rows.slip_record(row[:-1]) for row in found}


def lanes(connection: apsw.Connection) -> dict[str, float]:
    return dict(connection.execute(LANES))


def moments(connection: apsw.Connection, *, after: float) -> list[tuple[str, float]]:
    return [(lane, float(second)) for lane, second in connection.execute(MOMENTS, (after,))]


def devices(connection: apsw.Connection) -> dict[str, DeviceRow]:
    return {row[0]: rows.device(row) for row in connection.execute(DEVICES)}


def platform(connection: apsw.Connection) -> PlatformRow | None:
    found = connection.execute(PLATFORM).fetchall()
    return rows.platform(found[0]) if found else None


def outages(connection: apsw.Connection) -> list[Outage]:
    return [rows.outage(row) for row in connection.execute(OUTAGES)]


def words(connection: apsw.Connection, after: int) -> list[Word]:
    return [rows.word(row) for row in connection.execute(WORDS, (after,))]


def recalled(connection: apsw.Connection, prefix: str) -> dict[str, dict[str, Any]]:
    found = connection.execute(RECALL, (prefix, prefix))
    return {name: json.loads(value) for name, value in found}


def acknowledgements(
    connection: apsw.Connection, message_ids: Sequence[int]
) -> list[Acknowledgement]:
    found = connection.execute(ACKNOWLEDGEMENTS, (json.dumps(list(message_ids)),))
    return [rows.acknowledgement(row) for row in found]


def counts(connection: apsw.Connection) -> dict[str, int]:
    return dict(connection.execute(COUNTS))
