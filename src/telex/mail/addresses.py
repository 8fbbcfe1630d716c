"""Addresses, sessions and channels: who holds which name.

Rules kept here:
- an address outlives its sessions; mail waits at it; a session holds exactly one;
- a name is held while the session that holds it lives, which means: not ended, and its process runs;
- every write happens inside the caller's transaction.
"""

from __future__ import annotations

import os

from telex import limits
from telex.core import names
from telex.core.record import Record
from telex.db.connection import Store
from telex.errors import NameTaken, StoreCorrupt
from telex.fs import bells, processes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PERSON_BELL = "h-person"
_DAY_MS = 86_400_000
RESUMABLE = ("claude", "codex", "gemini", "opencode", "copilot")  # clients whose conversations are taken up again
SYSTEM = "telex"
BY_TOKEN = "ipc"  # the client of a session that is known by a token, whichever process it lives in
GUEST = "guest:"  # in front of the key of a session whose client does not say its id


class Address(Record):
    """Somebody who can be written to."""

    id: int
    kind: str  # session, person, system or channel
    name: str
    session: int  # who holds it, or held it last
    bell: str
    wake: str

    @property
    def written(self) -> str:
        """@name, or #name for a channel."""
        return f"#{self.name}" if self.kind == "channel" else f"@{self.name}"

    @property
    def elsewhere(self) -> bool:
        """Whether it is at another machine."""
        return "@" in self.name


class Session(Record):
    """One running conversation of a client. Times are milliseconds."""

    id: int
    client: str
    key: str
    address: int
    pid: int
    pid_started: int
    twin_pid: int
    twin_started: int
    directory: str
    title: str
    wish: str
    ended_ms: int
    prompts_woken: int
    started_ms: int
    seen_ms: int
    space: str  # the PID namespace of its process (telex.fs.processes)
    twin_space: str

    @classmethod
    def unknown(cls, who: Arrival) -> Session:
        """A session that is not registered: its number is 0."""
        texts = {"client": who.client, "key": who.key, "directory": who.directory, "title": who.title, "wish": who.wish}
        nothing: dict[str, Any] = {name: "" if kind == "str" else 0 for name, kind in cls.__annotations__.items()}
        return cls(**(nothing | texts))

    def lives(self) -> bool:
        """Not ended, and its process, or one of its two, still runs, or may run where it cannot be seen."""
        return not self.ended_ms and (self.runs_first() or self.runs_twin())

    @property
    def away(self) -> str:
        """In words, where it is, when no process of it is in the PID namespace of this one; else ''."""
        for space in filter(None, (self.space, self.twin_space)):
            if processes.sight(space, self.seen_ms) == processes.HERE:
                return ""
        return processes.where(self.space) if processes.sight(self.space, self.seen_ms) == processes.HIDDEN else ""

    @property
    def bell(self) -> str:
        """The name of its bell and marks, by which its gate finds them."""
        return bells.bell_of(self.client, self.key, self.pid)

    def runs_first(self) -> bool:
        """Whether the process that it was last started in still runs."""
        return processes.runs(self.pid, self.pid_started, self.space, self.seen_ms)

    def runs_twin(self) -> bool:
        """Whether the process that had it open before, in another terminal, still runs."""
        return processes.runs(self.twin_pid, self.twin_started, self.twin_space, self.seen_ms)

    def is_first(self, pid: int) -> bool:
        """Whether it was last started in the process that has this id in this PID namespace."""
        return pid == self.pid and processes.sight(self.space, self.seen_ms) == processes.HERE

    def is_twin(self, pid: int) -> bool:
        """Whether the process of this id in this PID namespace had it open before."""
        return pid == self.twin_pid > 0 and processes.sight(self.twin_space, self.seen_ms) == processes.HERE

    def runs_in(self, pid: int) -> bool:
        """Whether it runs in the process that has this id in this PID namespace."""
        if self.ended_ms:
            return False
        return (self.is_first(pid) and self.runs_first()) or (self.is_twin(pid) and self.runs_twin())

    def runs_here(self) -> bool:
        """Whether it runs in this PID namespace."""
        return self.runs_in(self.pid) or self.runs_in(self.twin_pid)


