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

-- :user_version
SELECT user_version FROM pragma_user_version

-- :tables  what a repair saves: not the index, which is made anew, nor SQLite's own
SELECT name FROM pragma_table_list
WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite%' AND name <> 'words' AND name NOT LIKE 'words!_%' ESCAPE '!'
ORDER BY name

-- :columns
SELECT name FROM pragma_table_info(?)

-- :read_way  the statement that reads these columns (a JSON list) of a table, from its first key or from its last
SELECT format('SELECT %s FROM "%w" ORDER BY %s', (SELECT group_concat(format('"%w"', value)) FROM json_each(?2)), ?1,
              group_concat(format('"%w"%s', name, iif(?3, ' DESC', '')) ORDER BY pk))
FROM pragma_table_info(?1) WHERE pk > 0

-- :put_way  the statement that puts them into a new one
SELECT format('INSERT OR IGNORE INTO "%w" (%s) VALUES (%s)', ?1, group_concat(format('"%w"', value)), group_concat('?'))
FROM json_each(?2)
