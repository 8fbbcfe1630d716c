"""Envelopes: what the relay may see of a message, and what is sealed in it.

Rules kept here:
- the header travels as the very bytes that its sender encoded: they are signed and bound to the seal, so nobody
  encodes them again;
- whom a letter is for at a machine, its kind and all words are sealed; the relay sees machines, sizes and times;
- unknown fields are passed over, so that a newer link may say more.
"""

from __future__ import annotations

import msgspec

VERSION = 1
EVERY_MACHINE = "*"
NONCE_BYTES, SIGNATURE_BYTES = 24, 64
SIGNED = b"telex envelope 1\0"


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """What the relay sees. Ids are 32 hexadecimal digits; times are milliseconds since 1970, UTC."""

    team: str
    machine: str  # who sends
    to: list[str]  # machines; ["*"] is every machine of the team
    origin: str  # of the sender's outbox
    oseq: int  # gap-free in that origin, from 1
    id: str  # the message's UUIDv7
    key: int  # the epoch of the team's key that seals it
    record: int  # the newest membership record that the sender knew
    at_ms: int
    blobs: list[str] = []  # digests of the sealed parts of a large body
    v: int = VERSION


class Large(msgspec.Struct, frozen=True, kw_only=True):
    """A body that travels in parts: each part is sealed under `key` with its number as nonce."""

    size: int  # bytes of the body
    digest: str  # of the body, as the store names it
    key: bytes
    parts: list[str]  # digests of the sealed parts, in order


class Letter(msgspec.Struct, frozen=True, kw_only=True, tag="letter"):
    """A message for one or several machines. Names are without '@'; '' and 0 stand for 'none'."""

    after: dict[str, int]  # for each machine it is sent to: the oseq of the item before it to that machine
    sender: str
    sender_kind: str
    client: str
    place: str
    addressed: str  # as its sender wrote it
    to: dict[str, list[str]]  # for each machine, the names there that it is addressed to
    channels: list[str] = []  # their members at each machine, as they are when it comes
    everyone: bool = False  # everybody there
    members: dict[str, list[str]] = {}  # whom the sender took for those of channels and `everyone`
    without: dict[str, list[str]] = {}  # names there that a limit of the sender's machine keeps it from
    kind: str
    body: str  # whole, or the head where `large` has the whole
    data: str = ""
    thread: str = ""  # the UUID of the message that began it
    topic: str = ""
    reply_to: str = ""  # a UUID
    hops: int = 0
    auto: bool = False
    quiet: bool = False
    created_ms: int
    expires_ms: int = 0
    deadline_ms: int = 0
    spoken_ms: int = 0  # when a person last spoke to the sender
    large: Large | None = None


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a letter at one name."""

    of: str  # the letter's id
    name: str
    via: str
    state: str
    at_ms: int
    reason: str
    unanswered: str = ""  # of a request: why no reply has come, as "it went idle"


class Receipts(msgspec.Struct, frozen=True, kw_only=True, tag="receipts"):
    """What became of letters, told to the machine that sent them."""

    after: dict[str, int]
    receipts: list[Receipt]


Payload = Letter | Receipts


class Resident(msgspec.Struct, frozen=True, kw_only=True):
    """One name of a machine, as its roster says."""

    name: str
    kind: str  # session or person
    client: str
    state: str  # busy, idle, waiting, offline or ''
    channels: list[str]


class Roster(msgspec.Struct, frozen=True, kw_only=True):
    """Who is at a machine; sealed like an envelope's payload."""

    at_ms: int
    residents: list[Resident]
