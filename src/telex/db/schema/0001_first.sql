-- The first schema. Times are milliseconds since 1970, UTC; booleans are 0 and 1; 0 stands for 'none'.

CREATE TABLE setting (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Whoever can send or receive. A session's name outlives the session; mail waits for it here.
CREATE TABLE address (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    kind       TEXT NOT NULL CHECK (kind IN ('session', 'person', 'system', 'channel')),
    name       TEXT NOT NULL,
    session    INTEGER NOT NULL DEFAULT 0,       -- who holds the name now, or held it last
    bell       TEXT NOT NULL DEFAULT '',         -- what to ring when something waits
    wake       TEXT NOT NULL DEFAULT 'direct' CHECK (wake IN ('direct', 'requests', 'all', 'never')),
    arrival_ms INTEGER NOT NULL DEFAULT 0,       -- flow.rate's one number
    cause      INTEGER NOT NULL DEFAULT 0,       -- the message it most probably speaks because of (flow.Cause)
    cause_ms   INTEGER NOT NULL DEFAULT 0,
    spoken_ms  INTEGER NOT NULL DEFAULT 0,       -- when a person last spoke to it
    created_ms INTEGER NOT NULL
) STRICT;
-- A channel and a session may share a name: @frontend and #frontend.
CREATE UNIQUE INDEX address_name ON address (name, kind = 'channel');

-- After a rename the old name leads to the same address until the time is up or somebody takes it.
CREATE TABLE forward (
    name     TEXT NOT NULL PRIMARY KEY,
    address  INTEGER NOT NULL REFERENCES address (id),
    until_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- One running conversation of a client.
CREATE TABLE session (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    client       TEXT NOT NULL,
    key          TEXT NOT NULL,                  -- the client's own id of it
    address      INTEGER NOT NULL REFERENCES address (id),
    pid          INTEGER NOT NULL DEFAULT 0,
    pid_started  INTEGER NOT NULL DEFAULT 0,     -- tells a reused process id from the same process
    twin_pid     INTEGER NOT NULL DEFAULT 0,     -- the conversation is open in a second process too
    twin_started INTEGER NOT NULL DEFAULT 0,
    directory    TEXT NOT NULL DEFAULT '',
    title        TEXT NOT NULL DEFAULT '',
    wish         TEXT NOT NULL DEFAULT '',       -- the name that its environment asked for
    prompts_woken INTEGER NOT NULL DEFAULT 0,    -- prompts counted when telex last started a turn of it
    started_ms   INTEGER NOT NULL,
    seen_ms      INTEGER NOT NULL,
    ended_ms     INTEGER NOT NULL DEFAULT 0,
    ended_why    TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE UNIQUE INDEX session_key ON session (client, key);
CREATE INDEX session_pid ON session (pid);
CREATE INDEX session_twin ON session (twin_pid) WHERE twin_pid > 0;
CREATE INDEX session_open ON session (id) WHERE ended_ms = 0;

CREATE TABLE member (
    channel  INTEGER NOT NULL REFERENCES address (id),
    address  INTEGER NOT NULL REFERENCES address (id),
    reason   TEXT NOT NULL CHECK (reason IN ('directory', 'title', 'joined')),
    since_ms INTEGER NOT NULL,
    PRIMARY KEY (channel, address, reason)
) STRICT, WITHOUT ROWID;
CREATE INDEX member_address ON member (address);

CREATE TABLE message (
    n           INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid        BLOB NOT NULL,
    sender      INTEGER NOT NULL REFERENCES address (id),
    sender_name TEXT NOT NULL,                   -- as it was when it was sent
    sender_kind TEXT NOT NULL,
    client      TEXT NOT NULL,
    place       TEXT NOT NULL,
    addressed   TEXT NOT NULL,                   -- as it was written: @a,@b or #frontend or all
    kind        TEXT NOT NULL,
    body        TEXT NOT NULL,                   -- whole, or its head when `aside`
    size        INTEGER NOT NULL,                -- bytes of the whole body
    aside       INTEGER NOT NULL DEFAULT 0,      -- the whole body is bodies/<digest>
    digest      BLOB NOT NULL,                   -- of the whole body
    data        TEXT NOT NULL DEFAULT '',
    thread      INTEGER NOT NULL DEFAULT 0,      -- the message that began it; 0: this one
    topic       TEXT NOT NULL DEFAULT '',        -- a thread's own word, where the sender gave one
    reply_to    INTEGER NOT NULL DEFAULT 0,
    hops        INTEGER NOT NULL DEFAULT 0,
    auto        INTEGER NOT NULL DEFAULT 0,
    quiet       INTEGER NOT NULL DEFAULT 0,
    created_ms  INTEGER NOT NULL,
    expires_ms  INTEGER NOT NULL DEFAULT 0,
    deadline_ms INTEGER NOT NULL DEFAULT 0,      -- a request's
    key         TEXT NOT NULL DEFAULT '',
    hash        BLOB NOT NULL                    -- of the whole meaning; checked before it is shown
) STRICT;
CREATE UNIQUE INDEX message_uuid ON message (uuid);
CREATE INDEX message_sender ON message (sender);
CREATE INDEX message_repeat ON message (sender, digest);
CREATE UNIQUE INDEX message_key ON message (sender, key) WHERE key <> '';
CREATE INDEX message_reply ON message (reply_to) WHERE reply_to > 0;
CREATE INDEX message_thread ON message (thread) WHERE thread > 0;
CREATE INDEX message_channel ON message (addressed) WHERE substr(addressed, 1, 1) = '#';
CREATE INDEX message_several ON message (n) WHERE instr(addressed, ',') > 0 AND instr(addressed, '#') > 0;
CREATE INDEX message_topic ON message (topic) WHERE topic <> '';
CREATE INDEX message_aside ON message (digest) WHERE aside = 1;

CREATE TABLE delivery (
    message     INTEGER NOT NULL REFERENCES message (n),
    recipient   INTEGER NOT NULL REFERENCES address (id),
    via         TEXT NOT NULL CHECK (via IN ('direct', 'channel', 'all')),
    state       TEXT NOT NULL,
    wakes       INTEGER NOT NULL DEFAULT 0,
    changed_ms  INTEGER NOT NULL,
    shown_ms    INTEGER NOT NULL DEFAULT 0,
    read_ms     INTEGER NOT NULL DEFAULT 0,
    closed_ms   INTEGER NOT NULL DEFAULT 0,
    reason      TEXT NOT NULL DEFAULT '',        -- by which door, or why it ended
    PRIMARY KEY (message, recipient)
) STRICT, WITHOUT ROWID;
CREATE INDEX delivery_inbox ON delivery (recipient, message);
-- The inbox probe: nothing a session does grows with other sessions' mail or with history.
-- An OR, because from an IN (…) SQLite does not see that `state = 'queued'` is covered.
CREATE INDEX delivery_unread ON delivery (recipient, state, message) WHERE state = 'queued' OR state = 'shown';

-- Messages with a time to live, until it has run out or nothing of them is open.
CREATE TABLE due (
    at_ms   INTEGER NOT NULL,
    message INTEGER NOT NULL REFERENCES message (n),
    PRIMARY KEY (at_ms, message)
) STRICT, WITHOUT ROWID;
CREATE INDEX due_message ON due (message);

-- A request that nobody has answered, at one recipient.
CREATE TABLE owed (
    message     INTEGER NOT NULL REFERENCES message (n),
    debtor      INTEGER NOT NULL REFERENCES address (id),
    creditor    INTEGER NOT NULL REFERENCES address (id),
    deadline_ms INTEGER NOT NULL,
    reminded    INTEGER NOT NULL DEFAULT 0,      -- its end-of-turn hook has said so once
    told        INTEGER NOT NULL DEFAULT 0,      -- its sender knows: 1 idle or ended without a reply, 2 too late
    PRIMARY KEY (debtor, message)
) STRICT, WITHOUT ROWID;
CREATE INDEX owed_message ON owed (message);
CREATE INDEX owed_creditor ON owed (creditor) WHERE told < 2;
CREATE INDEX owed_deadline ON owed (deadline_ms) WHERE told < 2;

-- Two agents who answer each other (core/flow.py). a < b.
CREATE TABLE pair (
    a             INTEGER NOT NULL,
    b             INTEGER NOT NULL,
    count         INTEGER NOT NULL,
    since_ms      INTEGER NOT NULL,
    rest_until_ms INTEGER NOT NULL,
    cause         INTEGER NOT NULL,
    PRIMARY KEY (a, b)
) STRICT, WITHOUT ROWID;

CREATE VIRTUAL TABLE words USING fts5 (body, content = 'message', content_rowid = 'n');
INSERT INTO words (words, rank) VALUES ('secure-delete', 1);
