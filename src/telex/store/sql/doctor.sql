-- Checking and saving a store.

-- :integrity
PRAGMA integrity_check(20)

-- :foreign_keys
PRAGMA foreign_key_check

-- :application_id
PRAGMA application_id

-- :messages_newest  to check their hashes
SELECT n FROM message ORDER BY n DESC LIMIT ?

-- :aside  messages whose bodies lie beside
SELECT n, digest FROM message WHERE aside = 1

-- :silent  addresses with mail waiting or not proved, and the bell that should ring for it
SELECT a.id, a.bell FROM address a WHERE a.bell <> ''
AND NOT EXISTS (SELECT 1 FROM session s WHERE s.id = a.session AND s.ended_ms > 0) AND (EXISTS (SELECT 1 FROM delivery d WHERE d.recipient = a.id AND d.state = 'queued')
     OR EXISTS (SELECT 1 FROM handed h WHERE h.recipient = a.id))

-- :counts
SELECT (SELECT count(*) FROM message), (SELECT count(*) FROM delivery WHERE state IN ('queued', 'handed', 'shown')),
       (SELECT count(*) FROM session WHERE ended_ms = 0)

-- :bells_in_use
SELECT a.bell FROM address a
WHERE a.bell <> '' AND NOT EXISTS (SELECT 1 FROM session s WHERE s.id = a.session AND s.ended_ms > 0)

-- :save_setting
SELECT * FROM setting

-- :save_address
SELECT * FROM address

-- :save_forward
SELECT * FROM forward

-- :save_session
SELECT * FROM session

-- :save_member
SELECT * FROM member

-- :save_message
SELECT * FROM message ORDER BY n

-- :save_message_backwards  from the other end, when the way is blocked by a damaged page
SELECT * FROM message ORDER BY n DESC

-- :save_due
SELECT * FROM due

-- :save_delivery
SELECT * FROM delivery ORDER BY message, recipient

-- :save_delivery_backwards
SELECT * FROM delivery ORDER BY message DESC, recipient DESC

-- :save_undecided
SELECT * FROM undecided

-- :save_owed
SELECT * FROM owed

-- :save_pair
SELECT * FROM pair

-- :put_setting
INSERT OR IGNORE INTO setting VALUES (?, ?)

-- :put_address
INSERT OR IGNORE INTO address VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)

-- :put_forward
INSERT OR IGNORE INTO forward VALUES (?, ?, ?)

-- :put_session
INSERT OR IGNORE INTO session VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)

-- :put_member
INSERT OR IGNORE INTO member VALUES (?, ?, ?, ?)

-- :put_message
INSERT OR IGNORE INTO message VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)

-- :put_due
INSERT OR IGNORE INTO due VALUES (?, ?)

-- :put_delivery
INSERT OR IGNORE INTO delivery VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)

-- :put_undecided
INSERT OR IGNORE INTO undecided VALUES (?, ?)

-- :put_owed
INSERT OR IGNORE INTO owed VALUES (?, ?, ?, ?, ?, ?)

-- :put_pair
INSERT OR IGNORE INTO pair VALUES (?, ?, ?, ?, ?, ?)

-- :save_guest
SELECT * FROM guest

-- :save_token
SELECT * FROM token

-- :save_spelling
SELECT * FROM spelling

-- :put_guest
INSERT OR IGNORE INTO guest VALUES (?, ?, ?)

-- :put_token
INSERT OR IGNORE INTO token VALUES (?, ?, ?)

-- :put_spelling
INSERT OR IGNORE INTO spelling VALUES (?, ?)

-- :save_link
SELECT * FROM link

-- :put_link
INSERT OR IGNORE INTO link VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)

-- :save_record
SELECT * FROM record

-- :put_record
INSERT OR IGNORE INTO record VALUES (?, ?, ?)

-- :save_machine
SELECT * FROM machine

-- :put_machine
INSERT OR IGNORE INTO machine VALUES (?, ?, ?, ?, ?, ?, ?, ?)

-- :save_resident
SELECT * FROM resident

-- :put_resident
INSERT OR IGNORE INTO resident VALUES (?, ?, ?, ?, ?)

-- :save_resident_channel
SELECT * FROM resident_channel

-- :put_resident_channel
INSERT OR IGNORE INTO resident_channel VALUES (?, ?, ?)

-- :save_outbox
SELECT * FROM outbox

-- :put_outbox
INSERT OR IGNORE INTO outbox VALUES (?, ?, ?, ?, ?, ?, ?, ?)

-- :save_sent_to
SELECT * FROM sent_to

-- :put_sent_to
INSERT OR IGNORE INTO sent_to VALUES (?, ?)

-- :save_had_from
SELECT * FROM had_from

-- :put_had_from
INSERT OR IGNORE INTO had_from VALUES (?, ?, ?)

-- :save_arrival
SELECT * FROM arrival

-- :put_arrival
INSERT OR IGNORE INTO arrival VALUES (?, ?, ?, ?, ?, ?, ?, ?)

-- :save_known_id
SELECT * FROM known_id

-- :put_known_id
INSERT OR IGNORE INTO known_id VALUES (?, ?, ?)

-- :save_machine_flow
SELECT * FROM machine_flow

-- :put_machine_flow
INSERT OR IGNORE INTO machine_flow VALUES (?, ?, ?, ?)

-- :save_machine_wake
SELECT * FROM machine_wake

-- :put_machine_wake
INSERT OR IGNORE INTO machine_wake VALUES (?, ?, ?, ?)

-- :save_invitation
SELECT * FROM invitation

-- :put_invitation
INSERT OR IGNORE INTO invitation VALUES (?, ?, ?, ?)

-- :save_trouble
SELECT * FROM trouble

-- :put_trouble
INSERT OR IGNORE INTO trouble VALUES (?, ?, ?, ?, ?)

-- :save_handed
SELECT * FROM handed

-- :put_handed
INSERT OR IGNORE INTO handed VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)

-- :save_one_shot
SELECT * FROM one_shot

-- :put_one_shot
INSERT OR IGNORE INTO one_shot VALUES (?)
