"""link join, leave, pause, resume, status, machines, verify."""

from __future__ import annotations

import os
import sys

from telex.cli.output import remark
from telex.core import delivery, members, names, text
from telex.core.record import Record
from telex.errors import Usage
from telex.errors.between import AlreadyLinked, CodeExposed, LastOwner, MachineUnknown, NotLinked
from telex.team import alerts, directory, link_process, link_state
from telex.team import chain_store as kept

TYPE_CHECKING = False
if TYPE_CHECKING:
    from telex.cli.call import Call
    from telex.core.members import Machine, Team
    from telex.team.alerts import Trouble

READ_ONLY = "read-only"  # how the role `reader` is said


class Linked(Record):
    """What `telex link status` says. Times are milliseconds."""

    relay: str
    team: str
    machine: str
    role: str
    machines: int
    owners: list[str]
    waits_here: int
    at_relay: int  # not fetched by their machines yet
    on_machine: int  # not shown there yet
    running: bool  # the process that sends and fetches
    paused: bool
    reached_ms: int  # the relay last answered
    fault: str  # why it did not since
    invitations: list[int]  # still open
    trouble: list[Trouble]


class Member(Record):
    """One machine of the team."""

    name: str
    role: str
    me: bool
    id: str
    seen_ms: int  # when the relay last heard of it; 0 is not known


# --- coming and going -------------------------------------------------------------------------------------


def join(call: Call) -> None:
    """`telex link join URL`: the code is asked for, because the words of a command are open to every user."""
    import asyncio

    from telex.crypto import words
    from telex.link import pairing

    db, args = call.bus.db, call.args
    if found := link_state.load(db):
        raise AlreadyLinked(team=found.team_name, machine=found.machine_name)
    url = pairing.checked_url(args.word("url"), insecure="insecure" in args.flags)
    if args.word("code") and "expose-code" not in args.flags:
        raise CodeExposed()
    code = words.parse(args.word("code") or _asked("the code: "))
    wanted = args.option("name")
    wish = pairing.Wish(names.fold_own(wanted) if wanted else _host_name(), exact=bool(wanted))
    linked = asyncio.run(pairing.join(db, url, code, wish))
    link_process.ensure(db, asked=True)
    if call.out.as_json:
        call.out.json(
            {"machine": linked.machine_name, "team": linked.team_name, "role": said(linked.role), "relay": url}
        )
        return
    call.out.line(f"this machine is {linked.machine_name}, {said(linked.role)} of the team {linked.team_name}")
    call.out.line(f"others write to your sessions as @NAME@{linked.machine_name}, or @NAME where nobody else has it")
    call.out.line("'telex who' lists everybody in the team; 'telex link verify MACHINE' rules out anybody in between")


def leave(call: Call) -> None:
    """`telex link leave`: also where the keys, or the chain, are damaged or gone."""
    from telex.link import chain, keys

    db, linked = call.bus.db, linked_now(call)
    team = chain.replayed(kept.records(db))
    others = team and len(team.members()) > 1
    if team and others and owners(team) == [linked.machine_name] and "force" not in call.args.flags:
        advice = "first 'telex link role MACHINE owner'; with --force nobody can change the team any more"
        raise LastOwner(machine=linked.machine_name, team=team.name, advice=advice)
    with db.write():
        link_state.drop(db, call.bus.clock())
        kept.forget(db)
    keys.forget(db.home)
    if call.out.as_json:
        call.out.json({"left": linked.team_name, "machine": linked.machine_name})
        return
    call.out.line(f"this machine left the team {linked.team_name}; its keys are gone")
    if team and others and team.member(linked.machine):
        call.out.line(f"an owner should run: telex link remove {linked.machine_name}")


def pause(call: Call) -> None:
    """`telex link pause`"""
    _rest(call, True)


def resume(call: Call) -> None:
    """`telex link resume`"""
    _rest(call, False)


def _rest(call: Call, paused: bool) -> None:
    db = call.bus.db
    linked_now(call)
    with db.write():
        link_state.pause(db, paused)
    link_process.ensure(db, asked=True)
    if call.out.as_json:
        call.out.json({"paused": paused})
    else:
        call.out.line("the link rests; what you send waits here" if paused else "the link goes on")


# --- looking ----------------------------------------------------------------------------------------------


