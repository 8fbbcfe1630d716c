"""Mail that waits for those who come: for a name that nobody held, and in a channel that was empty.

Rules kept here: who takes a name that nobody ever held gets what waits there; a channel keeps mail at its own address,
the first who comes has it however late, others who come within a day.
"""

from __future__ import annotations

from telex import limits
from telex.core import delivery, message
from telex.db.connection import Store
from telex.errors import reasons
from telex.mail import addresses, last_words, messages

_HOUR_MS = 3_600_000


def give(db: Store, channel: addresses.Address, to: addresses.Address, now_ms: int) -> None:
    """Somebody has come to a channel here: what it keeps is theirs too. Inside a write."""
    for number, state in list(db.rows("later.kept", channel.id, now_ms - limits.CHANNEL_KEPT_HOURS * _HOUR_MS)):
        found = messages.get(db, number)
        if found is None or not found.sound() or 0 < found.expires_ms <= now_ms or found.sender == to.id:
            continue
        if db.row("mail.delivery", number, to.id):
            continue
        hand_over(db, found, to, now_ms)
        if state == delivery.QUEUED:
            claimed(db, number, channel, to.name, now_ms)


def hand_over(db: Store, found: messages.Message, to: addresses.Address, now_ms: int, where: str = "") -> None:
    """One more recipient of a message; a request whose deadline has passed is owed by nobody any more."""
    if found.deadline_ms <= now_ms:
        found.deadline_ms = 0
    messages.deliver(db, found.n, found, to, message.CHANNEL, where)


def claimed(db: Store, number: int, channel: addresses.Address, by: str, now_ms: int) -> None:
    """The channel has passed a message to the first who came."""
    messages.move(db, number, channel.id, delivery.READ, f"kept for @{by}", now_ms)
    db.run("mail.settle", number, channel.id)


def inherit(db: Store, unheld: addresses.Address, to: addresses.Address, now_ms: int) -> None:
    """Somebody takes a name that nobody ever held: what waits there is theirs. Inside a write.

    What they were sent under their present name too is theirs once; its sender at another machine is told.
    """
    for number, state in list(db.rows("later.doubles", unheld.id, to.id)):
        db.run("later.say_why", reasons.TWICE, number, unheld.id)
        if state == delivery.QUEUED:
            messages.move(db, number, unheld.id, delivery.DEAD, reasons.of_ending(reasons.TWICE), now_ms)
        last_words.of_recipient(db, number, unheld.id)
        for query in ("later.drop_debt", "later.drop_delivery"):
            db.run(query, number, unheld.id)
    for query in ("later.inherit", "guests.carry_debts", "later.inherit_arrivals"):
        db.run(query, unheld.id, to.id)
    if to.bell and db.value("mail.any_unseen", to.id):
        db.ring(to.bell)
