"""Whom a message is for: from targets as they were written to addresses.

Rules kept here: a name that nobody holds gets an address where the mail waits, unless `strict`; a channel means
those of its members that are here or joined it on purpose, and those that other machines tell of, or, where nobody else
is there, the channel itself, which keeps its members' mail for those who come; `all` means everybody
who is here, and with `team` everybody in the team; the sender of a message to many is not among them; what is at other
machines is looked up only where this one is in a team (telex.bus.remote); words are compared before the write, never
under its lock.
"""

from __future__ import annotations

from telex.bus.identity import Caller
from telex.bus.recipient import Recipient, Wanted
from telex.core import message, names
from telex.db.connection import Store
from telex.errors import NameReserved, NobodyElse, NobodyThere
from telex.errors.between import NotLinked
from telex.mail import addresses


def near(db: Store, caller: Caller, targets: list[names.Target], strict: bool, now_ms: int) -> dict[str, str]:
    """For names that nobody holds, and machines that are not there, those most like them. It compares with all that
    are there, so it is asked for outside of a write."""
    found: dict[str, str] = {}
    for target in targets:
        if target.machine:
            if addresses.linked(db):
                from telex.bus import remote

                found |= remote.near_machine(db, target.machine)
        elif target.kind == "name":
            place = addresses.address_named(db, target.name, now_ms)
            if place is None or (place.kind == "session" and (strict or not place.session)):
                others = [other for other in held(db) if other not in (target.name, caller.address.name)]
                found[target.name] = names.nearest(target.name, others)
    return found


def resolve(db: Store, caller: Caller, wanted: Wanted, linked: bool, now_ms: int) -> list[Recipient]:
    """Every address that the targets mean, each once. Inside a write.

    Raises NobodyThere, NameReserved, NameAmbiguous, NotLinked, MachineUnknown.
    """
    found: dict[int, Recipient] = {}
    for target in wanted.to:
        if target.kind == "name":
            some = [_named(db, caller, target, wanted, linked, now_ms)]
        else:
            some = _group(db, caller, target, wanted, linked, now_ms)
            if not some and target.kind == "all" and not wanted.team:
                raise NobodyElse()
            if not some and target.kind != "all":
                raise NobodyThere(
                    to=target.written(), advice="'telex who' lists who is here, 'telex channels' the channels"
                )
        for one in some:
            found.setdefault(one.place.id, one)
    return list(found.values())


def find(db: Store, target: names.Target, now_ms: int) -> addresses.Address | None:
    """The address that a name means, where there is one already. Raises NotLinked, NameAmbiguous."""
    if target.machine or addresses.linked(db):
        from telex.bus import remote

        return remote.find(db, target, now_ms)
    return addresses.address_named(db, target.name, now_ms)


def _named(db: Store, caller: Caller, target: names.Target, wanted: Wanted, linked: bool, now_ms: int) -> Recipient:
    name = target.name
    if name == "me" and not target.machine:
        return Recipient(place=caller.address, via=message.DIRECT)
    if name in names.RESERVED:
        raise NameReserved(name=name)
    if linked:
        from telex.bus import remote

        if found := remote.named(db, target, wanted, now_ms):
            return found
    elif target.machine:
        raise NotLinked()
    place = addresses.address_named(db, name, now_ms)
    if wanted.strict and (place is None or (place.kind == "session" and addresses.holder(db, place) is None)):
        other = wanted.near.get(name)
        advice = f"did you mean @{other}?" if other else "'telex who' lists who is here"
        raise NobodyThere(to=f"@{name}", advice=advice)
    return Recipient(place=place or addresses.awaited(db, name, now_ms), via=message.DIRECT)


def _group(
    db: Store, caller: Caller, target: names.Target, wanted: Wanted, linked: bool, now_ms: int
) -> list[Recipient]:
    """The members of a channel, or everybody, without the sender."""
    via = message.CHANNEL if target.kind == "channel" else message.EVERYONE
    channel = target.name if target.kind == "channel" else ""
    places = [place for place in addresses.present(db, channel) if place.id != caller.address.id]
    if not places and wanted.or_person and target.kind == "all":
        places = [addresses.person(db, addresses.user_name(), now_ms)]
    found = [Recipient(place=place, via=via) for place in places]
    if linked and (channel or wanted.team):
        from telex.bus import remote

        found += remote.group(db, channel, via, now_ms)
    if not found and channel and not wanted.strict:
        opened = addresses.opened_channel(db, channel, now_ms)
        if wanted.keep or db.value("people.is_member", opened.id, caller.address.id):
            found = [Recipient(place=opened, via=via)]
    return found


def held(db: Store) -> list[str]:
    """The names that somebody holds now."""
    return [place.name for _, place in addresses.living(db)] + [addresses.user_name()]
