"""Sealed parts of large bodies: which team has which, and how much that is.

Rule kept here: a part counts once for its team, and for the machine that sent it first, however often it is sent.
"""

from __future__ import annotations

from telex import limits
from telex.relay import commands
from telex.relay.state import Book
from telex.wire.faults import refusal
from telex.wire.records import MEMBER, OWNER


def keep(book: Book, command: commands.KeepPart) -> None:
    """A part that was put; its life begins anew where it was there."""
    team = command.team
    book.standing(team, command.machine, (OWNER, MEMBER))
    if book.run("part.again", command.at_ms, team, command.digest):
        return
    if book.value("team.bytes", team) + command.size > command.team_bytes_most:
        raise refusal("team-full", retry_after_ms=limits.RELAY_FULL_RETRY_MS, most=command.team_bytes_most)
    if book.value("chain.bytes", command.machine) + command.size > command.machine_bytes_most:
        raise refusal("machine-full", retry_after_ms=limits.RELAY_FULL_RETRY_MS, most=command.machine_bytes_most)
    book.run("part.add", team, command.digest, command.size, command.at_ms, command.machine)
    book.run("team.grew", command.size, team)
    book.run("chain.grew", command.size, command.machine)
