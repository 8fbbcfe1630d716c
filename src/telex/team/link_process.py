"""Seeing to it that this machine's link runs: one process that sends what waits and fetches what came.

Rules kept here: it is started by whoever finds that it does not run: a send for another machine, a session that starts,
whoever waits for mail; nobody waits for it, and what it cannot do at once stays where it is; who starts it twice starts
it once, because the lock decides; one that does not stay is not started again and again.
"""

from __future__ import annotations

import os
import time

from telex import limits
from telex.db.connection import Store
from telex.fs import launch
from telex.fs.lock import FileLock
from telex.mail import nudges
from telex.team import link_state

_MARK = "link/started"


def ensure(db: Store, *, asked: bool = False) -> None:
    """Start the link unless it runs, rests, or this machine is in no team. Never fails. `asked` says that a person
    wants it now, however lately it was started."""
    found = link_state.load(db)
    if found is not None and not found.paused and not runs(db.home) and (_may_start(db.home) or asked):
        nudges.detach(launch.telex(db.home, "link", "run", "--quiet"), db.home)


def runs(home: str) -> bool:
    """Whether a process has the link's lock."""
    lock = FileLock(f"{home}/{link_state.LOCK}")
    try:
        return not lock.acquire_within(0)
    except OSError:
        return True
    finally:
        lock.close()


def _may_start(home: str) -> bool:
    """Whether the last start is long enough ago; a new one is noted."""
    path = f"{home}/{_MARK}"
    try:
        age_s = time.time() - os.stat(path).st_mtime
    except OSError:
        age_s = limits.LINK_START_SECONDS
    if 0 <= age_s < limits.LINK_START_SECONDS:
        return False
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0), 0o600)
        os.utime(fd)
        os.close(fd)
    except OSError:
        return False
    return True
