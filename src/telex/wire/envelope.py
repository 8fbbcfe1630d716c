"""Envelopes: what the relay may see of a message, and what is sealed in it.

Rules kept here:
- the header travels as the very bytes that its sender encoded: they are signed and bound to the seal, so nobody
  encodes them again;
- whom a letter is for at a machine, its kind and all words are sealed; the relay sees machines, sizes and times;
- unknown fields are passed over, so that a newer link may say more.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from telex import limits
from telex.wire import bounds as b

VERSION = 1
EVERY_MACHINE = "*"
NONCE_BYTES, SIGNATURE_BYTES = 24, 64
SIGNED = b"telex envelope 1\0"


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """What the relay sees. Ids are 32 hexadecimal digits; times are milliseconds since 1970, UTC."""

    team: b.Id
    machine: b.Id  # who sends
    to: b.Machines  # ["*"] is every machine of the team
    origin: b.Id  # of the sender's outbox
    oseq: b.Ordinal  # gap-free in that origin, from 1
    id: b.Id  # the message's UUIDv7
    key: b.Count  # the epoch of the team's key that seals it
    record: b.Count  # the newest membership record that the sender knew
    at_ms: b.Millis
    blobs: b.Digests = []  # of the sealed parts of a large body
    v: b.Version = VERSION


class Large(msgspec.Struct, frozen=True, kw_only=True):
    """A body that travels in parts: each part is sealed under `key` with its number as nonce."""

    size: b.BodySize  # bytes of the body
    digest: b.BodyDigest  # of the body, as the store names it
    key: b.Key
    parts: b.DigestsGiven  # of the sealed parts, in order


class Letter(msgspec.Struct, frozen=True, kw_only=True, tag="letter"):
    """A message for one or several machines. Names are without '@'; '' and 0 stand for 'none'."""

    after: b.NumberOf  # for each machine it is sent to: the oseq of the item before it to that machine
    sender: b.Name
    sender_kind: b.Code
    client: b.Line
    place: b.Place
    addressed: b.Place  # as its sender wrote it
    to: b.AddressedAt  # for each machine, the names there that it is addressed to
    channels: b.Channels = []  # their members at each machine, as they are when it comes
    everyone: bool = False  # everybody there
    members: b.MembersAt = {}  # whom the sender took for those of channels and `everyone`
    without: b.MembersAt = {}  # names there that a limit of the sender's machine keeps it from
    kind: b.Code
    body: b.Text  # whole, or the head where `large` has the whole
    data: b.Data = ""
    thread: b.UuidOrNone = ""  # of the message that began it
    topic: b.NameOrNone = ""
    reply_to: b.UuidOrNone = ""
    hops: b.Count = 0
    auto: bool = False
    quiet: bool = False
    created_ms: b.Millis
    expires_ms: b.Millis = 0
    deadline_ms: b.Millis = 0
    large: Large | None = None


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a letter at one name. Why is said by codes of `errors.reasons`, never in words."""

    of: b.Uuid  # the letter's id
    name: b.Name
    via: b.Code
    state: b.Code
    at_ms: b.Millis
    code: b.CodeOrNone = ""  # why it ended, where it did not end well
    unanswered: b.CodeOrNone = ""  # of a request: why no reply has come


class Receipts(msgspec.Struct, frozen=True, kw_only=True, tag="receipts"):
    """What became of letters, told to the machine that sent them."""

    after: b.NumberOf
    receipts: Annotated[list[Receipt], msgspec.Meta(max_length=limits.RECEIPTS_PER_ITEM)]


Payload = Letter | Receipts


class Resident(msgspec.Struct, frozen=True, kw_only=True):
    """One name of a machine, as its roster says."""

    name: b.Name
    kind: b.Code  # session or person
    client: b.Line
    state: b.CodeOrNone  # busy, idle, waiting, offline or ''
    channels: b.RosterChannels


class Roster(msgspec.Struct, frozen=True, kw_only=True):
    """Who is at a machine; sealed like an envelope's payload."""

    at_ms: b.Millis
    residents: Annotated[list[Resident], msgspec.Meta(max_length=limits.ROSTER_RESIDENTS)]
