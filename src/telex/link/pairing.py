"""Pairing two machines over the relay: what the inviter's link does, and what `telex link join` does.

Rules kept here:
- an invitation's words are taken out of the store before the first answer: whatever happens, they serve one try;
- who joins believes nothing of the relay: the chain must begin with the record, and hold the one, that the inviter
  named under the seal of the code, and it must hold this machine with these keys;
- the machine's keys are on the disk before anybody is told of them, and gone again where it did not join.
"""

from __future__ import annotations

import asyncio
import os
import time
import urllib.parse
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from telex import limits
from telex.core import names
from telex.core.members import FIRST_KEY, ID_DIGITS, OWNER, Machine, Team, digest
from telex.crypto import pairing
from telex.crypto.pairing import INVITER, JOINER, Agreed, Joiner
from telex.crypto.words import CHANCE_BYTES, Code, chosen
from telex.db.connection import Store
from telex.errors import reasons
from telex.errors.between import (
    ChainBroken,
    CodeWrong,
    PairingLate,
    PairingRefused,
    RelayInsecure,
    RelayRefused,
    RelayUnreachable,
)
from telex.link import chain, keys, membership, seal
from telex.link.http import Relay, is_here
from telex.link.keys import MachineKeys
from telex.link.membership import Membership
from telex.team import alerts, chain_store
from telex.team import link_state as linking
from telex.wire import api, records
from telex.wire.pairing import REFUSALS, Answer, Founding, Proof, Refused, Welcome

# --- the inviter ------------------------------------------------------------------------------------------


async def invite(relay: Relay, db: Store, role: str, now_ms: int) -> tuple[Code, int]:
    """A new invitation's code, and when it ends. The words stay here. Raises RemoteFault."""
    given: api.Invited = await relay.ask("invite", api.Invite(role=role))
    code = Code(nameplate=given.nameplate, words=chosen(os.urandom(CHANCE_BYTES)))
    until_ms = now_ms + limits.INVITATION_MS
    with db.write():
        chain_store.invite(
            db, chain_store.Invitation(nameplate=code.nameplate, words=code.words, role=role, until_ms=until_ms)
        )
    return code, until_ms


async def serve(relay: Relay, own: Membership, nameplate: int) -> str:
    """Somebody waits at an invitation of this machine: pair. The name of the machine that joined, or ''.

    Not twice at a time for one invitation. A wrong or unfinished try burns it, and the person is told. Raises
    RemoteFault.
    """
    heard: api.Pairing = await relay.ask("invitation", nameplate=nameplate)
    if not heard.message:
        return ""
    with own.db.write():
        invitation = chain_store.claim(own.db, nameplate, _now_ms())
    if invitation is None:  # its words were used before this process died, or are too old
        await relay.ask("burn", nameplate=nameplate)
        return ""
    code = Code(nameplate=nameplate, words=invitation.words)
    try:
        agreed = pairing.answered(code, heard.attempt, heard.message)
        await relay.ask("answer", api.Reply(message=agreed.message), nameplate=nameplate)
        proof = agreed.proof(await _proof(relay, nameplate))
    except CodeWrong:
        await _burn(relay, own, nameplate, "used invitation {} with a wrong code")
        return ""
    except PairingLate:
        await _burn(relay, own, nameplate, "answered invitation {} and then said nothing more")
        return ""
    answer = await _taken_in(relay, own, proof, invitation.role)
    await relay.ask("answer", api.Reply(sealed=agreed.seal(INVITER, answer)), nameplate=nameplate)
    return answer.name if isinstance(answer, Welcome) else ""


async def _proof(relay: Relay, nameplate: int) -> bytes:
    """What the one who joins seals. Raises PairingLate."""
    end = time.monotonic() + limits.PAIRING_WAIT_SECONDS
    while time.monotonic() < end:
        heard: api.Pairing = await relay.ask(
            "invitation",
            query={"wait_ms": limits.PAIRING_POLL_MS},
            wait_s=limits.PAIRING_POLL_MS / 1000,
            nameplate=nameplate,
        )
        if heard.sealed:
            return heard.sealed
    raise PairingLate(seconds=limits.PAIRING_WAIT_SECONDS)


async def _burn(relay: Relay, own: Membership, nameplate: int, what: str) -> None:
    """A wrong guess, or one that was left open: the code is void, here and at the relay, and the person is told."""
    words = f"somebody {what.format(nameplate)}; it is void"
    with own.db.write():
        alerts.note(own.db, alerts.GUESS, "", words, _now_ms())
    await relay.ask("burn", nameplate=nameplate)


