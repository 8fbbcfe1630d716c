"""Rosters: who is at a machine, sealed. The last one stands.

Rules kept here: a roster that was asked for before the one that stands changes nothing, so a replayed request does
not bring the past back; one that says who came or went wakes the team, one that says who is busy does not.
"""

from __future__ import annotations

from telex.relay import commands
from telex.relay.state import Book
from telex.wire.faults import refusal
from telex.wire.records import MEMBER, OWNER


def put(book: Book, command: commands.SetRoster) -> None:
    """A machine's new roster."""
    team, machine = command.team, command.machine
    book.standing(team, machine, (OWNER, MEMBER))
    before = book.row("roster.one", team, machine)
    if before and before[0] >= command.asked_ms and before[1] <= command.at_ms:  # else the relay's clock went back
        raise refusal("roster-old")
    n = book.value("roster.next", team)
    book.run("roster.put", team, machine, n, command.key, command.sealed, command.asked_ms, command.at_ms)
    if command.news:
        book.touch_team(team)
