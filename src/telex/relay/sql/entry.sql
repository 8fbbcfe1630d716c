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

-- :address  team, machine, seq, place, sender
INSERT INTO addressed (team, machine, seq, place, sender) VALUES (?, ?, ?, ?, ?);

-- :over_share  team, machine, sender, cursor, how many: whether so many of a sender wait for a machine
SELECT 1 FROM addressed WHERE team = ? AND machine = ? AND sender = ? AND seq > ? LIMIT 1 OFFSET ?;

-- :page  team, machine, after, how many
SELECT e.seq, e.header, e.sealed, e.received_ms, e.reason
FROM addressed AS a JOIN entry AS e ON e.team = a.team AND e.seq = a.seq
WHERE a.team = ? AND a.machine = ? AND a.seq > ? ORDER BY a.seq LIMIT ?;

-- :place_after  team, machine, seq
SELECT place FROM addressed WHERE team = ? AND machine = ? AND seq > ? ORDER BY seq LIMIT 1;

-- :oldest  team, how many
SELECT e.seq, e.received_ms, length(e.header) + length(e.sealed), coalesce(o.machine, '')
FROM entry AS e LEFT JOIN origin AS o ON o.team = e.team AND o.id = e.origin WHERE e.team = ? ORDER BY e.seq LIMIT ?;

-- :of_machine  team, machine, how many: its oldest entries that still have something in them
SELECT e.seq, length(e.sealed) FROM entry AS e JOIN origin AS o ON o.team = e.team AND o.id = e.origin
WHERE e.team = ? AND o.machine = ? AND e.reason = '' ORDER BY e.seq LIMIT ?;

-- :empty  reason, team, seq
UPDATE entry SET sealed = x'', reason = ? WHERE team = ? AND seq = ?;

-- :trim  team, last
DELETE FROM entry WHERE team = ? AND seq <= ?;

-- :trim_addressed  team, machine, last
DELETE FROM addressed WHERE team = ? AND machine = ? AND seq <= ?;
