"""One file for each client: its files, its hook events, the line that each of them runs."""
