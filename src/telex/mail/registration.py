"""Sessions that come, and names that change.

Rules kept here: a session that is known (resumed) takes its own name back; one that follows another in the same process
(`/clear`) keeps that one's name; a newcomer takes the first name it asks for, with -2, -3 … while it is held; what
waited for a name or in a channel is given to the session that comes.
"""

from __future__ import annotations

from telex import limits
from telex.core import names
from telex.db.connection import Store
from telex.errors import NameTaken
from telex.fs import bells, processes
from telex.mail import addresses, messages

_COMMANDS = ("shell", "run")  # scripts and commands come and go, and read no prompt
_HOSTS = ("codex", "opencode")  # one process of which may run many sessions


def register(
    db: Store, who: addresses.Arrival, user: str, now_ms: int, at: addresses.Address | None = None
) -> tuple[addresses.Session, addresses.Address]:
    """Give a session its address: the one `at`, its own again, its predecessor's, or a new one. Inside a write."""
    addresses.person(db, user, now_ms)
    who = who.storable()
    started = processes.started(who.pid)
    known = addresses.session_by_key(db, who.client, who.key)
    before = None if known else _predecessor(db, who)
    bell = bells.bell_of(who.client, who.key, who.pid)
    place = at or _kept(db, known or before, who) or _choose(db, who, now_ms)
    last = addresses.session(db, place.session)
    if last and last.id not in (known and known.id, before and before.id) and not last.lives():
        db.run("people.end_session", now_ms, "its process was gone", last.id)
    if known:
        number = known.id
        _revive(db, known, who, place.id, started, now_ms)
    else:
        wish = names.slug(who.wish, default="")
        process = (who.pid, started, processes.space())
        values = (who.client, who.key, place.id, *process, who.directory, who.title, wish, now_ms, now_ms)
        db.run("people.add_session", *values)
        number = db.inserted()
    if before:
        db.run("people.end_session", now_ms, "followed by another in the same process", before.id)
        if before.bell != bell:
            db.after_commit(bells.forget, db.home, before.bell)
    db.run("people.set_one_shot" if who.one_shot else "people.drop_one_shot", number)
    db.run("people.hold", number, bell, place.id)
    _join_places(db, place.id, who.directory, who.title or (known.title if known else ""), now_ms)
    if not (known and known.lives()):  # what the client of the one before was handed is gone with it
        messages.take_back(db, place.id, now_ms)
    if db.value("mail.any_unseen", place.id):
        db.ring(bell)
    addresses.tell_team(db)
    arrived = addresses.session(db, number)
    assert arrived is not None
    if who.client not in _COMMANDS and not before and not (known and known.lives()):
        tell_others(db, number)
    return arrived, addresses.address(db, place.id)


def tell_others(db: Store, number: int) -> None:
    """A session is here, or has another name: the others hear of it at their next prompt. Inside a write."""
    for other, place in addresses.living(db):
        if other.id != number and other.client not in _COMMANDS:
            db.after_commit(bells.mark_news, db.home, place.bell)


def _revive(db: Store, known: addresses.Session, who: addresses.Arrival, place: int, started: int, now_ms: int) -> None:
    """A session that was known comes back; its earlier process may still have it open in another terminal."""
    own = processes.space()
    twin = (0, 0, "")
    if (known.pid, known.space or own) != (who.pid, own) and known.lives():
        first = (known.pid, known.pid_started, known.space)
        twin = first if known.runs_first() else (known.twin_pid, known.twin_started, known.twin_space)
    title = who.title or known.title
    wish = names.slug(who.wish, default="") or known.wish
    process = (who.pid, started, own)
    db.run("people.revive_session", place, *process, *twin, who.directory, title, wish, now_ms, known.id)


def rename(db: Store, of: addresses.Address, name: str, until_ms: int, now_ms: int) -> addresses.Address:
    """Give an address another name; the old one leads to it for a while. Inside a write. Raises NameTaken."""
    taken = addresses.address_at(db, name)
    if taken and taken.id == of.id:
        return of
    if taken and taken.kind == "session" and not taken.session:
        from telex.mail import unclaimed

        unclaimed.inherit(db, taken, of, now_ms)
    if taken:
        if taken.kind != "session" or addresses.holder(db, taken) or db.value("people.ever_used", taken.id):
            raise NameTaken(name=name, holder=_whose(taken))
        db.run("people.drop_address", taken.id)
    db.run("people.drop_forward", name)
    db.run("people.rename", name, of.id)
    db.run("people.add_forward", of.name, of.id, until_ms)
    return addresses.address(db, of.id)


def _whose(taken: addresses.Address) -> str:
    return {"person": "the person", "system": "telex"}.get(taken.kind, "another session, or has mail waiting for it")


def _predecessor(db: Store, who: addresses.Arrival) -> addresses.Session | None:
    """Whom an arrival follows in its process. Where a process runs many sessions, it is the one of the same directory;
    where nothing tells it from another, nobody."""
    if not who.follows or who.pid <= 0:
        return None
    if who.client in _HOSTS:
        several = [one for one in addresses.sessions_in(db, who.pid) if one.client == who.client]
        if len(several) > 1:
            here = [one for one in several if one.directory == who.directory]
            return here[0] if len(here) == 1 else None
    found = addresses.session_by_pid(db, who.pid)
    return found if found and found.client == who.client else None


def _kept(db: Store, session: addresses.Session | None, who: addresses.Arrival) -> addresses.Address | None:
    """The address that a known session or a predecessor held, unless somebody else lives there now."""
    if session is None:
        return None
    place = addresses.address(db, session.address)
    other = addresses.holder(db, place)
    if other and other.id != session.id:
        return None
    if who.wish and names.slug(who.wish, default="") != session.wish:
        return None  # its environment asks for another name than before
    return place


def _choose(db: Store, who: addresses.Arrival, now_ms: int) -> addresses.Address:
    wish = names.slug(who.wish, default="") or names.slug(who.title, default="") or addresses.place_name(who.directory)
    wish = wish or "session"
    for number in range(1, limits.NAME_TWINS + 1):
        name = names.twin(wish, number)
        found = addresses.address_at(db, name)
        if found is None:
            db.run("people.drop_forward", name)
            return addresses.awaited(db, name, now_ms)
        if found.kind == "session" and addresses.holder(db, found) is None and not _is_kept_for(db, found, who):
            return found
    raise NameTaken(name=wish, holder=f"{limits.NAME_TWINS} others")


def _is_kept_for(db: Store, place: addresses.Address, who: addresses.Arrival) -> bool:
    """Whether somebody may come back to a name, which a session of one prompt then takes only when it is told to."""
    if not who.one_shot or who.wish or who.title:
        return False
    last = addresses.session(db, place.session)
    return last is not None and last.client in addresses.RESUMABLE and not db.value("people.is_one_shot", last.id)


def _join_places(db: Store, place: int, directory: str, title: str, now_ms: int) -> None:
    """Membership of the channels of its directory and its title, for as long as it is there."""
    db.run("people.drop_place_members", place)
    for reason, name in (("directory", addresses.place_name(directory)), ("title", names.slug(title, default=""))):
        if name:
            channel = addresses.opened_channel(db, name, now_ms)
            db.run("people.add_member", channel.id, place, reason, now_ms)
            give_kept(db, channel, place, now_ms)


def give_kept(db: Store, channel: addresses.Address, place: int, now_ms: int) -> None:
    """Somebody has come to a channel: what was kept there for those who come is theirs. Inside a write."""
    if db.value("people.any_kept", channel.id):
        from telex.mail import unclaimed

        unclaimed.give(db, channel, addresses.address(db, place), now_ms)
