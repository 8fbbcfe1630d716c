-- Sessions known by a token, and taking a name that nobody alive holds.

-- :by_token
SELECT session FROM token WHERE digest = ? AND until_ms > ?

-- :add_token
INSERT INTO token (digest, session, until_ms) VALUES (?, ?, ?)

-- :drop_tokens  of a session that is over
DELETE FROM token WHERE session = ?

-- :drop_expired
DELETE FROM token WHERE until_ms <= ?

-- :guest
SELECT used_ms, renamed_ms FROM guest WHERE address = ?

-- :use
INSERT INTO guest (address, used_ms) VALUES (?, ?) ON CONFLICT (address) DO UPDATE SET used_ms = excluded.used_ms

-- :set_renamed
UPDATE guest SET renamed_ms = ? WHERE address = ?

-- :registered  the sessions with a token, and when each was last heard of
SELECT DISTINCT t.session, g.used_ms FROM token t JOIN session s ON s.id = t.session JOIN guest g ON g.address = s.address
WHERE t.until_ms > ? ORDER BY t.session

-- :spelling
SELECT written FROM spelling WHERE name = ?

-- :set_spelling
INSERT INTO spelling (name, written) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET written = excluded.written

-- :drop_spelling
DELETE FROM spelling WHERE name = ?

-- :move_session
UPDATE session SET address = ? WHERE id = ?

-- :carry_mail  what waits at one address waits at another now
UPDATE OR IGNORE delivery SET recipient = ?2 WHERE recipient = ?1 AND state = 'queued'

-- :carry_shown
UPDATE OR IGNORE delivery SET recipient = ?2 WHERE recipient = ?1 AND state = 'shown'

-- :carry_debts
UPDATE OR IGNORE owed SET debtor = ?2 WHERE debtor = ?1

-- :carry_claims
UPDATE owed SET creditor = ?2 WHERE creditor = ?1 AND told < 2

-- :carry_members  the channels it joined on purpose
UPDATE OR IGNORE member SET address = ?2 WHERE address = ?1 AND reason = 'joined'

-- :carry_forwards  names that led to one address lead to the other
UPDATE forward SET address = ?2 WHERE address = ?1

-- :carry_flow  what it was shown last, and what a person said to it, go with whoever moves
UPDATE address SET (arrival_ms, cause, cause_ms, spoken_ms)
     = (SELECT arrival_ms, cause, cause_ms, spoken_ms FROM address WHERE id = ?1) WHERE id = ?2
