"""Tokens: one is good for one machine, at one relay, until it is too old or the machine is removed.

Rule kept here: only a token's digest is ever written down.
"""

from __future__ import annotations

from telex.relay import commands
from telex.relay.state import Book
from telex.wire.routes import ALL_ROLES


def give(book: Book, command: commands.GiveToken) -> None:
    """One more token; of too many the oldest go."""
    book.standing(command.team, command.machine, ALL_ROLES)
    book.once(command.machine, command.asked)
    book.run("token.add", command.digest, command.machine, command.audience, command.until_ms)
    book.run("token.keep_newest", command.machine, command.machine, command.most)
