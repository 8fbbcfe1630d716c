-- What each machine uses of what belongs to its team, and which requests were obeyed once for the whole cluster.

ALTER TABLE addressed ADD COLUMN sender TEXT NOT NULL DEFAULT '';   -- the machine that pushed the entry
ALTER TABLE machine ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;    -- of its entries and parts
ALTER TABLE part ADD COLUMN machine TEXT NOT NULL DEFAULT '';       -- which put it first

UPDATE addressed SET sender = coalesce((
    SELECT o.machine FROM entry AS e JOIN origin AS o ON o.team = e.team AND o.id = e.origin
    WHERE e.team = addressed.team AND e.seq = addressed.seq), '');
UPDATE machine SET bytes = coalesce((
    SELECT sum(length(e.header) + length(e.sealed)) FROM entry AS e JOIN origin AS o ON o.team = e.team AND o.id = e.origin
    WHERE o.team = machine.team AND o.machine = machine.id), 0);

CREATE INDEX addressed_sender ON addressed (team, machine, sender, seq);

CREATE TABLE asked (
    machine TEXT NOT NULL,
    nonce   TEXT NOT NULL,
    at_ms   INTEGER NOT NULL,                         -- by its machine's clock, which the relay checked
    PRIMARY KEY (machine, nonce)
) STRICT, WITHOUT ROWID;
CREATE INDEX asked_at ON asked (at_ms);
