-- The membership chain, and what it says of each machine.

-- :add  team, n, body, signature
INSERT INTO record (team, n, body, signature) VALUES (?, ?, ?, ?);

-- :body  team, n
SELECT body FROM record WHERE team = ? AND n = ?;

-- :after  team, n of the first
SELECT body, signature FROM record WHERE team = ? AND n >= ? ORDER BY n;

-- :grants  team, machine
SELECT key, machine, giver, sealed, signature FROM key_grant WHERE team = ? AND machine = ? ORDER BY key;

-- :grant  team, machine, key, giver, sealed, signature
INSERT OR REPLACE INTO key_grant (team, machine, key, giver, sealed, signature) VALUES (?, ?, ?, ?, ?, ?);

-- :standing  id
SELECT team, role, removed, sign FROM machine WHERE id = ?;

-- :members  team
SELECT id FROM machine WHERE team = ? AND removed = 0 ORDER BY id;

-- :everyone  team
SELECT id FROM machine WHERE team = ? ORDER BY id;

-- :count  team
SELECT count(*) FROM machine WHERE team = ? AND removed = 0;

-- :seen  team
SELECT id, seen_ms FROM machine WHERE team = ? AND removed = 0;

-- :counts  id, team
SELECT given, taken, cursor FROM machine WHERE id = ? AND team = ? AND removed = 0;

-- :bytes  id
SELECT bytes FROM machine WHERE id = ?;

-- :grew  bytes, id
UPDATE machine SET bytes = max(0, bytes + ?) WHERE id = ?;

-- :usage  team
SELECT id, role, removed, seen_ms, given - taken, bytes FROM machine WHERE team = ? ORDER BY id;

-- :asked  machine, nonce, time
INSERT OR IGNORE INTO asked (machine, nonce, at_ms) VALUES (?, ?, ?);

-- :forget_asked  before
DELETE FROM asked WHERE at_ms < ?;

-- :given  given, id
UPDATE machine SET given = ? WHERE id = ?;

-- :add_machine  id, team, role, sign
INSERT INTO machine (id, team, role, sign) VALUES (?, ?, ?, ?);

-- :role  role, id
UPDATE machine SET role = ? WHERE id = ?;

-- :remove  n, id
UPDATE machine SET removed = ? WHERE id = ?;

-- :heard  seen, cursor, id, team
UPDATE machine SET seen_ms = max(seen_ms, ?), cursor = ? WHERE id = ? AND team = ?;

-- :taken  taken, id, team
UPDATE machine SET taken = ? WHERE id = ? AND team = ?;

-- :taken_all  id, team
UPDATE machine SET taken = given WHERE id = ? AND team = ?;

-- :cursor  id
SELECT cursor FROM machine WHERE id = ?;
