"""Edits of settings files that leave every byte that is not telex's as it was."""
