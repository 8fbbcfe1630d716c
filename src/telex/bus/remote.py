"""Names at other machines of the team, as this one knows them.

Rules kept here:
- a name alone means whoever holds it here, or ever held it; else whoever has it in the team, if that is one; where
  several have it, none is guessed;
- a name with this machine's own name behind it is a name here;
- a machine that is not in the team is refused, never waited for; a name that it has not told of is waited for there.
"""

from __future__ import annotations

from telex.bus.recipient import Recipient, Wanted
from telex.core import message, names
from telex.db.connection import Store
from telex.errors import NobodyThere
from telex.errors.between import MachineUnknown, NameAmbiguous, NotLinked, ReadersListen
from telex.fs import processes
from telex.mail import addresses
from telex.team import directory, link_state


def named(db: Store, target: names.Target, wanted: Wanted, now_ms: int) -> Recipient | None:
    """Whoever is meant at another machine; None for a name that is here. Inside a write.

    Raises NameAmbiguous, MachineUnknown, NobodyThere.
    """
    linked = link_state.load(db)
    assert linked is not None
    if not target.machine:
        known = None if _is_ours(db, target.name, now_ms) else in_team(db, target.name)
        return _recipient(db, linked, known.machine, known.address, message.DIRECT, now_ms) if known else None
    if target.machine == linked.machine_name:
        return None
    machine = directory.machine(db, target.machine)
    if machine is None:
        near = wanted.near.get(f"@{target.machine}")
        raise MachineUnknown(name=target.machine, advice=f"; did you mean {near}?" if near else "")
    if wanted.strict and directory.at(db, machine.id, target.name) is None:
        raise NobodyThere(to=target.written(), advice="'telex who' lists who is there")
    address = names.at_machine(target.name, target.machine)
    return _recipient(db, linked, machine.id, address, message.DIRECT, now_ms)


def near_machine(db: Store, name: str) -> dict[str, str]:
    """For a machine that is not in the team, "@" and its name, the one most like it."""
    if directory.machine(db, name):
        return {}
    return {f"@{name}": names.nearest(name, [one.name for one in directory.machines(db)])}


def group(db: Store, channel: str, via: str, now_ms: int) -> list[Recipient]:
    """The members of a channel at other machines; with '' every session that lives there. Inside a write."""
    linked = link_state.load(db)
    assert linked is not None
    found = directory.members(db, channel) if channel else _present(db, now_ms)
    return [_recipient(db, linked, one.machine, one.address, via, now_ms) for one in found]


def find(db: Store, target: names.Target, now_ms: int) -> addresses.Address | None:
    """The address that a name means, where there is one already. Raises NotLinked, NameAmbiguous."""
    linked = link_state.load(db)
    if target.machine and not (linked and target.machine == linked.machine_name):
        found = addresses.address_at(db, names.at_machine(target.name, target.machine))
        if found is None and linked is None:
            raise NotLinked()
        return found
    if linked and not target.machine and not _is_ours(db, target.name, now_ms):
        known = in_team(db, target.name)
        if known:
            return addresses.address_at(db, known.address)
    return addresses.address_named(db, target.name, now_ms)


def in_team(db: Store, name: str) -> directory.Elsewhere | None:
    """Whoever has that name at another machine. Raises NameAmbiguous."""
    found = directory.find(db, name)
    if len(found) > 1:
        raise NameAmbiguous(name=f"@{name}", places=", ".join(f"@{one.address}" for one in found))
    return found[0] if found else None


def _is_ours(db: Store, name: str, now_ms: int) -> bool:
    """Whether somebody here holds the name, or ever held it."""
    place = addresses.address_named(db, name, now_ms)
    return place is not None and (place.kind != "session" or place.name != name or bool(place.session))


def _recipient(db: Store, linked: link_state.Link, machine: str, address: str, via: str, now_ms: int) -> Recipient:
    place = addresses.address_at(db, address) or addresses.awaited(db, address, now_ms)
    refusal = ReadersListen(to=f"@{address}", team=linked.team_name) if linked.role == link_state.READER else None
    return Recipient(place=place, via=via, refusal=refusal, machine=machine)


def _present(db: Store, now_ms: int) -> list[directory.Elsewhere]:
    return [
        one for one in directory.everybody(db) if one.kind == "session" and one.state_at(now_ms) != processes.OFFLINE
    ]
