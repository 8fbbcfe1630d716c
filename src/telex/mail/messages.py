"""Messages and deliveries: storing, showing, moving, and the debts that requests make.

Rules kept here:
- a row's hash covers its whole meaning and is checked before it is shown; a damaged one becomes `dead` with that
  reason, it is never shown and never deleted;
- what is written to a client is `handed`, and is `shown` when an event proves that a model request carried it
  (core/evidence.py); without proof it is taken back and waits again;
- the bell is rung inside the transaction that stores, and removed right after the commit of one after which nothing
  is queued or handed, before its lock is given back: so whatever can prove or take back a handing runs its hook;
- every write happens inside the caller's transaction.
"""

from __future__ import annotations

from telex.core import delivery, evidence, ids, message
from telex.core.record import Record
from telex.db.connection import Store
from telex.errors import MessageUnknown, MoveRefused, StoreCorrupt
from telex.fs import bells, bodies
from telex.mail import addresses, gaps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Message(Record):
    """A stored message. Times are milliseconds since 1970; 0 and '' stand for 'none'."""

    n: int = 0
    uuid: bytes
    sender: int
    sender_name: str
    sender_kind: str
    client: str = ""
    place: str = ""
    addressed: str
    kind: str
    body: str
    size: int
    aside: int = 0
    digest: bytes
    data: str = ""
    thread: int = 0
    topic: str = ""
    reply_to: int = 0
    hops: int = 0
    auto: int = 0
    quiet: int = 0
    created_ms: int
    expires_ms: int = 0
    deadline_ms: int = 0
    key: str = ""
    signed_ms: int = 0  # of another machine's letter, by its clock
    arrived_ms: int = 0  # likewise: when the relay had it, by this machine's clock
    hash: bytes = b""

    def meaning(self) -> bytes:
        """The hash of everything that this message says."""
        values = [getattr(self, name) for name in Message.fields()[1:-3]]
        if self.signed_ms or self.arrived_ms:  # messages of older stores have neither, and keep their hash
            values += [self.signed_ms, self.arrived_ms]
        return message.row_hash(*values)

    def sound(self) -> bool:
        """Whether the row is what was stored."""
        return self.meaning() == self.hash

    def speaker(self) -> tuple[str, str, bool]:
        """The sender's name and kind as every face shows them, and whether they are known. A file can say anything, so
        what was imported is neither telex's word nor the person's."""
        if self.client != message.IMPORTED or self.sender_kind == "session":
            return self.sender_name, self.sender_kind, True
        return (message.IMPORTED if self.sender_kind == "system" else self.sender_name), "session", False

    def item(self, reader: int = 0) -> message.Item:
        """What its reader, the address with that number, is shown."""
        sender, kind, known = self.speaker()
        return message.Item(
            n=self.n,
            sender=sender,
            sender_kind=kind,
            client=self.client,
            place=self.place,
            to=self.addressed,
            kind=self.kind,
            body=self.body,
            size=self.size,
            aside=bool(self.aside),
            data=self.data,
            created_ms=self.created_ms,
            deadline_ms=self.deadline_ms,
            signed_ms=self.signed_ms,
            arrived_ms=self.arrived_ms,
            reply_to=self.reply_to,
            auto=bool(self.auto),
            own=known and self.sender == reader,
        )


class Delivery(Record):
    """What became of one message at one recipient. Times are milliseconds; 0 is never."""

    name: str
    recipient_kind: str
    state: str
    via: str
    changed_ms: int
    shown_ms: int
    read_ms: int
    closed_ms: int
    reason: str
    recipient: int


def add(db: Store, new: Message) -> int:
    """Store a message; its number. Inside a write."""
    new.hash = new.meaning()
    db.run("mail.add_message", *(getattr(new, name) for name in Message.fields()[1:]))
    number = db.inserted()
    if number <= db.newest.number:
        number = gaps.skip(db, number)
    db.after_commit(db.newest.note, number)
    if new.expires_ms:
        db.run("mail.add_due", new.expires_ms, number)
    return number


