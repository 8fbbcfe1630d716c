"""What became of letters between machines: told to the one that sent them, and taken in there.

Rules kept here:
- what is told stands in the outbox in the transaction that marks it told; what moves twice before it is told is told
  once, as it is then;
- a receipt moves a delivery only as the table of moves allows, only of a message that was sent from here, and only at
  the machine that it comes from;
- an ending that its sender would be told of on one machine is told here too;
- why something ended travels as a code of `errors.reasons`, and is put into words where it is read.
"""

from __future__ import annotations

from telex import limits
from telex.core import delivery, ids, message, names
from telex.core.letter import Receipt
from telex.db.connection import Store
from telex.errors import reasons
from telex.mail import addresses, machine_flow, messages, notices
from telex.team import alerts, directory, link_state, outbox

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

# Why a message ended unread, where nothing more is known.
_CODES = {delivery.EXPIRED: reasons.EXPIRED, delivery.REFUSED: reasons.REFUSED, delivery.DEAD: reasons.DAMAGED}


def collect(db: Store, now_ms: int) -> int:
    """Put into the outbox what other machines are to be told; how many receipts. One write, where there is any."""
    if not db.value("receipts.any_due"):
        return 0
    with db.write():
        linked = link_state.load(db)
        if linked is None or linked.role == link_state.READER:  # a reader's machine may not send, receipts included
            db.run("receipts.forget_due")
            db.run("link.clear_final_receipt")
            return 0
        return _collect(db, now_ms)


def _collect(db: Store, now_ms: int) -> int:
    told: dict[str, list[Receipt]] = {}
    finals = list(db.rows("receipts.finals", limits.RECEIPTS_PER_SWEEP))
    for number, machine, *values in finals:
        told.setdefault(machine, []).append(_receipt(*values))
        db.run("receipts.drop_final", number)
    rows = list(db.rows("receipts.due", limits.RECEIPTS_PER_SWEEP))
    for number, recipient, machine, *values in rows:
        one = _receipt(*values)
        told.setdefault(machine, []).append(one)
        if one.state in delivery.CLOSED:
            db.run("receipts.drop_arrival", number, recipient)
        else:
            db.run("receipts.told", number, recipient)
    for machine, some in told.items():
        put(db, machine, some, now_ms)
    return len(finals) + len(rows)


def _receipt(name: str, letter: bytes, state: str, via: str, changed_ms: int, why: str, unanswered: str) -> Receipt:
    state = delivery.QUEUED if state == delivery.HANDED else state  # a handing may be taken back
    return Receipt(
        of=ids.written(letter),
        name=name,
        via=via,
        state=state,
        at_ms=changed_ms,
        code=why or _CODES.get(state, ""),
        unanswered=unanswered if unanswered in reasons.SILENT or not unanswered else reasons.IDLE,
    )


def put(db: Store, machine: str, told: list[Receipt], now_ms: int) -> None:
    """Put receipts for one machine into the outbox. Inside a write."""
    for start in range(0, len(told), limits.RECEIPTS_PER_ITEM):
        outbox.put_receipts(db, machine, told[start : start + limits.RECEIPTS_PER_ITEM], now_ms)


def take(db: Store, machine: directory.Machine, told: Sequence[Receipt], now_ms: int) -> None:
    """What another machine says of letters that were sent to it. Inside a write."""
    for one in told:
        if not _fits(one) or not _take(db, machine, one, now_ms):
            alerts.note(db, "receipt", machine.name, "told of a message that was not sent to it", now_ms)


def _fits(one: Receipt) -> bool:
    return (
        one.state in delivery.STATES
        and one.via in (message.DIRECT, message.CHANNEL, message.EVERYONE)
        and names.is_name(one.name)
    )


def _take(db: Store, machine: directory.Machine, one: Receipt, now_ms: int) -> bool:
    """Move the delivery; False for one that was never on its way to that machine."""
    number = messages.by_uuid(db, one.of)
    if number is None:  # it has been purged here since
        return True
    sender = addresses.address(db, int(db.value("mail.sender_of", number)))
    if sender.elsewhere:
        return False
    full = names.at_machine(one.name, machine.name)
    place = addresses.address_at(db, full)
    row = db.row("mail.delivery", number, place.id) if place else None
    if place is None or row is None:
        if one.via == message.DIRECT or not db.value("receipts.goes_elsewhere", number):
            return False
        if place is None and not machine_flow.new_name(db, machine.id, now_ms):
            return False
        place = place or addresses.awaited(db, full, now_ms)  # it came into the channel on the way
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
    failed = one.state in _CODES
    why = reasons.of_ending(one.code) if failed else ""
    if one.state == delivery.SHOWN:
        db.run("mail.shown", now_ms, "", number, recipient)
    else:
        messages.move(db, number, recipient, one.state, why, now_ms)
    if failed:
        notices.undelivered(db, number, recipient, f"{one.state} there: {why}", now_ms)
    if one.state == delivery.DONE:
        db.run("mail.settle", number, recipient)


def _tell_silence(db: Store, number: int, debtor: int, code: str, now_ms: int) -> None:
    for owing, creditor in list(db.rows("mail.owed_for", number)):
        if owing == debtor:
            notices.no_reply(db, number, debtor, creditor, code, notices.IDLE, now_ms)
