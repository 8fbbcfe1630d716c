-- The inbox's history.

-- :received  the newest of what was sent to an address
SELECT message FROM delivery WHERE recipient = ? ORDER BY message DESC LIMIT ?
