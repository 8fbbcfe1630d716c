"""Membership records: the signed, hash-chained list that says which machines are a team's.

Rule kept here: a record's body travels as the very bytes that were signed; fields that are not known are passed over,
because a newer owner may say more, and a record whose meaning changed says another version.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from telex.core import members
from telex.core.members import ADD, FOUND, MEMBER, OWNER, READER, REMOVE, ROLE, ROTATE
from telex.errors.between import ChainBroken

__all__ = ["ADD", "FOUND", "MEMBER", "OWNER", "READER", "REMOVE", "ROLE", "ROTATE"]

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

    key: Annotated[int, msgspec.Meta(ge=0, le=2**53)]
    machine: str
    by: str
    sealed: bytes
    signature: bytes


def read(body: bytes) -> members.Said:
    """What the body of a record says. Raises ChainBroken."""
    try:
        found = _DECODER.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise ChainBroken(n="?", problem="it cannot be read") from None
    machine = found.machine
    return members.Said(
        v=found.v,
        team=found.team,
        n=found.n,
        prev=found.prev,
        by=found.by,
        act=found.act,
        machine=members.Saying(
            id=machine.id, name=machine.name, role=machine.role, sign=machine.sign, seal=machine.seal
        ),
        key=found.key,
        commit=found.commit,
        team_name=found.team_name,
    )


_DECODER = msgspec.json.Decoder(Body)
