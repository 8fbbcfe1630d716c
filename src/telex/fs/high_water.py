"""The newest message's number, noted beside the store: what a damaged log forgets, this remembers.

SQLite ends the recovery of its log at the first frame that does not fit, and says nothing of what stood behind it.

Rules kept here: the number is noted after its commit was durable and is never synced, so that no crash and no power
cut leaves it ahead of a store that is whole; it counts only where it stands there twice, so that a torn or damaged
note counts as none; a note that is missing or cannot be written is no fault.
"""

from __future__ import annotations

import os

from telex.fs.lock import give_back

_SAFE = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
_WRITE = os.O_WRONLY | os.O_CREAT | _SAFE
_READ = os.O_RDONLY | _SAFE
_DIGITS = 20


class Newest:
    """The note of one home, read once: only the first process that opens a store recovers its log."""

    def __init__(self, home: str) -> None:
        self._path = f"{home}/newest"
        self._number = -1
        self._fd = -1

    @property
    def number(self) -> int:
        """The newest number that is known to have been given out; 0 where none is."""
        if self._number < 0:
            self._number = _read(self._path)
        return self._number

    def distrust(self) -> None:
        """What was found is not this store's: the next note takes its place."""
        self._number = 0

    def note(self, number: int) -> None:
        """Write a number down. Only after its commit, and before the write lock is given back."""
        if number <= self._number:
            return
        self._number = number
        try:
            if self._fd < 0:
                self._fd = os.open(self._path, _WRITE, 0o600)
            os.lseek(self._fd, 0, os.SEEK_SET)
            os.write(self._fd, b"%0*d" % (_DIGITS, number) * 2)
        except OSError:
            pass

    def close(self) -> None:
        """Give the descriptor back. Never fails: what was noted is noted."""
        fd, self._fd = self._fd, -1
        give_back(fd)

    def __del__(self) -> None:
        self.close()


def _read(path: str) -> int:
    try:
        fd = os.open(path, _READ)
    except OSError:
        return 0
    try:
        found = os.read(fd, 2 * _DIGITS + 1)
    except OSError:
        return 0
    finally:
        os.close(fd)
    first, second = found[:_DIGITS], found[_DIGITS:]
    return int(first) if first == second and first.isdigit() else 0
