"""Room kept for the day the disk is full: deleting needs some, because SQLite writes before it frees.

Rules kept here: the reserve is real bytes in a file of its own; only a purge that found the disk full gives it up,
and makes it anew when it can; a missing reserve is no fault.
"""

from __future__ import annotations

import os

from telex import limits

_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)


def path(home: str) -> str:
    """Where it lies."""
    return f"{home}/reserve"


def make(home: str) -> None:
    """Take the room, if it is not taken and the disk has plenty."""
    try:
        if hasattr(os, "statvfs"):
            room = os.statvfs(home)
            if room.f_bavail * room.f_frsize < limits.RESERVE_FREE_BYTES:
                return
        fd = os.open(path(home), _CREATE, 0o600)
    except OSError:
        return
    try:
        view = memoryview(bytes(limits.RESERVE_BYTES))
        while view:
            view = view[os.write(fd, view) :]
        os.close(fd)
    except OSError:
        os.close(fd)
        release(home)


def release(home: str) -> bool:
    """Give the room up; whether there was any."""
    try:
        os.unlink(path(home))
    except OSError:
        return False
    return True
