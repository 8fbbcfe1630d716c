"""What leaves this machine for others of the team, in order, until the relay has it and for a while after.

Rules kept here:
- a row is written in the transaction of the send, under the next number of this machine's origin; numbers have no gap;
- a letter is made from the message when it is fetched, so that a body lies here once; where the message was removed
  meanwhile, the item goes without one, because its number must not be missing;
- a delivery says where it is, and goes back to saying that it waits here where the relay went back;
- under a new origin everything that is kept is numbered anew, in the same order, and offered again: who had it
  already knows it by its id.
"""

from __future__ import annotations

import os

from telex import limits
from telex.core import delivery, ids, message, names, sync
from telex.core.letter import Letter, Parcel, Receipt
from telex.core.record import Record
from telex.db.connection import Store
from telex.errors import reasons
from telex.fs import bells
from telex.mail import gaps, messages, notices
from telex.team import link_state

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

ORIGIN_BYTES = 16
_DAY_MS = 86_400_000


class Route(Record):
    """For which machines an item is, and whom there. Machines are ids."""

    everyone: bool = False
    channels: list[str]
    to: dict[str, list[str]]  # every machine that it is for, with the names there that were written
    members: dict[str, list[str]]  # those of channels and `everyone`
    without: dict[str, list[str]]  # those that a limit keeps it from


def put(db: Store, number: int, uuid: bytes, route: Route, now_ms: int) -> None:
    """A message is for other machines too. Inside the write of its send."""
    _add(db, uuid, number, route, "", now_ms)


def put_receipts(db: Store, machine: str, receipts: list[Receipt], now_ms: int) -> None:
    """What became of letters of one machine. Inside a write."""
    import json  # the link's process alone comes here: a send does without, because loading it costs 6 ms

    route = Route(channels=[], to={machine: []}, members={}, without={})
    uuid = ids.uuid7(now_ms, os.urandom(10))
    _add(db, uuid, 0, route, json.dumps([one.as_dict() for one in receipts]), now_ms)


def _add(db: Store, uuid: bytes, number: int, route: Route, receipts: str, now_ms: int) -> None:
    _settle_doubt(db, now_ms)
    linked = link_state.load(db)
    assert linked is not None
    oseq = linked.oseq + 1
    after = {machine: int(db.value("outbox.sent_to", machine) or 0) for machine in route.to}
    written = plain_json({**route.as_dict(), "after": after})
    db.run("outbox.add", oseq, uuid, number, written, receipts, now_ms)
    for machine in route.to:
        db.run("outbox.set_sent_to", machine, oseq)
    db.run("link.set_oseq", oseq)
    db.ring(link_state.BELL)


