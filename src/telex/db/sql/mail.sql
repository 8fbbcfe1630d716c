-- Messages and deliveries: what sending, showing and reading do.

-- :add_message
INSERT INTO message (uuid, sender, sender_name, sender_kind, client, place, addressed, kind, body, size, aside, digest,
                     data, thread, topic, reply_to, hops, auto, quiet, created_ms, expires_ms, deadline_ms, key,
                     signed_ms, arrived_ms, hash)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)

-- :renumber
UPDATE message SET n = ? WHERE n = ?

-- :add_delivery
INSERT INTO delivery (message, recipient, via, state, wakes, changed_ms, closed_ms, reason) VALUES (?, ?, ?, ?, ?, ?, ?, ?)

-- :take_delivery  of an import: two names may lead to one address here
INSERT OR IGNORE INTO delivery (message, recipient, via, state, wakes, changed_ms, closed_ms, reason)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)

-- :add_due
INSERT OR IGNORE INTO due (at_ms, message) VALUES (?, ?)

-- :add_owed
INSERT OR IGNORE INTO owed (message, debtor, creditor, deadline_ms) VALUES (?, ?, ?, ?)

-- :settle  an answer has come: the debt of this debtor for this message is gone
DELETE FROM owed WHERE message = ? AND debtor = ?

-- :by_key
SELECT n FROM message WHERE sender = ? AND key = ? AND key <> ''

-- :by_uuid
SELECT n FROM message WHERE uuid = ?

-- :uuid_of
SELECT uuid FROM message WHERE n = ?

-- :exists
SELECT 1 FROM message WHERE n = ?

-- :message
SELECT n, uuid, sender, sender_name, sender_kind, client, place, addressed, kind, body, size, aside, digest, data,
       thread, topic, reply_to, hops, auto, quiet, created_ms, expires_ms, deadline_ms, key, signed_ms, arrived_ms, hash
FROM message WHERE n = ?

-- :passed_on  what counts when a message is the cause of another
SELECT n, sender, hops FROM message WHERE n = ?

-- :repeat  the newest message with the same body from this sender that this recipient was sent
SELECT m.n, m.created_ms FROM message m CROSS JOIN delivery d ON d.message = m.n AND d.recipient = ? AND d.state <> 'refused'
WHERE m.sender = ? AND m.digest = ? AND m.kind = ? AND m.reply_to = ? AND m.data = ?
AND m.created_ms > ? AND m.created_ms <= ? ORDER BY m.n DESC LIMIT 1

-- :sent_before  when its sender sent the message that so many of its own followed
SELECT created_ms FROM message WHERE sender = ? AND kind <> 'observed' ORDER BY n DESC LIMIT 1 OFFSET ?

-- :waiting_over  whether more than so many wait for a recipient; they are counted only if so many were sent since the oldest
SELECT 1 WHERE (SELECT max(n) FROM message)
             - (SELECT min(message) FROM delivery WHERE recipient = ?1 AND state = 'queued') >= ?2
           AND EXISTS (SELECT 1 FROM delivery WHERE recipient = ?1 AND state = 'queued' LIMIT 1 OFFSET ?2)

-- :waiting_count
SELECT count(*) FROM delivery WHERE recipient = ? AND state = 'queued'

-- :unseen_count
SELECT (SELECT count(*) FROM delivery WHERE recipient = ?1 AND state = 'queued')
     + (SELECT count(*) FROM handed WHERE recipient = ?1)

-- :any_unseen  whether anything waits to be shown, or was handed over and is not proved
SELECT 1 WHERE EXISTS (SELECT 1 FROM delivery WHERE recipient = ?1 AND state = 'queued')
            OR EXISTS (SELECT 1 FROM handed WHERE recipient = ?1)

-- :unseen_in_process  the same of any session of one process
SELECT 1 FROM session s WHERE s.pid = ? AND s.ended_ms = 0
AND (EXISTS (SELECT 1 FROM delivery WHERE recipient = s.address AND state = 'queued')
     OR EXISTS (SELECT 1 FROM handed WHERE recipient = s.address)) LIMIT 1

-- :any_waking
SELECT 1 FROM delivery WHERE recipient = ? AND state = 'queued' AND wakes = 1 LIMIT 1

-- :waking_since  when the oldest of what waits and should have woken its reader was sent
SELECT changed_ms FROM delivery WHERE recipient = ? AND state = 'queued' AND wakes = 1 ORDER BY message LIMIT 1

-- :queued  the oldest of what waits to be shown
SELECT m.n, m.uuid, m.sender, m.sender_name, m.sender_kind, m.client, m.place, m.addressed, m.kind, m.body, m.size,
       m.aside, m.digest, m.data, m.thread, m.topic, m.reply_to, m.hops, m.auto, m.quiet, m.created_ms, m.expires_ms,
       m.deadline_ms, m.key, m.signed_ms, m.arrived_ms, m.hash
