"""Every statement that writes, or that a write depends on; each with the reason for its shape."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

#: How a statement is run: text and values in, a cursor out.
Execute = Callable[..., Any]

# -- the transaction itself

# The write lock is taken at once: waiting for it half-way could only end in giving up.
BEGIN = "BEGIN IMMEDIATE"
COMMIT = "COMMIT"
ROLLBACK = "ROLLBACK"
SAVEPOINT = "SAVEPOINT job"
RELEASE = "RELEASE job"
ROLLBACK_TO = "ROLLBACK TO job"

# A claim that is lost with the power is only an open row again: alone it need not wait for the disk.
SYNCED = "PRAGMA synchronous = FULL"
UNSYNCED = "PRAGMA synchronous = NORMAL"

# -- the journal

# Read again when another process has written since the last transaction.
HEAD = "SELECT seq, hash FROM head"
HEAD_MOVE = "UPDATE head SET seq = ?, hash = ?"
JOURNAL_APPEND = "INSERT INTO journal VALUES (?, ?, ?, ?, ?, ?, ?, ?)"

# -- accepting

# Like is compared with like: what was refused once may be sent again when the site was mended.
# In no order: asking for one costs 3 of 4 microseconds, and there is hardly ever a row.
SAME_IDENTITY = """
SELECT id, sha256 FROM message
WHERE control_id = ? AND sender = ? AND control_id <> '' AND (refused <> '') = ? LIMIT 50
"""
# A sender that always uses one control id must not slow us down: of so many, the newest.
SAME_IDENTITY_NEWEST = """
SELECT id, sha256 FROM message
WHERE control_id = ? AND sender = ? AND control_id <> '' AND (refused <> '') = ?
ORDER BY id DESC LIMIT 50
"""

MESSAGE_INSERT = """
INSERT INTO message VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
CONTENT_INSERT = "INSERT INTO content VALUES (?, ?)"
ORDER_INSERT = "INSERT OR IGNORE INTO message_order VALUES (?, ?)"
NUMBER_INSERT = "INSERT OR IGNORE INTO keyed_number VALUES (?, ?)"
DELIVERY_INSERT = """
INSERT INTO delivery (
    id, message_id, recipient, purpose, priority, patient_key, steps, created_at, step, step_since,
    state, due, tries, cycles, doubtful, degraded, reason, expires_at, rank, lane, deadline, beside
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 0, ?, ?, ?, ?, ?, ?, ?)
"""
LAST_DELIVERY = "SELECT coalesce(max(id), 0) FROM delivery"

# -- whose message

# The number that holds now for one that was merged away; most sites never have a row here.
ANY_ALIAS = "SELECT EXISTS (SELECT 1 FROM alias)"
ALIAS = "SELECT new FROM alias WHERE old = ?"
ALIAS_FOLLOW = "UPDATE alias SET new = ? WHERE new = ?"
ALIAS_INSERT = "INSERT OR REPLACE INTO alias VALUES (?, ?)"

# Only what is still under way moves: what is closed stays as it was when it was proved.
MERGE_OPEN = """
UPDATE delivery SET patient_key = ?
WHERE patient_key = ? AND state IN ('open', 'sending') AND patient_key <> ''
"""
MERGE_HELD = "UPDATE delivery SET patient_key = ? WHERE patient_key = ? AND state = 'held'"
MERGE_MESSAGES = """
UPDATE message SET patient_key = ?1 WHERE patient_key = ?2 AND id IN (
    SELECT message_id FROM delivery
    WHERE patient_key = ?1 AND state IN ('open', 'sending') AND patient_key <> ''
    UNION SELECT message_id FROM delivery WHERE patient_key = ?1 AND state = 'held')
"""

WHEREABOUTS = "SELECT patient, location, ward, at FROM whereabouts WHERE key = ?"
# A message that came late must not put a patient back where they were.
WHEREABOUTS_SET = """
INSERT INTO whereabouts VALUES (?, ?, ?, ?, ?)
ON CONFLICT (key) DO UPDATE
SET patient = excluded.patient, location = excluded.location, ward = excluded.ward, at = excluded.at
WHERE excluded.at >= whereabouts.at
"""
WHEREABOUTS_FORGET = "DELETE FROM whereabouts WHERE key = ?"
WHEREABOUTS_PURGE = "DELETE FROM whereabouts WHERE location IS NULL AND at < ?"

# -- deliveries

