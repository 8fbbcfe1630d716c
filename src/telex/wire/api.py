"""The bodies of the relay's HTTP API, version 1; the OpenAPI document is made of these types.

Rule kept here: a request's types are strict (unknown fields are refused), an answer's are open, so that a newer
relay may say more to an older link.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from telex import limits
from telex.wire import bounds as b
from telex.wire.records import Grants, Signed, SignedRecords


class Ask(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request's body."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """An answer's body."""


class Item(Ask, frozen=True, kw_only=True):
    """One envelope on its way to the relay."""

    oseq: b.Ordinal
    header: b.Header
    sealed: b.Sealed


class Push(Ask, frozen=True, kw_only=True):
    """POST /v1/log: the next items of an origin, in order."""

    origin: b.Id
    items: Annotated[list[Item], msgspec.Meta(min_length=1, max_length=limits.SYNC_ITEMS)]


class Refusal(Answer, frozen=True, kw_only=True):
    """An item that the relay keeps as a tombstone, and why: a code of `faults.TOMBSTONES`."""

    oseq: b.Ordinal
    code: b.Code


class Pushed(Answer, frozen=True, kw_only=True):
    """How far the relay has this origin durably."""

    epoch: b.Id
    last_oseq: b.Count
    refused: Annotated[list[Refusal], msgspec.Meta(max_length=limits.SYNC_ITEMS)] = []
    forked: bool = False  # the origin is another machine's past: take a new one


class Entry(Answer, frozen=True, kw_only=True):
    """One item of a team's log, as a machine that it is for reads it. A tombstone has the code of a reason and no
    seal."""

    seq: b.Count
    header: b.Header
    sealed: b.Sealed
    received_ms: b.Millis
    reason: b.CodeOrNone = ""


class Page(Answer, frozen=True, kw_only=True):
    """GET /v1/log: what is there after a cursor for this machine."""

    epoch: b.Id
    earliest: b.Count  # the oldest seq that the log still has; head + 1 where it is empty
    items: Annotated[list[Entry], msgspec.Meta(max_length=limits.SYNC_ITEMS)]
    scanned: b.Count  # everything up to here was looked at in the same snapshot
    head: b.Count
    records: b.Count  # how many membership records there are
    rosters: b.Count  # the number of the newest roster
    invitations: b.Nameplates = []  # of this machine's, somebody waits at


class Fresh(Answer, frozen=True, kw_only=True):
    """An event of GET /v1/events: only that there is something to pull."""

    epoch: b.Id
    head: b.Count


class Token(Answer, frozen=True, kw_only=True):
    """POST /v1/token."""

    token: b.Secret
    until_ms: b.Millis
    audience: b.Url


class Append(Ask, frozen=True, kw_only=True):
    """POST /v1/records: the next record, with the grants that belong to it."""

    record: Signed
    grants: Grants = []


class Records(Answer, frozen=True, kw_only=True):
    """GET /v1/records: the chain from `after` on, and the grants for the machine that asks."""

    records: SignedRecords
    grants: Grants


class SetRoster(Ask, frozen=True, kw_only=True):
    """PUT /v1/roster."""

    key: b.Count
    sealed: b.SealedRoster
    news: bool = False  # somebody came or went: who waits for a page is answered; else it is seen at the next one


class Listed(Answer, frozen=True, kw_only=True):
    """One machine's roster, and when it was last heard of."""

    machine: b.Id
    n: b.Count
    key: b.Count
    sealed: b.SealedRoster
    received_ms: b.Millis
    seen_ms: b.Millis


class Rosters(Answer, frozen=True, kw_only=True):
    """GET /v1/rosters: those that are newer than `after`; and when every machine was last heard of."""

    n: b.Count
    rosters: Annotated[list[Listed], msgspec.Meta(max_length=limits.WIRE_MACHINES)]
    seen_ms: b.SeenAt


class Invite(Ask, frozen=True, kw_only=True):
    """POST /v1/invitations."""

    role: b.Role


class Invited(Answer, frozen=True, kw_only=True):
    """The invitation's number, which begins its code."""

    nameplate: b.Nameplate
    until_ms: b.Millis


class Pairing(Answer, frozen=True, kw_only=True):
    """GET /v1/invitations/{nameplate}: what the joiner has said so far; empty is nothing yet."""

    attempt: b.IdOrNone = ""
    message: b.Step = b""
    sealed: b.Step = b""


class Reply(Ask, frozen=True, kw_only=True):
    """PUT /v1/invitations/{nameplate}: the inviter's SPAKE2 message, then what it seals for the joiner."""

    message: b.Step = b""
    sealed: b.Step = b""


class Join(Ask, frozen=True, kw_only=True):
    """POST /v1/join/{nameplate}: the joiner's SPAKE2 message. The first attempt has the invitation to itself."""

    attempt: b.Id
    message: b.StepGiven


class Prove(Ask, frozen=True, kw_only=True):
    """PUT /v1/join/{nameplate}: who joins, sealed under the key that both have now; and what founds a team."""

    attempt: b.Id
    sealed: b.StepGiven
    found: Append | None = None


class Joining(Answer, frozen=True, kw_only=True):
    """GET /v1/join/{nameplate}?attempt=…: what the inviter has said so far; empty is nothing yet."""

    message: b.Step = b""
    sealed: b.Step = b""


class Pull(Ask, frozen=True, kw_only=True):
    """The query of GET /v1/log: what the machine has, and how long it will wait for more."""

    epoch: b.IdOrNone = ""
    after: b.Count = 0
    records: b.Count = 0  # answered at once where there are more
    rosters: b.CountOrNone = -1  # likewise; -1 does not ask
    wait_ms: b.Wait = 0


class After(Ask, frozen=True, kw_only=True):
    """The query of GET /v1/records (how many are known) and GET /v1/rosters (the newest that is known)."""

    after: b.Count = 0


class Waiting(Ask, frozen=True, kw_only=True):
    """The query of GET /v1/invitations/{nameplate}."""

    wait_ms: b.Wait = 0


class Attempt(Ask, frozen=True, kw_only=True):
    """The query of GET /v1/join/{nameplate}: waits for the message, and once a proof was given for the seal."""

    attempt: b.Id
    wait_ms: b.Wait = 0


class Well(Answer, frozen=True, kw_only=True):
    """GET /healthz and /readyz."""

    well: bool
    version: b.Line


class Fault(Answer, frozen=True, kw_only=True):
    """Every error."""

    code: b.Code
    message: b.Words
    hint: b.Words = ""
    retry_after_ms: b.Pause = 0


class Failed(Answer, frozen=True, kw_only=True):
    """The body of every answer that is not a success."""

    error: Fault
