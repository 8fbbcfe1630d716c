"""Who is alive, and what they are doing: read from the process table and the turn marks.

Rules kept here: a process is known by its id and its start time together, because ids are used again; where the
system cannot tell (no /proc), a signal 0 decides; nothing here writes; a mark that is missing or unreadable says
'idle', never an error. Who is asked for an approval is busy: the turn goes on when the person has answered.
"""

from __future__ import annotations

import os

from telex import limits
from telex.store import bells

BUSY, IDLE, OFFLINE, APPROVAL = "busy", "idle", "offline", "waiting for approval"
UNWOKEN = ("gemini", "copilot")  # clients with no door by which an idle session could be woken
PROMPT, STOP, GOES_ON = ord("p"), ord("s"), ord("g")

_ANCESTORS_MOST = 64
_DEAD = (b"Z", b"X")


def started(pid: int) -> int:
    """The start time of a process in clock ticks since boot (proc(5), field 22); 0 where it cannot be told."""
    return _stat(pid)[2]


def alive(pid: int, pid_started: int) -> bool:
    """Whether that very process still runs."""
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except PermissionError:
        pass
    except OSError:
        return False
    state, _, now_started = _stat(pid)
    if state in _DEAD:  # killed, but its parent has not taken notice yet
        return False
    return not pid_started or pid_started == now_started


def ancestors(pid: int) -> list[int]:
    """pid, its parent, and so on up to init, nearest first; only pid itself where /proc is missing."""
    found = [pid]
    while pid > 1 and len(found) < _ANCESTORS_MOST:
        pid = _stat(pid)[1]
        if pid <= 0:
            break
        found.append(pid)
    return found


class Turns:
    """What a session's gate has noted: how many prompts, when last, and whether a turn runs now."""

    def __init__(self, home: str, bell: str) -> None:
        self.prompts = 0
        self.busy = False
        self.changed_ms = 0
        self._asks = bells.path(home, bells.ASKS, bell)
        try:
            marks, self.changed_ms = _contents(bells.path(home, bells.TURNS, bell))
        except OSError:
            return
        self.prompts = marks.count(PROMPT)
        self.busy = marks[-1:] in (b"p", b"g")

    @property
    def state(self) -> str:
        """Busy, waiting for approval, or idle."""
        if not self.busy:
            return IDLE
        try:
            return APPROVAL if os.stat(self._asks).st_size else BUSY
        except OSError:
            return BUSY

    def spoken_ms(self, prompts_woken: int) -> int:
        """When a person last typed here, or 0: prompts beyond those that telex itself set off are a person's."""
        return self.changed_ms if self.prompts > prompts_woken else 0


def _stat(pid: int) -> tuple[bytes, int, int]:
    """(state, parent, start time) of a process (proc(5)); nothing and zeros where they cannot be told."""
    try:
        fields = _contents(f"/proc/{pid}/stat")[0].rpartition(b")")[2].split(None, 20)
        return fields[0], int(fields[1]), int(fields[19])
    except (OSError, IndexError, ValueError):
        return b"", 0, 0


def _contents(path: str) -> tuple[bytes, int]:
    """What a small file holds, and when it changed, in milliseconds: a third of what `open` costs."""
    fd = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
    try:
        found = os.fstat(fd)
        return os.read(fd, found.st_size or limits.PROC_FILE_BYTES), int(found.st_mtime * 1000)
    finally:
        os.close(fd)
