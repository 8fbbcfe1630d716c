-- What became of letters between machines.

-- :any_due
SELECT 1 FROM arrival WHERE due = 1 LIMIT 1

-- :due  what is to be told, as it is now
SELECT r.message, r.recipient, r.machine, r.name, r.unanswered, m.uuid, d.state, d.via, d.changed_ms, d.reason
FROM arrival r JOIN message m ON m.n = r.message JOIN delivery d ON d.message = r.message AND d.recipient = r.recipient
WHERE r.due = 1 ORDER BY r.machine, r.message LIMIT ?

-- :due_of  the same of one message
SELECT r.message, r.recipient, r.machine, r.name, r.unanswered, m.uuid, d.state, d.via, d.changed_ms, d.reason
FROM arrival r JOIN message m ON m.n = r.message JOIN delivery d ON d.message = r.message AND d.recipient = r.recipient
WHERE r.message = ? AND r.due = 1

-- :told
UPDATE arrival SET due = 0, unanswered = '' WHERE message = ? AND recipient = ?

-- :forget_due
UPDATE arrival SET due = 0 WHERE due = 1

-- :drop_arrival
DELETE FROM arrival WHERE message = ? AND recipient = ?

-- :drop_arrivals
DELETE FROM arrival WHERE message = ?

-- :add_arrival
INSERT OR IGNORE INTO arrival (message, recipient, machine, name) VALUES (?, ?, ?, ?)

-- :add_bygone
INSERT OR IGNORE INTO bygone (uuid, at_ms) SELECT uuid, ?2 FROM message WHERE n = ?1

-- :is_bygone
SELECT 1 FROM bygone WHERE uuid = ?

-- :forget_bygone
DELETE FROM bygone WHERE at_ms < ?

-- :goes_elsewhere  whether a message was sent to other machines
SELECT 1 FROM outbox WHERE message = ? AND message > 0 LIMIT 1

-- :say_where
UPDATE delivery SET reason = ?1, changed_ms = ?2 WHERE message = ?3 AND recipient = ?4 AND reason <> ?1
