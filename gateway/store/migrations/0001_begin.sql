-- Version 1: everything the service must remember.
-- Moments are seconds since the epoch, UTC. Rows in `journal` are never changed nor removed.

-- One row per message an intake took in. All but state, closed_at, outage_id and patient_key is written once.
CREATE TABLE message (
    id          INTEGER PRIMARY KEY,
    intake      TEXT NOT NULL,
    peer        TEXT NOT NULL,
    received_at REAL NOT NULL,
    format      TEXT NOT NULL,
    sha256      BLOB NOT NULL,      -- of the raw bytes; stays when they are purged
    control_id  TEXT NOT NULL,
    sender      TEXT NOT NULL,
    kind        TEXT NOT NULL,
    type        TEXT NOT NULL,
    priority    TEXT NOT NULL,
    ward        TEXT NOT NULL,
    patient_key TEXT NOT NULL,
    test        INTEGER NOT NULL,
    refused     TEXT NOT NULL,      -- why its sender was refused; '' when it was not
    reused      INTEGER REFERENCES message,  -- an earlier one with this control id but other content
    warnings    TEXT NOT NULL,      -- JSON
    outage_id   INTEGER REFERENCES outage,
    state       TEXT NOT NULL,      -- open, delivered, superseded, refused, recorded
    closed_at   REAL
) STRICT;

-- An empty control id names nothing, so it cannot be a duplicate.
CREATE INDEX message_identity ON message (control_id, sender) WHERE control_id <> '';
CREATE INDEX message_outage ON message (outage_id) WHERE outage_id IS NOT NULL;

-- The raw bytes, apart: a move of a message never rewrites them, and a purge only deletes here.
CREATE TABLE content (
    message_id INTEGER PRIMARY KEY REFERENCES message,
    raw        BLOB NOT NULL
) STRICT;

-- Which messages speak of an order: what a correction looks back through.
CREATE TABLE message_order (
    order_key  TEXT NOT NULL,
    message_id INTEGER NOT NULL REFERENCES message,
    PRIMARY KEY (order_key, message_id)
) STRICT, WITHOUT ROWID;

-- One message to one recipient.
CREATE TABLE delivery (
    id            INTEGER PRIMARY KEY,
    message_id    INTEGER NOT NULL REFERENCES message,
    recipient     TEXT NOT NULL,
    purpose       TEXT NOT NULL,
    priority      TEXT NOT NULL,
    patient_key   TEXT NOT NULL,
    steps         TEXT NOT NULL,    -- JSON: [["platform", 30.0], ["courier", null]]
    created_at    REAL NOT NULL,
    step          INTEGER NOT NULL,
    step_since    REAL NOT NULL,
    state         TEXT NOT NULL,
    due           REAL,
    tries         INTEGER NOT NULL,
    cycles        INTEGER NOT NULL,
    doubtful      INTEGER NOT NULL,
    degraded      INTEGER NOT NULL,
    reason        TEXT NOT NULL,
    slip          INTEGER,
    expires_at    REAL,
    rank          INTEGER NOT NULL, -- of priority: 0 is the most pressing
    lane          TEXT NOT NULL,    -- of the current step
    deadline      REAL,             -- of the current step
    claimed_by    TEXT,             -- the node an attempt is under way at
    claimed_until REAL              -- past this the claim has lapsed
) STRICT;

CREATE INDEX delivery_message ON delivery (message_id);

-- Only open rows stand in these, so that each stays as small as the work that is left.
-- claim, lanes: the most pressing, longest due first. expired: a ward's lanes begin with its code.
CREATE INDEX delivery_due ON delivery (lane, rank, due, message_id) WHERE state = 'open';
-- claim: one patient's rows in one lane, oldest message first.
CREATE INDEX delivery_patient ON delivery (patient_key, lane, message_id)
    WHERE state IN ('open', 'sending') AND patient_key <> '';
-- overdue: rows whose step's time is up.
CREATE INDEX delivery_deadline ON delivery (deadline) WHERE state = 'open' AND deadline IS NOT NULL;
-- recover, lapsed claims.
CREATE INDEX delivery_claimed ON delivery (lane, claimed_until) WHERE state = 'sending';
-- release: what is owed to the platform.
CREATE INDEX delivery_held ON delivery (message_id) WHERE state = 'held';
-- series: a ward's slips by their number.
CREATE UNIQUE INDEX delivery_slip ON delivery (recipient, slip) WHERE slip IS NOT NULL;

