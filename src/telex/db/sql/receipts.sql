-- What became of letters between machines.

-- :any_due
SELECT 1 WHERE EXISTS (SELECT 1 FROM arrival WHERE due = 1) OR EXISTS (SELECT 1 FROM final_receipt)

-- :due  what is to be told, as it is now; a letter's id is the one that its sender knows it by
SELECT r.message, r.recipient, r.machine, r.name, iif(r.letter = x'', m.uuid, r.letter), d.state, d.via, d.changed_ms, r.why, r.unanswered
FROM arrival r JOIN message m ON m.n = r.message JOIN delivery d ON d.message = r.message AND d.recipient = r.recipient
WHERE r.due = 1 ORDER BY r.machine, r.message LIMIT ?

-- :keep_final  what is due of one message, kept because the message goes
INSERT INTO final_receipt (machine, name, letter, state, via, changed_ms, why, unanswered)
SELECT r.machine, r.name, iif(r.letter = x'', m.uuid, r.letter), d.state, d.via, d.changed_ms, r.why, r.unanswered
FROM arrival r JOIN message m ON m.n = r.message JOIN delivery d ON d.message = r.message AND d.recipient = r.recipient
WHERE r.message = ? AND r.due = 1

-- :keep_final_of  the same of one recipient
INSERT INTO final_receipt (machine, name, letter, state, via, changed_ms, why, unanswered)
SELECT r.machine, r.name, iif(r.letter = x'', m.uuid, r.letter), d.state, d.via, d.changed_ms, r.why, r.unanswered
FROM arrival r JOIN message m ON m.n = r.message JOIN delivery d ON d.message = r.message AND d.recipient = r.recipient
WHERE r.message = ? AND r.recipient = ? AND r.due = 1

-- :finals
SELECT n, machine, name, letter, state, via, changed_ms, why, unanswered
FROM final_receipt ORDER BY n LIMIT ?

-- :drop_final
DELETE FROM final_receipt WHERE n = ?

-- :drop_finals_for  nobody is left to be told
DELETE FROM final_receipt WHERE machine = ?

-- :told
UPDATE arrival SET due = 0, unanswered = '' WHERE message = ? AND recipient = ?

-- :forget_due
UPDATE arrival SET due = 0 WHERE due = 1

-- :drop_arrival
DELETE FROM arrival WHERE message = ? AND recipient = ?

-- :drop_arrivals
DELETE FROM arrival WHERE message = ?

-- :add_arrival
INSERT OR IGNORE INTO arrival (message, recipient, machine, name, why, letter) VALUES (?, ?, ?, ?, ?, ?)

-- :say_why  the code of why a message ends unread here
UPDATE arrival SET why = ? WHERE message = ?

-- :letter_of  the machine that a message came from, and its id there
SELECT machine, letter FROM arrival WHERE message = ? LIMIT 1

-- :goes_elsewhere  whether a message was sent to other machines
SELECT 1 FROM outbox WHERE message = ? AND message > 0 LIMIT 1

-- :say_where
UPDATE delivery SET reason = ?1, changed_ms = ?2 WHERE message = ?3 AND recipient = ?4 AND reason <> ?1
