-- The team that this machine is linked with, and what is on its way between machines. Ids are 32 hexadecimal digits.

-- One row while the machine is linked, none otherwise.
CREATE TABLE link (
    one          INTEGER PRIMARY KEY CHECK (one = 1),
    relay        TEXT NOT NULL,                  -- its URL
    team         TEXT NOT NULL,
    team_name    TEXT NOT NULL,
    machine      TEXT NOT NULL,
    machine_name TEXT NOT NULL,
    role         TEXT NOT NULL,
    origin       TEXT NOT NULL,
    oseq         INTEGER NOT NULL DEFAULT 0,     -- given out last
    at_relay     INTEGER NOT NULL DEFAULT 0,     -- the relay has everything up to here
    epoch        TEXT NOT NULL DEFAULT '',       -- of the relay's log
    cursor       INTEGER NOT NULL DEFAULT 0,     -- everything in it up to here was taken in
    rosters      INTEGER NOT NULL DEFAULT 0,     -- the newest roster that was taken in
    paused       INTEGER NOT NULL DEFAULT 0,
    joined_ms    INTEGER NOT NULL,
    reached_ms   INTEGER NOT NULL DEFAULT 0,     -- the relay last answered
    fault        TEXT NOT NULL DEFAULT ''        -- why it did not since
) STRICT;

-- The membership chain as it was verified.
CREATE TABLE record (
    n         INTEGER PRIMARY KEY,
    body      BLOB NOT NULL,
    signature BLOB NOT NULL
) STRICT;

-- What that chain says of each machine, and what was heard of it.
CREATE TABLE machine (
    id        TEXT NOT NULL PRIMARY KEY,
    name      TEXT NOT NULL,
    role      TEXT NOT NULL,
    sign      BLOB NOT NULL,
    seal      BLOB NOT NULL,
    removed   INTEGER NOT NULL DEFAULT 0,        -- by the record of that number; 0 is still in
    roster_ms INTEGER NOT NULL DEFAULT 0,        -- when its roster was made, by the relay's clock
    seen_ms   INTEGER NOT NULL DEFAULT 0         -- when the relay last heard of it
) STRICT, WITHOUT ROWID;
CREATE INDEX machine_name ON machine (name);
-- A name may be another machine's now: what was at the one before it is not to be reached by that name any more.
CREATE TRIGGER machine_came AFTER INSERT ON machine
BEGIN
    UPDATE address SET name = name || '@' || id WHERE instr(name, '@') > 0 AND substr(name, instr(name, '@') + 1) = new.name;
END;

-- Who is at the other machines.
CREATE TABLE resident (
    machine TEXT NOT NULL,
    name    TEXT NOT NULL,
    kind    TEXT NOT NULL,
    client  TEXT NOT NULL,
    state   TEXT NOT NULL,
    PRIMARY KEY (name, machine)
) STRICT, WITHOUT ROWID;
CREATE INDEX resident_machine ON resident (machine);
CREATE TABLE resident_channel (
    channel TEXT NOT NULL,
    machine TEXT NOT NULL,
    name    TEXT NOT NULL,
    PRIMARY KEY (channel, machine, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX resident_channel_machine ON resident_channel (machine);

-- What leaves this machine, in order; kept after it is at the relay, because a relay may go back.
CREATE TABLE outbox (
    oseq      INTEGER PRIMARY KEY,
    id        BLOB NOT NULL,                     -- the message's UUID; one of its own for receipts
    message   INTEGER NOT NULL DEFAULT 0,        -- 0: receipts
    route     TEXT NOT NULL,                     -- JSON: for which machines, whom there, and the item before this to each
    receipts  TEXT NOT NULL DEFAULT '',          -- JSON
    spoken_ms INTEGER NOT NULL DEFAULT 0,        -- when a person last spoke to the sender
    at_ms     INTEGER NOT NULL,
    sent_ms   INTEGER NOT NULL DEFAULT 0,        -- when the relay had it
    refused   TEXT NOT NULL DEFAULT ''           -- why the relay did not take it
) STRICT;
CREATE INDEX outbox_message ON outbox (message) WHERE message > 0;
CREATE INDEX outbox_waiting ON outbox (oseq) WHERE sent_ms = 0;

-- The last item to, and from, each machine: a number that is left out was withheld.
CREATE TABLE sent_to (
    machine TEXT NOT NULL PRIMARY KEY,
    oseq    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE had_from (
    origin  TEXT NOT NULL PRIMARY KEY,
    machine TEXT NOT NULL,
    oseq    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A delivery here of another machine's message, until its sender knows how it ended.
CREATE TABLE arrival (
    message    INTEGER NOT NULL REFERENCES message (n),
    recipient  INTEGER NOT NULL REFERENCES address (id),
    machine    TEXT NOT NULL,
    name       TEXT NOT NULL,                    -- as the sender wrote it
    due        INTEGER NOT NULL DEFAULT 1,       -- the sender is to be told something
    unanswered TEXT NOT NULL DEFAULT '',         -- why its request has no reply, while that is to be told
    PRIMARY KEY (message, recipient)
) STRICT, WITHOUT ROWID;
CREATE INDEX arrival_due ON arrival (machine) WHERE due = 1;
-- Whichever way a delivery moves, its sender's machine comes to know.
CREATE TRIGGER arrival_moved AFTER UPDATE OF state ON delivery
WHEN EXISTS (SELECT 1 FROM arrival WHERE message = new.message AND recipient = new.recipient)
BEGIN
    UPDATE arrival SET due = 1 WHERE message = new.message AND recipient = new.recipient;
END;

-- Messages of other machines that were removed here: they are not taken in again.
CREATE TABLE bygone (
    uuid  BLOB NOT NULL PRIMARY KEY,
    at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX bygone_at ON bygone (at_ms);

-- An invitation of this machine that somebody may still answer.
CREATE TABLE invitation (
    nameplate INTEGER PRIMARY KEY,
    words     TEXT NOT NULL,
    role      TEXT NOT NULL,
    until_ms  INTEGER NOT NULL
) STRICT;

-- What the link found wrong: a gap, a refused envelope, a key that changed, a wrong guess.
CREATE TABLE trouble (
    n       INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms   INTEGER NOT NULL,
    machine TEXT NOT NULL,
    kind    TEXT NOT NULL,
    words   TEXT NOT NULL
) STRICT;
