"""Sending: what is checked, what is stored, and what the sender is told.

Rules kept here:
- everything is judged and stored in one transaction: what is answered as sent is on the disk, what is refused
  left nothing behind but its reason;
- several recipients are judged one by one; one that refuses does not hold up the others;
- the sender is the caller, never a claim;
- what is for other machines is put into the outbox in the same transaction; nothing here reaches for the network.
"""

from __future__ import annotations

import os

from telex import limits
from telex.bus import waking
from telex.bus.flow_control import judge
from telex.bus.identity import Caller
from telex.bus.recipient import Recipient, Wanted
from telex.bus.recipients import near, resolve
from telex.core import delivery, ids, message, names
from telex.core.record import Record
from telex.db import settings
from telex.db.connection import Store, fault
from telex.errors import KeyConflict, StoreFault
from telex.fs import bells, bodies, processes
from telex.mail import addresses, messages, nudges, retention


class Outgoing(Record):
    """What a caller wants sent, already checked for form."""

    to: list[names.Target]
    body: str
    kind: str = "note"
    data: str = ""
    reply_to: int = 0
    thread: int = 0
    topic: str = ""
    ttl_ms: int = 0
    deadline_ms: int = 0
    key: str = ""
    strict: bool = False
    quiet: bool = False
    or_person: bool = False  # what is to all goes to the person while no session is here
    team: bool = False  # what is to all goes to the whole team
    keep: bool = False  # what is to a channel where nobody else is waits there, also where the caller is no member
    most_waiting: int = 0  # stands in for the setting where it is less; 0 does not
    per_minute: int = 0


class Outcome(Record):
    """What became of a message at one recipient when it was sent."""

    name: str  # @api, or @api@alice-laptop
    state: str  # queued or refused
    presence: str  # busy, waiting for approval, idle, offline or nobody
    wakes: bool = False  # it needs no prompt to be shown this: it is at work, or this message wakes it
    note: str  # in words


class Sent(Record):
    """The answer to a send: it is stored."""

    id: str  # m42
    uuid: str
    to: str  # as it was addressed
    repeated: bool = False  # the key was known: this is the first answer again
    recipients: list[Outcome]


def send(db: Store, caller: Caller, out: Outgoing, now_ms: int) -> Sent:
    """Store one message for its recipients. Raises Refused, NotFound, StoreFault."""
    raw = out.body.encode()
    aside = len(raw) > limits.BODY_INLINE_BYTES
    digest = _keep_aside(db, raw) if aside else message.digest(raw)
    refused: list[Recipient] = []
    leaves = False
    close = near(db, caller, out.to, out.strict, now_ms)
    with db.write():
        rules = settings.load(db)
        earlier = _earlier(db, caller, out, digest)
        if earlier:
            known = messages.deliveries(db, earlier.n)
            found = [(addresses.address(db, one.recipient), one.via, one.state, one.reason) for one in known]
            return _answer(db, earlier, found, close, now_ms, repeated=True)
        parent = messages.get(db, out.reply_to) if out.reply_to else None
        linked = addresses.linked(db)
        if out.team:
            _check_team(db)
        wanted = Wanted(to=out.to, strict=out.strict, or_person=out.or_person, team=out.team, keep=out.keep, near=close)
        recipients = resolve(db, caller, wanted, linked, now_ms)
        new = _compose(db, caller, out, parent, digest, len(raw), now_ms)
        judge(db, caller, new, recipients, parent, rules, now_ms, out.most_waiting, out.per_minute)
        refused = [one for one in recipients if one.refusal]
        if len(refused) < len(recipients) or not recipients:
            new.n = messages.add(db, new)
            for one in recipients:
                _deliver(db, new, one)
            leaves = (out.team or any(one.machine for one in recipients)) and _leave(db, new, out.team, recipients)
            _after(db, caller, new, parent, recipients, now_ms)
        retention.sweep(db, now_ms, rules.keep_days)
        standing = [_standing(one) for one in sorted(recipients, key=lambda one: one.place.id)]
        sent = _answer(db, new, standing, close, now_ms)
    if refused and not new.n:
        assert refused[0].refusal is not None
        raise refused[0].refusal
    for due, step in (
        (new.n % limits.INDEX_MESSAGES == 0, _index),
        (True, lambda db: _call(db, new, recipients)),
        (leaves, _start_link),
    ):
        try:
            if due:
                step(db)
        except (StoreFault, OSError, ImportError):
            continue  # the message is stored: what only hastens it must not be told as a failure of the send
    return sent


def _index(db: Store) -> None:
    from telex.db import search_index

    search_index.refresh(db)


def _start_link(db: Store) -> None:
    from telex.team import link_process

    link_process.ensure(db)


def _check_team(db: Store) -> None:
    from telex.bus import routing

    routing.check_team(db)


def _leave(db: Store, new: messages.Message, everyone: bool, recipients: list[Recipient]) -> bool:
    from telex.bus import routing

    return routing.leave(db, new, everyone, recipients)


def _call(db: Store, new: messages.Message, recipients: list[Recipient]) -> None:
    """Have idle clients called that watch no bell: the message is on the disk, and they are looked at again there."""
    woken = []
    for one in recipients:
        wakes = message.wakes(new.kind, one.via, bool(new.quiet), one.place.wake)
        if wakes and not one.refusal and (session := addresses.session(db, one.place.session)):
            woken.append(session)
    nudges.start(db, woken)


