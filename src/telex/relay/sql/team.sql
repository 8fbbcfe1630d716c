-- Teams.

-- :ids
SELECT id FROM team ORDER BY id;

-- :all
SELECT id, name, made_ms, records, head, bytes FROM team ORDER BY name;

-- :is_there  id, name
SELECT count(*) FROM team WHERE id = ? OR name = ?;

-- :named  name
SELECT id, records FROM team WHERE name = ?;

-- :name  id
SELECT name FROM team WHERE id = ?;

-- :add  id, name, now
INSERT INTO team (id, name, made_ms) VALUES (?, ?, ?);

-- :records  id
SELECT records FROM team WHERE id = ?;

-- :extended  records, key, id
UPDATE team SET records = ?, key = ? WHERE id = ?;

-- :for_push  id
SELECT key, head, bytes FROM team WHERE id = ?;

-- :for_page  id
SELECT head, earliest, records, rosters FROM team WHERE id = ?;

-- :pushed  head, bytes, id
UPDATE team SET head = ?, bytes = ? WHERE id = ?;

-- :bytes  id
SELECT bytes FROM team WHERE id = ?;

-- :grew  bytes, id
UPDATE team SET bytes = bytes + ? WHERE id = ?;

-- :freed  bytes, id
UPDATE team SET bytes = bytes - ? WHERE id = ?;

-- :trimmed  earliest, bytes, id
UPDATE team SET earliest = ?, bytes = bytes - ? WHERE id = ?;

-- :to_sweep  before, parts before
SELECT id FROM team AS t
WHERE EXISTS (SELECT 1 FROM entry AS e WHERE e.team = t.id AND e.seq = t.earliest AND e.received_ms < ?)
OR EXISTS (SELECT 1 FROM part AS p WHERE p.team = t.id AND p.put_ms < ?)
ORDER BY id;
