"""Guests: those who register a name and prove who they are by a token (the claude-ipc face).

Rules kept here:
- a client's own session that registers takes the name itself, so that its hooks deliver there;
- whoever has no session gets one of client "ipc", which lives in the process that is given and, in another, comes
  back with its token;
- a name that is alive is not given to somebody else; a token of its holder, or the end of its lease, gives it back.
"""

from __future__ import annotations

import os
import secrets

from telex import limits
from telex.bus.identity import Caller
from telex.core.record import Record
from telex.db import settings
from telex.db.connection import Store
from telex.errors import IpcRefused, NameTaken, RenamedLately
from telex.fs import processes
from telex.mail import addresses, notices, registration, tokens

_HOUR_MS = 3_600_000
_MINUTE_SECONDS = 60


class Instance(Record):
    """Somebody who can be written to, as the claude-ipc face lists them."""

    name: str
    written: str  # the id as it was registered, else the name
    seen_ms: int
    here: bool  # its session lives; else only its token is good


def admit(db: Store, name: str, written: str, token: str, pid: int, directory: str, now_ms: int) -> tuple[Caller, str]:
    """A session for whoever has none, and its new token. Raises NameTaken."""
    rules = settings.load(db)
    with db.write():
        addresses.person(db, addresses.user_name(), now_ms)
        place = addresses.address_at(db, name)
        known = _proved(db, token, place, now_ms)
        if known and known.client == tokens.CLIENT:
            caller = _again(db, known, pid, directory, now_ms)
        elif known and place:
            caller = Caller(address=place, session=known, directory=directory)  # it lives where its client does
        else:
            if place and tokens.alive(db, place, now_ms, rules.ipc_lease_seconds * 1000):
                raise NameTaken(name=name, holder="the person" if place.kind == "person" else "a live session")
            if place:
                tokens.evict(db, place, now_ms)
            key = f"{tokens.CLIENT}:{secrets.token_hex(limits.IPC_TOKEN_BYTES // 2)}"
            who = addresses.Arrival(client=tokens.CLIENT, key=key, pid=pid, directory=directory, title=name)
            db.run("people.drop_forward", name)
            place = place or addresses.awaited(db, name, now_ms)
            session, held = registration.register(db, who, addresses.user_name(), now_ms, place)
            caller = Caller(address=held, session=session, directory=directory)
        return caller, _registered(db, caller, written, now_ms)


def settle(db: Store, caller: Caller, name: str, written: str, now_ms: int) -> tuple[Caller, str]:
    """A client's own session registers: it takes the name; its new token. Raises NameTaken, IpcRefused."""
    rules = settings.load(db)
    with db.write():
        moved = _take(db, caller, name, now_ms, rules.forward_hours, rules.ipc_lease_seconds)
        return moved, _registered(db, moved, written, now_ms)


