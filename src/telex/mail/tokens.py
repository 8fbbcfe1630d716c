"""Guests: sessions known by a token, not by a process; and taking a name that nobody alive holds.

Rules kept here:
- of a token only a hash is kept; it names a session, so whoever takes the name later does not inherit it;
- a guest's name is alive for a lease after its last request; every other session's while its process lives;
- whoever takes a name gets the mail that waits there; what waited under its own name comes along, and that name
  leads to the new one for a while;
- every write happens inside the caller's transaction.
"""

from __future__ import annotations

from telex.core import message
from telex.core.record import Record
from telex.db.connection import Store
from telex.errors import NameTaken
from telex.fs import bells
from telex.mail import addresses, messages, registration

CLIENT = addresses.BY_TOKEN
_PURPOSE = b"telex-guest:"  # what is hashed is a token of this kind and nothing else


class Guest(Record):
    """What is known of an address that was registered. Times are milliseconds; 0 is never."""

    used_ms: int
    renamed_ms: int


def guest(db: Store, place: int) -> Guest | None:
    """The guest at an address, if it was ever registered."""
    row = db.row("guests.guest", place)
    return Guest.of_row(row) if row else None


def session_of(db: Store, token: str, now_ms: int) -> addresses.Session | None:
    """The session that a token names, if it still holds its address."""
    found = addresses.session(db, int(db.value("guests.by_token", _digest(token), now_ms) or 0))
    if found is None or addresses.address(db, found.address).session != found.id:
        return None
    return found


def give_token(db: Store, token: str, session: int, now_ms: int, until_ms: int) -> None:
    """Keep the hash of a new token; those that have run out are forgotten. Inside a write."""
    db.run("guests.drop_expired", now_ms)
    db.run("guests.add_token", _digest(token), session, until_ms)


def alive(db: Store, place: addresses.Address, now_ms: int, lease_ms: int) -> bool:
    """Whether the name is somebody's now: the person's, a live session's, or a guest's within its lease."""
    if place.kind != "session":
        return True
    session = addresses.session(db, place.session)
    if session is None or session.address != place.id:
        return False
    if session.client != CLIENT:
        return addresses.holder(db, place) is not None
    known = guest(db, place.id)
    return known is not None and known.used_ms <= now_ms < known.used_ms + lease_ms


def evict(db: Store, place: addresses.Address, now_ms: int) -> None:
    """Whoever held the name is over; its tokens are worth nothing. Inside a write."""
    session = addresses.session(db, place.session)
    if session and session.address == place.id:
        db.run("guests.drop_tokens", session.id)
        addresses.end(db, session, "its name was taken by another after its lease", now_ms)


def take_name(
    db: Store, session: addresses.Session, name: str, until_ms: int, now_ms: int, lease_ms: int
) -> addresses.Address:
    """Give a session a name that nobody alive holds. Inside a write. Raises NameTaken."""
    mine = addresses.address(db, session.address)
    there = addresses.address_at(db, name)
    if there is None or there.id == mine.id or not db.value("people.ever_used", there.id):
        return registration.rename(db, mine, name, until_ms, now_ms)
    if alive(db, there, now_ms, lease_ms):
        raise NameTaken(name=name, holder="the person" if there.kind == "person" else "a live session")
    evict(db, there, now_ms)
    db.run("guests.move_session", there.id, session.id)
    bell = bells.bell_name(session.key)
    db.run("people.hold", session.id, bell, there.id)
    db.run("people.hold", 0, "", mine.id)
    messages.take_back(db, mine.id, now_ms)
    for query in ("guests.carry_mail", "guests.carry_shown", "guests.carry_debts", "guests.carry_claims"):
        db.run(query, mine.id, there.id)
    for query in ("guests.carry_members", "guests.carry_forwards", "guests.carry_flow"):
        db.run(query, mine.id, there.id)
    db.run("people.drop_forward", name)
    db.run("people.add_forward", mine.name, there.id, until_ms)
    if db.value("mail.any_unseen", there.id):
        db.ring(bell)
    messages.settle_bell(db, there.id)
    return addresses.address(db, there.id)


def spell(db: Store, name: str, written: str) -> None:
    """Remember how its holder writes a name. Inside a write."""
    if written == name:
        db.run("guests.drop_spelling", name)
    else:
        db.run("guests.set_spelling", name, written)


def _digest(token: str) -> bytes:
    return message.digest(_PURPOSE + token.encode("utf-8", "replace"))
