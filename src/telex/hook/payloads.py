"""What the dialects of all clients have in common: reading a payload and writing an answer.

Rule kept here:
- a payload with an `agent_id` comes from a subagent, which shares its parent's session and must neither be shown nor
  consume the parent's mail.
"""

from __future__ import annotations

import os

from telex import homes, limits
from telex.core.record import Record
from telex.db.connection import Store
from telex.errors import StoreCorrupt

_KEPT = b"kept"
_HIGH, _LOW, _LAST = 0xD800, 0xDC00, 0xDFFF  # surrogates: first halves, second halves, the last of them


class Payload(Record):
    """What telex reads of a hook's standard input."""

    session_id: str
    cwd: str
    title: str
    source: str
    reason: str
    subagent: int
    going_on: int  # the turn goes on because of a Stop hook, of telex or of somebody else
    turn: str  # the client's own id of the turn (Codex's is turn_id); '' where it gives none
    transcript: str  # the client's own record of the conversation
    interrupted: int  # the turn ended because its person stopped it
    one_shot: int  # the session answers one prompt and is gone


def open_store() -> Store:
    """The store of this home, with a hook's patience. Raises StoreFault."""
    home = homes.of_telex(os.environ)
    return Store(home, own_process=True, patience_ms=limits.HOOK_BUSY_MS)


def read(db: Store, raw: str, query: str, *, subagents: bool = False) -> Payload | None:
    """The payload, or None for one that is not telex's to answer: a subagent's, but with `subagents`."""
    if not db.value("hook.valid", raw):
        return None
    try:
        row = db.row(query, raw)
    except StoreCorrupt:  # what SQLite took out of the payload is no text: half a character, cut by a client
        row = db.row(query, whole(raw))
    payload = Payload.of_row(row or ())
    return None if (payload.subagent and not subagents) or not payload.session_id else payload


def whole(raw: str) -> str:
    """The JSON with U+FFFD in the place of each half of a character (a surrogate that stands alone)."""
    parts, at = [], 0
    while (start := raw.find("\\", at)) >= 0:
        end, half = start + 2, _half(raw, start)
        if half and half < _LOW and _half(raw, start + 6) >= _LOW:
            end, half = start + 12, 0
        parts += [raw[at:start], "\\ufffd" if half else raw[start:end]]
        at = start + 6 if half else end
    return "".join([*parts, raw[at:]])


def _half(raw: str, at: int) -> int:
    """The surrogate that is escaped there, or 0."""
    try:
        code = int(raw[at + 2 : at + 6], 16) if raw[at : at + 2] == "\\u" else 0
    except ValueError:
        return 0
    return code if _HIGH <= code <= _LAST else 0


def say(text: str) -> None:
    """One line of JSON on standard output."""
    write(1, text + "\n")


def await_kept() -> None:
    """Wait until the client says that it has kept what was said. Raises BrokenPipeError if it does not."""
    if os.read(0, len(_KEPT)) != _KEPT:
        raise BrokenPipeError("the client did not keep the text")


def write(fd: int, text: str) -> None:
    """All of a text, in as many writes as the pipe wants."""
    data = memoryview(text.encode("utf-8", "replace"))
    while data:
        data = data[os.write(fd, data) :]
