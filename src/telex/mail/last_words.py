"""What another machine is still to be told of a message that goes from here: noted as rows, sent by the link's process.

Rules kept here: a receipt is noted in the write that removes what it is about; the id of a removed message stays known,
so that it is not taken in again.
"""

from __future__ import annotations

from telex.core import delivery, names
from telex.db.connection import Store
from telex.errors import reasons
from telex.mail import addresses, messages


def of_message(db: Store, number: int, sender_name: str, now_ms: int) -> None:
    """A message of another machine is about to be removed: its sender is told for those who have not read it.
    Inside a write."""
    came = db.row("receipts.letter_of", number)
    machine = came[0] if came else db.value("rosters.machine_named", names.split(sender_name)[1]) or ""
    uuid = (came and came[1]) or db.value("mail.uuid_of", number)
    db.run("arrivals.add_known", uuid, machine, now_ms)
    db.run("receipts.say_why", reasons.REMOVED, number)
    why = reasons.of_ending(reasons.REMOVED)
    for recipient, state in list(db.rows("mail.open_deliveries", number)):
        closed = delivery.DEAD if state in delivery.UNSEEN else delivery.READ
        messages.move(db, number, recipient, closed, why, now_ms)
    if db.run("receipts.keep_final", number):
        addresses.tell_team(db)
    db.run("receipts.drop_arrivals", number)


def of_recipient(db: Store, number: int, recipient: int) -> None:
    """A recipient of a message is about to be removed. Inside a write."""
    if db.run("receipts.keep_final_of", number, recipient):
        addresses.tell_team(db)
    db.run("receipts.drop_arrival", number, recipient)
