-- Where a session's processes are: their ids count only in the PID namespace that gave them (telex.fs.processes).
-- Empty: noted by a telex that did not know namespaces, or on a system that has none.
ALTER TABLE session ADD COLUMN space TEXT NOT NULL DEFAULT '';
ALTER TABLE session ADD COLUMN twin_space TEXT NOT NULL DEFAULT '';
