-- What a relay knows. Ids are 32 hexadecimal digits, times milliseconds since 1970 by the relay's clock; '' and 0 stand
-- for 'none'. Every table of a team's has the team first in its key.

-- One row: the log itself.
CREATE TABLE book (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    epoch    TEXT NOT NULL,                       -- another one after the log was restored or lost something
    position INTEGER NOT NULL DEFAULT 0,          -- in the stream that it is made from; 0 where it stands for itself
    base     TEXT NOT NULL DEFAULT '',            -- what a cluster agreed that it is made from
    probed_ms INTEGER NOT NULL DEFAULT 0          -- the last write that only tried out whether writing works
) STRICT;

CREATE TABLE team (
    id       TEXT NOT NULL PRIMARY KEY,
    name     TEXT NOT NULL UNIQUE,
    made_ms  INTEGER NOT NULL,
    head     INTEGER NOT NULL DEFAULT 0,          -- the newest entry's number
    earliest INTEGER NOT NULL DEFAULT 1,          -- the oldest that is still there; head + 1 where none is
    records  INTEGER NOT NULL DEFAULT 0,          -- in its membership chain
    key      INTEGER NOT NULL DEFAULT 0,          -- the epoch of its key
    rosters  INTEGER NOT NULL DEFAULT 0,          -- the number of the newest roster
    bytes    INTEGER NOT NULL DEFAULT 0           -- of entries and parts
) STRICT, WITHOUT ROWID;

-- The newest commands of the stream that it is made from; empty where it stands for itself.
CREATE TABLE recent (
    id       TEXT NOT NULL PRIMARY KEY,
    position INTEGER NOT NULL                     -- in the stream; those of another stream before it share one
) STRICT, WITHOUT ROWID;
CREATE INDEX recent_position ON recent (position);

-- The membership chain, and what it says of each machine.
CREATE TABLE record (
    team      TEXT NOT NULL,
    n         INTEGER NOT NULL,
    body      BLOB NOT NULL,
    signature BLOB NOT NULL,
    PRIMARY KEY (team, n)
) STRICT, WITHOUT ROWID;
CREATE TABLE machine (
    id        TEXT NOT NULL PRIMARY KEY,
    team      TEXT NOT NULL,
    role      TEXT NOT NULL,
    sign      BLOB NOT NULL,
    removed   INTEGER NOT NULL DEFAULT 0,         -- by the record of that number; 0 is still in
    seen_ms   INTEGER NOT NULL DEFAULT 0,
    cursor    INTEGER NOT NULL DEFAULT 0,         -- it has read up to there
    given     INTEGER NOT NULL DEFAULT 0,         -- items that were ever for it
    taken     INTEGER NOT NULL DEFAULT 0          -- of these, up to its cursor
) STRICT, WITHOUT ROWID;
CREATE INDEX machine_team ON machine (team, id);
CREATE TABLE key_grant (
    team      TEXT NOT NULL,
    machine   TEXT NOT NULL,
    key       INTEGER NOT NULL,
    giver     TEXT NOT NULL,
    sealed    BLOB NOT NULL,
    signature BLOB NOT NULL,
    PRIMARY KEY (team, machine, key)
) STRICT, WITHOUT ROWID;

-- The log: every team's entries from 1 on; one with a reason is the tombstone of an item that was refused.
CREATE TABLE entry (
    team        TEXT NOT NULL,
    seq         INTEGER NOT NULL,
    origin      TEXT NOT NULL,
    oseq        INTEGER NOT NULL,
    id          TEXT NOT NULL,
    header      BLOB NOT NULL,
    sealed      BLOB NOT NULL,
    received_ms INTEGER NOT NULL,
    reason      TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (team, seq)
) STRICT;
CREATE INDEX entry_origin ON entry (team, origin, oseq);
CREATE TABLE addressed (
    team    TEXT NOT NULL,
    machine TEXT NOT NULL,
    seq     INTEGER NOT NULL,
    place   INTEGER NOT NULL,                     -- among all that was ever for that machine
    PRIMARY KEY (team, machine, seq)
) STRICT, WITHOUT ROWID;
CREATE TABLE origin (
    team    TEXT NOT NULL,
    id      TEXT NOT NULL,
    machine TEXT NOT NULL,
    last    INTEGER NOT NULL,                     -- everything up to here is, or was, in the log
    PRIMARY KEY (team, id)
) STRICT, WITHOUT ROWID;

-- Sealed parts of large bodies, and which entries need them. Their bytes lie in part_data where the relay is one process.
CREATE TABLE part (
    team   TEXT NOT NULL,
    digest TEXT NOT NULL,
    size   INTEGER NOT NULL,
    put_ms INTEGER NOT NULL,
    PRIMARY KEY (team, digest)
) STRICT, WITHOUT ROWID;
CREATE TABLE part_use (
    team   TEXT NOT NULL,
    digest TEXT NOT NULL,
    seq    INTEGER NOT NULL,
    PRIMARY KEY (team, digest, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX part_use_entry ON part_use (team, seq);
CREATE TABLE part_data (
    team   TEXT NOT NULL,
    digest TEXT NOT NULL,
    data   BLOB NOT NULL,
    PRIMARY KEY (team, digest)
) STRICT;

-- Who is at each machine, sealed; the last one stands.
CREATE TABLE roster (
    team        TEXT NOT NULL,
    machine     TEXT NOT NULL,
    n           INTEGER NOT NULL,
    key         INTEGER NOT NULL,
    sealed      BLOB NOT NULL,
    asked_ms    INTEGER NOT NULL,                 -- by its machine's clock
    received_ms INTEGER NOT NULL,
    PRIMARY KEY (team, machine)
) STRICT, WITHOUT ROWID;
CREATE INDEX roster_n ON roster (team, n);

-- Tokens, by digest.
CREATE TABLE token (
    digest   BLOB NOT NULL PRIMARY KEY,
    machine  TEXT NOT NULL,
    audience TEXT NOT NULL,
    until_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX token_machine ON token (machine, until_ms);

-- Invitations, and what both sides of a pairing have said.
CREATE TABLE invitation (
    nameplate INTEGER PRIMARY KEY,
    team      TEXT NOT NULL,
    machine   TEXT NOT NULL,                      -- who invites; '' is the relay, for a team's first owner
    role      TEXT NOT NULL,
    until_ms  INTEGER NOT NULL,
    words     TEXT NOT NULL DEFAULT '',           -- the relay's own, until somebody answers
    attempt   TEXT NOT NULL DEFAULT '',           -- who has it to itself
    message   BLOB NOT NULL DEFAULT x'',          -- the joiner's
    proof     BLOB NOT NULL DEFAULT x'',
    answer    BLOB NOT NULL DEFAULT x'',          -- the inviter's
    sealed    BLOB NOT NULL DEFAULT x'',
    secret    BLOB NOT NULL DEFAULT x'',          -- shared by the joiner and the relay, until the team is founded
    over      INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX invitation_team ON invitation (team, machine);
CREATE INDEX invitation_until ON invitation (until_ms);
