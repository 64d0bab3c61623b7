-- Version 2: what a ward's look back and an outage's report ask for.

-- latest: one patient's results, newest first. One page more for each result accepted; without it a pack
-- at the beginning of an outage would walk through every message, ward after ward.
CREATE INDEX message_result ON message (patient_key, id)
    WHERE kind = 'result' AND patient_key <> '' AND refused = '' AND test = 0;

-- present: who is in a ward.
CREATE INDEX whereabouts_ward ON whereabouts (ward) WHERE location IS NOT NULL;

-- Which message (a summary) stands for a delivery that was superseded.
CREATE TABLE stand_in (
    delivery_id INTEGER PRIMARY KEY REFERENCES delivery,
    message_id  INTEGER NOT NULL REFERENCES message
) STRICT;

CREATE INDEX stand_in_message ON stand_in (message_id);

INSERT INTO stand_in SELECT delivery_id, json_extract(detail, '$.by') FROM journal
WHERE what = 'superseded' AND delivery_id IS NOT NULL AND json_extract(detail, '$.by') IS NOT NULL;
