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

-- :silent  addresses with mail waiting, and the bell that should ring for it
SELECT a.id, a.bell FROM address a WHERE a.bell <> ''
AND EXISTS (SELECT 1 FROM delivery d WHERE d.recipient = a.id AND d.state = 'queued')

-- :counts
SELECT (SELECT count(*) FROM message), (SELECT count(*) FROM delivery WHERE state IN ('queued', 'shown')),
       (SELECT count(*) FROM session WHERE ended_ms = 0)

-- :bells_in_use
SELECT bell FROM address WHERE bell <> ''

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
INSERT OR IGNORE INTO session VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)

-- :put_member
INSERT OR IGNORE INTO member VALUES (?, ?, ?, ?)

-- :put_message
INSERT OR IGNORE INTO message VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)

-- :put_due
INSERT OR IGNORE INTO due VALUES (?, ?)

-- :put_delivery
INSERT OR IGNORE INTO delivery VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)

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