def rename(db: Store, caller: Caller, name: str, written: str, now_ms: int) -> Caller:
    """Take another name, once in a while; the old one leads here. Raises NameTaken, RenamedLately, IpcRefused."""
    rules = settings.load(db)
    with db.write():
        known = tokens.guest(db, caller.address.id)
        since_ms = now_ms - (known.renamed_ms if known else 0)
        rest_ms = rules.ipc_rename_seconds * 1000 - since_ms
        if rest_ms > 0 and since_ms >= 0:
            minutes = -(-rest_ms // (1000 * _MINUTE_SECONDS))
            raise RenamedLately(name=f"@{caller.address.name}", minutes=minutes)
        before = spelling(db, caller.address.name)
        moved = _take(db, caller, name, now_ms, rules.forward_hours, rules.ipc_lease_seconds)
        tokens.spell(db, name, written)
        db.run("guests.use", moved.address.id, now_ms)
        db.run("guests.set_renamed", now_ms, moved.address.id)
        _tell_others(db, f"📝 {before} renamed to {written}", moved.address.id, now_ms)
        return moved


def of_token(db: Store, token: str, pid: int, now_ms: int) -> Caller | None:
    """Whoever a token belongs to; a guest whose process is gone lives on in `pid`. None for one that is not valid."""
    session = tokens.session_of(db, token, now_ms)
    if session is None or (session.client != tokens.CLIENT and not session.lives()):
        return None
    known = tokens.guest(db, session.address)
    if not session.lives():
        with db.write():
            db.run("guests.use", session.address, now_ms)
            return _again(db, session, pid, session.directory, now_ms)
    if known is None or not 0 <= now_ms - known.used_ms < limits.IPC_USE_STEP_MS:
        with db.write():
            db.run("guests.use", session.address, now_ms)
    return Caller(address=addresses.address(db, session.address), session=session, directory=session.directory)


def account(db: Store, pid: int) -> str:
    """What stands behind the names that a process registers: its telex session, else the kernel's; '' for none."""
    for one in processes.ancestors(pid) if pid else ():
        for session in addresses.sessions_in(db, one):
            if session.client != tokens.CLIENT:
                return f"session {session.id}"
    try:
        return f"kernel session {os.getsid(pid)}" if pid else ""
    except (OSError, AttributeError):
        return ""


def adopt(db: Store, pid: int, now_ms: int) -> int:
    """Guests whose process is gone live on in this one, as long as their tokens do; how many."""
    found = [addresses.session(db, number) for number, _ in list(db.rows("guests.registered", now_ms))]
    gone = [one for one in found if one and one.client == tokens.CLIENT and not one.lives()]
    for session in gone:
        if addresses.address(db, session.address).session == session.id:
            with db.write():
                _again(db, session, pid, session.directory, now_ms)
    return len(gone)


def roster(db: Store, now_ms: int) -> list[Instance]:
    """Every live session, and every guest whose token is good."""
    living = {session.id: session.seen_ms for session, _ in addresses.living(db)}
    seen = dict(living)
    for number, used_ms in db.rows("guests.registered", now_ms):
        seen[number] = max(seen.get(number, 0), used_ms)
    found = []
    for number, seen_ms in seen.items():
        session = addresses.session(db, number)
        place = addresses.address(db, session.address) if session else None
        if session and place and place.session == session.id:
            one = Instance(name=place.name, written=spelling(db, place.name), seen_ms=seen_ms, here=number in living)
            found.append(one)
    return sorted(found, key=lambda one: one.name)


def registered(db: Store, caller: Caller) -> bool:
    """Whether the caller's address was ever registered."""
    return tokens.guest(db, caller.address.id) is not None


def spelling(db: Store, name: str) -> str:
    """How its holder wrote a name when it was registered; the name itself where it never was."""
    return str(db.value("guests.spelling", name) or name)


def _proved(db: Store, token: str, place: addresses.Address | None, now_ms: int) -> addresses.Session | None:
    """The session that holds a place and whose token this is; a client's own only while it lives."""
    known = tokens.session_of(db, token, now_ms) if token and place else None
    if known is None or place is None or known.address != place.id:
        return None
    return known if known.client == tokens.CLIENT or known.lives() else None


def _take(db: Store, caller: Caller, name: str, now_ms: int, forward_hours: int, lease_s: int) -> Caller:
    if caller.session is None:
        raise IpcRefused(words="The person has a name already; 'telex name NEW' changes it")
    until_ms = now_ms + forward_hours * _HOUR_MS
    place = tokens.take_name(db, caller.session, name, until_ms, now_ms, lease_s * 1000)
    session = addresses.session(db, place.session)
    return Caller(address=place, session=session, directory=caller.directory)


def _tell_others(db: Store, words: str, but: int, now_ms: int) -> None:
    """A notice for every other address that was registered. Inside a write."""
    for number, _ in list(db.rows("guests.registered", now_ms)):
        session = addresses.session(db, number)
        if session and session.address != but and addresses.address(db, session.address).session == number:
            notices.notify(db, session.address, words, 0, now_ms)


def _registered(db: Store, caller: Caller, written: str, now_ms: int) -> str:
    assert caller.session is not None
    token = secrets.token_urlsafe(limits.IPC_TOKEN_BYTES)
    tokens.give_token(db, token, caller.session.id, now_ms, now_ms + limits.IPC_TOKEN_SECONDS * 1000)
    tokens.spell(db, caller.address.name, written)
    db.run("guests.use", caller.address.id, now_ms)
    return token


def _again(db: Store, session: addresses.Session, pid: int, directory: str, now_ms: int) -> Caller:
    """The same guest, in another process. Its wish stays unsaid, so that it keeps its address."""
    who = addresses.Arrival(client=session.client, key=session.key, pid=pid, directory=directory)
    revived, place = registration.register(db, who, addresses.user_name(), now_ms)
    return Caller(address=place, session=revived, directory=directory)