def status(call: Call) -> None:
    """`telex link status`"""
    db, linked, team = call.bus.db, linked_now(call), team_now(call)
    counts = link_state.waiting(db)
    found = Linked(
        relay=linked.relay,
        team=linked.team_name,
        machine=linked.machine_name,
        role=said(linked.role) if team.member(linked.machine) else "removed",
        machines=len(team.members()),
        owners=owners(team),
        waits_here=counts[delivery.WAITS],
        at_relay=counts[delivery.AT_RELAY],
        on_machine=counts[delivery.ON_MACHINE],
        running=link_process.runs(db.home),
        paused=bool(linked.paused),
        reached_ms=linked.reached_ms,
        fault=linked.fault,
        invitations=[number for number, _, _ in kept.invitations(db, call.bus.clock())],
        trouble=alerts.recent(db),
    )
    if call.out.as_json:
        call.out.json(found)
    else:
        _say_status(call, found)


def _say_status(call: Call, found: Linked) -> None:
    now_ms = call.bus.clock()
    running = "paused" if found.paused else "running" if found.running else "starts when it is needed"
    call.out.line(f"team      {found.team}, {found.machines} machine{'' if found.machines == 1 else 's'}")
    call.out.line(f"machine   {found.machine} ({found.role})")
    call.out.line(f"relay     {found.relay}, reached {_ago(now_ms, found.reached_ms)}")
    if found.fault:
        call.out.line(f"fault     {text.visible(found.fault)}")
    call.out.line(f"link      {running}")
    on_way = f"{found.waits_here} here, {found.at_relay} at the relay, {found.on_machine} on their machines"
    call.out.line(f"waiting   {on_way}")
    if found.invitations:
        call.out.line(f"invited   {', '.join(map(str, found.invitations))} (numbers of codes that are still good)")
    for one in found.trouble:
        who = f"{one.machine}: " if one.machine else ""
        call.out.line(f"trouble   {_ago(now_ms, one.at_ms)}: {text.visible(who + one.words)}")


def machines(call: Call) -> None:
    """`telex link machines`"""
    linked, team = linked_now(call), team_now(call)
    heard = {one.id: one.seen_ms for one in directory.machines(call.bus.db)}
    found = [
        Member(
            name=one.name,
            role=said(one.role),
            me=one.id == linked.machine,
            id=one.id,
            seen_ms=heard.get(one.id, 0),
        )
        for one in team.members()
    ]
    if call.out.as_json:
        call.out.json({"team": team.name, "machines": found})
        return
    rows = [
        [
            one.name + (" (this one)" if one.me else ""),
            one.role,
            "-" if one.me else _ago(call.bus.clock(), one.seen_ms),
        ]
        for one in found
    ]
    call.out.table(["machine", "role", "seen"], rows)


def verify(call: Call) -> None:
    """`telex link verify MACHINE`"""
    from telex.core import safety

    linked, team = linked_now(call), team_now(call)
    other = machine_named(call, team)
    if other.id == linked.machine:
        raise Usage(problem="a machine is compared with another one", verb="link verify")
    number = safety.number(team, team.machines[linked.machine], other)
    if call.out.as_json:
        call.out.json({"machine": other.name, "number": number})
        return
    groups = number.split()
    call.out.line(" ".join(groups[: len(groups) // 2]))
    call.out.line(" ".join(groups[len(groups) // 2 :]))
    call.out.line(f"the same as 'telex link verify {linked.machine_name}' says there? then nobody is in between")
    call.out.line("compare by voice or on both screens, not by telex")


# --- small things -----------------------------------------------------------------------------------------


def linked_now(call: Call) -> link_state.Link:
    """The team that this machine is in. Raises NotLinked."""
    found = link_state.load(call.bus.db)
    if found is None:
        raise NotLinked()
    return found


def team_now(call: Call) -> Team:
    """The team as it was last verified here. Raises NotLinked."""
    from telex.link import chain

    linked_now(call)
    return chain.kept(call.bus.db)


def machine_named(call: Call, team: Team) -> Machine:
    """The machine that is named. Raises MachineUnknown."""
    name = names.fold(call.args.word("machine").removeprefix("@"))
    found = team.named(name)
    if found is None:
        near = names.nearest(name, [one.name for one in team.members()])
        raise MachineUnknown(name=name, advice=f"; did you mean {near}?" if near else "")
    return found


def owners(team: Team) -> list[str]:
    """The names of the owners' machines."""
    return [one.name for one in team.members() if one.role == members.OWNER]


def said(role: str) -> str:
    """A role as it is said."""
    return READ_ONLY if role == members.READER else role


def _ago(now_ms: int, then_ms: int) -> str:
    if not then_ms:
        return "never"
    age = text.age(max(0, now_ms - then_ms))
    return "now" if age == "now" else f"{age} ago"


def _host_name() -> str:
    """A name for this machine: what its user calls it."""
    return names.slug(os.uname().nodename.partition(".")[0], default="machine")


def _asked(prompt: str) -> str:
    """A line from standard input: a secret never stands in the command's words."""
    if sys.stdin.isatty():
        remark(prompt, end="")
    return sys.stdin.readline().strip()
