"""Sending: what is checked, what is stored, and what the sender is told.

Rules kept here:
- everything is judged and stored in one transaction: what is answered as sent is on the disk, what is refused
  left nothing behind but its reason;
- several recipients are judged one by one; one that refuses does not hold up the others;
- the sender is the caller, never a claim.
"""

from __future__ import annotations

import os

from telex import limits
from telex.bus.identity import Caller
from telex.config import Settings
from telex.core import delivery, flow, ids, message, names, text
from telex.core.record import Record
from telex.errors import (
    CoolingDown,
    InboxFull,
    KeyConflict,
    NameReserved,
    NoAnswerWanted,
    NobodyThere,
    Refused,
    Repeated,
    TooFast,
    TooManyHops,
)
from telex.store import bells, bodies, mail, notices, people, presence, settings, sweep
from telex.store.sqlite import Store, fault


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


class Outcome(Record):
    """What became of a message at one recipient when it was sent."""

    name: str  # @api
    state: str  # queued or refused
    presence: str  # busy, idle, offline or nobody
    note: str  # in words


class Sent(Record):
    """The answer to a send: it is stored."""

    id: str  # m42
    uuid: str
    to: str  # as it was addressed
    repeated: bool = False  # the key was known: this is the first answer again
    recipients: list[Outcome]


class _Recipient(Record):
    """One address that the message is for, and why it will not get it."""

    place: people.Address
    via: str
    refusal: Refused | None = None


def send(db: Store, caller: Caller, out: Outgoing, now_ms: int) -> Sent:
    """Store one message for its recipients. Raises Refused, NotFound, StoreFault."""
    raw = out.body.encode()
    aside = len(raw) > limits.BODY_INLINE_BYTES
    digest = _keep_aside(db, raw) if aside else message.digest(raw)
    refused: list[_Recipient] = []
    with db.write():
        rules = settings.load(db)
        earlier = _earlier(db, caller, out, digest)
        if earlier:
            return _answer(db, earlier, repeated=True)
        parent = mail.get(db, out.reply_to) if out.reply_to else None
        recipients = _resolve(db, caller, out, now_ms)
        new = _compose(db, caller, out, parent, digest, len(raw), now_ms)
        _judge(db, caller, new, recipients, parent, rules, now_ms)
        refused = [one for one in recipients if one.refusal]
        if len(refused) < len(recipients):
            new.n = mail.add(db, new)
            for one in recipients:
                _deliver(db, new, one)
            _after(db, caller, new, parent, recipients, now_ms)
        sweep.sweep(db, now_ms, rules.keep_days)
    if refused and not new.n:
        assert refused[0].refusal is not None
        raise refused[0].refusal
    return _answer(db, new)


def _keep_aside(db: Store, raw: bytes) -> bytes:
    try:
        return bodies.keep(db.home, raw)
    except OSError as problem:
        raise fault(db.home, problem) from None


def _earlier(db: Store, caller: Caller, out: Outgoing, digest: bytes) -> mail.Message | None:
    """The message that this key already stands for."""
    if not out.key:
        return None
    number = db.value("mail.by_key", caller.address.id, out.key)
    found = mail.get(db, number) if number else None
    if found is None:
        return None
    wanted = (digest, _addressed(out), out.kind, out.data, out.reply_to, out.topic)
    if wanted != (found.digest, found.addressed, found.kind, found.data, found.reply_to, found.topic):
        raise KeyConflict(key=out.key, id=message.short_id(found.n))
    return found


def _addressed(out: Outgoing) -> str:
    return ",".join(target.written() for target in out.to)


def _resolve(db: Store, caller: Caller, out: Outgoing, now_ms: int) -> list[_Recipient]:
    found: dict[int, _Recipient] = {}
    for target in out.to:
        if target.kind == "name":
            places = [(_named(db, caller, target.name, out.strict, now_ms), message.DIRECT)]
        else:
            via = message.CHANNEL if target.kind == "channel" else message.EVERYONE
            places = [(place, via) for place in _group(db, target) if place.id != caller.address.id]
            if not places:
                raise NobodyThere(
                    to=target.written(), advice="'telex who' lists who is here, 'telex channels' the channels"
                )
        for place, via in places:
            found.setdefault(place.id, _Recipient(place=place, via=via))
    return list(found.values())


