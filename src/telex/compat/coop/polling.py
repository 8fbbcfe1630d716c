"""Polling: what is unread, for people, as JSON, or as the answer of a Claude Code hook.

Rules kept here:
- a poll is a look unless `--mark-read` says otherwise, and marks only after its bytes have left;
- the inbox is held from reading to marking, so a poll, a hook and a command never show the same message twice;
- in the hook's format the answer is one JSON object, in time, with exit status 0, whatever is broken: nothing but
  that object is written, and the mail stays for the next moment where it could not be read;
- a hook's session is the `session_id` of its payload, never a name, nor what the environment says.
"""

from __future__ import annotations

import _thread
import json
import os
import time

from telex import limits
from telex.compat.coop.notice import Reader, notice, session_of
from telex.compat.coop.words import Words, parse
from telex.core import names
from telex.errors import Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from telex.bus import Bus
    from telex.bus.message_view import Letter
    from telex.cli.call import Call

_CLIENT = "claude"
_EVENT_CHARS = 64
_FORMATS = ("text", "json", "hook")


def is_hook(words: list[str]) -> bool:
    """Whether a hook asks: then even wrong words are answered as a hook is."""
    return any(word == "--format=hook" or words[at : at + 2] == ["--format", "hook"] for at, word in enumerate(words))


def poll(call: Call) -> None:
    """`session poll [SESSION] [--format json] [--mark-read]`"""
    given = _given(call.words)
    form = given.options.get("format", "text")
    if form not in _FORMATS:
        raise Usage(problem=f"--format is json or hook, not '{form[:20]}'", verb="session")
    bus, session = call.bus, _session(given)
    taking = bus.take(most=limits.INBOX_WAITING)
    letters = _of(taking.letters, session)
    if "mark-read" not in given.flags:
        taking.finish(False)
    if form == "json":
        call.out.json({"session": session or None, "messages": [_shape(one) for one in letters]})
    elif not letters:
        call.out.line("No unread messages.")
    else:
        call.out.line(notice(letters, _reader(bus, session)).text)
    call.out.flush()
    taking.finish(True, only=letters)


def answer_hook(call: Call) -> int:
    """`session poll --format hook`: always 0."""
    answer = _Answer()
    _thread.start_new_thread(answer.in_time, ())
    try:
        _show(call, answer)
    except BaseException:  # noqa: S110 - whatever it is, the client is not disturbed and the mail stays
        pass
    try:
        answer.give("{}")
    except OSError:
        pass
    answer.over = True
    return 0


class _Answer:
    """The one object that a hook prints: given once, by whoever is first, the poll or the clock."""

    def __init__(self) -> None:
        self._lock = _thread.allocate_lock()
        self._given = False
        self.over = False  # nothing is left to do: the clock may rest

    def give(self, line: str) -> bool:
        """Write it out; False when there was an answer already. Raises OSError when nobody takes it."""
        with self._lock:
            if self._given:
                return False
            self._given = True
            data = memoryview(line.encode() + b"\n")
            while data:
                data = data[os.write(1, data) :]
        return True

    def in_time(self) -> None:
        """End the process before the client does: then it would throw the answer away."""
        time.sleep(limits.COOP_HOOK_MS / 1000)
        try:
            if not self.over and not self.give("{}"):
                time.sleep(limits.COOP_RECORD_MS / 1000)  # the rest of the time is for recording what was shown
        finally:
            if not self.over:
                os._exit(0)


def _show(call: Call, answer: _Answer) -> None:
    given = _given(call.words)
    payload = _payload()
    if payload is None:
        return
    key, event, directory, title = payload
    from telex.bus.identity import of_hook

    db, now_ms = call.bus.db, call.bus.clock()
    bus = call.bus.acting(of_hook(db, _CLIENT, key, os.environ, directory, os.getpid(), now_ms, title))
    session = _session(given)
    most = limits.INBOX_WAITING if session else limits.SHOW_ROWS
    taking = bus.take(most=most, patience_ms=limits.READ_LOCK_MS, whole=False)
    letters = _of(taking.letters, session)
    if not letters:
        taking.finish(False)
        return
    waiting = 0 if session else max(bus.unread(handed=False) - len(taking.letters), 0)
    block = notice(letters, _reader(bus, session), waiting=waiting, budget=bus.settings().frame_chars)
    if not block.text:  # a budget in which not one character of it fits
        taking.finish(False)
        return
    wrapped = {"hookSpecificOutput": {"hookEventName": event, "additionalContext": block.text}}
    if answer.give(json.dumps(wrapped)) and "mark-read" in given.flags:
        taking.finish(True, only=block.shown)


def _payload() -> tuple[str, str, str, str] | None:
    """Session id, event, directory and title from standard input; None where it is no session's own hook's payload."""
    from telex.hook import read_payload

    if os.isatty(0):
        return None
    found = json.loads(read_payload())
    key, event = found.get("session_id"), found.get("hook_event_name")
    directory, title = (str(found.get(name) or "") for name in ("cwd", "session_title"))
    if not isinstance(key, str) or not key or found.get("agent_id") is not None:  # a subagent takes no mail
        return None
    if not isinstance(event, str) or not event.isidentifier() or len(event) > _EVENT_CHARS:
        return None
    return key, event, directory, title


def _given(words: list[str]) -> Words:
    given = parse("session", words, values=("format",), flags=("mark-read",))
    if len(given.texts) > 1:
        raise Usage(problem="which session? give one name, or none for all", verb="session")
    return given


def _session(given: Words) -> str:
    return names.fold(given.texts[0].removeprefix("#")) if given.texts else ""


def _of(letters: list[Letter], session: str) -> list[Letter]:
    """Those that were sent to the session; all of them where none is named."""
    return [one for one in letters if not session or session_of(one, session) == session]


def _reader(bus: Bus, session: str) -> Reader:
    import shutil

    return Reader(now_ms=bus.clock(), session=session, has_coop=shutil.which("coop") is not None)


def _shape(one: Letter) -> dict[str, Any]:
    """A message in JSON: stable, documented in docs/how-to/from-coop.md."""
    sent = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(one.created_ms / 1000))
    return {
        "id": one.id,
        "session": session_of(one) or None,
        "to": one.to,
        "from": one.sender,
        "from_kind": one.sender_kind,
        "kind": one.kind,
        "text": one.body,
        "data": json.loads(one.data) if one.data else None,
        "sent_at": sent,
    }
