"""The monitor of Claude Code's plugin: a process beside a session that wakes it as soon as its bell rings.

Rules kept here:
- it never ends while the client lives: the client starts a turn to tell its model that a monitor ended;
- it sleeps in the kernel, and has neither the store nor SQLite loaded: what a bell means is found out by a process of
  its own (`nudge.ring`), which is of whatever telex is installed by then;
- a busy session is left alone: its own hooks bring the mail, at the latest at the end of the turn;
- one bell, one look: a bell that did not move since is not looked into again, whatever other bells do.
Seen with Claude Code 2.1.330: a monitor is started in a terminal only, outlives /clear, gets SIGTERM at /exit and
nothing at all when its client is killed.
"""

from __future__ import annotations

import gc
import os
import select
import sys

from telex import homes, limits
from telex.fs import bells, monitors, processes
from telex.fs.watch import Watch
from telex.hook import log_fault

LOOK = "Ring"  # the word by which the launcher of the hooks makes a look


def keep() -> int:
    """Stay until the client is gone; the exit status."""
    client = Client(_client_pid())
    gc.enable()
    while client.lives():
        try:
            _watch(homes.of_telex(os.environ), client)
        except Exception as problem:
            log_fault(problem)
            client.wait(limits.MONITOR_PAUSE_SECONDS)
    return 0


class Client:
    """The client's process, and its end as something to sleep on."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.fd = -1
        try:
            self.fd = os.pidfd_open(pid)
        except (OSError, AttributeError):  # gone already, or not Linux
            pass
        self._started = processes.started(pid)

    def lives(self) -> bool:
        """Whether it still runs."""
        return processes.alive(self.pid, self._started)

    def wait(self, seconds: float) -> None:
        """Sleep so long, or until it ends."""
        select.select([self.fd] if self.fd >= 0 else [], [], [], seconds)


def _watch(home: str, client: Client) -> None:
    from telex.private import make_directory

    for directory in (bells.BELLS, bells.MONITORS):
        make_directory(f"{home}/{directory}")
    monitors.tidy(home)
    lock = monitors.lock(home, client.pid)
    while not lock.acquire_within(limits.READ_LOCK_MS):  # the client has loaded its plugins anew, the older one stands
        client.wait(limits.MONITOR_PAUSE_SECONDS)
        if not client.lives():
            return
    with (
        Watch(f"{home}/{bells.BELLS}", "") as rung,
        Watch(f"{home}/{bells.MONITORS}", os.path.basename(lock.path)) as told,
    ):
        seen = None
        _look(home, client)  # what came before there was a monitor; and it says which session this is
        while client.lives() and os.path.exists(lock.path):  # else somebody tidied the directory away
            bell = monitors.bell(home, client.pid)
            state = _state(home, bell)
            if state and state != seen and not processes.Turns(home, bell).busy:
                seen = state if _look(home, client) else None
            else:
                _sleep(client, (rung, told))


def _state(home: str, bell: str) -> tuple[str, int] | None:
    """Which bell rings, and since when; None where none does."""
    try:
        return (bell, os.stat(bells.path(home, bells.BELLS, bell)).st_mtime_ns) if bell else None
    except OSError:
        return None


def _sleep(client: Client, watches: tuple[Watch, ...]) -> None:
    """Until something moves, or the client ends."""
    quick = [watch.fileno() for watch in watches]
    if client.fd < 0 or min(quick) < 0:  # pragma: no cover - not on Linux
        watches[0].wait(limits.MONITOR_PAUSE_SECONDS)
        return
    ready, _, _ = select.select([*quick, client.fd], [], [])
    for watch in watches:
        if watch.fileno() in ready:
            watch.drain()


def _look(home: str, client: Client) -> bool:
    """Let the telex that is installed now wake the session where that is due; it speaks on our standard output.

    False, after a pause, where a fault cut it short.
    """
    hook = sys.argv[0]
    if not os.path.exists(hook):  # taken out under a running session
        return True
    words = [sys.executable, "-I", "-S", hook, "claude", LOOK, str(client.pid)]
    child = os.posix_spawn(sys.executable, words, {**os.environ, "TELEX_HOME": home})
    _, status = os.waitpid(child, 0)
    if os.waitstatus_to_exitcode(status) == monitors.LOOKED:
        return True
    client.wait(limits.MONITOR_PAUSE_SECONDS)
    return False


def _client_pid() -> int:
    word = os.environ.get("CLAUDE_PID", "")
    return int(word) if word.isascii() and word.isdigit() else os.getppid()
