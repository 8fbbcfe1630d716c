"""Tokens and the membership chain."""

from __future__ import annotations

import secrets

from telex import limits
from telex.relay import auth, commands
from telex.relay.service import Call, Desk, asked
from telex.wire import api
from telex.wire.records import Grant, Signed


async def token(desk: Desk, call: Call) -> api.Token:
    """A new token for a machine that proved its key."""
    made, until_ms = secrets.token_urlsafe(limits.TOKEN_BYTES), call.at_ms + limits.TOKEN_MS
    await desk.submit(
        commands.GiveToken(
            at_ms=call.at_ms,
            team=call.caller.team,
            machine=call.caller.machine,
            digest=auth.digest(made),
            audience=desk.door.audience,
            until_ms=until_ms,
            most=limits.RELAY_TOKENS,
            asked=asked(call.caller),
        )
    )
    return api.Token(token=made, until_ms=until_ms, audience=desk.door.audience)


async def records(desk: Desk, call: Call) -> api.Records:
    """The chain from a number on, as much as an answer may hold; and the keys that were given to this machine."""
    team = call.caller.team
    found: list[Signed] = []
    size = 0
    with desk.book.snapshot() as book:
        for body, signature in book.rows("chain.after", team, call.query.after):
            size += len(body)
            if found and size > limits.SYNC_BATCH_BYTES:
                break
            found.append(Signed(body=body, signature=signature))
        grants = book.rows("chain.grants", team, call.caller.machine)
    return api.Records(
        records=found,
        grants=[Grant(key=one[0], machine=one[1], by=one[2], sealed=one[3], signature=one[4]) for one in grants],
    )


async def append(desk: Desk, call: Call) -> None:
    """The next record of the chain, with the keys that belong to it."""
    await desk.submit(
        commands.Append(
            at_ms=call.at_ms,
            team=call.caller.team,
            machine=call.caller.machine,
            record=call.body.record,
            grants=call.body.grants,
        )
    )
