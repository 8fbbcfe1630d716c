-- What clients were given and may drop, and sessions that nobody comes back to.

-- What was handed over to a client, while no evidence says that a model request carried it. A delivery is in the state
-- `handed` if and only if it has a row here.
CREATE TABLE handed (
    recipient  INTEGER NOT NULL REFERENCES address (id),
    message    INTEGER NOT NULL REFERENCES message (n),
    session    INTEGER NOT NULL REFERENCES session (id),
    stage      TEXT NOT NULL,                    -- the hook point whose rule says what proves it (core/evidence.py)
    turn       TEXT NOT NULL DEFAULT '',         -- the client's own id of the turn
    joined     INTEGER NOT NULL DEFAULT 0,       -- that turn was running already
    armed      INTEGER NOT NULL DEFAULT 1,       -- the text has left
    transcript TEXT NOT NULL DEFAULT '',         -- the client's own record of the conversation, where it names one
    size       INTEGER NOT NULL DEFAULT 0,       -- of that, then
    PRIMARY KEY (recipient, message)
) STRICT, WITHOUT ROWID;

-- Sessions of one prompt (`claude -p`): nobody comes back to their name.
CREATE TABLE one_shot (
    session INTEGER NOT NULL PRIMARY KEY REFERENCES session (id)
) STRICT;

-- Whichever way a delivery moves, its sender's machine comes to know; but not of a handing that may be taken back.
DROP TRIGGER arrival_moved;
CREATE TRIGGER arrival_moved AFTER UPDATE OF state ON delivery
WHEN new.state <> 'handed' AND (old.state <> 'handed' OR new.state <> 'queued')
     AND EXISTS (SELECT 1 FROM arrival WHERE message = new.message AND recipient = new.recipient)
BEGIN
    UPDATE arrival SET due = 1 WHERE message = new.message AND recipient = new.recipient;
END;