def plain_json(value: object) -> str:
    """JSON of ids, names, channels and numbers. Raises ValueError for a text that would have to be escaped."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{plain_json(key)}: {plain_json(one)}" for key, one in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(plain_json, value)) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if not isinstance(value, str) or not names.is_plain(value):
        raise ValueError(f"{value!r} is neither an id nor a name")
    return f'"{value}"'


def state(db: Store) -> sync.Outgoing:
    """How far it is, in a linked machine."""
    linked = link_state.load(db)
    assert linked is not None
    first = int(db.value("outbox.first") or linked.oseq + 1)
    return sync.Outgoing(epoch=linked.epoch, given=linked.oseq, at_relay=linked.at_relay, first=first)


def batch(db: Store, most: int = limits.SYNC_ITEMS) -> list[Parcel]:
    """The next items that the relay does not have."""
    linked = link_state.load(db)
    if linked is None:
        return []
    return [_parcel(db, linked, row) for row in list(db.rows("outbox.after", linked.at_relay, most))]


def waiting(db: Store) -> int:
    """How many items the relay does not have."""
    return int(db.value("outbox.count_waiting"))


def offered(
    db: Store, origin: str, now: sync.Offered, refused: list[tuple[int, str]], now_ms: int, relay_ms: int
) -> None:
    """The relay has said how far it is, and which items it does not take (number, code of errors.reasons). One write.

    What it said of another origin than the present one counts for nothing: another process may have begun a new one.
    How long the relay has had an item is counted by its own clock, `relay_ms`: one here that jumps forgets nothing.
    """
    with db.write():
        linked = link_state.load(db)
        if linked is None or linked.origin != origin:
            return
        if now.renew:
            _renew(db, now_ms)
        else:
            _move(db, now.at_relay, now_ms, relay_ms)
            for oseq, code in refused:
                _refuse(db, oseq, code, now_ms)
            _forget_old(db, now.at_relay, relay_ms)
        link_state.reached(db, now_ms)
        settle_bell(db)


def _move(db: Store, at_relay: int, now_ms: int, relay_ms: int) -> None:
    for (number,) in list(db.rows("outbox.newly_sent", at_relay)):
        db.run("outbox.say_where", delivery.AT_RELAY, now_ms, number, delivery.WAITS)
    db.run("outbox.set_sent", relay_ms, at_relay)
    went_back(db, at_relay, now_ms)


def went_back(db: Store, at_relay: int, now_ms: int) -> None:
    """The relay has everything up to a number, which may be less than it once had. Inside a write."""
    for (number,) in list(db.rows("outbox.sent_beyond", at_relay)):
        db.run("outbox.say_where", delivery.WAITS, now_ms, number, delivery.AT_RELAY)
    db.run("outbox.unset_sent", at_relay)
    db.run("link.set_at_relay", at_relay)


def _refuse(db: Store, oseq: int, code: str, now_ms: int) -> None:
    """The relay will not carry this one: its senders are told, and it holds up no other."""
    row = db.row("outbox.one", oseq)
    if row is None or row[6]:
        return
    db.run("outbox.set_refused", code, oseq)
    why = reasons.of_relay(code)
    if not row[2]:
        return
    for number, recipient in list(db.rows("outbox.open_deliveries", row[2], delivery.AT_RELAY, delivery.WAITS)):
        messages.move(db, number, recipient, delivery.REFUSED, f"not sent: {why}", now_ms)
        notices.undelivered(db, number, recipient, f"it was not sent: {why}", now_ms)


def _forget_old(db: Store, at_relay: int, relay_ms: int) -> None:
    """Drop the oldest of what the relay has had for longer than any of its backups is old."""
    before_ms = relay_ms - limits.OUTBOX_KEEP_DAYS * _DAY_MS
    db.run("outbox.forget", at_relay, before_ms, limits.SWEEP_ROWS)


def renew(db: Store, now_ms: int) -> None:
    """Begin a new origin: the store was put back or copied, and its numbers may be used already. Inside a write."""
    if link_state.load(db) is not None:
        _renew(db, now_ms)
        settle_bell(db)


def begin_anew_if_unsure(db: Store, now_ms: int) -> None:
    """Messages were found to be lost, so numbers of the outbox may be too: begin a new origin. One write, if any."""
    if _is_unsure(db):
        with db.write():
            _settle_doubt(db, now_ms)


def _is_unsure(db: Store) -> bool:
    return bool(db.value("store.setting", gaps.OUTBOX_UNSURE))


def _settle_doubt(db: Store, now_ms: int) -> None:
    if _is_unsure(db):
        db.run("settings.unset", gaps.OUTBOX_UNSURE)
        renew(db, now_ms)


def _renew(db: Store, now_ms: int) -> None:
    import json

    went_back(db, 0, now_ms)
    rows = list(db.rows("outbox.all"))
    db.run("link.clear_outbox")
    db.run("link.clear_sent_to")
    last: dict[str, int] = {}
    for number, row in enumerate(rows, 1):
        _, uuid, message_number, written, receipts, at_ms, refused = row
        route = json.loads(written)
        route["after"] = {machine: last.get(machine, 0) for machine in route["to"]}
        last.update(dict.fromkeys(route["to"], number))
        db.run("outbox.add", number, uuid, message_number, json.dumps(route), receipts, at_ms)
        if refused:
            db.run("outbox.set_refused", refused, number)
    for machine, number in last.items():
        db.run("outbox.set_sent_to", machine, number)
    db.run("link.set_origin", os.urandom(ORIGIN_BYTES).hex())
    db.run("link.set_oseq", len(rows))


def settle_bell(db: Store) -> None:
    """Make the link's bell ring if and only if something is to be sent or told after the commit. Inside a write."""
    if db.value("outbox.any_waiting"):
        db.ring(link_state.BELL)
    else:
        db.after_commit(_silence, db)