class Arrival(Record):
    """What a session says of itself when it starts or first speaks."""

    client: str
    key: str  # the client's own session id
    pid: int
    directory: str
    title: str = ""
    wish: str = ""  # TELEX_NAME
    follows: bool = False  # it continues the conversation before it in the same process (/clear)
    one_shot: bool = False  # it answers one prompt and is gone (`claude -p`)

    def storable(self) -> Arrival:
        """The same in UTF-8: a directory's name or a title may hold other bytes."""
        texts = {name: in_utf8(getattr(self, name)) for name in ("key", "directory", "title", "wish")}
        return Arrival(client=self.client, pid=self.pid, follows=self.follows, one_shot=self.one_shot, **texts)


def address_named(db: Store, name: str, now_ms: int) -> Address | None:
    """Whoever is at a name, through renames; a name that was left behind leads on while nobody has taken it."""
    found = address_at(db, name)
    if found and found.bell:
        return found
    return _address(db.row("people.forward", name, now_ms)) or found


def address_at(db: Store, name: str) -> Address | None:
    """Whoever is at that very name."""
    return _address(db.row("people.address_by_name", name))


def address(db: Store, number: int) -> Address:
    """The address with that number."""
    found = _address(db.row("people.address_by_id", number))
    if found is None:  # only a damaged row names one that is not there
        raise StoreCorrupt(home=db.home, problem=f"there is no address {number}")
    return found


def awaited(db: Store, name: str, now_ms: int) -> Address:
    """An address that nobody holds yet: mail waits there."""
    db.run("people.add_address", "session", name, now_ms)
    return address(db, db.inserted())


def channel(db: Store, name: str) -> Address | None:
    """The channel of that name, if it was ever used."""
    return _address(db.row("people.channel_by_name", name))


def opened_channel(db: Store, name: str, now_ms: int) -> Address:
    """The channel of that name, made where it is missing."""
    found = channel(db, name)
    if found is None:
        db.run("people.add_address", "channel", name, now_ms)
        found = address(db, db.inserted())
    return found


def person(db: Store, user: str, now_ms: int) -> Address:
    """The person's address, whatever they are called now; at first the OS user's name.

    A home belongs to one OS user, so there is one person. A name that only waited becomes theirs; a session that
    holds it keeps it.
    """
    for (number,) in db.rows("people.persons"):
        return address(db, number)
    for number in range(1, limits.NAME_TWINS + 1):
        name = names.twin(user, number)
        found = _address(db.row("people.address_by_name", name))
        if found and found.session:
            continue
        if found is None:
            found = awaited(db, name, now_ms)
        db.run("people.become_person", PERSON_BELL, found.id)
        return address(db, found.id)
    raise NameTaken(name=user, holder="too many others")


def system(db: Store, now_ms: int) -> Address:
    """The address that telex's own notices come from."""
    found = _address(db.row("people.address_by_name", SYSTEM))
    if found is None:
        db.run("people.add_address", "system", SYSTEM, now_ms)
        found = address(db, db.inserted())
    return found


def bell(db: Store, of: Address) -> str:
    """The bell to ring for an address; '' where its session has ended: whoever takes the name next rings its own."""
    return "" if of.bell and db.value("people.has_ended", of.id) else of.bell


def session_by_key(db: Store, client: str, key: str) -> Session | None:
    """The session a client knows by that id."""
    return _session(db.row("people.session_by_key", client, in_utf8(key)))


def session(db: Store, number: int) -> Session | None:
    """The session with that number."""
    return _session(db.row("people.session_by_id", number)) if number else None


def session_by_pid(db: Store, pid: int) -> Session | None:
    """The newest session of that very process, ended or not; None for a reused process id."""
    found = _session(db.row("people.session_by_pid", pid, processes.space()))
    expected = found and (found.pid_started if found.pid == pid else found.twin_started)
    if found and (not expected or expected == processes.started(pid)):
        return found
    return None


def sessions_in(db: Store, pid: int) -> list[Session]:
    """The live sessions of that very process; those that a client named itself, where there are any, before the
    guests that telex knows by their process alone."""
    found = [one for row in db.rows("people.sessions_in", pid) if (one := Session.of_row(row)).runs_in(pid)]
    return [one for one in found if not one.key.startswith(GUEST)] or found