def deliver(db: Store, number: int, new: Message, to: addresses.Address, via: str, where: str = "") -> None:
    """Queue a message for one recipient and ring its bell; `where` it is on its way to another machine, in words.
    Inside a write."""
    wakes = message.wakes(new.kind, via, bool(new.quiet), to.wake)
    db.run("mail.add_delivery", number, to.id, via, delivery.QUEUED, int(wakes), new.created_ms, 0, where)
    if new.kind in message.OWES_REPLY and new.deadline_ms:
        db.run("mail.add_owed", number, to.id, new.sender, new.deadline_ms)
    if rung := addresses.bell(db, to):
        db.ring(rung)


def get(db: Store, number: int) -> Message | None:
    """The message with that number; one whose row cannot be read comes as a damaged one."""
    try:
        return _message(db.row("mail.message", number))
    except StoreCorrupt:
        return _damaged(number)


def numbered(db: Store, wanted: int | bytes) -> int | None:
    """The number of the message with that number or UUID, if there is one."""
    if isinstance(wanted, bytes):
        found = db.value("mail.by_uuid", wanted)
        return None if found is None else int(found)
    return wanted if db.value("mail.exists", wanted) else None


def by_uuid(db: Store, written: str) -> int | None:
    """The number of the message with a UUID as another machine writes it: no number of ours means anything there."""
    try:
        wanted = ids.parse(written)
    except MessageUnknown:
        return None
    return numbered(db, wanted) if isinstance(wanted, bytes) else None


def number_of(db: Store, written: str) -> int:
    """The message that an id means, as it was written. Raises MessageUnknown."""
    found = numbered(db, ids.parse(written))
    if found is None:
        raise MessageUnknown(id=ascii(written[:40])[1:-1])
    return found


def deliveries(db: Store, number: int) -> list[Delivery]:
    """What became of a message, recipient by recipient."""
    return [Delivery.of_row(row) for row in db.rows("mail.deliveries", number)]


def queued(db: Store, recipient: int, most: int) -> list[Message]:
    """The oldest of what waits to be shown, sound or not."""
    return _readable(db, "mail.queued", "mail.queued_numbers", recipient, most)


def open_mail(db: Store, recipient: int, most: int) -> list[Message]:
    """The oldest of what needs its reader: what waits or is not proved, and shown requests without an answer."""
    return _readable(db, "mail.open", "mail.unseen_numbers", recipient, most)


def whole_body(db: Store, of: Message) -> str | None:
    """The whole body; None when it was kept beside the store and is missing or damaged there."""
    if not of.aside:
        return of.body
    raw = bodies.load(db.home, of.digest)
    return None if raw is None else raw.decode("utf-8")


class Handed(Record):
    """One message that was handed over and is not proved."""

    message: int
    session: int
    handing: evidence.Handing
    transcript: str  # the client's own record of the conversation; '' where it names none
    size: int  # of that, when it was handed over


def handed(db: Store, recipient: int) -> list[Handed]:
    """What was handed over to a recipient's client, oldest first."""
    return [
        Handed(
            message=row[0], session=row[1], handing=evidence.Handing.of_row(row[2:6]), transcript=row[6], size=row[7]
        )
        for row in db.rows("mail.handed", recipient)
    ]


def hand_over(db: Store, to: addresses.Session, numbers: list[int], point: str, how: Handed, now_ms: int) -> bool:
    """Record that a session's client is given these messages at a hook point, and what is to be remembered of it.

    Inside a write. False, and nothing is changed, where one of them does not wait any more: it may have expired since.
    """
    recipient, one = to.address, how.handing
    if any((db.row("mail.delivery", number, recipient) or ("",))[0] != delivery.QUEUED for number in numbers):
        return False
    for number in numbers:
        db.run("mail.hand_over", now_ms, point, number, recipient)
        values = (one.stage, one.turn, one.joined, one.armed, how.transcript, how.size)
        db.run("mail.add_handed", recipient, number, to.id, *values)
    return True


def record_shown(db: Store, recipient: int, numbers: list[int], now_ms: int) -> None:
    """A model request carried them. Inside a write."""
    for number in numbers:
        db.run("mail.shown", now_ms, None, number, recipient)
        db.run("mail.drop_handed", recipient, number)


