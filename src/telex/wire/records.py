"""Membership records: the signed, hash-chained list that says which machines are a team's.

Rule kept here: a record's body travels as the very bytes that were signed; fields that are not known are passed over,
because a newer owner may say more, and a record whose meaning changed says another version.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from telex import limits
from telex.core import members
from telex.core.members import ADD, FOUND, MEMBER, OWNER, READER, REMOVE, ROLE, ROTATE
from telex.errors.between import ChainBroken
from telex.wire import bounds as b

__all__ = ["ADD", "FOUND", "MEMBER", "OWNER", "READER", "REMOVE", "ROLE", "ROTATE"]

SIGNED = b"telex record 1\0"


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """One machine of a team."""

    id: b.Line
    name: b.Line
    role: b.Line
    sign: b.Key  # its Ed25519 public key
    seal: b.Key  # its X25519 public key


class Body(msgspec.Struct, frozen=True, kw_only=True):
    """What a record says; the grammar of its ids, names and roles is held by `core.members`."""

    team: b.Line
    n: b.Count  # from 0
    prev: b.Line  # the digest of the body before it; '' for the first
    at_ms: b.Millis
    by: b.Line  # the machine that signs
    act: b.Line
    machine: Machine
    key: b.Count  # the epoch of the team's key from here on
    commit: b.Line = ""  # the digest of that key, where the record begins an epoch
    team_name: b.Line = ""  # in the first
    v: b.Version = 1


class Signed(msgspec.Struct, frozen=True, kw_only=True):
    """A record as it travels."""

    body: b.RecordBody  # the JSON of a Body
    signature: b.Signature  # Ed25519 over SIGNED + body


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """The team's key of one epoch, sealed for one machine and signed by the owner who gives it."""

    key: b.Count
    machine: b.Id
    by: b.Id
    sealed: b.SealedKey
    signature: b.Signature


SignedRecords = Annotated[list[Signed], msgspec.Meta(max_length=limits.WIRE_RECORDS)]
Grants = Annotated[list[Grant], msgspec.Meta(max_length=limits.WIRE_RECORDS)]


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