def _silence(db: Store) -> None:
    if not db.value("outbox.any_waiting"):
        bells.silence(db.home, link_state.BELL)


def _parcel(db: Store, linked: link_state.Link, row: tuple[Any, ...]) -> Parcel:
    import json

    oseq, uuid, number, written, receipts, _, refused = row
    route = json.loads(written)
    found = messages.get(db, number) if number and not refused and _wanted(db, number, route) else None
    told = [_receipt(one) for one in json.loads(receipts)] if receipts else []
    return Parcel(
        oseq=oseq,
        uuid=uuid,
        machines=list(route["to"]),
        everyone=route["everyone"],
        after=route["after"],
        letter=_letter(db, linked, found, route) if found and found.sound() else None,
        receipts=told,
    )


def _receipt(stored: dict[str, Any]) -> Receipt:
    """A receipt as it was put here; one of an older telex has words in place of codes, which do not leave."""
    known = {name: stored[name] for name in Receipt.fields() if name in stored}
    if "reason" in stored:
        known["unanswered"] = reasons.IDLE if stored.get("unanswered") else ""
    return Receipt(**known)


def _wanted(db: Store, number: int, route: dict[str, Any]) -> bool:
    """Whether any machine may still be without this message. What ran out of time here is not sent any more."""
    named = any(map(len, (*route["to"].values(), *route["members"].values())))
    return not named or bool(db.value("outbox.any_on_its_way", number, delivery.WAITS, delivery.AT_RELAY))


def _letter(db: Store, linked: link_state.Link, found: messages.Message, route: dict[str, Any]) -> Letter:
    return Letter(
        sender=found.sender_name,
        sender_kind=found.sender_kind,
        client=found.client,
        place=found.place,
        addressed=_addressed(db, linked, found),
        to={machine: some for machine, some in route["to"].items() if some},
        channels=route["channels"],
        everyone=route["everyone"],
        members=route["members"] if sum(map(len, route["members"].values())) <= limits.ROUTE_NAMES else {},
        without=route["without"],
        kind=found.kind,
        body=found.body,
        size=found.size,
        digest=found.digest if found.aside else b"",
        data=found.data,
        thread=_uuid(db, found.thread),
        topic=found.topic,
        reply_to=_uuid(db, found.reply_to),
        hops=found.hops,
        auto=bool(found.auto),
        quiet=bool(found.quiet),
        created_ms=found.created_ms,
        expires_ms=found.expires_ms,
        deadline_ms=found.deadline_ms,
    )


def _addressed(db: Store, linked: link_state.Link, found: messages.Message) -> str:
    """As it was written, with the machine behind every name: a name alone means another one at another machine."""
    elsewhere = {}
    for one in messages.deliveries(db, found.n):
        name, machine = names.split(one.name)
        if machine and one.via == message.DIRECT:
            elsewhere[name] = machine
    words = []
    for word in found.addressed.split(","):
        name = word.removeprefix("@")
        bare = word.startswith("@") and "@" not in name
        words.append(f"@{names.at_machine(name, elsewhere.get(name, linked.machine_name))}" if bare else word)
    return ",".join(words)


def _uuid(db: Store, number: int) -> str:
    found = db.value("mail.uuid_of", number) if number else None
    return ids.written(found) if found else ""
