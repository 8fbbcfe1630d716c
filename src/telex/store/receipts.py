"""What became of letters between machines: told to the one that sent them, and taken in there.

Rules kept here:
- what is told stands in the outbox in the transaction that marks it told; what moves twice before it is told is told
  once, as it is then;
- a receipt moves a delivery only as the table of moves allows, only of a message that was sent from here, and only at
  the machine that it comes from;
- an ending that its sender would be told of on one machine is told here too.
"""

from __future__ import annotations

from telex import limits
from telex.core import delivery, ids, message, names
from telex.core.letter import Receipt
from telex.store import link, mail, notices, outbox, people, trouble
from telex.store.sqlite import Store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any


def collect(db: Store, now_ms: int) -> int:
    """Put into the outbox what other machines are to be told; how many receipts. One write, where there is any."""
    if not db.value("receipts.any_due"):
        return 0
    with db.write():
        linked = link.load(db)
        if linked is None or linked.role == link.READER:  # a reader's machine may not send, receipts included
            db.run("receipts.forget_due")
            return 0
        return _collect(db, list(db.rows("receipts.due", limits.RECEIPTS_PER_SWEEP)), now_ms)


def last_word(db: Store, number: int, why: str, now_ms: int) -> None:
    """A message of another machine is about to be removed: who has not read it is told for. Inside a write."""
    for recipient, state in list(db.rows("mail.open_deliveries", number)):
        closed = delivery.DEAD if state == delivery.QUEUED else delivery.READ
        mail.move(db, number, recipient, closed, why, now_ms)
    linked = link.load(db)
    if linked is not None and linked.role != link.READER:
        _collect(db, list(db.rows("receipts.due_of", number)), now_ms)
    db.run("receipts.drop_arrivals", number)
    db.run("receipts.add_bygone", number, now_ms)


def _collect(db: Store, rows: list[tuple[Any, ...]], now_ms: int) -> int:
    told: dict[str, list[Receipt]] = {}
    for number, recipient, machine, name, unanswered, uuid, state, via, changed_ms, reason in rows:
        one = Receipt(
            of=ids.written(uuid),
            name=name,
            via=via,
            state=state,
            at_ms=changed_ms,
            reason="" if state == delivery.QUEUED else reason[: limits.RECEIPT_CHARS],
            unanswered=unanswered,
        )
        told.setdefault(machine, []).append(one)
        if state in delivery.CLOSED:
            db.run("receipts.drop_arrival", number, recipient)
        else:
            db.run("receipts.told", number, recipient)
    for machine, some in told.items():
        for start in range(0, len(some), limits.RECEIPTS_PER_ITEM):
            outbox.put_receipts(db, machine, some[start : start + limits.RECEIPTS_PER_ITEM], now_ms)
    return len(rows)


def take(db: Store, machine_name: str, told: Sequence[Receipt], now_ms: int) -> None:
    """What another machine says of letters that were sent to it. Inside a write."""
    for one in told:
        if not _fits(one) or not _take(db, machine_name, one, now_ms):
            trouble.note(db, "receipt", machine_name, "told of a message that was not sent to it", now_ms)


def _fits(one: Receipt) -> bool:
    return (
        one.state in delivery.STATES
        and one.via in (message.DIRECT, message.CHANNEL, message.EVERYONE)
        and names.is_name(one.name)
        and len(one.reason) <= limits.RECEIPT_CHARS
        and len(one.unanswered) <= limits.RECEIPT_CHARS
    )


def _take(db: Store, machine_name: str, one: Receipt, now_ms: int) -> bool:
    """Move the delivery; False for one that was never on its way to that machine."""
    number = mail.by_uuid(db, one.of)
    if number is None:  # it has been purged here since
        return True
    sender = people.address(db, int(db.value("mail.sender_of", number)))
    if sender.elsewhere:
        return False
    full = names.at_machine(one.name, machine_name)
    place = people.address_at(db, full)
    row = db.row("mail.delivery", number, place.id) if place else None
    if place is None or row is None:
        if one.via == message.DIRECT or not db.value("receipts.goes_elsewhere", number):
            return False
        place = place or people.awaited(db, full, now_ms)  # it came into the channel on the way
        db.run("mail.add_delivery", number, place.id, one.via, delivery.QUEUED, 0, now_ms, 0, delivery.AT_RELAY)
    if one.unanswered:
        _tell_silence(db, number, place.id, one.unanswered, now_ms)
    _move(db, number, place.id, row[0] if row else delivery.QUEUED, one, now_ms)
    return True


def _move(db: Store, number: int, recipient: int, state: str, one: Receipt, now_ms: int) -> None:
    if state == one.state == delivery.QUEUED:
        db.run("receipts.say_where", delivery.ON_MACHINE, now_ms, number, recipient)
    if state == one.state or not delivery.allowed(state, one.state):
        return
    if one.state == delivery.SHOWN:
        db.run("mail.shown", now_ms, now_ms, one.reason, number, recipient)
    else:
        mail.move(db, number, recipient, one.state, one.reason, now_ms)
    if one.state in (delivery.EXPIRED, delivery.REFUSED, delivery.DEAD):
        notices.undelivered(db, number, recipient, f"{one.state} there: {one.reason}", now_ms)
    if one.state == delivery.DONE:
        db.run("mail.settle", number, recipient)


def _tell_silence(db: Store, number: int, debtor: int, why: str, now_ms: int) -> None:
    for owing, creditor in list(db.rows("mail.owed_for", number)):
        if owing == debtor:
            notices.no_reply(db, number, debtor, creditor, why, notices.IDLE, now_ms)
