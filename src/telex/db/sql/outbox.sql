-- What leaves this machine for others.

-- :add
INSERT INTO outbox (oseq, id, message, route, receipts, at_ms) VALUES (?, ?, ?, ?, ?, ?)

-- :sent_to  the number of the last item for a machine
SELECT oseq FROM sent_to WHERE machine = ?

-- :set_sent_to
INSERT INTO sent_to (machine, oseq) VALUES (?, ?) ON CONFLICT (machine) DO UPDATE SET oseq = excluded.oseq

-- :first
SELECT oseq FROM outbox ORDER BY oseq LIMIT 1

-- :after  the items after a number
SELECT oseq, id, message, route, receipts, at_ms, refused FROM outbox WHERE oseq > ? ORDER BY oseq LIMIT ?

-- :all
SELECT oseq, id, message, route, receipts, at_ms, refused FROM outbox ORDER BY oseq

-- :one
SELECT oseq, id, message, route, receipts, at_ms, refused FROM outbox WHERE oseq = ?

-- :any_waiting  what the relay does not have
SELECT 1 FROM outbox WHERE sent_ms = 0 LIMIT 1

-- :count_waiting
SELECT count(*) FROM outbox WHERE sent_ms = 0

-- :newly_sent  messages of which the relay has said for the first time that it has them
SELECT message FROM outbox WHERE sent_ms = 0 AND oseq <= ? AND message > 0

-- :set_sent
UPDATE outbox SET sent_ms = ? WHERE sent_ms = 0 AND oseq <= ?

-- :sent_beyond  messages that the relay had once and has no more
SELECT message FROM outbox WHERE oseq > ? AND sent_ms > 0 AND message > 0

-- :unset_sent
UPDATE outbox SET sent_ms = 0 WHERE oseq > ? AND sent_ms > 0

-- :set_refused
UPDATE outbox SET refused = ? WHERE oseq = ?

-- :say_where  a message is now, at those of its recipients for whom it was elsewhere
UPDATE delivery SET reason = ?1, changed_ms = ?2 WHERE message = ?3 AND state = 'queued' AND reason = ?4

-- :open_deliveries  of a message, on this side of its recipients' machines
SELECT message, recipient FROM delivery WHERE message = ?1 AND state = 'queued' AND reason IN (?2, ?3)

-- :forget  the oldest items that the relay has had for long
DELETE FROM outbox WHERE oseq IN (SELECT oseq FROM outbox WHERE oseq < ?1 AND sent_ms > 0 AND sent_ms < ?2 ORDER BY oseq LIMIT ?3)

-- :any_on_its_way  whether a message has not come to all machines that it is for
SELECT 1 FROM delivery WHERE message = ?1 AND state = 'queued' AND reason IN (?2, ?3) LIMIT 1