async def _taken_in(relay: Relay, own: Membership, proof: Proof, role: str) -> Answer:
    """The team with the new machine in it, or why it is not."""
    await membership.refresh(relay, own)
    if not names.is_name(proof.name) or proof.name in names.RESERVED:
        return Refused(code="name-invalid")
    if len(own.team.members()) >= limits.TEAM_MACHINES:
        return Refused(code="team-full")
    name = _free_name(own.team, proof)
    if not name:
        return Refused(code="name-taken")
    new = records.Machine(id=proof.id, name=name, role=role, sign=proof.sign, seal=proof.seal)
    try:
        await membership.add(relay, own, new)
    except (RelayRefused, ChainBroken) as problem:
        with own.db.write():
            words = f"an invitation could not be answered: {problem.message}"
            alerts.note(own.db, alerts.CHAIN, "", words, _now_ms())
        return Refused(code="failed")
    team = own.team
    return Welcome(
        team=team.id,
        team_name=team.name,
        name=name,
        first=team.first,
        newest=team.newest,
        n=team.n,
        inviter=own.own.machine,
    )


def _free_name(team: Team, proof: Proof) -> str:
    """The name that the new machine gets; '' where it wants one that it cannot have."""
    if proof.exact:
        return "" if team.named(proof.name) else proof.name
    tried = (names.twin(proof.name, number) for number in range(1, limits.NAME_TWINS + 1))
    return next((name for name in tried if not team.named(name)), "")


# --- who joins --------------------------------------------------------------------------------------------


def checked_url(text: str, *, insecure: bool = False) -> str:
    """A relay's URL as it is kept. Raises RelayInsecure for one without TLS that is not of this very machine."""
    url = text.strip().rstrip("/")
    try:
        parts = urllib.parse.urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        parts, host = urllib.parse.urlsplit(""), ""
    if parts.scheme not in ("https", "http") or not host or parts.query or parts.fragment or parts.username is not None:
        advice = "it looks like https://relay.example, and has no user name in it"
        raise RelayInsecure(relay=text[: limits.PREVIEW_CHARS], problem="it is not of that form", advice=advice)
    if parts.scheme == "http" and not insecure and not is_here(host):
        advice = "take https://; with --insecure the network sees which machines write to each other, and may stop it"
        raise RelayInsecure(relay=url, problem="without TLS it may only be on this machine", advice=advice)
    return url


class Wish:
    """What a machine that joins would like: a name, and whether another will do."""

    def __init__(self, name: str, exact: bool) -> None:
        self.name = name
        self.exact = exact


async def join(db: Store, url: str, code: Code, wish: Wish) -> linking.Link:
    """Join the team that a code is for, or found it. Raises CodeWrong, PairingLate, PairingRefused, other RemoteFaults.

    The store says that the machine is linked once everything else is done.
    """
    keys.forget(db.home)  # of a try that was cut short: there is no link
    own = keys.new_machine()
    try:
        async with Relay(url) as relay:
            welcome, key = await _paired(relay, db.home, own, code, wish)
        async with Relay(url, own.machine, own.sign) as relay:
            return await _settled(relay, db, own, welcome, key)
    except BaseException:
        keys.forget(db.home)
        raise


