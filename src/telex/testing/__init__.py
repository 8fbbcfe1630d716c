"""Test doubles that ship with telex: for its own demo, its tests, and those who write an adapter."""
