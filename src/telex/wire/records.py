"""Membership records: the signed, hash-chained list that says which machines are a team's.

Rule kept here: a record's body travels as the very bytes that were signed.
"""

from __future__ import annotations

import msgspec

FOUND, ADD, ROLE, REMOVE, ROTATE = "found", "add", "role", "remove", "rotate"
OWNER, MEMBER, READER = "owner", "member", "reader"
SIGNED = b"telex record 1\0"


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """One machine of a team."""

    id: str
    name: str
    role: str
    sign: bytes  # its Ed25519 public key
    seal: bytes  # its X25519 public key


class Body(msgspec.Struct, frozen=True, kw_only=True):
    """What a record says."""

    team: str
    n: int  # from 0
    prev: str  # the digest of the body before it; '' for the first
    at_ms: int
    by: str  # the machine that signs
    act: str
    machine: Machine
    key: int  # the epoch of the team's key from here on
    commit: str = ""  # the digest of that key, where the record begins an epoch
    team_name: str = ""  # in the first
    v: int = 1


class Signed(msgspec.Struct, frozen=True, kw_only=True):
    """A record as it travels."""

    body: bytes  # the JSON of a Body
    signature: bytes  # Ed25519 over SIGNED + body


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """The team's key of one epoch, sealed for one machine and signed by the owner who gives it."""

    key: int
    machine: str
    by: str
    sealed: bytes
    signature: bytes
