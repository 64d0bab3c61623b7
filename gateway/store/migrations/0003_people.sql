-- Version 3: people. Who said "I have it", what waits for a person, and what must outlive a restart.

-- The plan of the calls that begin when the platform is given up: JSON as in `steps`.
ALTER TABLE delivery ADD COLUMN beside TEXT NOT NULL DEFAULT '[]';

-- What waits for a person to let it through.
CREATE INDEX delivery_quarantined ON delivery (message_id) WHERE state = 'quarantined';

-- ISO 15189:2022 7.4.1.3: who was told, when, by whom or what, what was conveyed, and with what trouble.
-- Rows are added, never changed; `conveyed` and `keyed` are forgotten with the message's content.
CREATE TABLE acknowledgement (
    id           INTEGER PRIMARY KEY,
    message_id   INTEGER NOT NULL REFERENCES message,
    delivery_id  INTEGER REFERENCES delivery,  -- whose code was given, or whose call it was
    at           REAL NOT NULL,
    person       TEXT NOT NULL,                -- code in the directory; '' when only a name was given
    name         TEXT NOT NULL,
    via          TEXT NOT NULL,                -- call, phone, desk
    accepted     INTEGER NOT NULL,             -- 0: a try that did not count, kept as a difficulty
    conveyed     TEXT NOT NULL,
    read_back    TEXT NOT NULL,                -- '', ok, failed
    keyed        TEXT NOT NULL,                -- JSON: each read-back as it was keyed
    difficulties TEXT NOT NULL
) STRICT;

CREATE INDEX acknowledgement_message ON acknowledgement (message_id);

-- unacknowledged: there are few of these among many.
CREATE INDEX message_critical ON message (received_at)
    WHERE kind = 'result' AND priority = 'critical' AND refused = '' AND test = 0;

-- Small state that must survive a restart: lockouts, flags, the beat of a check. One row a name.
CREATE TABLE memory (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL,            -- JSON
    at    REAL NOT NULL
) STRICT, WITHOUT ROWID;
