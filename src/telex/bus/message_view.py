"""A message as callers of the bus see it.

Rule kept here: these records are the documented, stable shape of `--json` and of the Python API; times are
milliseconds since 1970, UTC; 0 and '' stand for 'none'.
"""

from __future__ import annotations

from telex import limits
from telex.core import ids, message, text
from telex.core.record import Record
from telex.db.connection import Store
from telex.mail import messages

DAMAGED = "(damaged on disk)"
COLUMNS = ("id", "from", "to", "kind", "state", "age", "text")  # of a message in a list (`cells`)


class Letter(Record):
    """One message, with the whole body unless `whole` is false."""

    id: str  # m42
    uuid: str
    sender: str  # @api
    sender_kind: str  # session, person or system
    client: str
    place: str
    to: str  # as it was addressed
    kind: str
    body: str
    size: int
    whole: bool
    data: str  # a JSON object as text, or ''
    thread: str  # the id of the message that began it
    topic: str
    reply_to: str
    hops: int
    auto: bool
    created_ms: int
    expires_ms: int
    deadline_ms: int
    state: str  # of the delivery to the caller; '' where the caller is no recipient
    sound: bool  # the stored message is what was sent; else `body` says so instead
    sent_state: str = ""  # of its deliveries, where the caller is no recipient: "read", or "queued 1, read 2"
    mine: bool = False  # the caller sent it
    signed_ms: int = 0  # when its sender's machine signed it, by its clock; 0 for a message of this machine
    arrived_ms: int = 0  # when the relay says that it came there, by this machine's clock; likewise
    sent_with: str = ""  # the client's own tool that carried it, which telex only noted; '' where telex carried it


class Receipt(Record):
    """What became of a message at one recipient."""

    name: str
    state: str
    via: str
    changed_ms: int
    shown_ms: int
    read_ms: int
    closed_ms: int
    reason: str


def cells(of: Letter, now_ms: int) -> list[str]:
    """A message as a line of a list, under `COLUMNS`."""
    about, age = text.preview(of.body, limits.PREVIEW_CHARS), text.age(now_ms - of.created_ms)
    return [of.id, of.sender, of.to, of.kind, standing(of) or "-", age, about]


def standing(of: Letter) -> str:
    """What became of a message: to its reader, else at its recipients, else by which tool of a client it went."""
    failed = of.sent_with and message.FAILED in of.data
    return of.state or of.sent_state or (f"{of.sent_with} failed" if failed else of.sent_with)


def letter(db: Store, found: messages.Message, reader: int, *, whole: bool = True) -> Letter:
    """The message as `reader` (an address number) sees it."""
    sound = found.sound()
    body = DAMAGED if not sound else messages.whole_body(db, found) if whole else found.body
    mine = db.row("mail.delivery", found.n, reader)
    sender, kind, known = found.speaker()
    return Letter(
        id=message.short_id(found.n),
        uuid=ids.written(found.uuid) if found.uuid else "",
        sender=f"@{sender}",
        sender_kind=kind,
        client=found.client,
        place=found.place,
        to=found.addressed,
        kind=found.kind,
        body=DAMAGED if body is None else body,
        size=found.size,
        whole=sound and body is not None and (whole or not found.aside),
        data=found.data,
        thread=message.short_id(found.thread or found.n),
        topic=found.topic,
        reply_to=message.short_id(found.reply_to) if found.reply_to else "",
        hops=found.hops,
        auto=bool(found.auto),
        created_ms=found.created_ms,
        expires_ms=found.expires_ms,
        deadline_ms=found.deadline_ms,
        state=mine[0] if mine else "",
        sent_state="" if mine else _sent_state(db, found.n),
        mine=known and found.sender == reader,
        signed_ms=found.signed_ms,
        arrived_ms=found.arrived_ms,
        sent_with=message.sent_with(found.client, found.kind),
        sound=sound and body is not None,
    )


def _sent_state(db: Store, number: int) -> str:
    counted = list(db.rows("mail.states", number))
    return counted[0][0] if len(counted) == 1 else ", ".join(f"{state} {count}" for state, count in counted)


def item(shown: Letter) -> message.Item:
    """The same message as the frame takes it."""
    return message.Item(
        n=int(shown.id[1:]),
        sender=shown.sender[1:],
        sender_kind=shown.sender_kind,
        client=shown.client,
        place=shown.place,
        to=shown.to,
        kind=shown.kind,
        body=shown.body,
        size=shown.size,
        aside=not shown.whole,
        data=shown.data,
        created_ms=shown.created_ms,
        deadline_ms=shown.deadline_ms,
        reply_to=int(shown.reply_to[1:]) if shown.reply_to else 0,
        auto=shown.auto,
        own=shown.mine,
        signed_ms=shown.signed_ms,
        arrived_ms=shown.arrived_ms,
    )


def receipts(db: Store, number: int) -> list[Receipt]:
    """What became of a message, recipient by recipient."""
    return [
        Receipt(
            name=("#" if one.recipient_kind == "channel" else "@") + one.name,
            state=one.state,
            via=one.via,
            changed_ms=one.changed_ms,
            shown_ms=one.shown_ms,
            read_ms=one.read_ms,
            closed_ms=one.closed_ms,
            reason=one.reason,
        )
        for one in messages.deliveries(db, number)
    ]
