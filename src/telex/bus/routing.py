"""What of a message leaves for other machines: its route, and what its sender is told of it.

Rules kept here: the route is put into the outbox inside the send's own transaction; whom a limit keeps it from is left
out at the other machine too; what is said of a recipient there comes with its age, and never sounds like delivered.
"""

from __future__ import annotations

from telex.bus.recipient import Recipient
from telex.core import delivery, message, names
from telex.db.connection import Store
from telex.errors.between import NotLinked, OwnersOnly
from telex.mail import addresses, messages
from telex.team import directory, link_state, outbox

NOBODY = "nobody"


def check_team(db: Store) -> None:
    """Whether this machine may write to everybody in the team. Raises NotLinked, OwnersOnly."""
    linked = link_state.load(db)
    if linked is None:
        raise NotLinked()
    if linked.role != link_state.OWNER:
        owners = ", ".join(one.name for one in directory.machines(db) if one.role == link_state.OWNER)
        raise OwnersOnly(what="write to the whole team", role=f"a {linked.role}", owners=owners)


def leave(db: Store, new: messages.Message, everyone: bool, recipients: list[Recipient]) -> bool:
    """Put a message into the outbox for the machines it is for; whether there is any. Inside the write of its send."""
    linked = link_state.load(db)
    assert linked is not None
    far = [one for one in recipients if one.machine]
    going = [one for one in far if not one.refusal]
    machines = [one.machine for one in going]
    if everyone:
        machines += [one.id for one in directory.machines(db) if one.id != linked.machine]
    if not machines:
        return False
    route = outbox.Route(
        everyone=everyone,
        channels=[word[1:] for word in new.addressed.split(",") if word.startswith("#")],
        to={machine: [] for machine in dict.fromkeys(machines)},
        members={},
        without={},
    )
    for one in far:
        name = names.split(one.place.name)[0]
        if one.refusal:
            route.without.setdefault(one.machine, []).append(name)
        elif one.via == message.DIRECT:
            route.to[one.machine].append(name)
        else:
            route.members.setdefault(one.machine, []).append(name)
    outbox.put(db, new.n, new.uuid, route, new.created_ms)
    return True


def told(db: Store, place: addresses.Address, where: str, now_ms: int) -> tuple[str, str]:
    """What is known of a recipient at another machine, and where its message is, in words."""
    name, machine_name = names.split(place.name)
    machine = directory.machine(db, machine_name)
    known = directory.at(db, machine.id, name) if machine else None
    linked = link_state.load(db)
    rests = ""
    if linked and where == delivery.WAITS:
        rests = "; the link rests" if linked.paused else _cannot(db, linked)
    if known is None:
        return NOBODY, f"{where}{rests}; nobody is known by that name there"
    return known.state_at(now_ms), f"{where}{rests}; {known.words(now_ms)}"


def _cannot(db: Store, linked: link_state.Link) -> str:
    from telex.team import alerts

    return "; the link cannot run: 'telex doctor' says why" if alerts.missing_part(db, linked.reached_ms) else ""
