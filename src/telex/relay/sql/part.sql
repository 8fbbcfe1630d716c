-- Sealed parts of large bodies.

-- :is_there  team, digest
SELECT count(*) FROM part WHERE team = ? AND digest = ?;

-- :again  now, team, digest
UPDATE part SET put_ms = ? WHERE team = ? AND digest = ?;

-- :add  team, digest, size, now, machine
INSERT INTO part (team, digest, size, put_ms, machine) VALUES (?, ?, ?, ?, ?);

-- :use  team, digest, seq
INSERT INTO part_use (team, digest, seq) VALUES (?, ?, ?);

-- :trim_uses  team, last
DELETE FROM part_use WHERE team = ? AND seq <= ?;

-- :drop_uses  team, seq
DELETE FROM part_use WHERE team = ? AND seq = ?;

-- :unused  team, before, how many
SELECT digest, size, machine FROM part AS p
WHERE team = ? AND put_ms < ? AND NOT EXISTS (SELECT 1 FROM part_use AS u WHERE u.team = p.team AND u.digest = p.digest)
LIMIT ?;

-- :drop  team, digest
DELETE FROM part WHERE team = ? AND digest = ?;

-- :put_data  team, digest, data
INSERT OR IGNORE INTO part_data (team, digest, data) VALUES (?, ?, ?);

-- :data  team, digest
SELECT data FROM part_data WHERE team = ? AND digest = ?;

-- :drop_data  team, digest
DELETE FROM part_data WHERE team = ? AND digest = ?;
