-- The inbox's history.

-- :asked_first  the oldest unread request to ?1 of somebody who owes a reply to its request ?2, or of whom such a one
-- awaits a reply, and so on; who was asked as one of many is left out, because another of them may answer
WITH RECURSIVE awaited (who) AS (
    SELECT o.debtor FROM delivery d JOIN owed o ON o.message = d.message AND o.debtor = d.recipient
    WHERE d.message = ?2 AND d.via = 'direct'
    UNION
    SELECT o.debtor FROM awaited a JOIN owed o ON o.creditor = a.who AND o.told < 2 WHERE a.who <> ?1 LIMIT 100
)
SELECT min(o.message) FROM owed o JOIN delivery d ON d.message = o.message AND d.recipient = o.debtor
WHERE o.debtor = ?1 AND d.state = 'queued' AND o.creditor <> ?1 AND o.creditor IN (SELECT who FROM awaited)

-- :received  the newest of what was sent to an address
SELECT message FROM delivery WHERE recipient = ? ORDER BY message DESC LIMIT ?
