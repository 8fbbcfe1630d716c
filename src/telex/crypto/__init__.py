"""Signatures, and pairing by a short code: what the relay and the link must do alike, from bytes to bytes.

Rule kept here: nothing is stored, sent or read from a clock; only libsodium and SPAKE2 compute.
"""
