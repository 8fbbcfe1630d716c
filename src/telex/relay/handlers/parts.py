"""Sealed parts of large bodies.

Rule kept here: a part's bytes are kept before the team is said to have it, and its name is its digest.
"""

from __future__ import annotations

from _blake2 import blake2b

from telex import limits
from telex.relay import commands
from telex.relay.service import Call, Desk
from telex.wire.faults import refusal


async def put(desk: Desk, call: Call) -> None:
    """Keep a part."""
    team, digest, data = call.caller.team, call.places["digest"], call.body
    if blake2b(data, digest_size=32).hexdigest() != digest:
        raise refusal("part-wrong")
    keep = commands.KeepPart(
        at_ms=call.at_ms,
        team=team,
        machine=call.caller.machine,
        digest=digest,
        size=len(data),
        team_bytes_most=desk.quotas.team_bytes,
        machine_bytes_most=desk.quotas.machine_bytes,
    )
    if desk.book.value("part.is_there", team, digest):
        await desk.submit(keep)  # or a sweep could take the bytes away after they were found there
    elif desk.book.value("team.bytes", team) + len(data) > desk.quotas.team_bytes:
        raise refusal("team-full", retry_after_ms=limits.RELAY_FULL_RETRY_MS, most=desk.quotas.team_bytes)
    elif desk.book.value("chain.bytes", call.caller.machine) + len(data) > desk.quotas.machine_bytes:
        raise refusal("machine-full", retry_after_ms=limits.RELAY_FULL_RETRY_MS, most=desk.quotas.machine_bytes)
    await desk.parts.put(team, digest, data)
    await desk.submit(keep)


async def has(desk: Desk, call: Call) -> None:
    """Whether a part is there."""
    if not desk.book.value("part.is_there", call.caller.team, call.places["digest"]):
        raise refusal("part-unknown")


async def get(desk: Desk, call: Call) -> bytes:
    """A part's bytes."""
    await has(desk, call)
    data = await desk.parts.get(call.caller.team, call.places["digest"])
    if data is None:
        raise refusal("part-unknown")
    return data