def _keep_aside(db: Store, raw: bytes) -> bytes:
    try:
        return bodies.keep(db.home, raw)
    except OSError as problem:
        raise fault(db.home, problem) from None


def _earlier(db: Store, caller: Caller, out: Outgoing, digest: bytes) -> messages.Message | None:
    """The message that this key already stands for."""
    if not out.key:
        return None
    number = db.value("mail.by_key", caller.address.id, out.key)
    found = messages.get(db, number) if number else None
    if found is None:
        return None
    wanted = (digest, _addressed(out), out.kind, out.data, out.reply_to, out.topic)
    if wanted != (found.digest, found.addressed, found.kind, found.data, found.reply_to, found.topic):
        raise KeyConflict(key=out.key, id=message.short_id(found.n))
    return found


def _addressed(out: Outgoing) -> str:
    return ",".join(target.written() for target in out.to)


def _compose(
    db: Store,
    caller: Caller,
    out: Outgoing,
    parent: messages.Message | None,
    digest: bytes,
    size: int,
    now_ms: int,
) -> messages.Message:
    """The message as it will be stored; its hops are judged later."""
    aside = size > limits.BODY_INLINE_BYTES
    thread = (parent.thread or parent.n) if parent else out.thread
    return messages.Message(
        uuid=ids.uuid7(now_ms, os.urandom(10)),
        sender=caller.address.id,
        sender_name=caller.address.name,
        sender_kind=caller.address.kind,
        client=caller.client,
        place=addresses.in_utf8(caller.directory),
        addressed=_addressed(out),
        kind=out.kind,
        body=out.body[: limits.BODY_HEAD_CHARS] if aside else out.body,
        size=size,
        aside=int(aside),
        digest=digest,
        data=out.data,
        thread=thread,
        topic=out.topic or (parent.topic if parent else ""),
        reply_to=out.reply_to,
        quiet=int(out.quiet),
        created_ms=now_ms,
        expires_ms=now_ms + out.ttl_ms if out.ttl_ms else 0,
        deadline_ms=now_ms + out.deadline_ms if out.kind in message.OWES_REPLY else 0,
        key=out.key,
    )


def _deliver(db: Store, new: messages.Message, one: Recipient) -> None:
    if one.refusal:
        values = (
            new.n,
            one.place.id,
            one.via,
            delivery.REFUSED,
            0,
            new.created_ms,
            new.created_ms,
            one.refusal.message,
        )
        db.run("mail.add_delivery", *values)
    else:
        messages.deliver(db, new.n, new, one.place, one.via, delivery.WAITS if one.machine else "")


def _after(
    db: Store,
    caller: Caller,
    new: messages.Message,
    parent: messages.Message | None,
    recipients: list[Recipient],
    now_ms: int,
) -> None:
    """What a send settles: an answered request, a person's word, the mark of who waits for a reply."""
    if caller.address.kind == "person":
        for one in recipients:
            db.run("people.spoken", now_ms, one.place.id, now_ms)
    if new.deadline_ms and caller.address.bell:
        bells.mark_owed(db.home, caller.address.bell, True)
    if parent is None or new.kind == "ack":
        return
    if messages.settle_answered(db, parent.n, new.n, caller.address.id, now_ms):
        messages.settle_bell(db, caller.address.id)


def _standing(one: Recipient) -> tuple[addresses.Address, str, str, str]:
    """Who, how it was addressed, the state of the delivery, and why."""
    if one.refusal:
        return one.place, one.via, delivery.REFUSED, one.refusal.message
    return one.place, one.via, delivery.QUEUED, delivery.WAITS if one.machine else ""


def _answer(
    db: Store,
    new: messages.Message,
    found: list[tuple[addresses.Address, str, str, str]],
    close: dict[str, str],
    now_ms: int,
    repeated: bool = False,
) -> Sent:
    return Sent(
        id=message.short_id(new.n),
        uuid=ids.written(new.uuid),
        to=new.addressed,
        repeated=repeated,
        recipients=[_outcome(db, new, *one, close, now_ms) for one in found],
    )


def _outcome(
    db: Store,
    new: messages.Message,
    place: addresses.Address,
    via: str,
    stands: str,
    reason: str,
    close: dict[str, str],
    now_ms: int,
) -> Outcome:
    name = place.written
    if stands != delivery.QUEUED:
        from telex.core.text import visible  # a store of an older telex may hold what another machine wrote

        return Outcome(name=name, state=stands, presence="", note=visible(reason or stands))
    if place.elsewhere:
        from telex.bus import routing

        known, note = routing.told(db, place, reason, now_ms)
        if known == processes.IDLE and (why := waking.unwoken(new.kind, via, bool(new.quiet), place.wake)):
            note = f"{note}; {why}"
        return Outcome(name=name, state=stands, presence=known, note=note)
    if place.kind == "channel":
        return Outcome(name=name, state=stands, presence="nobody", note="nobody else is there; kept for those who come")
    if place.kind == "person":
        return Outcome(name=name, state=stands, presence="", note="in the person's inbox")
    if holder := addresses.holder(db, place):
        state, wakes, note = waking.standing(db, new, place, holder, via, now_ms)
        return Outcome(name=name, state=stands, presence=state, wakes=wakes, note=note)
    if place.session:
        return Outcome(name=name, state=stands, presence=processes.OFFLINE, note="offline; the mail waits")
    hint = f"; did you mean @{close[place.name]}?" if close.get(place.name) else ""
    return Outcome(
        name=name,
        state=stands,
        presence="nobody",
        note=f"nobody holds this name yet; the mail waits{hint}",
    )
