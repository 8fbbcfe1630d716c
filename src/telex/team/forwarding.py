"""Mail for a name that nobody held goes to the one who takes it; what was said in an empty channel, to those who come.

Rules kept here:
- one transaction, that of the roster which tells of the name, takes the mail from here and puts it into the outbox: it
  is at one place at any moment, and whoever takes the name here meanwhile finds it or does not;
- it follows a name to another machine only if this machine was in the team when it was sent, if nobody ever held the
  name here, and if one machine alone has it; where several have it, it stays, its sender is told whom to choose, and
  no later change of theirs sends it on without the sender;
- a message that a machine has under its id already cannot go there once more: its sender is told instead;
- whoever sent it is told where it went, and sees it at the new address like anything that was sent there;
- a channel keeps mail at its own address: the first who comes has it however late, others who come within a day.
"""

from __future__ import annotations

from telex.core import delivery, message, names
from telex.core.record import Record
from telex.db.connection import Store
from telex.mail import addresses, messages, notices, unclaimed
from telex.team import directory, link_state, outbox

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_NOWHERE = ""
_HOUR_MS = 3_600_000


class _Told(Record):
    """What one sender is told of mail for one name: where it went, or whom to choose."""

    sender: int
    went_to: str  # an address; '' where it stays
    numbers: list[int]


def follow(db: Store, come: Iterable[str], now_ms: int) -> int:
    """Names were heard of at other machines: what waits here for one of them goes there; how many messages went.

    Inside the write that has taken all rosters there were to take.
    """
    linked = link_state.load(db)
    if linked is None or linked.role == link_state.READER:
        return 0
    went = 0
    for name in dict.fromkeys(come):
        place = addresses.address_named(db, name, now_ms)
        if place is None or place.name != name or place.kind != "session" or place.session:
            continue  # nobody waits for it, or it is somebody's here
        waiting = [number for (number,) in db.rows("later.waiting", place.id, linked.joined_ms)]
        if not waiting:
            continue
        there = directory.find(db, name)
        told: dict[tuple[int, str], _Told] = {}
        for found in (one for number in waiting if (one := messages.get(db, number))):
            if not found.sound() or 0 < found.expires_ms <= now_ms:
                continue  # its reader, or the sweep, says what is wrong with it
            to = there[0].address if len(there) == 1 and _pass_on(db, found, place, there[0], now_ms) else _NOWHERE
            if not to:
                db.run("later.leave_undecided", found.n, place.id)
            went += bool(to)
            key = (found.sender, to)
            told.setdefault(key, _Told(sender=found.sender, went_to=to, numbers=[])).numbers.append(found.n)
        for word in told.values():
            notices.notify(db, word.sender, _words(name, word, there), word.numbers[-1], now_ms)
    return went


def follow_channels(db: Store, come: Iterable[str], now_ms: int) -> int:
    """Members of channels were heard of at other machines: what those channels keep goes to them; how many messages.

    Inside the same write.
    """
    linked = link_state.load(db)
    if linked is None or linked.role == link_state.READER:
        return 0
    went = 0
    for name in dict.fromkeys(come):
        channel = addresses.channel(db, name)
        numbers = [n for (n,) in db.rows("later.kept_here", channel.id, linked.joined_ms)] if channel else []
        there = directory.members(db, name) if numbers else []
        for found in (one for number in numbers if (one := messages.get(db, number)) and there):
            assert channel is not None
            if not found.sound() or 0 < found.expires_ms <= now_ms:
                continue
            members: dict[str, list[str]] = {}
            for member in there:
                if not db.value("later.went_to", found.n, member.machine):
                    members.setdefault(member.machine, []).append(member.name)
                    far = addresses.address_at(db, member.address) or addresses.awaited(db, member.address, now_ms)
                    unclaimed.hand_over(db, found, far, now_ms, delivery.WAITS)
            if members:
                to: dict[str, list[str]] = {machine: [] for machine in members}
                route = outbox.Route(channels=[name], to=to, members=members, without={})
                outbox.put(db, found.n, found.uuid, route, now_ms)
                unclaimed.claimed(db, found.n, channel, there[0].address, now_ms)
                went += 1
    return went


def _pass_on(
    db: Store, found: messages.Message, place: addresses.Address, there: directory.Elsewhere, now_ms: int
) -> bool:
    """Send a message on to the one machine that has the name; False where that machine has it under its id."""
    at_machines = [names.split(one.name)[1] for one in messages.deliveries(db, found.n)]
    if there.machine_name in at_machines or db.value("later.went_to", found.n, there.machine):
        return False
    far = addresses.address_at(db, there.address) or addresses.awaited(db, there.address, now_ms)
    db.run("later.pass_on", far.id, delivery.WAITS, now_ms, found.n, place.id)
    db.run("later.pass_debt_on", far.id, found.n, place.id)
    route = outbox.Route(channels=[], to={there.machine: [there.name]}, members={}, without={})
    outbox.put(db, found.n, found.uuid, route, now_ms)
    return True


def _words(name: str, one: _Told, there: list[directory.Elsewhere]) -> str:
    """What the sender is told."""
    ids = ", ".join(map(message.short_id, one.numbers))
    what = f"your message{'s' if len(one.numbers) > 1 else ''} {ids} for @{name}"
    if one.went_to:
        return f"{what} went on to @{one.went_to}, who has come"
    them = ", ".join(f"@{other.address}" for other in there)
    if len(there) > 1:
        return f"{what} stays here: {them} have that name; to choose one of them, send it again to the full name"
    return f"{what} stays here: that machine has it already for others; to reach {them}, send it again"