FROM delivery d JOIN message m ON m.n = d.message WHERE d.recipient = ? AND d.state = 'queued' ORDER BY d.message LIMIT ?

-- :queued_numbers
SELECT message FROM delivery WHERE recipient = ? AND state = 'queued' ORDER BY message LIMIT ?

-- :open  the oldest of what needs its reader: what waits or is not proved, and requests that were shown and not answered
SELECT m.n, m.uuid, m.sender, m.sender_name, m.sender_kind, m.client, m.place, m.addressed, m.kind, m.body, m.size,
       m.aside, m.digest, m.data, m.thread, m.topic, m.reply_to, m.hops, m.auto, m.quiet, m.created_ms, m.expires_ms,
       m.deadline_ms, m.key, m.signed_ms, m.arrived_ms, m.hash
FROM (SELECT message FROM delivery WHERE recipient = ?1 AND state = 'queued'
      UNION SELECT message FROM handed WHERE recipient = ?1
      UNION SELECT o.message FROM owed o JOIN delivery d ON d.message = o.message AND d.recipient = o.debtor
      WHERE o.debtor = ?1 AND d.state IN ('shown', 'read') ORDER BY message LIMIT ?2) d
JOIN message m ON m.n = d.message ORDER BY m.n

-- :delivery
SELECT state, via, wakes, changed_ms, shown_ms, read_ms, closed_ms, reason FROM delivery WHERE message = ? AND recipient = ?

-- :unseen_numbers
SELECT message FROM delivery WHERE recipient = ?1 AND state = 'queued'
UNION SELECT message FROM handed WHERE recipient = ?1 ORDER BY message LIMIT ?2

-- :hand_over
UPDATE delivery SET state = 'handed', changed_ms = ?, reason = ? WHERE message = ? AND recipient = ? AND state = 'queued'

-- :add_handed
INSERT OR REPLACE INTO handed (recipient, message, session, stage, turn, joined, armed, transcript, size)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)

-- :handed  what was handed over to a recipient and is not proved
SELECT message, session, stage, turn, joined, armed, transcript, size FROM handed WHERE recipient = ? ORDER BY message

-- :any_handed
SELECT 1 FROM handed WHERE recipient = ? LIMIT 1

-- :arm  the text has left
UPDATE handed SET armed = 1 WHERE recipient = ? AND message = ?

-- :join_turn  the turn that carries it
UPDATE handed SET stage = ?, turn = ?, joined = ? WHERE recipient = ? AND message = ?

-- :drop_handed
DELETE FROM handed WHERE recipient = ? AND message = ?

-- :shown  by whichever way it came there, which stays as the reason
UPDATE delivery SET state = 'shown', shown_ms = ?1, changed_ms = ?1, reason = coalesce(?2, reason)
WHERE message = ?3 AND recipient = ?4 AND state IN ('queued', 'handed')

-- :take_back  the client dropped it
UPDATE delivery SET state = 'queued', changed_ms = ?1, reason = 'handed over at ' || reason || ', not taken'
WHERE message = ?2 AND recipient = ?3 AND state = 'handed'

-- :due_again  its time to live counts again
INSERT OR IGNORE INTO due (at_ms, message) SELECT expires_ms, n FROM message WHERE n = ? AND expires_ms > 0

-- :went_on  what this session was shown before has been read: it has worked on since
UPDATE delivery SET state = 'read', read_ms = ?1, changed_ms = ?1
WHERE recipient = ?2 AND state = 'shown' AND shown_ms >= ?3

-- :move
UPDATE delivery SET state = ?1, changed_ms = ?2, reason = ?3,
       shown_ms = CASE WHEN ?1 = 'read' AND shown_ms = 0 THEN ?2 ELSE shown_ms END,
       read_ms = CASE WHEN ?1 IN ('read', 'done') AND read_ms = 0 THEN ?2 ELSE read_ms END,
       closed_ms = CASE WHEN ?1 IN ('done', 'expired', 'refused', 'dead') THEN ?2 ELSE closed_ms END
WHERE message = ?4 AND recipient = ?5

-- :deliveries  of one message, with who they are for
SELECT a.name, a.kind, d.state, d.via, d.changed_ms, d.shown_ms, d.read_ms, d.closed_ms, d.reason, a.id
FROM delivery d JOIN address a ON a.id = d.recipient WHERE d.message = ? ORDER BY a.id

-- :states  how many deliveries of a message are in which state
SELECT state, count(*) FROM delivery WHERE message = ? GROUP BY state

-- :replies  to one message, oldest first
SELECT n FROM message WHERE reply_to = ? AND reply_to > 0 ORDER BY n

