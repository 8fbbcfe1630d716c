"""Files of a home: bells, locks, processes, large bodies. No database."""
