-- Who is at the other machines of the team.

-- :machine_named
SELECT id, name, role, removed, roster_ms, seen_ms FROM machine WHERE name = ? AND removed = 0

-- :machine
SELECT id, name, role, removed, roster_ms, seen_ms FROM machine WHERE id = ?

-- :machines
SELECT id, name, role, removed, roster_ms, seen_ms FROM machine WHERE removed = 0 ORDER BY name

-- :find
SELECT r.machine, m.name, r.name, r.kind, r.client, r.state, max(m.roster_ms, m.seen_ms) FROM resident r JOIN machine m ON m.id = r.machine
WHERE r.name = ? AND m.removed = 0 ORDER BY m.name

-- :everybody
SELECT r.machine, m.name, r.name, r.kind, r.client, r.state, max(m.roster_ms, m.seen_ms) FROM resident r JOIN machine m ON m.id = r.machine
WHERE m.removed = 0 ORDER BY m.name, r.name

-- :members  of one channel
SELECT r.machine, m.name, r.name, r.kind, r.client, r.state, max(m.roster_ms, m.seen_ms)
FROM resident_channel c JOIN resident r ON r.name = c.name AND r.machine = c.machine JOIN machine m ON m.id = r.machine
WHERE c.channel = ? AND m.removed = 0 ORDER BY m.name, r.name

-- :channels
SELECT c.channel, c.name, m.name FROM resident_channel c JOIN machine m ON m.id = c.machine
WHERE m.removed = 0 ORDER BY c.channel, m.name, c.name

-- :drop_residents
DELETE FROM resident WHERE machine = ?

-- :drop_channels
DELETE FROM resident_channel WHERE machine = ?

-- :drop_arrivals  nobody is left to be told
DELETE FROM arrival WHERE machine = ?

-- :add
INSERT OR IGNORE INTO resident (machine, name, kind, client, state) VALUES (?, ?, ?, ?, ?)

-- :add_channel
INSERT OR IGNORE INTO resident_channel (channel, machine, name) VALUES (?, ?, ?)

-- :heard
UPDATE machine SET roster_ms = ?1, seen_ms = max(seen_ms, ?1) WHERE id = ?2

-- :seen
UPDATE machine SET seen_ms = ? WHERE id = ?

-- :mine  the names of this machine that somebody holds, or held after a time
SELECT a.id, a.kind, a.name, a.session, a.bell, a.wake, s.client
FROM session s JOIN address a ON a.id = s.address AND a.session = s.id AND a.kind = 'session'
WHERE s.ended_ms = 0 OR s.ended_ms > ?1
UNION ALL
SELECT a.id, a.kind, a.name, a.session, a.bell, a.wake, '' FROM address a WHERE a.kind = 'person'
ORDER BY 1 DESC

-- :channels_of  of one address, and whether it joined on purpose
SELECT c.name, max(m.reason = 'joined') FROM member m JOIN address c ON c.id = m.channel WHERE m.address = ? GROUP BY c.name
