"""Everything that can change a relay, as plain values.

Rules kept here:
- a command has every time, every random value and every limit in it, so that applying the same commands in the same
  order to two files makes the same two files;
- it is decided when it is applied, not when it is made: what its machine may do then, and what is there then.
"""

from __future__ import annotations

import msgspec

from telex.wire.api import Invited, Item, Pushed
from telex.wire.records import Grant, Signed


class Command(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What every command has: the relay's clock when it was made."""

    at_ms: int


class Probe(Command, frozen=True, kw_only=True):
    """Nothing but a write, to see that writing works."""


class Renew(Command, frozen=True, kw_only=True):
    """The log is another one from here on: it was restored, or lost what it had."""

    epoch: str


class MakeTeam(Command, frozen=True, kw_only=True):
    """A team that has no machine yet."""

    team: str
    name: str


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """The signed request behind a command that would do harm if it were obeyed once more by another relay process."""

    nonce: str
    at_ms: int  # by its machine's clock


class Invite(Command, frozen=True, kw_only=True):
    """A new invitation. `words` only where the relay itself is the inviter, of a team's first owner."""

    team: str
    machine: str  # who invites; '' is the relay
    role: str
    nameplates: list[int]  # by chance; the first that is free is taken
    until_ms: int
    most: int  # that one inviter may have open
    words: str = ""
    asked: Asked | None = None


class Claim(Command, frozen=True, kw_only=True):
    """Somebody answers an invitation. The relay's own answer comes with it, where the relay is the inviter."""

    nameplate: int
    attempt: str
    message: bytes
    answer: bytes = b""
    sealed: bytes = b""
    secret: bytes = b""  # the key that the relay and the joiner then share


class Answer(Command, frozen=True, kw_only=True):
    """The inviter's next step."""

    team: str
    machine: str
    nameplate: int
    message: bytes
    sealed: bytes


class Prove(Command, frozen=True, kw_only=True):
    """The joiner's last step."""

    nameplate: int
    attempt: str
    sealed: bytes


class Found(Command, frozen=True, kw_only=True):
    """The joiner of the relay's own invitation proved the code: its first record founds the team."""

    nameplate: int
    attempt: str
    sealed: bytes  # what it proved with
    answer: bytes  # what it is told
    record: Signed
    grants: list[Grant]


class Burn(Command, frozen=True, kw_only=True):
    """An invitation is void. `attempt` where a wrong guess at the relay's own burns it."""

    nameplate: int
    team: str = ""
    machine: str = ""
    attempt: str = ""


class Append(Command, frozen=True, kw_only=True):
    """The next membership record."""

    team: str
    machine: str
    record: Signed
    grants: list[Grant]


class Push(Command, frozen=True, kw_only=True):
    """The next envelopes of an origin."""

    team: str
    machine: str
    origin: str
    items: list[Item]
    waiting_most: int  # items of this machine for another one
    team_bytes_most: int
    machine_bytes_most: int = 1 << 62


class SetRoster(Command, frozen=True, kw_only=True):
    """Who is at a machine. An older request than the one that was last obeyed changes nothing."""

    team: str
    machine: str
    key: int
    sealed: bytes
    asked_ms: int
    news: bool = False  # the other machines are told at once


class Sign(msgspec.Struct, frozen=True, kw_only=True):
    """That a machine was heard of, and how far it has read."""

    team: str
    machine: str
    seen_ms: int
    cursor: int


class Heard(Command, frozen=True, kw_only=True):
    """Which machines were heard of lately."""

    signs: list[Sign]


class GiveToken(Command, frozen=True, kw_only=True):
    """A new token of a machine, by its digest."""

    team: str
    machine: str
    digest: bytes
    audience: str
    until_ms: int
    most: int  # that a machine may have
    asked: Asked | None = None


class KeepPart(Command, frozen=True, kw_only=True):
    """A sealed part of a large body, whose bytes are kept already."""

    team: str
    machine: str
    digest: str
    size: int
    team_bytes_most: int
    machine_bytes_most: int = 1 << 62


class Sweep(Command, frozen=True, kw_only=True):
    """Removes a team's oldest entries and parts; `rows` of each at most."""

    team: str
    before_ms: int  # entries that came before then
    parts_before_ms: int  # parts that no entry needs, and that came before then
    rows: int


class Expire(Command, frozen=True, kw_only=True):
    """Removes tokens, invitations and requests that are over."""


class Drop(Command, frozen=True, kw_only=True):
    """Empties the oldest entries of one machine, `rows` at most, as the relay's operator says."""

    team: str
    machine: str
    rows: int


Any = (
    Probe
    | Renew
    | MakeTeam
    | Invite
    | Claim
    | Answer
    | Prove
    | Found
    | Burn
    | Append
    | Push
    | SetRoster
    | Heard
    | GiveToken
    | KeepPart
    | Sweep
    | Expire
    | Drop
)


class Swept(msgspec.Struct, frozen=True, kw_only=True):
    """What a sweep or a drop removed: how many entries, and the digests of parts whose bytes may go now."""

    entries: int
    parts: list[str]


Result = None | Pushed | Invited | Swept

_ENCODER = msgspec.msgpack.Encoder()
_DECODER: msgspec.msgpack.Decoder[Any] = msgspec.msgpack.Decoder(Any)


def encode(command: Any) -> bytes:
    """A command as a log keeps it."""
    return _ENCODER.encode(command)


def decode(data: bytes) -> Any:
    """The command that a log kept. Raises msgspec.DecodeError for anything else."""
    return _DECODER.decode(data)
