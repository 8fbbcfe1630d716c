-- What was said, newest first, and searching it.

-- :everything  before a message number
SELECT n FROM message WHERE n < ? ORDER BY n DESC LIMIT ?

-- :mine  what an address sent or was sent
SELECT n FROM message WHERE sender = ?1 AND n < ?2
UNION SELECT message FROM delivery WHERE recipient = ?1 AND message < ?2
ORDER BY n DESC LIMIT ?3

-- :between  two addresses, either way
SELECT d.message AS n FROM delivery d JOIN message m ON m.n = d.message
WHERE d.recipient = ?1 AND m.sender = ?2 AND d.message < ?3
UNION SELECT d.message FROM delivery d JOIN message m ON m.n = d.message
WHERE d.recipient = ?2 AND m.sender = ?1 AND d.message < ?3
ORDER BY n DESC LIMIT ?4

-- :in_channel  what was sent to a channel, alone or together with others
SELECT n FROM message WHERE addressed = ?1 AND substr(addressed, 1, 1) = '#' AND n < ?2 AND kind <> 'observed'
UNION ALL
SELECT n FROM message INDEXED BY message_several
WHERE instr(addressed, ',') > 0 AND instr(addressed, '#') > 0 AND n < ?2
AND instr(',' || addressed || ',', ',' || ?1 || ',') > 0 AND kind <> 'observed'
ORDER BY n DESC LIMIT ?3

-- :thread  a message and all that belongs to it, oldest first
SELECT n FROM message WHERE n = ?1 OR (thread = ?1 AND thread > 0) ORDER BY n

-- :topic
SELECT n FROM message WHERE topic = ? AND topic <> '' ORDER BY n

-- :after  for following
SELECT n FROM message WHERE n > ? ORDER BY n LIMIT ?

-- :newest
SELECT coalesce(max(n), 0) FROM message

-- :found  full-text matches, newest first
SELECT rowid FROM words WHERE words MATCH ? ORDER BY rowid DESC LIMIT ?

-- :found_mine  of the newest ?3 matches, those that an address sent or was sent, or that were said in a channel it is in
SELECT f.n FROM (SELECT rowid AS n FROM words WHERE words MATCH ?1 ORDER BY rowid DESC LIMIT ?3) f
JOIN message m ON m.n = f.n
WHERE m.sender = ?2 OR EXISTS (SELECT 1 FROM delivery d WHERE d.message = f.n AND d.recipient = ?2)
OR (instr(m.addressed, '#') > 0 AND m.kind <> 'observed' AND EXISTS (
    SELECT 1 FROM member b JOIN address c ON c.id = b.channel
    WHERE b.address = ?2 AND instr(',' || m.addressed || ',', ',#' || c.name || ',') > 0))
ORDER BY f.n DESC LIMIT ?4

-- :concerns  whether an address sent or was sent a message, or is in the channel where it was said
SELECT 1 FROM message m WHERE m.n = ?1
AND (m.sender = ?2 OR EXISTS (SELECT 1 FROM delivery d WHERE d.message = ?1 AND d.recipient = ?2)
OR (instr(m.addressed, '#') > 0 AND m.kind <> 'observed' AND EXISTS (
    SELECT 1 FROM member b JOIN address c ON c.id = b.channel
    WHERE b.address = ?2 AND instr(',' || m.addressed || ',', ',#' || c.name || ',') > 0)))

-- :all_numbers
SELECT n FROM message ORDER BY n

-- :purgeable  finished messages older than a time, or with ?2 open ones too
SELECT m.n FROM message m WHERE m.created_ms < ?1
AND (?2 OR NOT EXISTS (SELECT 1 FROM delivery d WHERE d.message = m.n AND d.state IN ('queued', 'handed', 'shown')))
AND (?3 = 0 OR m.sender = ?3 OR EXISTS (SELECT 1 FROM delivery d WHERE d.message = m.n AND d.recipient = ?3))
ORDER BY m.n
