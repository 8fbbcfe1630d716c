-- Rosters.

-- :one  team, machine
SELECT asked_ms, received_ms FROM roster WHERE team = ? AND machine = ?;

-- :next  team
UPDATE team SET rosters = rosters + 1 WHERE id = ? RETURNING rosters;

-- :put  team, machine, n, key, sealed, asked, now
INSERT OR REPLACE INTO roster (team, machine, n, key, sealed, asked_ms, received_ms) VALUES (?, ?, ?, ?, ?, ?, ?);

-- :after  team, n, whom not
SELECT r.machine, r.n, r.key, r.sealed, r.received_ms, m.seen_ms
FROM roster AS r JOIN machine AS m ON m.id = r.machine
WHERE r.team = ? AND r.n > ? AND r.machine <> ? ORDER BY r.n;

-- :count  team
SELECT rosters FROM team WHERE id = ?;

-- :drop  team, machine
DELETE FROM roster WHERE team = ? AND machine = ?;
