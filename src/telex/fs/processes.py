"""Who is alive, and what they are doing: read from the process table and the turn marks.

Rules kept here:
- a process is known by its id and its start time together, because ids are used again, and both count only in the
  PID namespace that gave them (docs/decisions/0025-pid-namespaces.md);
- a process of another namespace is never called dead, unless this namespace can see into that one, or the machine
  was started again since;
- where the system cannot tell (no /proc), a signal 0 decides;
- nothing here writes; a mark that is missing or unreadable says 'idle', never an error;
- a session that asks its person for an approval is busy: the turn goes on when the person has answered.
"""

from __future__ import annotations

import os
import sys
import time

from telex import limits
from telex.fs import bells

BUSY, IDLE, OFFLINE, APPROVAL = "busy", "idle", "offline", "waiting for approval"
UNWOKEN = ("gemini", "copilot")  # clients with no door by which an idle session could be woken
PROMPT, STOP, GOES_ON = ord("p"), ord("s"), ord("g")

HERE, GONE, HIDDEN = "here", "gone", "hidden"  # what can be told of the processes of a namespace
OUTERMOST = "4026531836"  # the inode of Linux's first PID namespace (PROC_PID_INIT_INO in linux/proc_ns.h)
UNKNOWN = "?"  # a namespace that cannot be told, which is never the same as another

_ANCESTORS_MOST = 64
_DEAD = (b"Z", b"X")
_SPACES: dict[int, str] = {}  # of this process, by its id: a fork may be in another namespace


def space() -> str:
    """The PID namespace of this process, as `boot:inode:start of its first process`; '' where the system has none.

    An inode is used again after its namespace has ended, so the start of the first process tells two apart.
    """
    pid = os.getpid()
    if pid not in _SPACES:
        _SPACES.clear()
        _SPACES[pid] = _space() if sys.platform == "linux" else ""
    return _SPACES[pid]


def tail() -> str:
    """What tells a file that is named by a process's id from those of other PID namespaces; '' in the outermost."""
    inode = _inode(space())
    return f".{inode}" if inode not in ("", OUTERMOST) else ""


def sight(of: str, seen_ms: int) -> str:
    """What this process can tell of the processes of a namespace in which a session was last seen at `seen_ms`."""
    own = space()
    if UNKNOWN in (of, own):
        return HIDDEN
    if of == own:
        return HERE
    if not of:  # noted by a telex that did not know namespaces, most probably in none
        return HERE if _inode(own) == OUTERMOST else HIDDEN
    boot, own_boot = of.partition(":")[0], own.partition(":")[0]
    if boot and own_boot and boot != own_boot and seen_ms < _booted_ms():
        return GONE
    return HIDDEN


def runs(pid: int, pid_started: int, of: str, seen_ms: int) -> bool:
    """Whether a process of that namespace runs, or may run where this one cannot look."""
    if pid <= 0:
        return False
    seen = sight(of, seen_ms)
    if seen == HERE:
        return alive(pid, pid_started)
    return seen == HIDDEN and _inside(pid, pid_started, of) is not False


def where(of: str) -> str:
    """In words, where the processes of a namespace are that is not this one."""
    return "outside this container" if _inode(of) == OUTERMOST else "in another container"


def started(pid: int) -> int:
    """The start time of a process in clock ticks since boot (proc(5), field 22); 0 where it cannot be told."""
    return _stat(pid)[2]


def alive(pid: int, pid_started: int) -> bool:
    """Whether that very process of this namespace still runs."""
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


def is_program(pid: int, client: str) -> bool:
    """Whether a process runs that client, as far as its command tells."""
    try:
        words = _contents(f"/proc/{pid}/cmdline")[0].split(b"\0")[:2] if started(pid) else []
    except OSError:
        return False
    name = client.encode()
    for word in words:
        package = word.rpartition(b"/node_modules/")[2] if b"/node_modules/" in word else b""
        if word.rpartition(b"/")[2].startswith(name) or b"/" + name in package:
            return True
    return False


def has_terminal() -> bool:
    """Whether this process has a controlling terminal."""
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | getattr(os, "O_NOCTTY", 0)))
    except OSError:
        return False
    return True


class Turns:
    """What a session's gate has noted: how many prompts, when last, and whether a turn runs now."""

    def __init__(self, home: str, bell: str) -> None:
        self.prompts = 0
        self.busy = self.joined = self.held = False
        self.changed_ms = 0
        self._asks = bells.path(home, bells.ASKS, bell)
        try:
            marks, self.changed_ms = _contents(bells.path(home, bells.TURNS, bell))
        except OSError:
            return
        self.prompts = marks.count(PROMPT)
        self.busy = marks[-1:] in (b"p", b"g")
        self.joined = marks[-1:] == b"p" and marks[-2:-1] in (b"p", b"g")  # the newest prompt came into a running turn
        self.held = marks[-2:] == b"gs" or marks[-3:] == b"gps"  # the turn that ends went on because of telex

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


def _space() -> str:
    try:
        inode = str(os.stat("/proc/self/ns/pid").st_ino)
    except OSError:
        return UNKNOWN
    try:
        boot = _contents("/proc/sys/kernel/random/boot_id")[0].decode("ascii").strip()
    except (OSError, ValueError):
        boot = ""
    return f"{boot}:{inode}:{started(1)}"


def _inode(of: str) -> str:
    return of.partition(":")[2].partition(":")[0]


def _booted_ms() -> int:
    """When this machine was started."""
    return int((time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)) * 1000)


def _inside(pid: int, pid_started: int, of: str) -> bool | None:
    """Whether a process of a namespace inside this one runs; None where this one cannot look into it.

    Only the outermost namespace is known to see all others of its machine, by their processes' ids there.
    """
    own = space()
    if _inode(own) != OUTERMOST or own.partition(":")[0] != of.partition(":")[0] or not pid_started or not started(1):
        return None
    for name in os.listdir("/proc"):
        if name.isdigit() and (found := _stat(int(name)))[2] == pid_started and _innermost(name) == pid:
            return found[0] not in _DEAD
    return False


def _innermost(name: str) -> int:
    """The id of a process in its own namespace; 0 for a process of this one."""
    try:
        ids = _contents(f"/proc/{name}/status")[0].partition(b"\nNSpid:")[2].partition(b"\n")[0].split()
        return int(ids[-1]) if len(ids) > 1 else 0
    except (OSError, IndexError, ValueError):
        return 0


def _stat(pid: int) -> tuple[bytes, int, int]:
    """(state, parent, start time) of a process (proc(5)); nothing and zeros where they cannot be told."""
    try:
        if int(os.readlink("/proc/self")) != os.getpid():  # the /proc of another namespace, with other ids
            return b"", 0, 0
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
