"""Calls: how telex asks an idle client for a turn, where the client takes word from outside.

Codex has a command for that, and watches no bell. Claude Code has a socket, which is quicker than its watching the
bell, and is used only where the person has set `claude_socket`.

Rules kept here:
- a call is made by a process of its own, after the commit: it never holds up or fails whoever caused it;
- one call at a time: its mark exists from the call until the turn begins, and counts as lost after a while;
- nobody is called in another PID namespace: the process ids there are others;
- a call carries no mail, only whose mail waits. The hook of the turn's prompt shows the mail, framed and once; a
  prompt that comes when nothing waits any more is turned away there.
"""

from __future__ import annotations

import os
import sys
import time

from telex import limits
from telex.db import settings
from telex.db.connection import Store
from telex.fs import bells, processes
from telex.mail import addresses

CODEX, CLAUDE = "codex", "claude"  # the clients that take word from outside
EVENT = "Call"  # the word by which the launcher of the hooks makes a call
OPENING = "telex, not the user: "  # how every call begins; the hook knows it again by this

_CHILDREN: list[int] = []  # started by this process and perhaps not gone yet: a long-lived one leaves no zombies


def text(senders: list[str], newest: str = "") -> str:
    """What is said in the name of telex to the session that is called; `newest` makes two such texts differ."""
    listed = [f"@{name}" for name in senders[: limits.CALL_NAMES]]
    more = " and others" if len(senders) > limits.CALL_NAMES else ""
    which = f" ({newest})" if newest else ""
    said = f"{', '.join(listed)}{more} wrote to this session{which}"
    return f"{OPENING}{said}. The mail is in the context; else run: telex read"


def pending(home: str, bell: str) -> bool:
    """Whether a turn was asked for that has not begun, and may still begin."""
    try:
        age_s = time.time() - os.stat(bells.path(home, bells.CALLS, bell)).st_mtime
    except OSError:
        return False
    return -limits.CALL_PENDING_SECONDS < age_s < limits.CALL_PENDING_SECONDS


def due(home: str, bell: str) -> bool:
    """Whether the client behind this bell may be called: it is idle, and not called already."""
    return not processes.Turns(home, bell).busy and not pending(home, bell)


def start(db: Store, found: list[addresses.Session]) -> None:
    """Start the process that calls these sessions, as far as their client is called at all.

    Whatever goes wrong, the mail waits as before.
    """
    for client in (CODEX, CLAUDE):
        theirs = [one for one in found if one.client == client and one.runs_here()]
        called = theirs and (client != CLAUDE or settings.load(db).claude_socket)
        keys = [one.key for one in theirs if due(db.home, one.bell)] if called else []
        if keys:
            detach([_python(db), "-I", "-S", f"{db.home}/{bells.BIN}/hook.py", client, EVENT, *keys], db.home)


def detach(command: list[str], home: str) -> None:
    """Start a command that nobody waits for, in a session of its own: its starter's end does not end it."""
    null = [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_RDWR, 0) for fd in (0, 1, 2)]
    environment = {**os.environ, "TELEX_HOME": home}
    _CHILDREN[:] = filter(_runs, _CHILDREN)
    try:
        _CHILDREN.append(os.posix_spawn(command[0], command, environment, file_actions=null, setsid=True))
    except (OSError, ValueError, NotImplementedError):
        pass


def _runs(child: int) -> bool:
    """Whether a child has not ended yet; one that has is taken notice of."""
    try:
        return os.waitpid(child, os.WNOHANG) == (0, 0)
    except ChildProcessError:
        return False


def _python(db: Store) -> str:
    """The first of the interpreters installed for the hooks that is there: the running one may be another."""
    try:
        with open(f"{db.home}/{bells.BIN}/interpreters", encoding="utf-8") as file:
            listed = file.read().split("\n")
    except (OSError, ValueError):
        return sys.executable
    return next((name for name in listed if name and os.access(name, os.X_OK)), sys.executable)
