-- Tokens, by digest.

-- :add  digest, machine, audience, until
INSERT INTO token (digest, machine, audience, until_ms) VALUES (?, ?, ?, ?);

-- :one  digest
SELECT machine, audience, until_ms FROM token WHERE digest = ?;

-- :keep_newest  machine, machine, how many
DELETE FROM token WHERE machine = ?
AND digest NOT IN (SELECT digest FROM token WHERE machine = ? ORDER BY until_ms DESC LIMIT ?);

-- :revoke  machine
DELETE FROM token WHERE machine = ?;

-- :expire  now
DELETE FROM token WHERE until_ms <= ?;
