-- What a session sends with its client's own tool for messages is noted: a message of the kind 'observed', without deliveries.
ALTER TABLE address ADD COLUMN observed_ms INTEGER NOT NULL DEFAULT 0;  -- when that was last; 0: never
