"""How messages look in answers: framed or listed for the model, and as values.

Rules kept here:
- in a text, a body stands only inside telex's frame or as a preview on one line, so it cannot pose as a header, a
  second message or words of ours;
- some clients (Claude Code) put the value before the model and drop the text. So a value is safe by itself: a body in
  it is visible and defused, the frame's opening sentence stands beside it, and what says nothing is left out. Names
  of fields are those of `--json`, which has the exact body;
- one answer shows so much as clients pass on whole; what does not fit stays unread and is counted.
"""

from __future__ import annotations

import json
import os

from telex import limits
from telex.bus.message_view import COLUMNS, Letter, cells, item, standing
from telex.core import frame, text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from telex.bus.people import Presence


def message(one: Letter) -> dict[str, Any]:
    """A message as a value, whole."""
    body = "\n".join(text.quoted(one.body, ""))
    return _facts(one) | {"body": body} | ({"data": _safe(json.loads(one.data))} if one.data else {})


def _safe(data: Any) -> Any:
    """The same JSON with every text in it made visible."""
    if isinstance(data, str):
        return "\n".join(text.quoted(data, ""))
    if isinstance(data, list):
        return [_safe(one) for one in data]
    if isinstance(data, dict):
        return {_safe(name): _safe(one) for name, one in data.items()}
    return data


def heading(one: Letter) -> dict[str, Any]:
    """A message as a value in a listing."""
    return _facts(one) | {"preview": text.preview(one.body, limits.PREVIEW_CHARS)}


def _facts(one: Letter) -> dict[str, Any]:
    facts = {
        "id": one.id,
        "sender": one.sender,
        "sender_kind": one.sender_kind,
        "client": one.client,
        "place": text.place(one.place, _user_home(), limits.PLACE_CHARS),
        "to": one.to,
        "kind": one.kind,
        "sent": text.when(one.created_ms),
        "signed": text.when(one.signed_ms) if frame.signed(one.signed_ms, one.arrived_ms, 0) else "",
        "due": text.when(one.deadline_ms) if one.deadline_ms else "",
        "reply_to": one.reply_to,
        "thread": one.thread if one.thread != one.id else one.topic,
        "auto": one.auto,
        "state": standing(one),
    }
    return {name: told for name, told in facts.items() if told}


def session(one: Presence) -> dict[str, Any]:
    """A session as a value."""
    place = text.place(one.directory, _user_home(), limits.PLACE_CHARS)
    facts = {"name": one.name, "kind": one.kind, "client": one.client, "state": one.state, "directory": place}
    if one.machine:
        facts |= {"machine": one.machine, "as_of": text.when(one.seen_ms)}
    if one.away:
        facts |= {"away": one.away, "seen": text.when(one.seen_ms)}
    return {name: told for name, told in facts.items() if told} | {"unread": one.unread, "me": one.me}


def framed(letters: list[Letter], me: str, now_ms: int, waiting: int = 0) -> tuple[str, list[Letter]]:
    """Messages in the frame, and those of them that it shows; `waiting` more are counted."""
    items = [item(one) for one in letters]
    shown = frame.frame(items, me, now_ms, limits.MCP_ANSWER_CHARS, waiting, _user_home())
    return shown.text, [one for one in letters if int(one.id[1:]) in shown.shown]


def listing(letters: list[Letter], now_ms: int) -> str:
    """Messages, a line each."""
    return _aligned([[*COLUMNS], *(cells(one, now_ms) for one in letters)])


def roster(found: list[Presence], now_ms: int) -> str:
    """Sessions, a line each."""
    rows = [["name", "client", "state", "unread", "seen", "directory"]]
    for one in found:
        name = one.name + (" (you)" if one.me else "")
        client = one.client or ("person" if one.kind == "person" else "-")
        where = text.place(one.directory, _user_home(), limits.PLACE_CHARS) if one.directory else "-"
        age = text.age(now_ms - one.seen_ms) if one.state == "offline" or one.machine or one.away else "-"
        state = ", ".join(filter(None, (one.state, one.away)))
        rows.append([name, client, state or "-", str(one.unread), age, where])
    return _aligned(rows)


def _aligned(rows: list[list[str]]) -> str:
    rows = [[text.visible(cell) for cell in row] for row in rows]
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join(lines)


def _user_home() -> str:
    return os.environ.get("HOME", "")