DELIVERY_COLUMNS = """
id, message_id, recipient, purpose, priority, patient_key, steps, created_at, step, step_since,
state, due, tries, cycles, doubtful, degraded, reason, slip, expires_at, beside
"""
_DELIVERY = "SELECT" + DELIVERY_COLUMNS + "FROM delivery "

DELIVERY = _DELIVERY + "WHERE id = ?"
SLIP_OF = "SELECT slip FROM delivery WHERE id = ?"
OF_MESSAGE = _DELIVERY + "WHERE message_id = ? ORDER BY id"
SIBLINGS = "SELECT purpose, state FROM delivery WHERE message_id = ?"

# Walks delivery_due: parked rows (due later) are never touched, however many there are.
DUE = """
SELECT id, patient_key FROM delivery
WHERE state = 'open' AND lane = ? AND rank IN (0, 1, 2) AND due <= ?
ORDER BY rank, due, message_id, id
"""
# A row in a pause holds up the platform's lane, where order is kept whatever happens. On paper it holds
# nobody up: a critical result never waits behind one that is parked, or may be on paper already.
FIRST_OF_PATIENT = """
SELECT id, state, due FROM delivery
WHERE state IN ('open', 'sending') AND patient_key <> '' AND patient_key = ?1 AND lane = ?2
AND NOT (state = 'open' AND due > ?3 AND (doubtful OR lane <> 'platform'))
ORDER BY message_id, id LIMIT 1
"""
CLAIM = (
    """
UPDATE delivery SET state = 'sending', claimed_by = ?, claimed_until = ? WHERE id = ? RETURNING
"""
    + DELIVERY_COLUMNS
)
RENEW = """
UPDATE delivery SET slip = coalesce(slip, ?), claimed_until = iif(state = 'sending', ?, NULL)
WHERE id = ?
"""
# Claims nobody ended: the write that should have ended them failed.
LAPSED = _DELIVERY + "WHERE state = 'sending' AND lane = ? AND claimed_until <= ? ORDER BY id"
# Named indexes: left to itself the planner walks the whole table, which after a year takes seconds.
CLAIMED_BY = (
    _DELIVERY + "INDEXED BY delivery_claimed WHERE state = 'sending' AND claimed_by = ? ORDER BY id"
)

MOVE = """
UPDATE delivery SET step = ?, step_since = ?, state = ?, due = ?, tries = ?, cycles = ?, doubtful = ?,
    degraded = ?, reason = ?, expires_at = ?, lane = ?, deadline = ?,
    claimed_by = NULL, claimed_until = NULL
WHERE id = ?
"""
# Only if nobody moved it since it was read. Waking a row (its due) is no move.
MOVE_IF = MOVE + "AND (state, step, tries, cycles) = (?, ?, ?, ?) RETURNING slip, patient_key"

# Due now, and a step that had not begun begins now. Not those whose whole plan begins again after
# paper that may have come out: a printer that comes and goes would print them for ever.
WAKE = """
UPDATE delivery SET due = ?1, step_since = min(step_since, ?1),
    deadline = deadline - (step_since - min(step_since, ?1))
WHERE state = 'open' AND lane = ?2 AND rank IN (0, 1, 2) AND due > ?1
AND NOT (doubtful AND step_since > ?1)
"""
HELD = _DELIVERY + "WHERE state = 'held' ORDER BY message_id, id LIMIT ?"

# -- people

