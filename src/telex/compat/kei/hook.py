"""What kei's mailbox-inject.sh did at a prompt, for those who keep that line in their settings.

Rules kept here:
- whatever happens, the prompt goes on: exit status 0, and either the whole block or nothing on standard output; what
  went wrong is said on standard error;
- the session is the payload's `session_id`; a subagent's payload consumes nothing;
- the inbox is held from reading to recording, so telex's own hook and this one never show the same message; what
  was shown is recorded after the bytes have left;
- everything that waits is shown, also what came before the session did; at most one injection's worth, the rest
  stays unread and is announced.
"""

from __future__ import annotations

import json
import os
import sys

from telex import limits
from telex.bus import here
from telex.bus.identity import of_hook
from telex.compat.kei import lines
from telex.core import text
from telex.hook import read_payload

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from telex.cli.call import Call

_CLIENT = "claude"


def run(call: Call) -> int:
    """`telex message hook`: always 0."""
    if os.environ.get("KEI_MAILBOX_BYPASS") == "1":
        return 0
    try:
        payload = _payload()
        if payload:
            _show(call, payload)
    except Exception as problem:
        _note(problem)
    return 0


def _payload() -> dict[str, Any]:
    """What the client wrote; {} for anything that names no session of its own."""
    found = json.loads(read_payload() or "{}")
    if not isinstance(found, dict) or found.get("agent_id") is not None:
        return {}
    session = found.get("session_id")
    return found if isinstance(session, str) and session else {}


def _show(call: Call, payload: dict[str, Any]) -> None:
    given = payload.get("cwd")
    directory = given if isinstance(given, str) and given else here()
    bus = call.bus
    named = payload.get("session_title")
    title = named if isinstance(named, str) else ""
    me = of_hook(bus.db, _CLIENT, payload["session_id"], os.environ, directory, os.getpid(), bus.clock(), title=title)
    bus = bus.acting(me)
    if not bus.unread(handed=False):
        return
    taking = bus.take(most=limits.SHOW_ROWS, patience_ms=limits.READ_LOCK_MS, whole=False)
    took, shown = False, taking.letters
    try:
        name = directory.rstrip("/").rpartition("/")[2] or me.address.name
        waiting = bus.unread(handed=False)
        waiting = waiting if waiting > limits.SHOW_ROWS else len(taking.letters)  # the others are damaged
        said, shown = lines.block(taking.letters, name, waiting, bus.settings().frame_chars)
        if shown:
            _write(said + "\n")
            took = True
    finally:
        taking.finish(took, only=shown)


def _write(said: str) -> None:
    """Hand it over by the descriptor: what a buffer holds has not left."""
    data = memoryview(said.encode("utf-8", "replace"))
    while data:
        data = data[os.write(1, data) :]


def _note(problem: Exception) -> None:
    try:
        sys.stderr.write(text.visible(f"kei message: {type(problem).__name__}: {problem}"[: limits.PREVIEW_CHARS * 5]))
        sys.stderr.write("\n")
    except OSError:
        pass
