-- Taking in what comes from other machines.

-- :had_from  the number of the last item of an origin; -1 is not known
SELECT oseq FROM had_from WHERE origin = ?

-- :set_had_from
INSERT INTO had_from (origin, machine, oseq) VALUES (?, ?, ?) ON CONFLICT (origin) DO UPDATE SET oseq = excluded.oseq

-- :expect_anything  what the relay no longer has is not missing once more, sender by sender
UPDATE had_from SET oseq = -1