def _named(db: Store, caller: Caller, name: str, strict: bool, now_ms: int) -> people.Address:
    if name == "me":
        return caller.address
    if name in names.RESERVED:
        raise NameReserved(name=name)
    place = people.address_named(db, name, now_ms)
    if strict and (place is None or (place.kind == "session" and people.holder(db, place) is None)):
        near = names.nearest(name, [other for other in _held(db) if other != name])
        advice = f"did you mean @{near}?" if near else "'telex who' lists who is here"
        raise NobodyThere(to=f"@{name}", advice=advice)
    return place or people.awaited(db, name, now_ms)


def _group(db: Store, target: names.Target) -> list[people.Address]:
    """The members of a channel that are here, or that joined it on purpose; or everybody who is here."""
    living = {place.id: place for _, place in people.living(db)}
    if target.kind == "all":
        return list(living.values())
    channel = people.channel(db, target.name)
    if channel is None:
        return []
    found = []
    for row in db.rows("people.members", channel.id):
        place = people.Address(**dict(zip(people.Address.fields(), row[:6], strict=True)))
        if row[6] or place.id in living:
            found.append(place)
    return found


def _held(db: Store) -> list[str]:
    return [place.name for _, place in people.living(db)] + [people.user_name()]


def _compose(
    db: Store,
    caller: Caller,
    out: Outgoing,
    parent: mail.Message | None,
    digest: bytes,
    size: int,
    now_ms: int,
) -> mail.Message:
    """The message as it will be stored; its hops are judged later."""
    aside = size > limits.BODY_INLINE_BYTES
    thread = (parent.thread or parent.n) if parent else out.thread
    return mail.Message(
        uuid=ids.uuid7(now_ms, os.urandom(10)),
        sender=caller.address.id,
        sender_name=caller.address.name,
        sender_kind=caller.address.kind,
        client=caller.client,
        place=people.in_utf8(caller.directory),
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
        hops=0,
        auto=0,
        quiet=int(out.quiet),
        created_ms=now_ms,
        expires_ms=now_ms + out.ttl_ms if out.ttl_ms else 0,
        deadline_ms=now_ms + out.deadline_ms if out.kind in message.OWES_REPLY else 0,
        key=out.key,
    )


