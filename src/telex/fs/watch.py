"""Sleeping until a bell moves: inotify on Linux, kqueue on BSD and macOS, polling elsewhere.

Rules kept here: the watch stands before the first look, so nothing that moves between look and sleep is missed;
what wakes says only 'look again', never what changed. No library is used: those at hand keep a thread busy
(0.3 to 3 % of a core measured), and the two calls needed fit on a page. kqueue is written but untested.
"""

from __future__ import annotations

import os
import select
import sys
import time

from telex import limits

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_IN_CLOSE_WRITE, _IN_ATTRIB, _IN_CREATE, _IN_MOVED_TO = 0x08, 0x04, 0x100, 0x80
_IN_CLOEXEC = 0o2000000
_EVENT_BYTES = 4096


class Watch:
    """`with Watch(directory, name) as watch: watch.wait(seconds)`."""

    def __init__(self, directory: str, name: str) -> None:
        self._path = f"{directory}/{name}"
        self._name = name.encode()
        self._fd = -1
        if sys.platform.startswith("linux"):
            self._fd = _inotify(directory)
        self._queue = _kqueue(directory) if self._fd < 0 else None
        self._before = self._state()

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, *_: object) -> None:
        if self._fd >= 0:
            os.close(self._fd)
        if self._queue is not None:  # pragma: no cover - not on Linux
            self._queue.close()

    def fileno(self) -> int:
        """What an event loop can watch instead of calling `wait`; -1 where only polling is to be had."""
        return self._fd

    def drain(self) -> None:
        """Take what `fileno` has to say, so that it is silent until something moves again."""
        if self._fd >= 0:
            os.read(self._fd, _EVENT_BYTES)

    def wait(self, seconds: float | None) -> None:
        """Sleep until the bell moves or the time is up; None waits for ever."""
        end = None if seconds is None else time.monotonic() + max(0.0, seconds)
        while True:
            left = None if end is None else max(0.0, end - time.monotonic())
            if self._fd >= 0:
                ready, _, _ = select.select([self._fd], [], [], left)
                moved = bool(ready) and self._name in os.read(self._fd, _EVENT_BYTES)
            else:
                moved = self._poll(left)
            if moved or (end is not None and time.monotonic() >= end):
                return

    def _poll(self, left: float | None) -> bool:
        step = limits.WAIT_POLL_MS / 1000
        if self._queue is not None:  # pragma: no cover - not on Linux
            self._queue.control(None, 1, step if left is None else min(step, left))
        else:
            time.sleep(step if left is None else min(step, left))
        now = self._state()
        moved = now != self._before
        self._before = now
        return moved

    def _state(self) -> tuple[int, int]:
        try:
            found = os.stat(self._path)
        except OSError:
            return 0, 0
        return found.st_ino, found.st_mtime_ns


def _inotify(directory: str) -> int:
    """An inotify descriptor on the directory, or -1 where there is none to be had."""
    import ctypes

    try:
        libc = ctypes.CDLL(None, use_errno=True)
        fd = int(libc.inotify_init1(_IN_CLOEXEC))
    except (OSError, AttributeError):
        return -1
    wanted = _IN_CLOSE_WRITE | _IN_ATTRIB | _IN_CREATE | _IN_MOVED_TO
    if fd >= 0 and libc.inotify_add_watch(fd, os.fsencode(directory), wanted) < 0:
        os.close(fd)
        return -1
    return fd


def _kqueue(directory: str) -> Any:
    """A kqueue that notices changes in the directory, to shorten the polling; None where there is none."""
    system: Any = select
    if not hasattr(system, "kqueue"):
        return None
    queue = system.kqueue()  # pragma: no cover - not on Linux
    fd = os.open(directory, os.O_RDONLY)
    notes = system.KQ_NOTE_WRITE | system.KQ_NOTE_ATTRIB
    queue.control([system.kevent(fd, system.KQ_FILTER_VNODE, system.KQ_EV_ADD | system.KQ_EV_CLEAR, notes)], 0)
    return queue
