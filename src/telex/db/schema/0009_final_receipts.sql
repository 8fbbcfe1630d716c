-- Receipts for messages that are here no more.

-- What other machines are still to be told of messages that were removed.
CREATE TABLE final_receipt (
    n          INTEGER PRIMARY KEY AUTOINCREMENT,
    machine    TEXT NOT NULL,                    -- that sent the message
    name       TEXT NOT NULL,                    -- of the recipient, as the sender wrote it
    letter     BLOB NOT NULL,                    -- the id by which the sender knows the message
    state      TEXT NOT NULL,
    via        TEXT NOT NULL,
    changed_ms INTEGER NOT NULL,
    why        TEXT NOT NULL,                    -- a code
    unanswered TEXT NOT NULL                     -- why its request has no reply
) STRICT;
