-- The search index.

-- :any_due  whether there are messages that it does not hold yet
SELECT 1 FROM message WHERE n > coalesce((SELECT max(id) FROM words_docsize), 0) LIMIT 1

-- :due  they themselves, the newest first
SELECT n, body FROM message WHERE n > coalesce((SELECT max(id) FROM words_docsize), 0) ORDER BY n DESC

-- :update  those messages
INSERT INTO words (rowid, body)
SELECT n, body FROM message WHERE n > coalesce((SELECT max(id) FROM words_docsize), 0) ORDER BY n

-- :drop  a message, if it holds it
INSERT INTO words (words, rowid, body)
SELECT 'delete', n, body FROM message WHERE n = ?1 AND EXISTS (SELECT 1 FROM words_docsize WHERE id = ?1)

-- :check  compares it with the messages
INSERT INTO words (words, rank) VALUES ('integrity-check', 1)

-- :rebuild
INSERT INTO words (words) VALUES ('rebuild')
