"""Whether this machine is in a team, and how far its link is.

Rules kept here: one row while it is linked, none otherwise; who asks on the way of a send or a hook asks once and
reads nothing else where there is none; the link's bell rings from inside the write that leaves something to be sent,
and is removed under the same lock once nothing is.
"""

from __future__ import annotations

from telex.core import delivery, names
from telex.core.record import Record
from telex.db.connection import Store
from telex.fs import bells
from telex.mail import addresses, messages

BELL = bells.LINK
LOCK = "link/lock"  # held by the one process of this machine that sends and fetches
OWNER, MEMBER, READER = "owner", "member", "reader"

LEFT = "this machine left the team before it was delivered"


class Link(Record):
    """The team that this machine is in. Times are milliseconds."""

    relay: str  # its URL
    team: str
    team_name: str
    machine: str
    machine_name: str
    role: str
    origin: str
    oseq: int = 0  # given out last
    at_relay: int = 0  # the relay has everything up to here
    epoch: str = ""  # of the relay's log
    cursor: int = 0  # everything in it up to here was taken in
    rosters: int = 0  # the newest roster that was taken in
    paused: int = 0
    joined_ms: int
    reached_ms: int = 0  # the relay last answered
    fault: str = ""  # why it did not since


def load(db: Store) -> Link | None:
    """The team that this machine is in, or None."""
    row = db.row("link.load")
    return Link.of_row(row) if row else None


def create(db: Store, new: Link) -> None:
    """This machine is in a team from now on. Inside a write."""
    db.run("link.create", *(getattr(new, name) for name in Link.fields()))


def drop(db: Store, now_ms: int) -> None:
    """This machine is in no team any more: what still waits for other machines is closed. Inside a write."""
    close_open(db, "", LEFT, now_ms)
    for name in ("link", "outbox", "sent_to", "had_from", "arrival", "final_receipt", "resident", "resident_channel"):
        db.run(f"link.clear_{name}")
    db.after_commit(bells.silence, db.home, BELL)


def close_open(db: Store, machine_name: str, why: str, now_ms: int) -> None:
    """Close what one other machine, or with '' none of them, has shown yet, and tell its senders. Inside a write."""
    from telex.mail import notices

    for number, recipient in list(db.rows("link.open_elsewhere")):
        if machine_name and names.split(addresses.address(db, recipient).name)[1] != machine_name:
            continue
        messages.move(db, number, recipient, delivery.DEAD, why, now_ms)
        notices.undelivered(db, number, recipient, why, now_ms)


def pause(db: Store, paused: bool) -> None:
    """Whether the link rests. Inside a write."""
    db.run("link.pause", int(paused))
    addresses.tell_team(db)


def set_role(db: Store, role: str) -> None:
    """What the membership says of this machine now. Inside a write."""
    db.run("link.set_role", role)


def reached(db: Store, now_ms: int, fault: str = "") -> None:
    """The relay has answered, or with a `fault` it has not. Inside a write."""
    if fault:
        db.run("link.failed", fault)
    else:
        db.run("link.reached", now_ms)


def waiting(db: Store) -> dict[str, int]:
    """How many deliveries to other machines are where: WAITS, AT_RELAY or ON_MACHINE."""
    counts = dict.fromkeys((delivery.WAITS, delivery.AT_RELAY, delivery.ON_MACHINE), 0)
    for reason, count in db.rows("link.waiting"):
        place = next((known for known in counts if reason.startswith(known)), delivery.WAITS)
        counts[place] += count
    return counts
