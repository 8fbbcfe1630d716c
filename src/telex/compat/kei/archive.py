"""kei's messages.jsonl and cursors, in and out, by way of telex's own export lines.

Rules kept here:
- A line that is no record is left out and reported by its number; every other one is taken.
- The same record always gets the same UUID, so that nothing is taken twice.
- What its reader has seen is history, the rest is queued for it (`_Cursors` says who has seen what). Where that
  cannot be known, a message rather comes a second time than not at all, and nothing comes that is older than a week.
- A record goes out with the id that it came with. A new one counts on from its time; ids only rise, in the order in
  which the messages were stored, whatever the clock did.
"""

from __future__ import annotations

import json
import os
import time

from telex import limits
from telex.bus.message_view import DAMAGED
from telex.compat.kei.lines import ALL
from telex.core import delivery, ids, message, names, text
from telex.core.record import Record
from telex.errors import TelexError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

CLIENT = "kei"  # marks what was imported: no session has this client

_KEY = "kei:"  # in front of a record's own id, kept as the message's key
_CURSOR = ".cursor-"
_ID_DIGITS = 16  # ten of seconds, six of their fraction
_DAY_MS, _HOUR_MS = 86_400_000, 3_600_000


class Kept(Record):
    """One record of kei's. Its id is 0 where it has none."""

    id: int
    at_ms: int
    sender: str
    to: str
    body: str

    @property
    def place(self) -> int:
        """Where it stands among the ids that cursors hold."""
        return self.id or self.at_ms * 1000


class Read(Record):
    """What a file holds: lines of telex's export, and the lines of the file that are no record."""

    lines: list[str]
    known: int  # records that this store gave out itself
    broken: list[tuple[int, str]]  # line number, what is wrong with it


def looks_like(line: Any) -> bool:
    """Whether a line's value can only be a record of kei's."""
    return isinstance(line, dict) and "telex" not in line and "body" in line and ("to" in line or "from" in line)


def cursors_beside(path: str) -> dict[str, int]:
    """The cursors beside a messages.jsonl, by session id or name; one that holds no number says nothing.

    Raises OSError.
    """
    directory = os.path.dirname(os.path.abspath(path))
    found = {}
    for entry in os.listdir(directory):
        if not entry.startswith(_CURSOR):
            continue
        try:
            with open(f"{directory}/{entry}", encoding="ascii") as file:
                found[entry.removeprefix(_CURSOR)] = int(file.read(limits.KEI_NAME_BYTES))
        except (OSError, ValueError):
            continue
    return found


def read(raw: bytes, cursors: dict[str, int], exported: Iterable[str], now_ms: int) -> Read:
    """The records of a messages.jsonl as lines of telex's export. `exported` is what this store exports itself:
    its own records carry no UUID, and must not come in as somebody else's."""
    own = {message.digest(line.encode()) for line in written(exported)}
    kept: list[Kept] = []
    broken: list[tuple[int, str]] = []
    known = 0
    for number, line in enumerate(raw.split(b"\n"), 1):
        if not line.strip():
            continue
        if message.digest(line) in own:
            known += 1
            continue
        try:
            kept.append(_parsed(json.loads(line.decode("utf-8"))))
        except (ValueError, TypeError, RecursionError, TelexError) as problem:
            broken.append((number, _why(problem)))
    seen = _Cursors(cursors, kept, now_ms)
    lines = [json.dumps(_telex_record(one, seen.waits_for(one))) for one in kept]
    return Read(lines=lines, known=known, broken=broken)


def _why(problem: Exception) -> str:
    if isinstance(problem, UnicodeDecodeError):
        return "it is not UTF-8"
    return "it is not JSON" if isinstance(problem, (json.JSONDecodeError, RecursionError)) else str(problem)


def _parsed(found: Any) -> Kept:
    """Raises ValueError, TelexError for what is no record."""
    if not isinstance(found, dict):
        raise ValueError("it is not an object")
    sender, to, body = (_text(found, name) for name in ("from", "to", "body"))
    for name, word in (("from", sender), ("to", to)):
        if not 0 < len(word.encode()) <= limits.KEI_NAME_BYTES or "\0" in word:
            raise ValueError(f"'{name}' is not a name")
    number = found.get("id")
    if type(number) is not int or len(str(number)) != _ID_DIGITS or number < 0:
        number = 0
    at_ms = number // 1000 or _moment(found.get("ts"))
    return Kept(id=number, at_ms=at_ms, sender=sender, to=to, body=message.body_text(body))


def _text(found: dict[str, Any], name: str) -> str:
    value = found.get(name)
    if not isinstance(value, str):
        raise ValueError(f"it has no '{name}'")
    value.encode()
    return value


def _moment(ts: Any) -> int:
    """Milliseconds since 1970."""
    from datetime import datetime

    try:
        return max(0, int(datetime.fromisoformat(ts).timestamp() * 1000))
    except (TypeError, ValueError, OverflowError):
        raise ValueError("it has neither an id nor a time") from None