ACKNOWLEDGEMENT_COLUMNS = """
message_id, delivery_id, at, person, name, via, accepted, conveyed, read_back, keyed, difficulties
"""
ACKNOWLEDGEMENT_INSERT = (
    "INSERT INTO acknowledgement VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
# What was said aloud is as much a patient's as what was printed.
ACKNOWLEDGEMENT_PURGE = """
UPDATE acknowledgement SET conveyed = '', keyed = '[]' WHERE message_id = ?
"""
QUARANTINED = _DELIVERY + "WHERE state = 'quarantined' AND message_id = ? ORDER BY id"
PATIENT_OF = "SELECT patient_key FROM message WHERE id = ?"
REMEMBER = "INSERT OR REPLACE INTO memory VALUES (?, ?, ?)"
FORGET = "DELETE FROM memory WHERE name = ?"

STAND_IN = "INSERT OR REPLACE INTO stand_in VALUES (?, ?)"

# -- attempts

ATTEMPT_INSERT = "INSERT INTO attempt VALUES (NULL, ?, ?, ?, ?, NULL, NULL, '', ?, ?)"
ATTEMPT_END = """
UPDATE attempt SET ended_at = ?, outcome = ?, detail = ? WHERE id = ? AND outcome IS NULL
"""
UNDER_WAY = "SELECT id, slip FROM attempt WHERE delivery_id = ? AND outcome IS NULL ORDER BY id"
ORPHANS = """
SELECT a.id, a.delivery_id, d.message_id
FROM attempt a INDEXED BY attempt_under_way JOIN delivery d ON d.id = a.delivery_id
WHERE a.outcome IS NULL AND d.state <> 'sending' ORDER BY a.id
"""
MAY_HAVE_PRINTED = """
SELECT count(*) FROM attempt
WHERE delivery_id = ? AND slip IS NOT NULL AND outcome IN ('uncertain', 'delivered')
"""
# Gapless: the number and the attempt that carries it are one commit.
NEXT_SLIP = """
INSERT INTO series VALUES (?, 1) ON CONFLICT (recipient) DO UPDATE SET last = last + 1 RETURNING last
"""

# -- messages

STANDING = "SELECT refused, state FROM message WHERE id = ?"
MESSAGE_MOVE = "UPDATE message SET state = ?, closed_at = ? WHERE id = ?"
CONFIRMABLE = """
SELECT id, sender, received_at FROM message
WHERE control_id = ? AND control_id <> '' AND refused = '' ORDER BY id DESC LIMIT 50
"""
CONFIRMABLE_FROM = """
SELECT id, sender, received_at FROM message
WHERE control_id = ? AND control_id <> '' AND sender = ? AND refused = '' ORDER BY id DESC LIMIT 50
"""

# -- the site

OUTAGE_COLUMNS = "id, began_at, ended_at, reason, by"
OUTAGE_OPEN = "SELECT " + OUTAGE_COLUMNS + " FROM outage WHERE ended_at IS NULL"  # noqa: S608 - as above
OUTAGE_BEGIN = "INSERT INTO outage VALUES (NULL, ?, NULL, ?, ?)"
OUTAGE_END = "UPDATE outage SET ended_at = ? WHERE id = ?"
# Messages still open when it begins wait through it as well, and what is owed to the platform was
# carried by other ways because of it: the one that found it dead may be on paper before anybody judges.
# Found through their open deliveries: there are far fewer of those than messages.
OUTAGE_TAKES = """
UPDATE message SET outage_id = ? WHERE outage_id IS NULL
AND (state = 'open'
     OR id IN (SELECT message_id FROM delivery INDEXED BY delivery_held WHERE state = 'held'))
AND id IN (SELECT message_id FROM delivery INDEXED BY delivery_due WHERE state = 'open'
           UNION SELECT message_id FROM delivery INDEXED BY delivery_claimed WHERE state = 'sending'
           UNION SELECT message_id FROM delivery INDEXED BY delivery_held WHERE state = 'held')
"""

# Messages that came after the platform was first doubted, which may be delivered already. They are
# among the newest: no more of the table is looked at.
OUTAGE_TAKES_RECENT = """
UPDATE message SET outage_id = ? WHERE outage_id IS NULL AND received_at >= ?
   AND id > (SELECT COALESCE(MAX(id), 0) FROM message) - 50000
"""
DEVICE_SAVE = """
INSERT INTO device VALUES (?, ?, ?, ?) ON CONFLICT (name) DO UPDATE
SET state = excluded.state, reasons = excluded.reasons, since = excluded.since
"""
PLATFORM_SAVE = "INSERT OR REPLACE INTO platform VALUES (1, ?, ?, ?, ?, ?)"
WORD_INSERT = "INSERT INTO word VALUES (NULL, ?, ?, ?, ?, ?)"

# Oldest first, read row by row and left at the first that is too young: most of the table is.
# Never what is still owed to anybody, a hand-back included.
PURGEABLE = """
SELECT c.message_id, m.received_at, m.closed_at < ? AND NOT EXISTS (
    SELECT 1 FROM delivery d
    WHERE d.message_id = m.id AND d.state IN ('open', 'sending', 'held', 'quarantined'))
FROM content c JOIN message m ON m.id = c.message_id ORDER BY c.message_id
"""
PURGE = "DELETE FROM content WHERE message_id = ?"
# The store looks at no clock: a purge is as old as the last act before it.
LAST_AT = "SELECT at FROM journal ORDER BY seq DESC LIMIT 1"
