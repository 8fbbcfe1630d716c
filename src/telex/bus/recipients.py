"""Whom a message is for: from targets as they were written to addresses.

Rules kept here: a name that nobody holds gets an address where the mail waits, unless `strict`; a channel means
those of its members that are here or joined it on purpose; `all` means everybody who is here; the sender of a
message to many is not among them.
"""

from __future__ import annotations

from telex.bus.identity import Caller
from telex.core import message, names
from telex.core.record import Record
from telex.errors import NameReserved, NobodyThere, Refused
from telex.store import people
from telex.store.sqlite import Store


class Recipient(Record):
    """One address that the message is for, and why it will not get it."""

    place: people.Address
    via: str
    refusal: Refused | None = None


def resolve(
    db: Store, caller: Caller, to: list[names.Target], strict: bool, or_person: bool, now_ms: int
) -> list[Recipient]:
    """Every address that the targets mean, each once. Raises NobodyThere, NameReserved. Inside a write."""
    found: dict[int, Recipient] = {}
    for target in to:
        if target.kind == "name":
            places = [(_named(db, caller, target.name, strict, now_ms), message.DIRECT)]
        else:
            via = message.CHANNEL if target.kind == "channel" else message.EVERYONE
            places = [(place, via) for place in _group(db, target) if place.id != caller.address.id]
            if not places and or_person and target.kind == "all":
                places = [(people.person(db, people.user_name(), now_ms), via)]
            if not places:
                raise NobodyThere(
                    to=target.written(), advice="'telex who' lists who is here, 'telex channels' the channels"
                )
        for place, via in places:
            found.setdefault(place.id, Recipient(place=place, via=via))
    return list(found.values())


def _named(db: Store, caller: Caller, name: str, strict: bool, now_ms: int) -> people.Address:
    if name == "me":
        return caller.address
    if name in names.RESERVED:
        raise NameReserved(name=name)
    place = people.address_named(db, name, now_ms)
    if strict and (place is None or (place.kind == "session" and people.holder(db, place) is None)):
        near = names.nearest(name, [other for other in held(db) if other not in (name, caller.address.name)])
        advice = f"did you mean @{near}?" if near else "'telex who' lists who is here"
        raise NobodyThere(to=f"@{name}", advice=advice)
    return place or people.awaited(db, name, now_ms)


def _group(db: Store, target: names.Target) -> list[people.Address]:
    """The members of a channel that are here, or that joined it on purpose; or everybody who is here."""
    living = {place.id: place for _, place in people.living(db)}
    if target.kind == "all":
        return list(living.values())
    channel = people.channel(db, target.name)
    if channel is None:
        return []
    found = []
    for row in db.rows("people.members", channel.id):
        place = people.Address.of_row(row[:6])
        if row[6] or place.id in living:
            found.append(place)
    return found


def held(db: Store) -> list[str]:
    """The names that somebody holds now."""
    return [place.name for _, place in people.living(db)] + [people.user_name()]
