"""What each command does to a book: the one function that changes a relay.

Rules kept here: no clock, no chance, nothing but the command and the book; a command is applied whole, or refused
and changes nothing (the caller rolls back to before it).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from telex.relay import commands
from telex.relay.state import Book
from telex.relay.transitions import chain, log, maintenance, pairing, parts, rosters, tokens

_RULES: dict[type, Callable[[Book, Any], commands.Result]] = {
    commands.Probe: maintenance.probe,
    commands.Renew: maintenance.renew,
    commands.Heard: maintenance.heard,
    commands.Sweep: maintenance.sweep,
    commands.Expire: maintenance.expire,
    commands.Drop: log.drop,
    commands.MakeTeam: chain.make_team,
    commands.Append: chain.append,
    commands.Push: log.push,
    commands.Invite: pairing.invite,
    commands.Claim: pairing.claim,
    commands.Answer: pairing.answer,
    commands.Prove: pairing.prove,
    commands.Found: pairing.found,
    commands.Burn: pairing.burn,
    commands.KeepPart: parts.keep,
    commands.SetRoster: rosters.put,
    commands.GiveToken: tokens.give,
}


def apply(book: Book, command: commands.Any) -> commands.Result:
    """Change the book as the command says. Raises RelayRefused where the rules forbid it."""
    return _RULES[type(command)](book, command)
