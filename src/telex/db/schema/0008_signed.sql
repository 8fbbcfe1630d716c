-- When another machine's letter was signed: its age counts from there, because the relay can keep a letter back and date it anew.
ALTER TABLE message ADD COLUMN signed_ms INTEGER NOT NULL DEFAULT 0;    -- by its sender's clock; 0: a message of this machine
ALTER TABLE message ADD COLUMN arrived_ms INTEGER NOT NULL DEFAULT 0;   -- when the relay says that it came there, by this machine's clock
