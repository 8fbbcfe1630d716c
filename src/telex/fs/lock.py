"""Advisory file locks: the fair queue in front of SQLite's writers, and one reader per inbox.

Rules kept here: a lock is a kernel lock on an empty file of its own (never on SQLite's files), so that whoever
is killed has released it; lock files are never unlinked, because two processes could then hold 'the' lock; giving a
lock back never fails, because what it guarded is done by then: where the kernel refuses, closing the file releases it.
Windows has no flock: there `msvcrt.locking` stands in, written but untested.
"""

from __future__ import annotations

import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

fcntl: Any
try:
    import fcntl
except ImportError:  # pragma: no cover - Windows
    fcntl = None


_OPEN = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)
_STEP_SECONDS = 0.002


class FileLock:
    """An exclusive lock on one file. Not reentrant; one per thread of control."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._fd = -1

    def acquire(self) -> None:
        """Wait in the kernel's queue, however long. Raises OSError when the file cannot be opened."""
        self._open()
        if fcntl is not None:
            fcntl.flock(self._fd, fcntl.LOCK_EX)
        else:  # pragma: no cover - Windows
            while not self._try():
                time.sleep(_STEP_SECONDS)

    def acquire_within(self, most_ms: int) -> bool:
        """Try for at most so many milliseconds; True when held."""
        self._open()
        end = time.monotonic() + most_ms / 1000
        while not self._try():
            if time.monotonic() >= end:
                return False
            time.sleep(_STEP_SECONDS)
        return True

    def release(self) -> None:
        """Let go; the file descriptor is kept for the next time. Never fails."""
        try:
            if self._fd >= 0 and fcntl is not None:
                fcntl.flock(self._fd, fcntl.LOCK_UN)
                return
        except OSError:
            pass
        self.close()

    def close(self) -> None:
        """Let go and close the descriptor. Never fails: the kernel has taken it back even where it reports an error."""
        fd, self._fd = self._fd, -1
        give_back(fd)

    def __del__(self) -> None:  # a store that is dropped must not keep a descriptor in a process that lives on
        self.close()

    def _open(self) -> None:
        if self._fd >= 0:
            return
        try:
            self._fd = os.open(self.path, _OPEN, 0o600)
        except FileNotFoundError:  # somebody tidied its directory away
            from telex.private import make_directory

            make_directory(os.path.dirname(self.path))
            self._fd = os.open(self.path, _OPEN, 0o600)

    def _try(self) -> bool:
        try:
            if fcntl is not None:
                fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            else:  # pragma: no cover - Windows
                import msvcrt

                msvcrt.locking(self._fd, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        except OSError:
            return False
        return True


def give_back(fd: int) -> None:
    """Close a descriptor, or nothing for -1. Never fails: the kernel takes it back even where it reports an error."""
    try:
        if fd >= 0:
            os.close(fd)
    except OSError:
        pass