def _judge(
    db: Store,
    caller: Caller,
    new: mail.Message,
    recipients: list[_Recipient],
    parent: mail.Message | None,
    rules: Settings,
    now_ms: int,
) -> None:
    """Apply every limit: those of the whole message raise, those of one recipient are noted with it."""
    if parent:
        check_answerable(parent)
    arrival, cause_ms, spoken, woken, bell, *cause = db.row("people.flow", caller.address.id) or ()
    arrival, wait_ms = flow.rate(arrival, now_ms, rules.sends_per_minute)
    if wait_ms:
        raise TooFast(limit=rules.sends_per_minute, seconds=-(-wait_ms // 1000))
    db.run("people.set_arrival", arrival, caller.address.id)
    _refuse_repeats(db, new, recipients, rules, now_ms)
    spoken = max(spoken, presence.Turns(db.home, bell).spoken_ms(woken))
    because = _cause(parent, cause, cause_ms, spoken, now_ms)
    if caller.address.kind == "session":
        new.hops = flow.hops(because, [one.place.id for one in recipients], new.addressed)
        if new.hops > rules.hops_most:
            raise TooManyHops(hops=new.hops, limit=rules.hops_most)
    for one in recipients:
        if one.refusal:
            continue
        if db.value("mail.waiting_over", one.place.id, rules.inbox_waiting - 1):
            one.refusal = InboxFull(to=f"@{one.place.name}", waiting=rules.inbox_waiting, limit=rules.inbox_waiting)
        elif caller.address.kind == one.place.kind == "session":
            answered = because.n if because and because.sender == one.place.id else 0
            one.refusal = _judge_pair(db, caller.address, one.place, answered, spoken, rules, now_ms)


def check_answerable(parent: mail.Message) -> None:
    """Raises NoAnswerWanted for what takes no reply."""
    if parent.auto or parent.kind in message.TAKES_NO_REPLY:
        what = "telex's own notice" if parent.auto else f"an {parent.kind}"
        raise NoAnswerWanted(id=message.short_id(parent.n), what=what)


def _refuse_repeats(db: Store, new: mail.Message, recipients: list[_Recipient], rules: Settings, now_ms: int) -> None:
    since = now_ms - rules.repeat_seconds * 1000
    for one in recipients:
        values = (one.place.id, new.sender, new.digest, new.kind, new.reply_to, new.data, since, now_ms)
        found = db.row("mail.repeat", *values)
        if found:
            seconds = max(0, now_ms - found[1]) // 1000
            one.refusal = Repeated(to=f"@{one.place.name}", seconds=seconds, id=message.short_id(found[0]))


def _cause(
    parent: mail.Message | None, cause: list[object], cause_ms: int, spoken_ms: int, now_ms: int
) -> flow.Cause | None:
    """What the sender answers, or what it was shown last and not long ago; nothing once a person has spoken."""
    if parent:
        return flow.Cause(n=parent.n, sender=parent.sender, addressed=parent.addressed, hops=parent.hops)
    recent = 0 <= now_ms - cause_ms <= limits.CAUSE_SECONDS * 1000
    if not recent or spoken_ms > cause_ms or cause[0] is None:
        return None
    n, sender, addressed, hops = cause
    return flow.Cause(n=n, sender=sender, addressed=addressed, hops=hops)  # type: ignore[arg-type]


def _judge_pair(
    db: Store,
    me: people.Address,
    other: people.Address,
    cause: int,
    spoken_ms: int,
    rules: Settings,
    now_ms: int,
) -> Refused | None:
    """Whether one of two agents may write to the other once more; the budget is kept either way."""
    first, second = sorted((me.id, other.id))
    row = db.row("mail.pair", first, second)
    if row is None and not cause:
        return None
    state = flow.Pair(**dict(zip(flow.Pair.fields(), row or (0, now_ms, 0, 0), strict=True)))
    theirs = db.row("people.flow", other.id) or (0,) * 5
    spoken_ms = max(spoken_ms, theirs[2], presence.Turns(db.home, theirs[4] or "-").spoken_ms(theirs[3]))
    window_ms, rest_ms = rules.pair_window_seconds * 1000, rules.pair_cooldown_seconds * 1000
    verdict = flow.pair(state, cause, now_ms, spoken_ms, rules.pair_replies, window_ms, rest_ms)
    kept = verdict.pair
    if kept != state or row is None:
        db.run("mail.set_pair", first, second, kept.count, kept.since_ms, kept.rest_until_ms, kept.cause)
    if verdict.allowed:
        return None
    until = text.when(kept.rest_until_ms)
    if verdict.rest_begins:
        persons = [row[0] for row in db.rows("people.persons")]
        notices.cooling(db, me.id, other.id, kept.count, until, persons, now_ms)
    minutes = rules.pair_window_seconds // 60
    return CoolingDown(me=f"@{me.name}", to=f"@{other.name}", count=kept.count, minutes=minutes, until=until)


def _deliver(db: Store, new: mail.Message, one: _Recipient) -> None:
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
        mail.deliver(db, new.n, new, one.place, one.via)


def _after(
    db: Store,
    caller: Caller,
    new: mail.Message,
    parent: mail.Message | None,
    recipients: list[_Recipient],
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
    mine = db.row("mail.delivery", parent.n, caller.address.id)
    if mine is None:
        return
    if mine[1] == message.DIRECT:
        db.run("mail.settle", parent.n, caller.address.id)
    else:  # one reply is enough for a request to many
        db.run("mail.drop_owed", parent.n)
    if mine[0] in delivery.UNREAD:
        mail.move(db, parent.n, caller.address.id, delivery.READ, f"answered by {message.short_id(new.n)}", now_ms)
    mail.settle_bell(db, caller.address.id)


def _answer(db: Store, new: mail.Message, repeated: bool = False) -> Sent:
    outcomes = [_outcome(db, found) for found in mail.deliveries(db, new.n)]
    return Sent(
        id=message.short_id(new.n),
        uuid=ids.written(new.uuid),
        to=new.addressed,
        repeated=repeated,
        recipients=outcomes,
    )


def _outcome(db: Store, found: mail.Delivery) -> Outcome:
    place = people.address(db, found.recipient)
    holder = people.holder(db, place)
    name = f"@{place.name}"
    if found.state != delivery.QUEUED:
        return Outcome(name=name, state=found.state, presence="", note=found.reason or found.state)
    if place.kind == "person":
        return Outcome(name=name, state=found.state, presence="", note="in the person's inbox")
    if holder:
        busy = presence.Turns(db.home, place.bell).busy
        state = presence.BUSY if busy else presence.IDLE
        return Outcome(name=name, state=found.state, presence=state, note=state)
    if place.session:
        return Outcome(name=name, state=found.state, presence=presence.OFFLINE, note="offline; the mail waits")
    near = names.nearest(place.name, [other for other in _held(db) if other != place.name])
    hint = f"; did you mean @{near}?" if near else ""
    return Outcome(
        name=name,
        state=found.state,
        presence="nobody",
        note=f"nobody holds this name yet; the mail waits{hint}",
    )