class _Cursors:
    """Who has seen what.

    A cursor holds the highest id at a session's last prompt, and names a session, or a directory where the client
    gave no session. What the session's directory was, kei did not write down. So a name is taken to have seen what
    its own cursor has passed; without one, what every session that was alive lately has passed; where none was, what
    any session has passed; and without any cursor, what is older than a day.
    """

    def __init__(self, cursors: dict[str, int], kept: list[Kept], now_ms: int) -> None:
        known = {name for one in kept for name in (one.sender, one.to)}
        self._own = {name: at for name, at in cursors.items() if name in known}
        live_from = (now_ms - limits.KEI_LIVE_HOURS * _HOUR_MS) * 1000
        sessions = [at for name, at in cursors.items() if name not in known]
        live = [at for at in sessions if at >= live_from]
        self._others = min(live, default=max(sessions, default=live_from))
        self._from_ms = now_ms - limits.KEI_FRESH_DAYS * _DAY_MS
        fresh = [one for one in kept if one.at_ms >= self._from_ms]
        self._names = sorted({name for one in fresh for name in (one.sender, one.to)} - {ALL})

    def waits_for(self, one: Kept) -> list[str]:
        """The names that have not seen a record; of one to all, those that were heard of in the last week."""
        if one.at_ms < self._from_ms:
            return []
        readers = [name for name in self._names if name != one.sender] if one.to == ALL else [one.to]
        return [name for name in readers if one.place > self._own.get(name, self._others)]


def _telex_record(one: Kept, waits_for: list[str]) -> dict[str, Any]:
    """A record as telex exports a message: to the channel of a directory, held at the address of that name."""
    to = names.slug(one.to)
    readers = dict.fromkeys(map(names.slug, waits_for), delivery.QUEUED)
    if one.to != ALL:
        readers.setdefault(to, delivery.READ)
    written = json.dumps([one.id, one.at_ms, one.sender, one.to, one.body]).encode()
    return {
        "telex": 1,
        "uuid": ids.written(ids.uuid7(one.at_ms, message.digest(written))),
        "sender": names.slug(one.sender),
        "sender_kind": "session",
        "client": CLIENT,
        "place": one.sender,
        "to": ALL if one.to == ALL else f"#{to}",
        "kind": "note",
        "body": one.body,
        "data": "" if one.to in (to, ALL) else json.dumps({"kei_to": one.to}),
        "thread": "",
        "topic": "",
        "reply_to": "",
        "hops": 0,
        "auto": 0,
        "quiet": 0,
        "created_ms": one.at_ms,
        "expires_ms": 0,
        "deadline_ms": 0,
        "key": f"{_KEY}{one.id}" if one.id else "",
        "sound": True,
        "deliveries": [_delivery(one, name, state) for name, state in readers.items()],
    }


def _delivery(one: Kept, name: str, state: str) -> dict[str, Any]:
    seen_ms = one.at_ms if state == delivery.READ else 0
    return {
        "name": name,
        "kind": "session",
        "state": state,
        "via": message.EVERYONE if one.to == ALL else message.CHANNEL,
        "reason": "kei's history" if seen_ms else "",
        "changed_ms": one.at_ms,
        "shown_ms": seen_ms,
        "read_ms": seen_ms,
        "closed_ms": 0,
    }


# --- out ---


def written(exported: Iterable[str]) -> Iterator[str]:
    """kei's records of telex's own export: one for each name that a message was addressed to, ids rising."""
    found = [one for line in exported for one in _kei_records(json.loads(line))]
    used: set[int] = set()
    for one in found:
        if one["id"] in used:
            one["id"] = 0
        elif one["id"]:
            used.add(one["id"])
    last = 0
    for one in found:
        if not one["id"]:
            last = max(one["at_ms"] * 1000, last + 1)
            while last in used:
                last += 1
            used.add(last)
            one["id"] = last
    found.sort(key=lambda one: int(one["id"]))
    for one in found:
        shape = {name: one[name] for name in ("id", "ts", "from", "to", "body")}
        yield text.escaped(json.dumps(shape, ensure_ascii=False, separators=(",", ":")))


def _kei_records(found: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The records of one message; the id is 0 where it has none of kei's own."""
    imported = found["client"] == CLIENT and found["sound"]
    own = found["key"].removeprefix(_KEY) if imported else ""
    sender, targets = found["sender"], list(dict.fromkeys(part.lstrip("@#") for part in found["to"].split(",")))
    if imported:
        sender = found["place"] or sender
        if found["data"]:
            targets = [str(json.loads(found["data"]).get("kei_to", targets[0]))]
    for to in targets:
        yield {
            "id": int(own) if own.isascii() and own.isdigit() else 0,
            "at_ms": found["created_ms"],
            "ts": _written_moment(found["created_ms"]),
            "from": sender,
            "to": to,
            "body": found["body"] if found["sound"] else DAMAGED,
        }


def _written_moment(at_ms: int) -> str:
    try:
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at_ms // 1000))
    except (OverflowError, ValueError, OSError):
        return "9999-12-31T23:59:59Z"
