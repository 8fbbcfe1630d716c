-- What one machine of the team may take of this one, and by what its letters are known again.

-- Ids of letters that are not to be taken in once more, each with the machine that it came from; '' is any.
CREATE TABLE known_id (
    id      BLOB NOT NULL,
    machine TEXT NOT NULL,
    at_ms   INTEGER NOT NULL,
    PRIMARY KEY (id, machine)
) STRICT, WITHOUT ROWID;
CREATE INDEX known_id_at ON known_id (at_ms);
INSERT INTO known_id (id, machine, at_ms) SELECT uuid, '', at_ms FROM bygone;
DROP TABLE bygone;

-- What each machine has used of its rates (flow.share): one number for each.
CREATE TABLE machine_flow (
    machine    TEXT NOT NULL PRIMARY KEY,
    letters_ms INTEGER NOT NULL DEFAULT 0,
    bytes_ms   INTEGER NOT NULL DEFAULT 0,
    names_ms   INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- How often each machine woke each session here.
CREATE TABLE machine_wake (
    machine   TEXT NOT NULL,
    recipient INTEGER NOT NULL REFERENCES address (id),
    used_ms   INTEGER NOT NULL,
    spoken_ms INTEGER NOT NULL,                  -- a person's word up to here has given them back
    PRIMARY KEY (machine, recipient)
) STRICT, WITHOUT ROWID;

ALTER TABLE arrival ADD COLUMN why TEXT NOT NULL DEFAULT '';        -- a code of errors.reasons: why it ended unread
ALTER TABLE arrival ADD COLUMN letter BLOB NOT NULL DEFAULT x'';    -- its id as its sender knows it; empty: the message's
ALTER TABLE outbox DROP COLUMN spoken_ms;