def take_back(db: Store, recipient: int, now_ms: int, numbers: list[int] | None = None) -> None:
    """The client dropped them, or all that it was handed: they wait again, and so does their time to live.

    Inside a write; the bell rings where somebody holds the address.
    """
    if numbers is None:
        numbers = [one.message for one in handed(db, recipient)]
    for number in numbers:
        db.run("mail.take_back", now_ms, number, recipient)
        db.run("mail.drop_handed", recipient, number)
        db.run("mail.due_again", number)


def note_cause(db: Store, recipient: int, numbers: list[int], now_ms: int) -> None:
    """Remember what this address was shown last: of several, the one passed on most often. Inside a write."""
    shown = [found for number in numbers if (found := get(db, number)) and not found.auto]
    if shown:
        cause = max(shown, key=lambda found: (found.hops, found.n))
        db.run("people.set_cause", cause.n, now_ms, recipient)


def settle_bell(db: Store, recipient: int) -> None:
    """Remove the bell if nothing is queued or handed after the commit, and keep the owed mark in step; let the link
    look where another machine is to be told what became of its message. Inside a write."""
    place = addresses.address(db, recipient)
    if not place.bell:
        return
    owes, to_tell = db.row("mail.standing", recipient) or (0, 0)
    if bell := addresses.bell(db, place):
        db.after_commit(_silence, db, recipient, bell)
        bells.mark_owed(db.home, bell, bool(owes))
    if to_tell:
        db.after_commit(bells.nudge, db.home, bells.LINK)


def _silence(db: Store, recipient: int, bell: str) -> None:
    if db.value("mail.any_unseen", recipient):
        return
    pid = bells.process_of(bell)
    if not pid or not db.value("mail.unseen_in_process", pid):  # several sessions may share a bell by process
        bells.silence(db.home, bell)


def settle_answered(db: Store, parent: int, answer: int, debtor: int, now_ms: int) -> bool:
    """An answer to a message has come from one of its recipients: the debt is gone, and it has been read. Inside a
    write. False for who was no recipient."""
    mine = db.row("mail.delivery", parent, debtor)
    if mine is None:
        return False
    if mine[1] == message.DIRECT:
        db.run("mail.settle", parent, debtor)
    else:  # one reply is enough for a request to many
        db.run("mail.drop_owed", parent)
    if mine[0] in delivery.UNREAD:
        move(db, parent, debtor, delivery.READ, f"answered by {message.short_id(answer)}", now_ms)
    return True


def move(db: Store, number: int, recipient: int, state: str, reason: str, now_ms: int) -> None:
    """Take a delivery to another state. Inside a write. Raises MoveRefused for a move the table does not have."""
    row = db.row("mail.delivery", number, recipient)
    current = row[0] if row else "not yours"
    if not row or not delivery.allowed(current, state):
        raise MoveRefused(id=message.short_id(number), state=current, wanted=state)
    if current == state:
        return
    db.run("mail.move", state, now_ms, reason, number, recipient)
    if current == delivery.HANDED:
        db.run("mail.drop_handed", recipient, number)


def bury(db: Store, damaged: Message, recipient: int, now_ms: int) -> None:
    """A message that is not what was stored cannot be shown: dead, with the reason. Inside a write."""
    move(db, damaged.n, recipient, delivery.DEAD, "damaged on disk", now_ms)
    db.run("mail.settle", damaged.n, recipient)


def _readable(db: Store, name: str, numbers: str, recipient: int, most: int) -> list[Message]:
    """The rows of a query; where one of them cannot be read, one by one, so that it holds up no other."""
    try:
        return [found for row in db.rows(name, recipient, most) if (found := _message(row))]
    except StoreCorrupt:
        return [found for (number,) in list(db.rows(numbers, recipient, most)) if (found := get(db, number))]


def _damaged(number: int) -> Message:
    """What stands for a row that cannot be read; it is never sound."""
    blank: dict[str, Any] = {"uuid": b"", "digest": b""}
    for name in ("sender_name", "sender_kind", "client", "place", "addressed", "kind", "body", "data", "topic", "key"):
        blank[name] = ""
    for name in ("sender", "size", "aside", "thread", "reply_to", "hops", "auto", "quiet"):
        blank[name] = 0
    for name in ("created_ms", "expires_ms", "deadline_ms"):
        blank[name] = 0
    return Message(n=number, **blank)


def _message(row: tuple[Any, ...] | None) -> Message | None:
    return Message.of_row(row) if row else None
