-- The store as a file.

-- :tables  how many there are: a foreign file has some before telex has made its own
SELECT count(*) FROM sqlite_master

-- :optimize_words  merge the index, which drops what was deleted from it
INSERT INTO words (words) VALUES ('optimize')