def holder(db: Store, of: Address) -> Session | None:
    """The live session that holds an address."""
    found = session(db, of.session)
    return found if found and found.address == of.id and found.lives() else None


def living(db: Store) -> list[tuple[Session, Address]]:
    """Every live session with its address, oldest first."""
    found = []
    for row in db.rows("people.open_sessions"):
        session = Session.of_row(row[:17])
        if session.lives():
            name, bell, wake = row[17:]
            held = Address(id=session.address, kind="session", name=name, session=session.id, bell=bell, wake=wake)
            found.append((session, held))
    return found


def present(db: Store, of: str) -> list[Address]:
    """The members of a channel that are here, or that joined it on purpose; with '' everybody who is here."""
    here = {place.id: place for _, place in living(db)}
    if not of:
        return list(here.values())
    found = channel(db, of)
    members = [(Address.of_row(row[:6]), row[6]) for row in db.rows("people.members", found.id)] if found else []
    return [place for place, joined in members if joined or place.id in here]


def linked(db: Store) -> bool:
    """Whether this machine is in a team."""
    return bool(db.value("people.linked"))


def tell_team(db: Store) -> None:
    """Who is here has changed: the link looks, where there is one. Inside a write."""
    if linked(db):
        db.after_commit(bells.nudge, db.home, bells.LINK)


def silent(db: Store, most: int, now_ms: int) -> list[Session]:
    """The oldest sessions that never said that they ended, and whose process is gone, or was not heard of for days
    in a PID namespace into which nobody here can look."""
    found = [Session.of_row(row[:17]) for row in db.rows("people.open_sessions")]
    horizon = now_ms - limits.AWAY_DAYS * _DAY_MS
    return [
        one
        for one in found
        if one.client != "shell" and (not one.lives() or (one.away and last_seen(db, one) < horizon))
    ][:most]


def last_seen(db: Store, of: Session) -> int:
    """When a session last did something, as far as its hooks and its gate have noted it."""
    return max(of.seen_ms, processes.Turns(db.home, of.bell).changed_ms)


def close_process(db: Store, session: Session, pid: int) -> bool:
    """One process of a session is ending; True when another still has it open. Inside a write."""
    first, twin = session.is_first(pid), session.is_twin(pid)
    if twin or (first and session.runs_twin()):
        left = (session.pid, session.pid_started, session.space)
        if first:
            left = (session.twin_pid, session.twin_started, session.twin_space)
        db.run("people.only_process", *left, session.id)
        return True
    return not first and session.lives()


def end(db: Store, session: Session, why: str, now_ms: int) -> None:
    """A session is over; its name is free, its mail waits. Inside a write."""
    db.run("people.end_session", now_ms, why, session.id)
    db.run("people.drop_place_members", session.address)
    db.after_commit(_forget, db, session)
    tell_team(db)


def _forget(db: Store, ended: Session) -> None:
    """Remove the files of a session that is over, unless it came back or its process has another session."""
    now = session(db, ended.id)
    process = bells.process_of(ended.bell)
    if now and now.ended_ms and not (process and db.value("people.sessions_in", process)):
        bells.forget(db.home, ended.bell)


def _address(row: tuple[Any, ...] | None) -> Address | None:
    return Address.of_row(row) if row else None


def _session(row: tuple[Any, ...] | None) -> Session | None:
    return Session.of_row(row) if row else None


def place_name(directory: str) -> str:
    """The name that a directory gives; '' where it gives none."""
    return names.of_directory(directory, os.environ.get("HOME", ""))


def in_utf8(text: str) -> str:
    """text with what UTF-8 cannot hold replaced."""
    return text.encode("utf-8", "replace").decode()


def user_name() -> str:
    """The person's name: the OS user's, folded."""
    try:
        import pwd

        login = pwd.getpwuid(os.getuid()).pw_name
    except (ImportError, KeyError):
        login = os.environ.get("USER") or os.environ.get("USERNAME") or ""
    return names.slug(login, default="person")
