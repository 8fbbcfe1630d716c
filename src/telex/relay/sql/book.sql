-- The log itself.

-- :epoch
SELECT epoch FROM book;

-- :begin  epoch
INSERT INTO book (one, epoch) VALUES (1, ?);

-- :renew  epoch
UPDATE book SET epoch = ?;

-- :probe  now
UPDATE book SET probed_ms = ?;

-- :position
SELECT position FROM book;

-- :set_position  position
UPDATE book SET position = ?;

-- :tables
SELECT count(*) FROM sqlite_schema;

-- :count
SELECT count(*) FROM book;
