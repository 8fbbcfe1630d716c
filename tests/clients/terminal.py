"""A client in a terminal: one private tmux server per client, ended with it.

Rules kept here:
- the pane's process is the client itself, so that its process id is known and a signal reaches it;
- the screen of a client that ended stays readable;
- a missing tmux fails with the words that mend it, it never skips.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.clients.waiting import PATIENCE_SECONDS, STEP_SECONDS, wait_for

COLUMNS, ROWS = 140, 45
SEEN_SECONDS, SEEN_CHARS = 5.0, 20  # a client that is busy with itself shows keys late; a long line is wrapped
MOVED_SECONDS, ENTERS_MOST = 2.0, 3  # an Enter in the moment in which a turn ends is lost at times
PASTE_SECONDS = 0.3  # an Enter sooner than this after other keys counts as part of a pasted text


class Terminal:
    """One program in one terminal."""

    def __init__(self, socket: Path, argv: list[str], cwd: Path, environment: Mapping[str, str]) -> None:
        if shutil.which("tmux") is None:
            raise RuntimeError("tmux is missing: install it (apt-get install tmux), then run `make test-clients`")
        self._socket = str(socket)
        assignments = [f"{name}={value}" for name, value in environment.items()]
        command = "exec env -i " + shlex.join([*assignments, *argv])
        size = ["-x", str(COLUMNS), "-y", str(ROWS)]
        keep = ["set-option", "-g", "remain-on-exit", "on"]
        start = ["new-session", "-d", "-s", "client", *size, "-c", str(cwd), command]
        self._tmux("-f", "/dev/null", "start-server", ";", *keep, ";", *start)
        self.pid = int(self._tmux("display-message", "-p", "-t", "client", "#{pane_pid}"))

    def _tmux(self, *words: str) -> str:
        done = subprocess.run(
            ["tmux", "-S", self._socket, *words],
            env={"PATH": os.defpath, "TERM": "xterm-256color", "LANG": "C.UTF-8", "HOME": "/nonexistent"},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"tmux {words[0]}: {done.stderr.strip()}")
        return done.stdout

    def keys(self, *names: str) -> None:
        """Press keys by tmux's names for them: Enter, Escape, C-c."""
        self._tmux("send-keys", "-t", "client", *names)

    def type(self, text: str) -> None:
        """Type a line and press Enter, as a person does: when the line is to be seen, and again where nothing moved."""
        self._tmux("send-keys", "-t", "client", "-l", text)
        self._within(SEEN_SECONDS, lambda: text[:SEEN_CHARS] in self.screen())
        time.sleep(PASTE_SECONDS)
        before = self.screen()
        for _ in range(ENTERS_MOST):
            self.keys("Enter")
            if self._within(MOVED_SECONDS, lambda: self.screen() != before):
                return

    def _within(self, seconds: float, look: Callable[[], bool]) -> bool:
        """Whether it came true in time."""
        end = time.monotonic() + seconds
        while not (found := look()) and time.monotonic() < end:
            time.sleep(STEP_SECONDS)
        return found

    def screen(self) -> str:
        """What is on the screen, without empty lines."""
        shown = self._tmux("capture-pane", "-p", "-t", "client").splitlines()
        return "\n".join(line for line in shown if line.strip())

    def shows(self, text: str, seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until the screen holds a text."""
        wait_for(f"{text!r} on the screen", lambda: text in self.screen(), seconds=seconds, instead=self.screen)

    def ended(self) -> bool:
        """Whether the client has left."""
        return self._tmux("display-message", "-p", "-t", "client", "#{pane_dead}").strip() == "1"

    def leave(self) -> None:
        """Leave as a person does, and wait for the end."""
        self.type("/exit")
        wait_for("the client's end", self.ended, instead=self.screen)

    def kill(self) -> None:
        """kill -9, and wait for the end."""
        os.kill(self.pid, signal.SIGKILL)
        wait_for("the client's end", self.ended)

    def close(self) -> None:
        """End the terminal and whatever still runs in it."""
        try:
            self._tmux("kill-server")
        except RuntimeError:
            pass  # it is gone already
