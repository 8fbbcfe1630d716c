"""link invite, remove, role, rotate: what an owner's machine does to the team."""

from __future__ import annotations

import asyncio

from telex import limits
from telex.cli.link import READ_ONLY, linked_now, machine_named, owners, said, team_now
from telex.core import members
from telex.errors import Usage
from telex.errors.between import LastOwner, NotOneself, OwnersOnly
from telex.link import keys, membership, pairing
from telex.link.http import Relay
from telex.link.membership import Membership
from telex.team import link_process, link_state

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from telex.cli.call import Call

    Act = Callable[[Relay, Membership], Awaitable[None]]


def invite(call: Call) -> None:
    """`telex link invite [--role ROLE]`"""
    db, role = call.bus.db, _role(call.args.option("role") or members.MEMBER, "link invite")
    made = []

    async def act(relay: Relay, _: Membership) -> None:
        made.append(await pairing.invite(relay, db, role, call.bus.clock()))

    linked = _as_owner(call, "invite", act)
    link_process.ensure(db, asked=True)
    [(code, until_ms)] = made
    if call.out.as_json:
        call.out.json({"code": code.written(), "role": said(role), "until_ms": until_ms, "relay": linked.relay})
        return
    minutes = limits.INVITATION_MS // 60_000
    call.out.line(code.written())
    call.out.line(f"on the other machine, within {minutes} min: telex link join {linked.relay}")
    call.out.line("it asks for the code: as a word of the command every user of that machine could read it")
    call.out.line("it is good for one machine and one try: a wrong word makes it void")
    if linked.paused:
        call.out.line("the link is paused: 'telex link resume', or nobody lets the other machine in")


def remove(call: Call) -> None:
    """`telex link remove MACHINE`"""
    other = machine_named(call, team_now(call))
    if other.id == linked_now(call).machine:
        raise NotOneself(machine=other.name)
    _as_owner(call, "remove a machine", lambda relay, own: membership.remove(relay, own, other))
    if call.out.as_json:
        call.out.json({"removed": other.name})
    else:
        call.out.line(f"{other.name} is out of the team; what is sent from now on has a key that it does not have")


def role(call: Call) -> None:
    """`telex link role MACHINE ROLE`"""
    team, wanted = team_now(call), _role(call.args.word("role"), "link role")
    other = machine_named(call, team)
    if wanted != members.OWNER and owners(team) == [other.name]:
        raise LastOwner(
            machine=other.name, team=team.name, advice="first 'telex link role MACHINE owner' for another one"
        )
    _as_owner(call, "change a role", lambda relay, own: membership.set_role(relay, own, other, wanted))
    if call.out.as_json:
        call.out.json({"machine": other.name, "role": said(wanted)})
    else:
        call.out.line(f"{other.name} is {said(wanted)} now")


def rotate(call: Call) -> None:
    """`telex link rotate`"""
    _as_owner(call, "change the team's key", membership.rotate)
    number = team_now(call).key
    if call.out.as_json:
        call.out.json({"key": number})
    else:
        call.out.line(f"the team has key {number} from now on; older messages stay readable with the older ones")


def _as_owner(call: Call, what: str, act: Act) -> link_state.Link:
    """Do something at the relay as an owner's machine. Raises NotLinked, OwnersOnly, RemoteFault."""
    linked, db = linked_now(call), call.bus.db
    own = Membership(db, keys.machine(db.home))

    async def run() -> None:
        async with Relay(linked.relay, own.own.machine, own.own.sign) as relay:
            await membership.refresh(relay, own)
            if own.me is None or own.me.role != members.OWNER:
                role = said(own.me.role) if own.me else "not in the team any more"
                raise OwnersOnly(what=what, role=role, owners=", ".join(owners(own.team)))
            await act(relay, own)

    asyncio.run(run())
    return linked


def _role(word: str, verb: str) -> str:
    """The role that a word means. Raises Usage."""
    role = members.READER if word == READ_ONLY else word
    if role not in members.ROLES:
        raise Usage(problem=f"'{word[:40]}' is no role: owner, member or read-only", verb=verb)
    return role
