-- The log's entries.

-- :origin  team, origin
SELECT machine, last FROM origin WHERE team = ? AND id = ?;

-- :set_origin  team, origin, machine, last
INSERT INTO origin (team, id, machine, last) VALUES (?, ?, ?, ?)
ON CONFLICT (team, id) DO UPDATE SET last = excluded.last;

-- :kept  team, origin, oseq
SELECT id, reason FROM entry WHERE team = ? AND origin = ? AND oseq = ?;

-- :add  team, seq, origin, oseq, id, header, sealed, now, reason
INSERT INTO entry (team, seq, origin, oseq, id, header, sealed, received_ms, reason) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?);

-- :address  team, machine, seq, place
INSERT INTO addressed (team, machine, seq, place) VALUES (?, ?, ?, ?);

-- :page  team, machine, after, how many
SELECT e.seq, e.header, e.sealed, e.received_ms, e.reason
FROM addressed AS a JOIN entry AS e ON e.team = a.team AND e.seq = a.seq
WHERE a.team = ? AND a.machine = ? AND a.seq > ? ORDER BY a.seq LIMIT ?;

-- :place_after  team, machine, seq
SELECT place FROM addressed WHERE team = ? AND machine = ? AND seq > ? ORDER BY seq LIMIT 1;

-- :oldest  team, how many
SELECT seq, received_ms, length(header) + length(sealed) FROM entry WHERE team = ? ORDER BY seq LIMIT ?;

-- :trim  team, last
DELETE FROM entry WHERE team = ? AND seq <= ?;

-- :trim_addressed  team, machine, last
DELETE FROM addressed WHERE team = ? AND machine = ? AND seq <= ?;
