-- The team's membership chain as it was verified, its machines, and this machine's open invitations.

-- :records
SELECT n, body, signature FROM record ORDER BY n

-- :add_record
INSERT INTO record (n, body, signature) VALUES (?, ?, ?)

-- :put_machine
INSERT INTO machine (id, name, role, sign, seal, removed) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET name = excluded.name, role = excluded.role, removed = excluded.removed

-- :clear_records
DELETE FROM record

-- :clear_machines
DELETE FROM machine

-- :clear_invitations
DELETE FROM invitation

-- :invite
INSERT INTO invitation (nameplate, words, role, until_ms) VALUES (?, ?, ?, ?)
ON CONFLICT (nameplate) DO UPDATE SET words = excluded.words, role = excluded.role, until_ms = excluded.until_ms

-- :invitation
SELECT words, role, until_ms FROM invitation WHERE nameplate = ?

-- :invitations
SELECT nameplate, role, until_ms FROM invitation WHERE until_ms > ? ORDER BY until_ms

-- :claim
DELETE FROM invitation WHERE nameplate = ?

-- :drop_expired
DELETE FROM invitation WHERE until_ms <= ?
