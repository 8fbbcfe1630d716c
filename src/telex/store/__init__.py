"""The SQLite store, bells, bodies and locks: everything on disk."""
