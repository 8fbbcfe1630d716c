-- Taking in what comes from other machines.

-- :had_from  the number of the last item of an origin; below 0 there may be a hole after it
SELECT oseq FROM had_from WHERE origin = ?

-- :set_had_from
INSERT INTO had_from (origin, machine, oseq) VALUES (?, ?, ?) ON CONFLICT (origin) DO UPDATE SET oseq = excluded.oseq

-- :expect_anything  what the relay no longer has is not missing once more, sender by sender: below 0 is a number
-- that was had, after which there may be a hole
UPDATE had_from SET oseq = -abs(oseq)

-- :is_known  whether a letter of that id came from a machine before
SELECT 1 FROM known_id WHERE id = ? AND machine IN (?, '')

-- :add_known
INSERT OR IGNORE INTO known_id (id, machine, at_ms) VALUES (?, ?, ?)

-- :forget_known
DELETE FROM known_id WHERE at_ms < ?

-- :flow  what a machine has used of its rates
SELECT letters_ms, bytes_ms, names_ms FROM machine_flow WHERE machine = ?

-- :set_letters
INSERT INTO machine_flow (machine, letters_ms, bytes_ms) VALUES (?, ?, ?)
ON CONFLICT (machine) DO UPDATE SET letters_ms = excluded.letters_ms, bytes_ms = excluded.bytes_ms

-- :set_names
INSERT INTO machine_flow (machine, names_ms) VALUES (?, ?)
ON CONFLICT (machine) DO UPDATE SET names_ms = excluded.names_ms

-- :wakes  of a session by a machine
SELECT used_ms, spoken_ms FROM machine_wake WHERE machine = ? AND recipient = ?

-- :set_wakes
INSERT INTO machine_wake (machine, recipient, used_ms, spoken_ms) VALUES (?, ?, ?, ?)
ON CONFLICT (machine, recipient) DO UPDATE SET used_ms = excluded.used_ms, spoken_ms = excluded.spoken_ms
