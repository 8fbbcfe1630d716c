"""What a relay's operator does on its host: teams, and the code of a team's first owner.

Rule kept here: the code's words are shown once and kept only until somebody answers or ten minutes are over.
"""

from __future__ import annotations

import os
import secrets
from typing import Any

from telex import limits
from telex.core import names, text
from telex.core.record import Record
from telex.crypto import words
from telex.errors.between import HostedMachineUnknown, RelayRefused, TeamExists, TeamFounded, TeamUnknown
from telex.relay import commands
from telex.relay.clock import now_ms
from telex.relay.interfaces import Log
from telex.relay.nameplates import nameplates
from telex.relay.transitions import chain
from telex.wire.records import OWNER


class HostedTeam(Record):
    """A team that a relay keeps."""

    name: str
    machines: int
    records: int  # in its membership chain; 0 waits for its first owner
    messages: int  # that its log ever had
    bytes: int  # that it takes now
    made_ms: int


class HostedMachine(Record):
    """What one machine uses of what a relay keeps for its team."""

    id: str
    name: str
    role: str  # '' where it was removed
    seen_ms: int
    waiting: int  # items for it that it has not read
    bytes: int  # of its entries and parts


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
    team, records = _named(log, name)
    if records:
        raise TeamFounded(name=names.fold(name))
    return await _code(log, team, names.fold(name))


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


def machines(log: Log, name: str) -> list[HostedMachine]:
    """Every machine that a team has or had, the largest user first. Raises TeamUnknown."""
    team = _named(log, name)[0]
    state = chain.current(log.book, team)
    known = state.machines if state else {}
    found = [
        HostedMachine(
            id=machine,
            name=known[machine].name if machine in known else "",
            role="" if removed else role,
            seen_ms=seen_ms,
            waiting=max(0, waiting),
            bytes=size,
        )
        for machine, role, removed, seen_ms, waiting, size in log.book.rows("chain.usage", team)
    ]
    return sorted(found, key=lambda one: (-one.bytes, one.name))


async def drop(log: Log, name: str, machine: str) -> int:
    """Empty what a machine has in the log, read or not; how many entries that were.

    Its readers see a tombstone in the place of each. Raises TeamUnknown, MachineUnknown, RelayRefused.
    """
    found = [one for one in machines(log, name) if machine in (one.id, one.name)]
    if not found:
        raise HostedMachineUnknown(team=names.fold(name), name=text.preview(machine, limits.NAME_CHARS))
    team, dropped, more = _named(log, name)[0], 0, True
    while more:
        command = commands.Drop(at_ms=now_ms(), team=team, machine=found[0].id, rows=limits.RELAY_SWEEP_ROWS)
        swept: Any = await log.submit(command)
        dropped += swept.entries
        more = swept.entries == limits.RELAY_SWEEP_ROWS
    return dropped


def _named(log: Log, name: str) -> tuple[str, int]:
    """The id of a team, and how many records it has. Raises TeamUnknown."""
    row = log.book.row("team.named", names.fold(name))
    if row is None:
        raise TeamUnknown(name=names.fold(name))
    return str(row[0]), int(row[1])


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
