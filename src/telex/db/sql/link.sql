-- The team that this machine is in, and what is on its way between machines.

-- :load
SELECT relay, team, team_name, machine, machine_name, role, origin, oseq, at_relay, epoch, cursor, rosters, paused,
       joined_ms, reached_ms, fault
FROM link WHERE one = 1

-- :create
INSERT INTO link (one, relay, team, team_name, machine, machine_name, role, origin, oseq, at_relay, epoch, cursor,
                  rosters, paused, joined_ms, reached_ms, fault)
VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)

-- :pause
UPDATE link SET paused = ?

-- :set_role
UPDATE link SET role = ?

-- :reached
UPDATE link SET reached_ms = ?, fault = ''

-- :failed
UPDATE link SET fault = ?

-- :set_cursor
UPDATE link SET epoch = ?, cursor = ?

-- :set_at_relay
UPDATE link SET at_relay = ?

-- :set_oseq
UPDATE link SET oseq = ?

-- :set_origin
UPDATE link SET origin = ?, oseq = 0, at_relay = 0

-- :set_rosters
UPDATE link SET rosters = ?

-- :clear_link
DELETE FROM link

-- :clear_outbox
DELETE FROM outbox

-- :clear_sent_to
DELETE FROM sent_to

-- :clear_had_from
DELETE FROM had_from

-- :clear_arrival
DELETE FROM arrival

-- :clear_final_receipt
DELETE FROM final_receipt

-- :clear_resident
DELETE FROM resident

-- :clear_resident_channel
DELETE FROM resident_channel

-- :open_elsewhere  what is for other machines and was not shown there
SELECT d.message, d.recipient FROM address a CROSS JOIN delivery d ON d.recipient = a.id AND d.state = 'queued'
WHERE instr(a.name, '@') > 0

-- :waiting  how much is on its way to other machines, by where it is
SELECT d.reason, count(*) FROM address a CROSS JOIN delivery d ON d.recipient = a.id AND d.state = 'queued'
WHERE instr(a.name, '@') > 0 GROUP BY d.reason
