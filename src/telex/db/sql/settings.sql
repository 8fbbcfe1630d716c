-- What the person has set.

-- :all
SELECT name, value FROM setting ORDER BY name

-- :set
INSERT INTO setting (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value

-- :unset
DELETE FROM setting WHERE name = ?

-- :canonical_json  a JSON object without what it does not need
SELECT json(?)
