"""The relay's log for its operator: one JSON object per line on standard error.

Rule kept here: a line has names of routes, numbers, and codes of `wire.faults`; never a body, token, key, id, path or
query of a request, nor the address it came from.
"""

from __future__ import annotations

import sys
import time
import traceback

import msgspec

from telex.core import text


def say(event: str, **facts: str | int | float) -> None:
    """One line. Nobody to take it is no reason to stop."""
    line = text.escaped_bytes(msgspec.json.encode({"at": round(time.time(), 3), "event": event, **facts}))
    try:
        sys.stderr.buffer.write(line + b"\n")
        sys.stderr.buffer.flush()
    except (OSError, ValueError):
        pass


def bug(problem: BaseException, route: str) -> None:
    """Where telex itself failed: the kind of error and the places in its source, not the error's words."""
    places = [f"{frame.name}:{frame.lineno}" for frame in traceback.extract_tb(problem.__traceback__)]
    say("bug", kind=type(problem).__name__, route=route, places=" > ".join(places))
