"""Monitors: who keeps a process beside a session that wakes it, and on which bell that process sleeps.

Rules kept here:
- the file is named by the client's process, because a monitor outlives `/clear`, which changes the bell; the hook of
  the new session's start writes the new name into it, and that write wakes the monitor;
- a monitor is there as long as it holds the lock on its file, so that one that was killed is gone at once;
- a process's id counts only in its PID namespace, so a file of another than the outermost names that too;
- what a process that is gone has left is removed by the next monitor that starts in the same namespace.
"""

from __future__ import annotations

import os

from telex.fs import bells, processes
from telex.fs.lock import FileLock

LOOKED = 3  # exit status of a look that was not cut short by a fault


def path(home: str, pid: int) -> str:
    """The file of the monitor of that client's process."""
    return f"{home}/{bells.MONITORS}/{pid}{processes.tail()}"


def lock(home: str, pid: int) -> FileLock:
    """What a monitor holds while it is there."""
    return FileLock(path(home, pid))


def stands(home: str, pid: int) -> bool:
    """Whether a monitor is there."""
    if not os.path.exists(path(home, pid)):
        return False
    trial = lock(home, pid)
    free = trial.acquire_within(0)
    trial.close()
    return not free


def tell(home: str, pid: int, bell: str) -> None:
    """Say on which bell to sleep from now on, where a monitor ever was. Best effort: FileChanged wakes too."""
    try:
        fd = os.open(path(home, pid), os.O_WRONLY | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0))
        os.write(fd, bell.encode())
        os.close(fd)
    except OSError:
        pass


def bell(home: str, pid: int) -> str:
    """The bell to sleep on; '' while no session is known in that process."""
    try:
        with open(path(home, pid), encoding="ascii") as file:
            found = file.read()
    except (OSError, ValueError):
        return ""
    return "" if "/" in found else found


def tidy(home: str) -> None:
    """Remove what processes that are gone have left."""
    tail = processes.tail()
    for name in os.listdir(f"{home}/{bells.MONITORS}"):
        pid = name.removesuffix(tail)
        if pid.isdigit() and f"{pid}{tail}" == name and not processes.alive(int(pid), 0):
            os.unlink(path(home, int(pid)))
