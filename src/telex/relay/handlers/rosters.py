"""Who is at which machine, sealed, and when each machine was last heard of."""

from __future__ import annotations

from telex import limits
from telex.relay import commands
from telex.relay.service import Call, Desk
from telex.wire import api


async def put(desk: Desk, call: Call) -> None:
    """This machine's roster; the last one stands."""
    await desk.submit(
        commands.SetRoster(
            at_ms=call.at_ms,
            team=call.caller.team,
            machine=call.caller.machine,
            key=call.body.key,
            sealed=call.body.sealed,
            asked_ms=call.caller.asked_ms,
            news=call.body.news,
        )
    )


async def listed(desk: Desk, call: Call) -> api.Rosters:
    """The other machines' rosters that are newer than `after`, as many as an answer may hold."""
    team, size = call.caller.team, 0
    found: list[api.Listed] = []
    with desk.book.snapshot() as book:
        newest = book.value("roster.count", team) or 0
        for machine, n, key, sealed, received_ms, seen_ms in book.rows(
            "roster.after", team, call.query.after, call.caller.machine
        ):
            size += len(sealed)
            if found and size > limits.SYNC_BATCH_BYTES:
                newest = found[-1].n
                break
            found.append(
                api.Listed(machine=machine, n=n, key=key, sealed=sealed, received_ms=received_ms, seen_ms=seen_ms)
            )
        seen = dict(book.rows("chain.seen", team))
    return api.Rosters(n=newest, rosters=found, seen_ms=seen)
