"""Faces for the users of three older systems: coop, kei and claude-ipc.

Rules kept here: a face translates words and shapes to the bus's verbs and holds no state of its own; what those
systems got wrong is not kept (tests/compat/test_faults.py names each fault).
"""
