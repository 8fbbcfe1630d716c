"""What a relay's operator does on its host: teams, and the code of a team's first owner.

Rule kept here: the code's words are shown once and kept only until somebody answers or ten minutes are over.
"""

from __future__ import annotations

import os
import secrets
from typing import Any

from telex import limits
from telex.core import names
from telex.core.record import Record
from telex.crypto import words
from telex.errors.between import RelayRefused, TeamExists, TeamFounded, TeamUnknown
from telex.relay import commands
from telex.relay.clock import now_ms
from telex.relay.nameplates import nameplates
from telex.relay.ports import Log
from telex.wire.records import OWNER


class HostedTeam(Record):
    """A team that a relay keeps."""

    name: str
    machines: int
    records: int  # in its membership chain; 0 waits for its first owner
    messages: int  # that its log ever had
    bytes: int  # that it takes now
    made_ms: int


class OwnerCode(Record):
    """What a team's first owner joins with."""

    team: str
    code: str
    until_ms: int


async def create(log: Log, name: str) -> OwnerCode:
    """A new team, and its first owner's code. Raises NameInvalid, NameReserved, TeamExists, RelayRefused."""
    name = names.fold_own(name)
    team = secrets.token_hex(limits.RELAY_ID_BYTES)
    try:
        await log.submit(commands.MakeTeam(at_ms=now_ms(), team=team, name=name))
    except RelayRefused as problem:
        if problem.facts["code"] == "team-exists":
            raise TeamExists(name=name) from None
        raise
    return await _code(log, team, name)


async def code(log: Log, name: str) -> OwnerCode:
    """Another code for a team that has no owner yet. Raises TeamUnknown, TeamFounded, RelayRefused."""
    name = names.fold(name)
    row = log.book.row("team.named", name)
    if row is None:
        raise TeamUnknown(name=name)
    if row[1]:
        raise TeamFounded(name=name)
    return await _code(log, row[0], name)


async def _code(log: Log, team: str, name: str) -> OwnerCode:
    at_ms, chosen = now_ms(), words.chosen(os.urandom(words.CHANCE_BYTES))
    invited: Any = await log.submit(
        commands.Invite(
            at_ms=at_ms,
            team=team,
            machine="",
            role=OWNER,
            nameplates=nameplates(),
            until_ms=at_ms + limits.INVITATION_MS,
            most=limits.RELAY_INVITATIONS,
            words=chosen,
        )
    )
    made = words.Code(nameplate=invited.nameplate, words=chosen)
    return OwnerCode(team=name, code=made.written(), until_ms=invited.until_ms)


def teams(log: Log) -> list[HostedTeam]:
    """Every team, by name."""
    return [
        HostedTeam(
            name=name,
            machines=log.book.value("chain.count", team),
            records=records,
            messages=head,
            bytes=size,
            made_ms=made_ms,
        )
        for team, name, made_ms, records, head, size in log.book.rows("team.all")
    ]
