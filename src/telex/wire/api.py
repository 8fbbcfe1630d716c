"""The bodies of the relay's HTTP API, version 1; the OpenAPI document is made of these types.

Rule kept here: a request's types are strict (unknown fields are refused), an answer's are open, so that a newer
relay may say more to an older link.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from telex import limits
from telex.wire.records import Grant, Signed

Id = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}$")]
Nonce = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{16}$")]
Digest = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
Role = Annotated[str, msgspec.Meta(pattern="^(owner|member|reader)$")]
Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]


class Ask(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request's body."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """An answer's body."""


class Item(Ask, frozen=True, kw_only=True):
    """One envelope on its way to the relay."""

    oseq: Annotated[int, msgspec.Meta(ge=1, le=2**53)]
    header: Annotated[bytes, msgspec.Meta(max_length=limits.RELAY_HEADER_BYTES)]
    sealed: Annotated[bytes, msgspec.Meta(max_length=limits.RELAY_SEALED_BYTES)]


class Push(Ask, frozen=True, kw_only=True):
    """POST /v1/log: the next items of an origin, in order."""

    origin: Id
    items: Annotated[list[Item], msgspec.Meta(min_length=1, max_length=limits.SYNC_ITEMS)]


class Refusal(Answer, frozen=True, kw_only=True):
    """An item that the relay keeps as a tombstone."""

    oseq: int
    code: str
    reason: str


class Pushed(Answer, frozen=True, kw_only=True):
    """How far the relay has this origin durably."""

    epoch: str
    last_oseq: int
    refused: list[Refusal] = []
    forked: bool = False  # the origin is another machine's past: take a new one


class Entry(Answer, frozen=True, kw_only=True):
    """One item of a team's log, as a machine that it is for reads it. A tombstone has a reason and no seal."""

    seq: int
    header: bytes
    sealed: bytes
    received_ms: int
    reason: str = ""


class Page(Answer, frozen=True, kw_only=True):
    """GET /v1/log: what is there after a cursor for this machine."""

    epoch: str
    earliest: int  # the oldest seq that the log still has; head + 1 where it is empty
    items: list[Entry]
    scanned: int  # everything up to here was looked at in the same snapshot
    head: int
    records: int  # how many membership records there are
    rosters: int  # the number of the newest roster
    invitations: list[int] = []  # of this machine's, somebody waits at


class Fresh(Answer, frozen=True, kw_only=True):
    """An event of GET /v1/events: only that there is something to pull."""

    epoch: str
    head: int


class Token(Answer, frozen=True, kw_only=True):
    """POST /v1/token."""

    token: str
    until_ms: int
    audience: str


class Append(Ask, frozen=True, kw_only=True):
    """POST /v1/records: the next record, with the grants that belong to it."""

    record: Signed
    grants: list[Grant] = []


class Records(Answer, frozen=True, kw_only=True):
    """GET /v1/records: the chain from `after` on, and the grants for the machine that asks."""

    records: list[Signed]
    grants: list[Grant]


class SetRoster(Ask, frozen=True, kw_only=True):
    """PUT /v1/roster."""

    key: Count
    sealed: Annotated[bytes, msgspec.Meta(max_length=limits.RELAY_ROSTER_BYTES)]
    news: bool = False  # somebody came or went: who waits for a page is answered; else it is seen at the next one


class Listed(Answer, frozen=True, kw_only=True):
    """One machine's roster, and when it was last heard of."""

    machine: str
    n: int
    key: int
    sealed: bytes
    received_ms: int
    seen_ms: int


class Rosters(Answer, frozen=True, kw_only=True):
    """GET /v1/rosters: those that are newer than `after`; and when every machine was last heard of."""

    n: int
    rosters: list[Listed]
    seen_ms: dict[str, int]


class Invite(Ask, frozen=True, kw_only=True):
    """POST /v1/invitations."""

    role: Role


class Invited(Answer, frozen=True, kw_only=True):
    """The invitation's number, which begins its code."""

    nameplate: int
    until_ms: int


class Pairing(Answer, frozen=True, kw_only=True):
    """GET /v1/invitations/{nameplate}: what the joiner has said so far; empty is nothing yet."""

    attempt: str = ""
    message: bytes = b""
    sealed: bytes = b""


class Reply(Ask, frozen=True, kw_only=True):
    """PUT /v1/invitations/{nameplate}: the inviter's SPAKE2 message, then what it seals for the joiner."""

    message: Annotated[bytes, msgspec.Meta(max_length=limits.PAIRING_BYTES)] = b""
    sealed: Annotated[bytes, msgspec.Meta(max_length=limits.PAIRING_BYTES)] = b""


class Join(Ask, frozen=True, kw_only=True):
    """POST /v1/join/{nameplate}: the joiner's SPAKE2 message. The first attempt has the invitation to itself."""

    attempt: Id
    message: Annotated[bytes, msgspec.Meta(min_length=1, max_length=limits.PAIRING_BYTES)]


class Prove(Ask, frozen=True, kw_only=True):
    """PUT /v1/join/{nameplate}: who joins, sealed under the key that both have now; and what founds a team."""

    attempt: Id
    sealed: Annotated[bytes, msgspec.Meta(min_length=1, max_length=limits.PAIRING_BYTES)]
    found: Append | None = None


class Joining(Answer, frozen=True, kw_only=True):
    """GET /v1/join/{nameplate}?attempt=…: what the inviter has said so far; empty is nothing yet."""

    message: bytes = b""
    sealed: bytes = b""


class Pull(Ask, frozen=True, kw_only=True):
    """The query of GET /v1/log: what the machine has, and how long it will wait for more."""

    epoch: str = ""
    after: Count = 0
    records: Count = 0  # answered at once where there are more
    rosters: Annotated[int, msgspec.Meta(ge=-1)] = -1  # likewise; -1 does not ask
    wait_ms: Annotated[int, msgspec.Meta(ge=0, le=limits.POLL_MS)] = 0


class After(Ask, frozen=True, kw_only=True):
    """The query of GET /v1/records (how many are known) and GET /v1/rosters (the newest that is known)."""

    after: Count = 0


class Waiting(Ask, frozen=True, kw_only=True):
    """The query of GET /v1/invitations/{nameplate}."""

    wait_ms: Annotated[int, msgspec.Meta(ge=0, le=limits.POLL_MS)] = 0


class Attempt(Ask, frozen=True, kw_only=True):
    """The query of GET /v1/join/{nameplate}: waits for the message, and once a proof was given for the seal."""

    attempt: Id
    wait_ms: Annotated[int, msgspec.Meta(ge=0, le=limits.POLL_MS)] = 0


class Well(Answer, frozen=True, kw_only=True):
    """GET /healthz and /readyz."""

    well: bool
    version: str


class Fault(Answer, frozen=True, kw_only=True):
    """Every error."""

    code: str
    message: str
    hint: str = ""
    retry_after_ms: int = 0


class Failed(Answer, frozen=True, kw_only=True):
    """The body of every answer that is not a success."""

    error: Fault