-- :debts  what this address owes and has been shown: the end of its turn is the time to say so
SELECT o.message, o.reminded, o.creditor FROM owed o JOIN delivery d ON d.message = o.message AND d.recipient = o.debtor
WHERE o.debtor = ? AND d.state IN ('shown', 'read') ORDER BY o.message

-- :standing  whether it owes or awaits anything at all; and whether another machine is to be told something
SELECT EXISTS (SELECT 1 FROM owed WHERE debtor = ?1 AND told < 2)
    OR EXISTS (SELECT 1 FROM owed WHERE creditor = ?1 AND told < 2), EXISTS (SELECT 1 FROM arrival WHERE due = 1)

-- :reminded
UPDATE owed SET reminded = 1 WHERE debtor = ? AND message = ?

-- :told
UPDATE owed SET told = ? WHERE debtor = ? AND message = ?

-- :owed_for  who owes a reply to this message, and whom
SELECT debtor, creditor FROM owed WHERE message = ? AND told < 2

-- :unanswered  why another machine's request has no reply, to be told to it
UPDATE arrival SET unanswered = ?, due = 1 WHERE message = ? AND recipient = ?

-- :sender_of
SELECT sender FROM message WHERE n = ?

-- :untold_debts  what this address leaves unanswered and whose sender does not know yet
SELECT o.message, o.creditor FROM owed o WHERE o.debtor = ? AND o.told = 0

-- :late  requests whose deadline has passed
SELECT o.message, o.debtor, o.creditor FROM owed o WHERE o.told < 2 AND o.deadline_ms <= ? LIMIT ?

-- :pair
SELECT count, since_ms, rest_until_ms, cause FROM pair WHERE a = ? AND b = ?

-- :set_pair
INSERT INTO pair (a, b, count, since_ms, rest_until_ms, cause) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (a, b) DO UPDATE SET count = excluded.count, since_ms = excluded.since_ms,
                                 rest_until_ms = excluded.rest_until_ms, cause = excluded.cause

-- :any_to_sweep  one look for the three that follow, because every write takes it
SELECT 1 WHERE EXISTS (SELECT 1 FROM due WHERE at_ms <= ?1)
            OR EXISTS (SELECT 1 FROM owed WHERE told < 2 AND deadline_ms <= ?1)
            OR EXISTS (SELECT 1 FROM setting WHERE name = 'lost_untold')
            OR (SELECT created_ms <= ?2 OR created_ms > ?3 FROM message WHERE n > coalesce(
                (SELECT CAST(value AS INTEGER) FROM setting WHERE name = 'kept_to'), 0) ORDER BY n LIMIT 1)

-- :any_overdue  one look, in three indexes, for what every reader notices on its way
SELECT 1 WHERE EXISTS (SELECT 1 FROM due WHERE at_ms <= ?1)
            OR EXISTS (SELECT 1 FROM owed WHERE told < 2 AND deadline_ms <= ?1)
            OR EXISTS (SELECT 1 FROM setting WHERE name = 'lost_untold')

-- :next_overdue  when the next of these is due, in milliseconds; 0 for never
SELECT coalesce(min(at_ms), 0) FROM (SELECT min(at_ms) AS at_ms FROM due UNION ALL
                                     SELECT min(deadline_ms) FROM owed WHERE told < 2)

-- :overdue  messages whose time to live has run out
SELECT at_ms, message FROM due WHERE at_ms <= ? ORDER BY at_ms LIMIT ?

-- :drop_due
DELETE FROM due WHERE at_ms = ? AND message = ?

-- :open_deliveries
SELECT recipient, state FROM delivery WHERE message = ? AND state IN ('queued', 'handed', 'shown')

-- :on_its_way  recipients at other machines, to whose machines it has gone
SELECT recipient FROM delivery WHERE message = ? AND state = 'queued' AND reason IN ('at the relay', 'on its machine')

-- :oldest  after the message that keeping has come to
SELECT n, created_ms FROM message WHERE n > ? ORDER BY n LIMIT ?

-- :kept_to  the message that keeping has come to
SELECT CAST(value AS INTEGER) FROM setting WHERE name = 'kept_to'

-- :newest_change  of a message's deliveries
SELECT max(changed_ms) FROM delivery WHERE message = ?

-- :drop_deliveries
DELETE FROM delivery WHERE message = ?

-- :drop_message_handed
DELETE FROM handed WHERE message = ?

-- :drop_owed
DELETE FROM owed WHERE message = ?

-- :drop_message_due
DELETE FROM due WHERE message = ?

-- :drop_message
DELETE FROM message WHERE n = ?

-- :digest_used
SELECT 1 FROM message WHERE digest = ? AND aside = 1 LIMIT 1

-- :set_times  of an imported delivery
UPDATE delivery SET shown_ms = ?, read_ms = ? WHERE message = ? AND recipient = ?
