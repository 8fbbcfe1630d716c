"""What the dialects of all clients have in common: reading a payload, knowing the session, and writing an answer.

Rules kept here:
- a payload with an `agent_id` comes from a subagent, which shares its parent's session and must neither be shown nor
  consume the parent's mail;
- a session that the hooks meet for the first time, or again after its process ended, is registered at once, and the
  link with other machines, where there is one, is seen to.
"""

from __future__ import annotations

import os

from telex import homes, limits
from telex.core.record import Record
from telex.db.connection import Store
from telex.errors import StoreCorrupt
from telex.hook import delivery
from telex.mail import addresses, messages, registration, retention

# The words of a command line by which a client is told to answer one prompt and leave.
_ONE_SHOT = {
    "codex": (b"exec", b"e", b"review"),
    "gemini": (b"-p", b"--prompt"),
    "copilot": (b"-p", b"--prompt"),
}
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


def read(db: Store, raw: str, query: str) -> Payload | None:
    """The payload, or None for one that is not telex's to answer."""
    if not db.value("hook.valid", raw):
        return None
    try:
        row = db.row(query, raw)
    except StoreCorrupt:  # what SQLite took out of the payload is no text: half a character, cut by a client
        row = db.row(query, whole(raw))
    payload = Payload.of_row(row or ())
    return None if payload.subagent or not payload.session_id else payload


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


def session(db: Store, client: str, payload: Payload, pid: int) -> addresses.Session:
    """The live session of a payload."""
    found = addresses.session_by_key(db, client, payload.session_id)
    return found if found and found.lives() else register(db, client, payload, pid)[0]


def register(db: Store, client: str, payload: Payload, pid: int) -> tuple[addresses.Session, addresses.Address]:
    """The session of a payload, with its address; those that left without a word are ended on the way."""
    who = addresses.Arrival(
        client=client,
        key=payload.session_id,
        pid=pid,
        directory=payload.cwd or os.getcwd(),
        title=payload.title,
        wish=os.environ.get("TELEX_NAME", ""),
        follows=payload.source == "clear",
        one_shot=bool(payload.one_shot) or one_shot(client, pid),
    )
    with db.write():
        retention.end_dead(db, delivery.now_ms())
        registered = registration.register(db, who, addresses.user_name(), delivery.now_ms())
    if addresses.linked(db):
        from telex.team import link_process

        link_process.ensure(db)
    return registered


def one_shot(client: str, pid: int) -> bool:
    """Whether the client in that process answers one prompt and leaves; False where that cannot be told."""
    if client == "claude":
        attended = os.environ.get("CLAUDE_CODE_SESSION_ATTENDED", "")
        return attended != "1" if attended else os.environ.get("CLAUDE_CODE_ENTRYPOINT", "")[:3] == "sdk"
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            words = file.read().split(b"\0")[1:]
    except OSError:
        return False
    signs = _ONE_SHOT.get(client, ())
    return any(word in signs or (word.startswith(b"--prompt=") and signs) for word in words)


def end(db: Store, client: str, payload: Payload, pid: int) -> None:
    """The session is over in this process; after a `clear` its successor takes its name over."""
    found = addresses.session_by_key(db, client, payload.session_id)
    if found is None or found.ended_ms or payload.reason == "clear":
        return
    with db.write():
        if addresses.close_process(db, found, pid):  # it is open in another terminal too: that one goes on
            messages.take_back(db, found.address, delivery.now_ms())
            return
    delivery.leave(db, found, f"the session ended ({payload.reason or 'no reason given'})")


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
