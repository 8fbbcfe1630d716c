"""Export, import and purge: mail as lines of JSON, out and in; and deleting that really deletes.

Rules kept here: an export holds everything a message means and what became of it; an import takes all of a file
or nothing of it, and a message that is already here (by its UUID) is left as it is; one that was damaged where it was
exported stays so; a purge removes bodies beside the store, the search index's words and the freed pages too.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from telex import limits
from telex.bus.message_view import DAMAGED
from telex.core import delivery, ids, message, names, text
from telex.db.connection import Store, fault
from telex.errors import ImportInvalid, StoreFull, TelexError
from telex.fs import bodies, reserve
from telex.mail import addresses, messages, retention

_TEXTS = ("sender", "sender_kind", "client", "place", "to", "kind", "body", "data", "topic", "key")
_SIGNED = ("signed_ms", "arrived_ms")  # older exports have neither
_NUMBERS = ("hops", "auto", "quiet", "created_ms", "expires_ms", "deadline_ms", *_SIGNED)
_NUMBER_END = 1 << 63
_TIMES = ("changed_ms", "shown_ms", "read_ms", "closed_ms")


def export(db: Store) -> Iterator[str]:
    """Every message as one line of JSON, oldest first."""
    for (number,) in list(db.rows("history.all_numbers")):
        found = messages.get(db, number)
        if found is not None:
            yield text.escaped(json.dumps(_record(db, found), ensure_ascii=False))


def _record(db: Store, found: messages.Message) -> dict[str, Any]:
    thread = messages.get(db, found.thread) if found.thread else None
    parent = messages.get(db, found.reply_to) if found.reply_to else None
    body = messages.whole_body(db, found)
    return {
        "telex": 1,
        "uuid": ids.written(found.uuid),
        "sender": found.sender_name,
        "sender_kind": found.sender_kind,
        "client": found.client if found.speaker()[2] else "",
        "place": found.place,
        "to": found.addressed,
        "kind": found.kind,
        "body": found.body if body is None else body,
        "data": found.data,
        "thread": ids.written(thread.uuid) if thread else "",
        "topic": found.topic,
        "reply_to": ids.written(parent.uuid) if parent else "",
        "hops": found.hops,
        "auto": found.auto,
        "quiet": found.quiet,
        "created_ms": found.created_ms,
        "expires_ms": found.expires_ms,
        "deadline_ms": found.deadline_ms,
        "signed_ms": found.signed_ms,
        "arrived_ms": found.arrived_ms,
        "key": found.key,
        "sound": found.sound() and body is not None,
        "deliveries": [_delivery(one) for one in messages.deliveries(db, found.n)],
    }


def _delivery(one: messages.Delivery) -> dict[str, Any]:
    fields = {
        "name": one.name,
        "kind": one.recipient_kind,
        "state": one.state,
        "via": one.via,
        "reason": one.reason,
    }
    return fields | {name: getattr(one, name) for name in _TIMES}


def take_in(db: Store, lines: Iterable[str], now_ms: int, *, queued: bool = True) -> tuple[int, int]:
    """Import exported lines: (taken, already here). Raises ImportInvalid before anything is taken.

    Without `queued` what nobody had read is closed. What says that it is telex's or the person's always is, because a
    file can say anything and must not speak to an agent in their name; nor is it ever shown as theirs.

    A message that could not even be read where it was exported is neither.
    """
    parsed = [_parsed(number, line) for number, line in enumerate(lines, 1) if line.strip()]
    records = [one for one in parsed if one is not None]
    taken = 0
    with db.write():
        for record in records:
            uuid = bytes.fromhex(record["uuid"].replace("-", ""))
            if db.value("mail.by_uuid", uuid) is None:
                if not queued or record["sender_kind"] != "session":
                    _close(record)
                if record["sender_kind"] != "session":
                    record["client"] = message.IMPORTED
                _insert(db, record, uuid, now_ms)
                taken += 1
    return taken, len(records) - taken


def _parsed(number: int, line: str) -> dict[str, Any] | None:
    """One line's message; None for one that was damaged beyond reading."""
    damaged = False
    try:
        record = json.loads(line)
        if not isinstance(record, dict) or record.get("telex") != 1:
            raise ValueError('it has no "telex": 1')
        for name in _SIGNED:
            record.setdefault(name, 0)
        damaged = record.get("sound") is False
        if damaged:
            _mark_damaged(record)
        _check_fields(record)
        _check_meaning(record)
        _check_deliveries(record["deliveries"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, TelexError) as problem:
        if damaged:
            return None
        words = f"{problem} is missing" if isinstance(problem, KeyError) else str(problem)
        raise ImportInvalid(line=number, problem=words) from None
    return record


def _mark_damaged(record: dict[str, Any]) -> None:
    """What is in it is not what its sender sent: a new hash must not make it pass for that."""
    record["body"] = DAMAGED
    for one in record["deliveries"]:
        if one["state"] in delivery.UNREAD:
            one.update(state=delivery.DEAD, reason="damaged on disk", closed_ms=one["changed_ms"])


def _close(record: dict[str, Any]) -> None:
    for one in record["deliveries"]:
        if one["state"] in delivery.UNREAD and one["state"] != delivery.SHOWN:
            one.update(state=delivery.EXPIRED, reason="imported as it was", closed_ms=one["changed_ms"])


def _check_fields(record: dict[str, Any]) -> None:
    """Every field is of its type and can be stored."""
    for name in (*_TEXTS, "uuid", "thread", "reply_to"):
        if not isinstance(record[name], str):
            raise ValueError(f"{name} is not text")
        record[name].encode()
        if "\0" in record[name]:
            raise ValueError(f"{name} holds NUL")
    for name in _NUMBERS:
        if type(record[name]) is not int or not 0 <= record[name] < _NUMBER_END:
            raise ValueError(f"{name} is not a whole number in range")
    for name in ("uuid", "thread", "reply_to"):
        given = record[name]
        if given or name == "uuid":
            found = ids.parse(given)
            if not isinstance(found, bytes) or ids.written(found) != given.lower():
                raise ValueError(f"{name} is not a UUID")


def _check_meaning(record: dict[str, Any]) -> None:
    """Every field says something that a message may say."""
    names.fold_address(record["sender"])
    if record["sender_kind"] not in ("session", "person", "system"):
        raise ValueError(f"sender_kind is {record['sender_kind']}")
    if record["kind"] == message.OBSERVED:
        _check_observed(record)
    else:
        names.parse_targets(record["to"])
        message.check_kind(record["kind"])
    message.body_text(record["body"])
    if len(record["key"]) > limits.KEY_CHARS:
        raise ValueError("key is too long")
    if record["data"]:
        fits = len(record["data"].encode()) <= limits.DATA_MOST_BYTES
        if not fits or not isinstance(json.loads(record["data"]), dict):
            raise ValueError(f"data is not a JSON object of at most {limits.DATA_MOST_BYTES} bytes")


def _check_observed(record: dict[str, Any]) -> None:
    """A note of what a client's own tool sent: its recipient is no name of telex, and nothing of it is delivered."""
    data = json.loads(record["data"])
    if not isinstance(data, dict) or not isinstance(data.get("success"), bool):
        raise ValueError("data of an observed message has no success")
    if not record["to"] or record["sender_kind"] != "session" or record["deliveries"]:
        raise ValueError("an observed message has no recipient, no session as its sender, or deliveries")
    record["to"] = text.preview(record["to"], limits.NAME_CHARS)
    record["data"] = text.escaped(json.dumps(data, ensure_ascii=False, separators=(",", ":")))
    record.update(auto=0, deadline_ms=0, expires_ms=0, reply_to="", thread="", topic="", key="")


def _check_deliveries(deliveries: list[dict[str, Any]]) -> None:
    if len({one["name"] for one in deliveries}) < len(deliveries):
        raise ValueError("two deliveries are to the same name")
    for one in deliveries:
        names.fold_address(one["name"])
        if one["state"] not in delivery.STATES or one["via"] not in ("direct", "channel", "all"):
            raise ValueError(f"a delivery is {one['state']} via {one['via']}")
        if one["kind"] not in ("session", "person", "system", "channel"):
            raise ValueError(f"a delivery is to a {one['kind']}")
        if not all(type(one[name]) is int and 0 <= one[name] < _NUMBER_END for name in _TIMES):
            raise ValueError("a delivery has a time that is not a whole number in range")
        one["reason"].encode()


def _insert(db: Store, record: dict[str, Any], uuid: bytes, now_ms: int) -> None:
    raw = record["body"].encode()
    aside = len(raw) > limits.BODY_INLINE_BYTES
    try:
        digest = bodies.keep(db.home, raw) if aside else message.digest(raw)
    except OSError as problem:
        raise fault(db.home, problem) from None
    sender = _place(db, record["sender"], record["sender_kind"], now_ms)
    new = messages.Message(
        uuid=uuid,
        sender=sender.id,
        sender_name=record["sender"],
        digest=digest,
        addressed=record["to"],
        body=record["body"][: limits.BODY_HEAD_CHARS] if aside else record["body"],
        size=len(raw),
        aside=int(aside),
        thread=_local(db, record["thread"]),
        reply_to=_local(db, record["reply_to"]),
        **{
            name: record[name] for name in ("sender_kind", "client", "place", "kind", "data", "topic", "key", *_NUMBERS)
        },
    )
    if new.key and db.value("mail.by_key", sender.id, new.key):
        new.key = ""
    number = messages.add(db, new)
    for one in record["deliveries"]:
        place = _place(db, one["name"], one["kind"], now_ms)
        if one["state"] == delivery.HANDED:
            one.update(state=delivery.QUEUED, reason="")  # the client that it was handed over to is not here
        if one["state"] == delivery.QUEUED and place.elsewhere:
            words = "on its way to another machine when it was exported"
            one.update(state=delivery.EXPIRED, reason=words, closed_ms=one["changed_ms"])
        values = (
            number,
            place.id,
            one["via"],
            one["state"],
            0,
            one["changed_ms"],
            one["closed_ms"],
            one["reason"],
        )
        db.run("mail.take_delivery", *values)
        db.run("mail.set_times", one["shown_ms"], one["read_ms"], number, place.id)
        if one["state"] == delivery.QUEUED and place.bell:
            db.ring(place.bell)


def _place(db: Store, name: str, kind: str, now_ms: int) -> addresses.Address:
    if kind == "system":
        return addresses.system(db, now_ms)
    if kind == "channel":
        return addresses.opened_channel(db, name, now_ms)
    return addresses.address_named(db, name, now_ms) or addresses.awaited(db, name, now_ms)


def _local(db: Store, written: str) -> int:
    return int(db.value("mail.by_uuid", ids.parse(written)) or 0) if written else 0


def purge(db: Store, *, before_ms: int, open_too: bool, address: int, now_ms: int) -> int:
    """Remove finished messages from before a time, of everybody or of one address; how many. With `open_too` also
    what nobody has read. Their bytes are gone from the store, its index and its sidecars afterwards; on a full disk
    the freed pages stay in the file until a later purge has room to write it anew."""
    numbers = [n for (n,) in db.rows("history.purgeable", before_ms, int(open_too), address)]
    try:
        _remove(db, numbers, now_ms)
    except StoreFull:  # deleting needs room too: that is what the reserve is for
        if not reserve.release(db.home):
            raise
        db.empty_log()
        _remove(db, numbers, now_ms)
    if numbers:
        try:
            db.compact()
        except StoreFull:
            db.empty_log()
    reserve.make(db.home)
    return len(numbers)


def _remove(db: Store, numbers: list[int], now_ms: int) -> None:
    for start in range(0, len(numbers), limits.INBOX_WAITING):
        with db.write():
            for number in numbers[start : start + limits.INBOX_WAITING]:
                waiting = [row[0] for row in db.rows("mail.open_deliveries", number)]
                retention.remove(db, number, now_ms)
                for recipient in waiting:
                    messages.settle_bell(db, recipient)
