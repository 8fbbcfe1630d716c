"""Invitations: two machines that pair leave word for each other here; for a team's first owner the relay is one.

Rules kept here:
- the relay knows the words of its own invitations only, and forgets them at the first answer;
- everything said by nobody in particular is counted for its address, so that guessing is slow, and one wrong guess
  at a code makes it void.
"""

from __future__ import annotations

import asyncio

from telex import limits
from telex.core import members
from telex.crypto import pairing, signatures
from telex.crypto.words import Code
from telex.errors.between import ChainBroken, CodeWrong
from telex.relay import commands
from telex.relay.clock import now_ms
from telex.relay.nameplates import nameplates
from telex.relay.service import Call, Desk, asked
from telex.relay.state import JOIN
from telex.relay.transitions.pairing import Invitation, attempted, find, own
from telex.relay.waiters import WOKEN
from telex.wire import api, records
from telex.wire.faults import refusal
from telex.wire.pairing import Founding, Proof, Welcome

_KEY_BYTES = 32


async def invite(desk: Desk, call: Call) -> api.Invited:
    """An owner's invitation."""
    made: api.Invited = await desk.submit(
        commands.Invite(
            at_ms=call.at_ms,
            team=call.caller.team,
            machine=call.caller.machine,
            role=call.body.role,
            nameplates=nameplates(),
            until_ms=call.at_ms + limits.INVITATION_MS,
            most=limits.RELAY_INVITATIONS,
            asked=asked(call.caller),
        )
    )
    return made


async def invitation(desk: Desk, call: Call) -> api.Pairing:
    """What the joiner has said; waits for its next word."""
    nameplate, caller = int(call.places["nameplate"]), call.caller
    loop = asyncio.get_running_loop()
    end, enough = loop.time() + call.query.wait_ms / 1000, False
    while True:
        found = own(desk.book, nameplate, caller.team, caller.machine, now_ms())
        news = (found.attempt and not found.answer) or (found.proof and not found.sealed)
        if news or enough:
            return api.Pairing(attempt=found.attempt, message=found.message, sealed=found.proof)
        enough = await desk.wakes.wait((JOIN, str(nameplate)), end - loop.time()) != WOKEN


async def answer(desk: Desk, call: Call) -> None:
    """The inviter's next step."""
    await desk.submit(
        commands.Answer(
            at_ms=call.at_ms,
            team=call.caller.team,
            machine=call.caller.machine,
            nameplate=int(call.places["nameplate"]),
            message=call.body.message,
            sealed=call.body.sealed,
        )
    )


async def burn(desk: Desk, call: Call) -> None:
    """The inviter takes its invitation back."""
    await desk.submit(
        commands.Burn(
            at_ms=call.at_ms,
            nameplate=int(call.places["nameplate"]),
            team=call.caller.team,
            machine=call.caller.machine,
        )
    )


async def join(desk: Desk, call: Call) -> None:
    """Somebody answers an invitation. To the relay's own the relay answers at once."""
    desk.meter.may_guess(call.source, call.at_ms / 1000)
    desk.meter.guessed(call.source, call.at_ms / 1000)
    nameplate, body = int(call.places["nameplate"]), call.body
    found = find(desk.book, nameplate, call.at_ms)
    said = {"answer": b"", "sealed": b"", "secret": b""}
    if found.words:
        said = await _relay_answers(desk, found, body)
    await desk.submit(
        commands.Claim(at_ms=call.at_ms, nameplate=nameplate, attempt=body.attempt, message=body.message, **said)
    )


