-- Sessions that prove who they are by a token, not by a process: those of the claude-ipc face.

-- An address that somebody registered under an id of that face.
CREATE TABLE guest (
    address    INTEGER NOT NULL PRIMARY KEY REFERENCES address (id),
    used_ms    INTEGER NOT NULL,                 -- when its holder last asked for something: the name is alive for a while after
    renamed_ms INTEGER NOT NULL DEFAULT 0        -- when its holder last took another name
) STRICT;

CREATE TABLE token (
    digest   BLOB NOT NULL PRIMARY KEY,          -- the token itself is nowhere
    session  INTEGER NOT NULL REFERENCES session (id),
    until_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX token_session ON token (session);
CREATE INDEX token_until ON token (until_ms);

-- How a name was written when it was last registered, where that is not how telex writes it.
CREATE TABLE spelling (
    name    TEXT NOT NULL PRIMARY KEY,
    written TEXT NOT NULL
) STRICT, WITHOUT ROWID;
