"""What telex itself has to say: short events to those concerned.

Rules kept here: a notice is an `event` from `telex`, marked auto; it never wakes anybody, takes no reply, counts
in no budget, and is made inside the transaction of what it reports; whoever is at another machine gets none from
here: that machine is told what happened, and says it in its own words.
"""

from __future__ import annotations

import os

from telex.core import ids, message
from telex.db.connection import Store
from telex.mail import addresses, messages


def notify(db: Store, to: int, text: str, about: int, now_ms: int) -> None:
    """Queue a notice for one address. Inside a write."""
    recipient = addresses.address(db, to)
    if recipient.elsewhere:
        return
    sender = addresses.system(db, now_ms)
    raw = text.encode()
    new = messages.Message(
        uuid=ids.uuid7(now_ms, os.urandom(10)),
        sender=sender.id,
        sender_name=sender.name,
        sender_kind="system",
        addressed=f"@{recipient.name}",
        kind="event",
        body=text,
        size=len(raw),
        digest=message.digest(raw),
        reply_to=about,
        auto=1,
        quiet=1,
        created_ms=now_ms,
    )
    messages.deliver(db, messages.add(db, new), new, recipient, message.DIRECT)


IDLE, LATE = 1, 2


def no_reply(db: Store, number: int, debtor: int, creditor: int, why: str, told: int, now_ms: int) -> None:
    """Tell a request's sender, once for each `told`, that no reply came. Inside a write.

    `why` is in words, but for IDLE a code of `errors.reasons`: it may have to travel. A sender at another machine knows
    the deadline itself.
    """
    name = addresses.address(db, debtor).written
    db.run("mail.told", told, debtor, number)
    if told == IDLE and addresses.address(db, creditor).elsewhere:
        db.run("mail.unanswered", why, number, debtor)
        return
    if told == IDLE:
        from telex.errors import reasons

        why = reasons.of_silence(why)
    notify(
        db,
        creditor,
        f"no reply from {name} to your request {message.short_id(number)}: {why}",
        number,
        now_ms,
    )


def undelivered(db: Store, number: int, recipient: int, why: str, now_ms: int) -> None:
    """Tell a message's sender that it did not come to another machine, and why. Inside a write."""
    for debtor, creditor in list(db.rows("mail.owed_for", number)):
        if debtor == recipient:
            no_reply(db, number, debtor, creditor, why, LATE, now_ms)
            db.run("mail.settle", number, debtor)
            return
    sender = db.value("mail.sender_of", number)
    if sender:
        name = addresses.address(db, recipient).written
        notify(db, sender, f"your message {message.short_id(number)} did not reach {name}: {why}", number, now_ms)


def cooling(db: Store, first: int, second: int, count: int, until: str, persons: list[int], now_ms: int) -> None:
    """Two agents used up their budget: both are told why, and the person once. Inside a write."""
    names = {number: addresses.address(db, number).name for number in (first, second)}
    for me, other in ((first, second), (second, first)):
        text = (
            f"you and @{names[other]} answered each other {count} times without a person; "
            f"messages between you rest until {until}; a word from a person ends the rest"
        )
        notify(db, me, text, 0, now_ms)
    for person in persons:
        text = (
            f"@{names[first]} and @{names[second]} answered each other {count} times without you; "
            f"they rest until {until}; write to either of them to end the rest"
        )
        notify(db, person, text, 0, now_ms)
