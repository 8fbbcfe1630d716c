-- Addresses, sessions, channels and their members.

-- :address_by_name  whoever holds, held or is awaited under a name
SELECT id, kind, name, session, bell, wake FROM address WHERE name = ? AND (kind = 'channel') = 0

-- :channel_by_name
SELECT id, kind, name, session, bell, wake FROM address WHERE name = ? AND (kind = 'channel') = 1

-- :address_by_id
SELECT id, kind, name, session, bell, wake FROM address WHERE id = ?

-- :linked  whether this machine is in a team
SELECT 1 FROM link WHERE one = 1

-- :forward  where an old name leads
SELECT a.id, a.kind, a.name, a.session, a.bell, a.wake FROM forward f JOIN address a ON a.id = f.address
WHERE f.name = ? AND f.until_ms > ?

-- :add_address
INSERT INTO address (kind, name, created_ms) VALUES (?, ?, ?)

-- :become_person  a name that only waited turns out to be the person's
UPDATE address SET kind = 'person', bell = ? WHERE id = ?

-- :hold  a session takes a name
UPDATE address SET session = ?, bell = ? WHERE id = ?

-- :rename
UPDATE address SET name = ? WHERE id = ?

-- :set_wake
UPDATE address SET wake = ? WHERE id = ?

-- :add_forward
INSERT INTO forward (name, address, until_ms) VALUES (?, ?, ?)
ON CONFLICT (name) DO UPDATE SET address = excluded.address, until_ms = excluded.until_ms

-- :drop_forward
DELETE FROM forward WHERE name = ?

-- :drop_address
DELETE FROM address WHERE id = ?

-- :spoken  a person has spoken to this address; a time from the future (?3 is now) is forgotten
UPDATE address SET spoken_ms = CASE WHEN spoken_ms > ?3 THEN ?1 ELSE max(spoken_ms, ?1) END WHERE id = ?2

-- :set_cause  what it was shown last: the probable reason for what it sends next
UPDATE address SET cause = ?, cause_ms = ? WHERE id = ?

-- :flow  what the bus knows of one address's flow
SELECT arrival_ms, cause_ms, spoken_ms, coalesce((SELECT prompts_woken FROM session s WHERE s.id = a.session), 0), bell, cause
FROM address a WHERE id = ?

-- :set_arrival
UPDATE address SET arrival_ms = ? WHERE id = ?

-- :session_by_key
SELECT id, client, key, address, pid, pid_started, twin_pid, twin_started, directory, title, wish, ended_ms,
       prompts_woken, started_ms, seen_ms, space, twin_space
FROM session WHERE client = ? AND key = ?

-- :session_by_id
SELECT id, client, key, address, pid, pid_started, twin_pid, twin_started, directory, title, wish, ended_ms,
       prompts_woken, started_ms, seen_ms, space, twin_space
FROM session WHERE id = ?

-- :session_by_pid  the session that a process runs now, or else ran last
SELECT id, client, key, address, pid, pid_started, twin_pid, twin_started, directory, title, wish, ended_ms,
       prompts_woken, started_ms, seen_ms, space, twin_space
FROM session WHERE (pid = ?1 AND space IN (?2, '')) OR (twin_pid = ?1 AND twin_pid > 0 AND twin_space IN (?2, ''))
ORDER BY ended_ms = 0 DESC, id DESC LIMIT 1

-- :sessions_in  the sessions that a process runs now, as far as telex was told
SELECT id, client, key, address, pid, pid_started, twin_pid, twin_started, directory, title, wish, ended_ms,
       prompts_woken, started_ms, seen_ms, space, twin_space
FROM session WHERE (pid = ?1 OR (twin_pid = ?1 AND twin_pid > 0)) AND ended_ms = 0 ORDER BY id DESC

-- :has_ended  whether the session that holds an address is over
SELECT 1 FROM address a JOIN session s ON s.id = a.session WHERE a.id = ? AND s.ended_ms > 0

-- :ended_why
SELECT ended_why FROM session WHERE id = ?

-- :add_session
INSERT INTO session (client, key, address, pid, pid_started, space, directory, title, wish, started_ms, seen_ms)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)

