"""Who is here: sessions, channels, names."""

from __future__ import annotations

from telex import limits
from telex.bus.identity import Caller
from telex.core import names
from telex.core.record import Record
from telex.db import settings
from telex.db.connection import Store
from telex.errors import NotMember, Usage
from telex.fs import processes
from telex.mail import addresses, registration

NOBODY = "nobody"
_HOUR_MS = 3_600_000


class Presence(Record):
    """One address and what is known of it."""

    name: str  # @api
    kind: str  # session or person
    client: str
    directory: str
    title: str
    state: str  # busy, waiting for approval, idle, offline, or nobody for a name that mail waits for; '' for the person
    unread: int  # waiting to be shown, or handed over and not proved
    wake: str
    seen_ms: int  # of a name at another machine: when that machine said so
    me: bool
    ended_why: str
    machine: str = ""  # of the team; '' is this one
    away: str = ""  # where a session is whose processes cannot be seen from here: in another container
    observed_ms: int = 0  # when it last wrote with its client's own tool, which telex only noted; 0 for never


class Channel(Record):
    """One channel and its members."""

    name: str  # #frontend
    members: list[str]
    mine: bool


def who(db: Store, caller: Caller | None, now_ms: int, *, everybody: bool) -> list[Presence]:
    """Every live session, the person, and whoever mail waits for: of names that nobody ever held the newest
    `limits.WHO_AWAITED`, because mail from elsewhere may make many. With `everybody` all, and those long gone."""
    found = []
    roster = list(db.rows("people.roster"))
    awaited = [row[0] for row in roster if row[1] == "session" and not row[3]]
    left_out = set() if everybody else set(awaited[: -limits.WHO_AWAITED])
    for row in roster:
        if row[0] in left_out:
            continue
        place = addresses.Address.of_row(row[:6])
        session = addresses.session(db, place.session)
        state = _state(db, place, session)
        unread = int(db.value("mail.unseen_count", place.id))
        me = caller is not None and place.id == caller.address.id
        if me and state in (processes.OFFLINE, NOBODY):  # a script's name, and it is looking now
            state = processes.IDLE
        if everybody or unread or state not in (processes.OFFLINE, NOBODY):
            away = session.away if session and state != processes.OFFLINE else ""
            one = Presence(
                name=f"@{place.name}",
                kind=place.kind,
                client=session.client if session else "",
                directory=session.directory if session else "",
                title=session.title if session else "",
                state=state,
                unread=unread,
                wake=place.wake,
                seen_ms=addresses.last_seen(db, session)
                if session and away
                else session.seen_ms
                if session
                else row[6],
                me=me,
                ended_why=str(db.value("people.ended_why", place.session) or ""),
                away=away,
                observed_ms=row[7],
            )
            found.append(one)
    return found + (_elsewhere(db, everybody, now_ms) if addresses.linked(db) else [])


def _elsewhere(db: Store, everybody: bool, now_ms: int) -> list[Presence]:
    """Who is at the other machines of the team."""
    from telex.team import directory

    found = []
    for one in directory.everybody(db):
        place = addresses.address_at(db, one.address)
        unread = int(db.value("mail.unseen_count", place.id)) if place else 0
        state = one.state_at(now_ms)
        if everybody or unread or state != processes.OFFLINE:
            told = Presence(
                name=f"@{one.address}",
                kind=one.kind,
                client=one.client,
                directory="",
                title="",
                state=state,
                unread=unread,
                wake="",
                seen_ms=one.heard_ms,
                me=False,
                ended_why="",
                machine=one.machine_name,
            )
            found.append(told)
    return found


def _state(db: Store, place: addresses.Address, session: addresses.Session | None) -> str:
    if place.kind == "person":
        return ""
    if session is None:
        return NOBODY
    if session.address != place.id or not session.lives():
        return processes.OFFLINE
    return processes.Turns(db.home, place.bell).state


def channels(db: Store, caller: Caller) -> list[Channel]:
    """Every channel with a member that is here or joined it on purpose."""
    living = {place.id for _, place in addresses.living(db)}
    far = _far_channels(db)
    found = []
    for number, name in list(db.rows("people.channels")):
        members = [row for row in db.rows("people.members", number) if row[6] or row[0] in living]
        there = far.pop(name, [])
        if members or there:
            mine = any(row[0] == caller.address.id for row in members)
            listed = [f"@{row[2]}" for row in members] + [f"@{one}" for one in there]
            found.append(Channel(name=f"#{name}", members=listed, mine=mine))
    for name, there in far.items():
        found.append(Channel(name=f"#{name}", members=[f"@{one}" for one in there], mine=False))
    return sorted(found, key=lambda one: one.name)


def _far_channels(db: Store) -> dict[str, list[str]]:
    """The channels with members at other machines of the team."""
    if not addresses.linked(db):
        return {}
    from telex.team import directory

    return directory.channels(db)


def join(db: Store, caller: Caller, written: str, now_ms: int) -> str:
    """Become a member of a channel, for as long as the name lasts. Raises NameInvalid."""
    name = names.fold(written.removeprefix("#"))
    with db.write():
        channel = addresses.opened_channel(db, name, now_ms)
        db.run("people.join", channel.id, caller.address.id, now_ms)
        registration.give_kept(db, channel, caller.address.id, now_ms)
        addresses.tell_team(db)
    return f"#{name}"


def active_channel(db: Store, caller: Caller) -> str:
    """The channel joined last, else that of the title, else that of the directory; '' for none."""
    name = db.value("people.active_channel", caller.address.id)
    if name is None and caller.session is None:  # the person is a member of no place, but is in one
        name = addresses.place_name(caller.directory)
    return f"#{name}" if name else ""


def leave(db: Store, caller: Caller, written: str) -> str:
    """Leave a channel. Raises NameInvalid, NotMember."""
    name = names.fold(written.removeprefix("#"))
    with db.write():
        channel = addresses.channel(db, name)
        if channel is None or not db.run("people.drop_member", channel.id, caller.address.id):
            raise NotMember(name=name)
        addresses.tell_team(db)
    return f"#{name}"


def rename(db: Store, caller: Caller, written: str, now_ms: int) -> addresses.Address:
    """Take another name; the old one leads here for a while. Raises NameInvalid, NameReserved, NameTaken."""
    name = names.fold_own(written)
    with db.write():
        until_ms = now_ms + settings.load(db).forward_hours * _HOUR_MS
        addresses.tell_team(db)
        if caller.session and name != caller.address.name:
            registration.tell_others(db, caller.session.id)
        return registration.rename(db, addresses.address(db, caller.address.id), name, until_ms, now_ms)


def set_wake(db: Store, caller: Caller, mode: str) -> None:
    """What wakes this session when it is idle: direct, requests, all or never. Raises Usage."""
    if mode not in ("direct", "requests", "all", "never"):
        raise Usage(problem=f"'{mode}' is not direct, requests, all or never", verb="name")
    if caller.session is None:
        raise Usage(problem="a terminal is never woken: --wake is for sessions", verb="name")
    with db.write():
        db.run("people.set_wake", mode, caller.address.id)
