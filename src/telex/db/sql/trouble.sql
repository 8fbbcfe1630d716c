-- What the link found wrong.

-- :add
INSERT INTO trouble (at_ms, machine, kind, words) VALUES (?, ?, ?, ?)

-- :lately  whether the same was said since a time, and whether anything of its kind was
SELECT count(*) FILTER (WHERE machine = ?2 AND words = ?3), count(*) FROM trouble WHERE kind = ?1 AND at_ms > ?4

-- :recent
SELECT n, at_ms, machine, kind, words FROM trouble ORDER BY n DESC LIMIT ?

-- :newest  of a kind, since a time
SELECT words FROM trouble WHERE kind = ? AND at_ms > ? ORDER BY n DESC LIMIT 1

-- :trim
DELETE FROM trouble WHERE n <= (SELECT max(n) FROM trouble) - ?
