-- Invitations.

-- :one  nameplate
SELECT nameplate, team, machine, role, until_ms, words, attempt, message, proof, answer, sealed, secret, over
FROM invitation WHERE nameplate = ?;

-- :is_there  nameplate
SELECT count(*) FROM invitation WHERE nameplate = ?;

-- :open  team, machine
SELECT count(*) FROM invitation WHERE team = ? AND machine = ? AND over = 0;

-- :add  nameplate, team, machine, role, until, words
INSERT INTO invitation (nameplate, team, machine, role, until_ms, words) VALUES (?, ?, ?, ?, ?, ?);

-- :claim  attempt, message, answer, sealed, secret, nameplate
UPDATE invitation SET attempt = ?, message = ?, answer = ?, sealed = ?, secret = ?, words = '' WHERE nameplate = ?;

-- :answer  answer, sealed, nameplate
UPDATE invitation SET answer = ?, sealed = ? WHERE nameplate = ?;

-- :prove  proof, nameplate
UPDATE invitation SET proof = ? WHERE nameplate = ?;

-- :founded  sealed, nameplate
UPDATE invitation SET sealed = ?, secret = x'' WHERE nameplate = ?;

-- :burn  nameplate
UPDATE invitation SET over = 1, words = '', secret = x'' WHERE nameplate = ?;

-- :waiting  team, machine, now
SELECT nameplate FROM invitation
WHERE team = ? AND machine = ? AND over = 0 AND until_ms > ? AND attempt <> ''
AND (answer = x'' OR (proof <> x'' AND sealed = x''))
ORDER BY nameplate;

-- :expire  now
DELETE FROM invitation WHERE until_ms <= ?;

-- :drop_of  team, machine
UPDATE invitation SET over = 1, words = '', secret = x'' WHERE team = ? AND machine = ?;
