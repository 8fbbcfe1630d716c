"""The kinds of field that a wire type may have: each number, text, list and table has its most.

Rules kept here:
- every field of every type of `telex.wire` is one of these kinds, and a test walks all of them: what is out of bounds
  is refused where it is decoded, so no later code meets a number that SQLite cannot hold or a text without an end;
- ids, names and codes have a grammar, so nothing can be written in them; the only fields that hold a sender's own
  words are `Line`, `Text`, `Place` and `Words`, and these never stand in a sentence of telex's own;
- `$` alone would let a line end pass, which `_END` does not.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from telex import limits

_END = r"$(?!\n)"

Count = Annotated[int, Meta(ge=0, le=limits.WIRE_NUMBER_MOST)]
Ordinal = Annotated[int, Meta(ge=1, le=limits.WIRE_NUMBER_MOST)]
CountOrNone = Annotated[int, Meta(ge=-1, le=limits.WIRE_NUMBER_MOST)]  # -1 is none
Millis = Annotated[int, Meta(ge=0, le=limits.WIRE_NUMBER_MOST)]  # since 1970, UTC
Pause = Annotated[int, Meta(ge=0, le=limits.WIRE_PAUSE_MS)]
Wait = Annotated[int, Meta(ge=0, le=limits.POLL_MS)]
Version = Annotated[int, Meta(ge=0, le=limits.WIRE_VERSION_MOST)]
Nameplate = Annotated[int, Meta(ge=1, le=limits.WIRE_NAMEPLATE_MOST)]
BodySize = Annotated[int, Meta(ge=1, le=limits.BODY_MOST_BYTES)]

Id = Annotated[str, Meta(pattern="^[0-9a-f]{32}$", max_length=32)]
IdOrNone = Annotated[str, Meta(pattern="^([0-9a-f]{32})?" + _END, max_length=32)]
IdOrAll = Annotated[str, Meta(pattern=r"^([0-9a-f]{32}|\*)" + _END, max_length=32)]
Nonce = Annotated[str, Meta(pattern="^[0-9a-f]{16}$", max_length=16)]
Digest = Annotated[str, Meta(pattern="^[0-9a-f]{64}$", max_length=64)]
DigestOrNone = Annotated[str, Meta(pattern="^([0-9a-f]{64})?" + _END, max_length=64)]
BodyDigest = Annotated[str, Meta(pattern="^[0-9a-f]{32}$", max_length=32)]
Uuid = Annotated[str, Meta(pattern="^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", max_length=36)]
UuidOrNone = Annotated[str, Meta(pattern="^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})?" + _END, max_length=36)]
Name = Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9._-]*" + _END, max_length=limits.NAME_CHARS)]
NameOrNone = Annotated[str, Meta(pattern="^([a-z0-9][a-z0-9._-]*)?" + _END, max_length=limits.NAME_CHARS)]
Code = Annotated[str, Meta(pattern="^[a-z][a-z-]*" + _END, max_length=limits.WIRE_CODE_CHARS)]
CodeOrNone = Annotated[str, Meta(pattern="^([a-z][a-z-]*)?" + _END, max_length=limits.WIRE_CODE_CHARS)]
Role = Annotated[str, Meta(pattern="^(owner|member|reader)" + _END, max_length=limits.WIRE_CODE_CHARS)]
Secret = Annotated[str, Meta(pattern="^[!-~]+" + _END, max_length=limits.WIRE_SECRET_CHARS)]
Url = Annotated[str, Meta(pattern="^[!-~]*" + _END, max_length=limits.WIRE_URL_CHARS)]

# A sender's own words.
Line = Annotated[str, Meta(max_length=limits.NAME_CHARS)]
Place = Annotated[str, Meta(max_length=limits.LETTER_TEXT_CHARS)]
Text = Annotated[str, Meta(max_length=limits.RELAY_SEALED_BYTES)]
Data = Annotated[str, Meta(max_length=limits.DATA_MOST_BYTES)]
Words = Annotated[str, Meta(max_length=limits.WIRE_WORDS_CHARS)]

Key = Annotated[bytes, Meta(max_length=32)]
Signature = Annotated[bytes, Meta(max_length=64)]
SealedKey = Annotated[bytes, Meta(max_length=limits.WIRE_SEALED_KEY_BYTES)]
RecordBody = Annotated[bytes, Meta(max_length=limits.WIRE_RECORD_BYTES)]
Header = Annotated[bytes, Meta(max_length=limits.RELAY_HEADER_BYTES)]
Sealed = Annotated[bytes, Meta(max_length=limits.RELAY_SEALED_BYTES)]
SealedRoster = Annotated[bytes, Meta(max_length=limits.RELAY_ROSTER_BYTES)]
Step = Annotated[bytes, Meta(max_length=limits.PAIRING_BYTES)]
StepGiven = Annotated[bytes, Meta(min_length=1, max_length=limits.PAIRING_BYTES)]

Digests = Annotated[list[Digest], Meta(max_length=limits.WIRE_PARTS)]
DigestsGiven = Annotated[list[Digest], Meta(min_length=1, max_length=limits.WIRE_PARTS)]
Machines = Annotated[list[IdOrAll], Meta(min_length=1, max_length=limits.WIRE_MACHINES)]
Nameplates = Annotated[list[Nameplate], Meta(max_length=limits.RELAY_INVITATIONS)]
Channels = Annotated[list[Name], Meta(max_length=limits.RECIPIENTS_PER_SEND)]
RosterChannels = Annotated[list[Name], Meta(max_length=limits.ROSTER_CHANNELS)]
Addressed = Annotated[list[Name], Meta(max_length=limits.RECIPIENTS_PER_SEND)]
Members = Annotated[list[Name], Meta(max_length=limits.INBOX_WAITING)]
AddressedAt = Annotated[dict[Id, Addressed], Meta(max_length=limits.WIRE_MACHINES)]
MembersAt = Annotated[dict[Id, Members], Meta(max_length=limits.WIRE_MACHINES)]
NumberOf = Annotated[dict[Id, Count], Meta(max_length=limits.WIRE_MACHINES)]
SeenAt = Annotated[dict[Id, Millis], Meta(max_length=limits.WIRE_MACHINES_EVER)]
