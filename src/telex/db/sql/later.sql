-- Mail for those who come later: for a name that nobody held, for a channel where nobody else was.

-- :waiting  what waits for a name, was sent here since this machine is in the team, and is not undecided
SELECT d.message FROM delivery d JOIN message m ON m.n = d.message
WHERE d.recipient = ?1 AND d.state = 'queued' AND d.via = 'direct' AND m.created_ms >= ?2
AND m.sender_kind <> 'system' AND instr(m.sender_name, '@') = 0
AND NOT EXISTS (SELECT 1 FROM undecided u WHERE u.message = d.message AND u.recipient = d.recipient)

-- :went_to  whether a message has gone to a machine already, whose id is ?2
SELECT 1 FROM outbox WHERE message = ?1 AND message > 0 AND instr(route, ?2) > 0 LIMIT 1

-- :pass_on  a delivery is somebody else's now
UPDATE delivery SET recipient = ?1, reason = ?2, changed_ms = ?3 WHERE message = ?4 AND recipient = ?5

-- :pass_debt_on
UPDATE owed SET debtor = ?1 WHERE message = ?2 AND debtor = ?3

-- :leave_undecided
INSERT OR IGNORE INTO undecided (message, recipient) VALUES (?, ?)

-- :doubles  what two addresses were sent both
SELECT d.message, d.state FROM delivery d
WHERE d.recipient = ?1 AND EXISTS (SELECT 1 FROM delivery o WHERE o.message = d.message AND o.recipient = ?2)

-- :say_why
UPDATE arrival SET why = ?1 WHERE message = ?2 AND recipient = ?3

-- :drop_debt
DELETE FROM owed WHERE message = ? AND debtor = ?

-- :drop_delivery
DELETE FROM delivery WHERE message = ? AND recipient = ?

-- :inherit  what waited at one address, and what ended there, is another's
UPDATE OR IGNORE delivery SET recipient = ?2 WHERE recipient = ?1

-- :inherit_arrivals
UPDATE OR IGNORE arrival SET recipient = ?2
WHERE message IN (SELECT message FROM delivery WHERE recipient = ?2) AND recipient = ?1

-- :kept  what a channel keeps for those who come: what nobody has yet, and what was sent since ?2
SELECT d.message, d.state FROM delivery d JOIN message m ON m.n = d.message
WHERE d.recipient = ?1 AND (d.state = 'queued' OR (d.state = 'read' AND m.created_ms > ?2)) ORDER BY d.message

-- :kept_here  of that, what was sent from here since this machine is in the team, and nobody has yet
SELECT d.message FROM delivery d JOIN message m ON m.n = d.message
WHERE d.recipient = ?1 AND d.state = 'queued' AND m.created_ms >= ?2 AND instr(m.sender_name, '@') = 0 ORDER BY d.message