-- One try on one channel, written before its first byte.
CREATE TABLE attempt (
    id          INTEGER PRIMARY KEY,
    delivery_id INTEGER NOT NULL REFERENCES delivery,
    channel     TEXT NOT NULL,
    device      TEXT NOT NULL,
    at          REAL NOT NULL,
    ended_at    REAL,
    outcome     TEXT,               -- NULL while under way
    detail      TEXT NOT NULL,
    slip        INTEGER,
    reprint     INTEGER NOT NULL
) STRICT;

CREATE INDEX attempt_delivery ON attempt (delivery_id);
CREATE INDEX attempt_under_way ON attempt (delivery_id) WHERE outcome IS NULL;

-- The last slip number given out to each recipient: gapless, from 1.
CREATE TABLE series (
    recipient TEXT PRIMARY KEY,
    last      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Where a patient is, from ADT; one row for each number (IPP, NDA) the patient is known by.
CREATE TABLE whereabouts (
    key      TEXT PRIMARY KEY,
    patient  TEXT NOT NULL,         -- JSON
    location TEXT,                  -- JSON; NULL: not here
    ward     TEXT NOT NULL,
    at       REAL NOT NULL
) STRICT, WITHOUT ROWID;

-- A purge forgets who left long ago.
CREATE INDEX whereabouts_gone ON whereabouts (at) WHERE location IS NULL;

-- Numbers that were merged into another (ADT^A40): always one step to the one that holds.
CREATE TABLE alias (
    old TEXT PRIMARY KEY,
    new TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX alias_new ON alias (new);

CREATE TABLE device (
    name    TEXT PRIMARY KEY,
    state   TEXT NOT NULL,
    reasons TEXT NOT NULL,          -- JSON
    since   REAL NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE platform (
    one    INTEGER PRIMARY KEY CHECK (one = 1),
    state  TEXT NOT NULL,
    since  REAL NOT NULL,
    reason TEXT NOT NULL,
    by     TEXT NOT NULL,
    proof  INTEGER NOT NULL
) STRICT;

CREATE TABLE outage (
    id       INTEGER PRIMARY KEY,
    began_at REAL NOT NULL,
    ended_at REAL,
    reason   TEXT NOT NULL,
    by       TEXT NOT NULL
) STRICT;

-- Never two outages at once.
CREATE UNIQUE INDEX outage_open ON outage (ended_at IS NULL) WHERE ended_at IS NULL;

-- What people said, in the order they said it.
CREATE TABLE word (
    id     INTEGER PRIMARY KEY,
    at     REAL NOT NULL,
    by     TEXT NOT NULL,
    word   TEXT NOT NULL,
    reason TEXT NOT NULL,
    detail TEXT NOT NULL            -- JSON
) STRICT;

-- The permanent record of acts: each entry holds the hash of the one before it.
CREATE TABLE journal (
    seq         INTEGER PRIMARY KEY,
    at          REAL NOT NULL,
    what        TEXT NOT NULL,
    message_id  INTEGER,
    delivery_id INTEGER,
    detail      TEXT NOT NULL,      -- canonical JSON; never a patient's text
    prev        BLOB NOT NULL,
    hash        BLOB NOT NULL
) STRICT;

CREATE TRIGGER journal_unchanged BEFORE UPDATE ON journal
BEGIN SELECT RAISE(ABORT, 'the journal is never changed'); END;

CREATE TRIGGER journal_kept BEFORE DELETE ON journal
BEGIN SELECT RAISE(ABORT, 'the journal is never shortened'); END;

-- The last entry, so that a shortened journal shows.
CREATE TABLE head (
    one  INTEGER PRIMARY KEY CHECK (one = 1),
    seq  INTEGER NOT NULL,
    hash BLOB NOT NULL
) STRICT;

INSERT INTO head VALUES (1, 0, zeroblob(32));

-- Messages by state, kept as they change: counting a year of rows would take a second. Wardline's own
-- notices are not among them: they did not come in.
CREATE TABLE tally (
    state TEXT PRIMARY KEY,
    n     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO tally VALUES ('open', 0), ('delivered', 0), ('superseded', 0), ('refused', 0), ('recorded', 0);

CREATE TRIGGER tally_accepted AFTER INSERT ON message WHEN new.kind <> 'notice'
BEGIN UPDATE tally SET n = n + 1 WHERE state = new.state; END;

CREATE TRIGGER tally_moved AFTER UPDATE OF state ON message
WHEN new.state <> old.state AND new.kind <> 'notice'
BEGIN
    UPDATE tally SET n = n + 1 WHERE state = new.state;
    UPDATE tally SET n = n - 1 WHERE state = old.state;
END;
