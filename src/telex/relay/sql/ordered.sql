-- What a stream brought: the ids of its newest commands, each with its place.

-- :place  id
SELECT position FROM recent WHERE id = ?;

-- :add  id, position
INSERT INTO recent (id, position) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET position = excluded.position;

-- :forget  position
DELETE FROM recent WHERE position < ?;

-- :first
SELECT coalesce(min(position), 0) FROM recent;

-- :move  to, above
UPDATE recent SET position = ? WHERE position > ?;

-- :base
SELECT base FROM book;

-- :begin  base, epoch, position
UPDATE book SET base = ?, epoch = ?, position = ?;