async def _relay_answers(desk: Desk, found: Invitation, body: api.Join) -> dict[str, bytes]:
    """The relay's message, what it founds, and the secret that both share if the joiner knows the words."""
    code = Code(nameplate=found.nameplate, words=found.words)
    try:
        agreed = await asyncio.to_thread(pairing.answered, code, body.attempt, body.message)
    except CodeWrong:
        await desk.submit(commands.Burn(at_ms=now_ms(), nameplate=found.nameplate, attempt=body.attempt))
        raise refusal("code-wrong") from None
    founding = Founding(team=found.team, team_name=desk.book.value("team.name", found.team))
    return {
        "answer": agreed.message,
        "sealed": agreed.seal(pairing.INVITER, founding),
        "secret": agreed.key + agreed.transcript,
    }


async def prove(desk: Desk, call: Call) -> None:
    """The joiner shows that it knew the code, and who it is."""
    desk.meter.may_guess(call.source, call.at_ms / 1000)
    nameplate, body = int(call.places["nameplate"]), call.body
    found = attempted(desk.book, nameplate, body.attempt, call.at_ms)
    if found.machine:
        await desk.submit(
            commands.Prove(at_ms=call.at_ms, nameplate=nameplate, attempt=body.attempt, sealed=body.sealed)
        )
    elif found.secret:
        await _found(desk, call, found)
    elif found.proof != body.sealed:
        raise refusal("invitation-unknown")


async def _found(desk: Desk, call: Call, found: Invitation) -> None:
    """The relay's own invitation founds a team, by the record of whoever proved its code."""
    body: api.Prove = call.body
    key, transcript = found.secret[:_KEY_BYTES], found.secret[_KEY_BYTES:]
    agreed = pairing.Agreed(message=found.answer, key=key, transcript=transcript)
    try:
        proof = agreed.proof(body.sealed)
    except CodeWrong:
        desk.meter.guessed(call.source, call.at_ms / 1000)
        await desk.submit(commands.Burn(at_ms=call.at_ms, nameplate=found.nameplate, attempt=body.attempt))
        raise refusal("code-wrong") from None
    if body.found is None:
        raise refusal("record-wrong", problem="it is missing")
    team = _founded(desk, found, proof, body.found)
    welcome = Welcome(
        team=team.id,
        team_name=team.name,
        name=proof.name,
        first=team.first,
        newest=team.newest,
        n=team.n,
        inviter=proof.id,
    )
    await desk.submit(
        commands.Found(
            at_ms=call.at_ms,
            nameplate=found.nameplate,
            attempt=body.attempt,
            sealed=body.sealed,
            answer=agreed.seal(pairing.INVITER, welcome),
            record=body.found.record,
            grants=body.found.grants,
        )
    )


def _founded(desk: Desk, found: Invitation, proof: Proof, first: api.Append) -> members.Team:
    """The team that the first record makes, by the machine that proved the code. Raises RelayRefused."""
    record = first.record
    try:
        said = records.read(record.body)
        team = members.extend(None, said, record.body, record.signature, signatures.record_good)
    except ChainBroken as problem:
        raise refusal("record-wrong", problem=problem.message) from None
    machine = team.machines[said.machine.id]
    if (machine.id, machine.name, machine.sign, machine.seal) != (proof.id, proof.name, proof.sign, proof.seal):
        raise refusal("record-wrong", problem="it is not of the machine that proved the code")
    if (team.id, team.name) != (found.team, desk.book.value("team.name", found.team)):
        raise refusal("record-wrong", problem="it is of another team")
    return team


async def joining(desk: Desk, call: Call) -> api.Joining:
    """What the inviter has said; waits for its next word."""
    nameplate, attempt = int(call.places["nameplate"]), call.query.attempt
    loop = asyncio.get_running_loop()
    end, enough = loop.time() + call.query.wait_ms / 1000, False
    desk.meter.may_guess(call.source, call.at_ms / 1000)
    while True:
        found = attempted(desk.book, nameplate, attempt, now_ms())
        news = found.sealed if found.proof else found.answer
        if news or enough:
            return api.Joining(message=found.answer, sealed=found.sealed)
        enough = await desk.wakes.wait((JOIN, str(nameplate)), end - loop.time()) != WOKEN