async def _paired(relay: Relay, home: str, own: MachineKeys, code: Code, wish: Wish) -> tuple[Welcome, bytes]:
    """What the inviter says at the end; and the team's first key, where this machine founds the team."""
    attempt = os.urandom(ID_DIGITS // 2).hex()
    side = Joiner(code, attempt)
    await relay.ask("join", api.Join(attempt=attempt, message=side.message), nameplate=code.nameplate)
    heard = await _heard(relay, code, attempt, lambda one: bool(one.message))
    agreed = side.agreed(heard.message)
    founded = _founded(own, agreed, heard.sealed, wish) if heard.sealed else None
    proof = Proof(
        id=own.machine,
        name=wish.name,
        exact=wish.exact,
        sign=own.sign_public,
        seal=own.seal_public,
        proof=pairing.proof_of(agreed, own.sign, own.seal_public),
    )
    keys.keep_machine(home, own)
    prove = api.Prove(attempt=attempt, sealed=agreed.seal(JOINER, proof), found=founded.append if founded else None)
    try:
        await _surely(relay, "prove", prove, nameplate=code.nameplate)
        heard = await _heard(relay, code, attempt, lambda one: one.sealed not in (b"", heard.sealed))
    except RelayRefused as problem:
        if problem.facts["code"] == "invitation-unknown":  # the inviter could not open what we sealed
            raise CodeWrong() from None
        raise
    return _welcome(agreed.answer(heard.sealed)), founded.key if founded else b""


class _Founded(NamedTuple):
    append: api.Append
    key: bytes


def _founded(own: MachineKeys, agreed: Agreed, sealed: bytes, wish: Wish) -> _Founded:
    """The first record of the team that the code founds. Raises CodeWrong."""
    told = agreed.answer(sealed)
    if not isinstance(told, Founding):
        raise CodeWrong()
    key = keys.new_team_key()
    record = chain.founding(own, told.team, told.team_name, wish.name, keys.commitment(key), _now_ms())
    team, _ = chain.extended(None, 0, [record])
    mine = seal.grant(own, team.id, FIRST_KEY, key, team.machines[own.machine])
    return _Founded(append=api.Append(record=record, grants=[mine]), key=key)


def _welcome(answer: Answer) -> Welcome:
    if isinstance(answer, Refused):
        words, advice = REFUSALS.get(
            answer.code, (reasons.UNKNOWN, "ask the person who invited you, then for a new code")
        )
        raise PairingRefused(words=words, advice=advice)
    if not isinstance(answer, Welcome):
        raise CodeWrong()
    return answer


async def _heard(relay: Relay, code: Code, attempt: str, enough: Callable[[api.Joining], bool]) -> api.Joining:
    """The inviter's next word. Raises PairingLate."""
    end = time.monotonic() + limits.PAIRING_WAIT_SECONDS
    query = {"attempt": attempt, "wait_ms": limits.PAIRING_POLL_MS}
    while time.monotonic() < end:
        heard: api.Joining = await _surely(relay, "joining", query=query, nameplate=code.nameplate)
        if enough(heard):
            return heard
    raise PairingLate(seconds=limits.PAIRING_WAIT_SECONDS)


async def _surely(relay: Relay, route: str, takes: msgspec.Struct | None = None, **rest: Any) -> Any:
    """Ask, and ask again for a while where the relay is away: once the proof is out, the other side counts on us."""
    for tried in range(limits.PAIRING_TRIES):
        try:
            return await relay.ask(route, takes, wait_s=limits.PAIRING_POLL_MS / 1000, **rest)
        except RelayUnreachable:
            if tried == limits.PAIRING_TRIES - 1:
                raise
            await asyncio.sleep(1)
    raise AssertionError


async def _settled(relay: Relay, db: Store, own: MachineKeys, welcome: Welcome, key: bytes) -> linking.Link:
    """Fetch the chain, hold it against what the inviter said, and be linked."""
    team, rows, grants = await chain.whole(lambda after: _surely(relay, "records", query={"after": after}))
    me = _vouched(team, rows, own, welcome)
    page: api.Page = await _surely(relay, "pull", query={"epoch": "", "records": len(rows)})  # where the log is now
    if key:
        keys.keep_team(db.home, FIRST_KEY, key)
    for one in grants:
        keys.keep_team(db.home, one.key, seal.granted(own, team, one))
    keys.team(db.home, team.key)
    now_ms = _now_ms()
    linked = linking.Link(
        relay=relay.url,
        team=team.id,
        team_name=team.name,
        machine=own.machine,
        machine_name=me.name,
        role=me.role,
        origin=os.urandom(ID_DIGITS // 2).hex(),
        epoch=page.epoch,
        cursor=page.earliest - 1,
        joined_ms=now_ms,
        reached_ms=now_ms,
    )
    with db.write():
        chain_store.forget(db)
        chain_store.keep(db, team, rows)
        linking.create(db, linked)
    return linked


def _vouched(team: Team, rows: list[chain.Row], own: MachineKeys, welcome: Welcome) -> Machine:
    """This machine, in the very chain that the inviter named. Raises ChainBroken."""
    me, inviter = team.member(own.machine), team.machines.get(welcome.inviter)
    if team.id != welcome.team or team.first != welcome.first or welcome.n > team.n:
        raise ChainBroken(n=0, problem="it does not begin the team that the code was for")
    if digest(rows[welcome.n][1]) != welcome.newest or inviter is None or inviter.role_at(welcome.n) != OWNER:
        raise ChainBroken(n=welcome.n, problem="it is not the one that the inviter named")
    if me is None or (me.sign, me.seal, me.name) != (own.sign_public, own.seal_public, welcome.name):
        raise ChainBroken(n=team.n, problem="this machine is not in it as it joined")
    return me


def _now_ms() -> int:
    return int(time.time() * 1000)