-- :revive_session  a session that was known comes back, perhaps in another process
UPDATE session SET address = ?, pid = ?, pid_started = ?, space = ?, twin_pid = ?, twin_started = ?, twin_space = ?,
                   directory = ?, title = ?, wish = ?, seen_ms = ?, prompts_woken = CASE WHEN ended_ms > 0 THEN 0 ELSE prompts_woken END,
                   ended_ms = 0, ended_why = ''
WHERE id = ?

-- :set_one_shot
INSERT OR IGNORE INTO one_shot (session) VALUES (?)

-- :drop_one_shot  it goes on in a terminal
DELETE FROM one_shot WHERE session = ?

-- :is_one_shot
SELECT 1 FROM one_shot WHERE session = ?

-- :seen
UPDATE session SET seen_ms = ?, directory = ? WHERE id = ?

-- :only_process  one of the two processes of a session has ended; this one goes on
UPDATE session SET pid = ?, pid_started = ?, space = ?, twin_pid = 0, twin_started = 0, twin_space = '' WHERE id = ?

-- :end_session
UPDATE session SET ended_ms = ?, ended_why = ? WHERE id = ? AND ended_ms = 0

-- :woken  telex itself is about to start or continue a turn
UPDATE session SET prompts_woken = ? WHERE id = ?

-- :open_sessions  not ended as far as telex was told; whether the process lives is the caller's to ask
SELECT s.id, s.client, s.key, s.address, s.pid, s.pid_started, s.twin_pid, s.twin_started, s.directory, s.title, s.wish, s.ended_ms, s.prompts_woken,
       s.started_ms, s.seen_ms, s.space, s.twin_space, a.name, a.bell, a.wake
FROM session s JOIN address a ON a.id = s.address AND a.session = s.id
WHERE s.id IN (SELECT id FROM session INDEXED BY session_open WHERE ended_ms = 0) ORDER BY s.id

-- :roster  every address of this machine that a session or the person holds, held or is awaited at, oldest first
SELECT id, kind, name, session, bell, wake, created_ms, observed_ms FROM address WHERE kind IN ('session', 'person') AND instr(name, '@') = 0 ORDER BY id

-- :add_member
INSERT OR IGNORE INTO member (channel, address, reason, since_ms) VALUES (?, ?, ?, ?)

-- :is_member
SELECT 1 FROM member WHERE channel = ? AND address = ? LIMIT 1

-- :any_kept  whether anything was sent to a channel while nobody else was there
SELECT 1 FROM delivery WHERE recipient = ? LIMIT 1

-- :join  of several joined channels the one joined last is the active one, whatever the clock did
INSERT INTO member (channel, address, reason, since_ms)
VALUES (?1, ?2, 'joined', max(?3, coalesce((SELECT max(since_ms) + 1 FROM member WHERE address = ?2 AND reason = 'joined'), 0)))
ON CONFLICT (channel, address, reason) DO UPDATE SET since_ms = excluded.since_ms

-- :active_channel  of an address: the one it joined last, else that of its title, else that of its directory
SELECT c.name FROM member m JOIN address c ON c.id = m.channel WHERE m.address = ?
ORDER BY CASE m.reason WHEN 'joined' THEN 0 WHEN 'title' THEN 1 ELSE 2 END, m.since_ms DESC LIMIT 1

-- :drop_place_members  those of a session's directory and title, before they are set anew
DELETE FROM member WHERE address = ? AND reason IN ('directory', 'title')

-- :drop_member
DELETE FROM member WHERE channel = ? AND address = ?

-- :members  of one channel
SELECT a.id, a.kind, a.name, a.session, a.bell, a.wake, max(m.reason = 'joined')
FROM member m JOIN address a ON a.id = m.address WHERE m.channel = ? GROUP BY a.id ORDER BY a.id

-- :channels  every channel with a member
SELECT c.id, c.name FROM address c WHERE c.kind = 'channel' AND EXISTS (SELECT 1 FROM member m WHERE m.channel = c.id)
ORDER BY c.name

-- :ever_used  whether anything was sent to or by an address
SELECT 1 WHERE EXISTS (SELECT 1 FROM message WHERE sender = ?1) OR EXISTS (SELECT 1 FROM delivery WHERE recipient = ?1)
            OR EXISTS (SELECT 1 FROM session WHERE address = ?1)

-- :persons
SELECT id FROM address WHERE kind = 'person' ORDER BY id

-- :observed  it wrote with its client's own tool
UPDATE address SET observed_ms = ?1 WHERE id = ?2
