-- Version 4: the numbers under which a telephone's keys find a patient's results.

-- The figures of the visit's number (NDA), and of an IPP that has more than figures in it. The key itself
-- stands in `message`. What came before this version is found by IPP and by its slip's code only.
CREATE TABLE keyed_number (
    number     TEXT NOT NULL,
    message_id INTEGER NOT NULL REFERENCES message,
    PRIMARY KEY (number, message_id)
) STRICT, WITHOUT ROWID;
