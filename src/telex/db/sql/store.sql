-- The store as a file.

-- :tables  how many there are: a foreign file has some before telex has made its own
SELECT count(*) FROM sqlite_master

-- :has_table
SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ?

-- :has_column
SELECT count(*) FROM pragma_table_info(?) WHERE name = ?

-- :optimize_words  merge the index, which drops what was deleted from it
INSERT INTO words (words) VALUES ('optimize')

-- :setting
SELECT value FROM setting WHERE name = ?

-- :lost  messages that are gone, as doctor says it until a repair
SELECT value FROM setting WHERE name = 'lost'

-- :last_number  that was given to a message, as far as the store knows
SELECT max(coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'message'), 0),
           coalesce((SELECT max(n) FROM message), 0))

-- :raise_sequence
UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = 'message'

-- :begin_sequence  of a store that has given out no number yet
INSERT INTO sqlite_sequence (name, seq) VALUES ('message', ?)
