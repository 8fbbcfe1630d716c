"""A machine of its own for crash tests: homes, sessions, and telex as the processes that people and clients run.

Rules kept here:
- a command and a hook are processes, started as the launchers start them: `-I -S`, an environment from nothing;
- each session has a client, a process of its own that only sleeps, because a session lives while its process does;
- a home is copied only while nobody has its store open;
- a planted mistake is put into a launcher, never into the source: a test that no mistake can fail proves nothing.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import apsw
import pytest

import telex
from telex.bus import Bus
from telex.db.connection import Store
from telex.fs import reserve
from telex.hook import claude, payloads

LONG = os.environ.get("TELEX_LONG") == "1"
PYTHON = os.path.realpath(getattr(sys, "_base_executable", "") or sys.executable)
WAKE_EVENT = "FileChanged"  # the bell of an idle session has moved
SECONDS = 120  # no process of a test takes this long; one that does hangs
_ROOM_BYTES = 1 << 30
_PREFIX = "telex-crash-"

Environment = dict[str, str]

IMPORTS = [str(Path(telex.__file__).parents[1]), str(Path(apsw.__file__).parents[1])]
_LAUNCHER = """\
import sys
sys.path += {imports!r}
{planted}
from {module} import main
main()
"""


def scaled(short: int, long: int) -> int:
    """How many: in the tier of every pull request, or in the long one (TELEX_LONG=1)."""
    return long if LONG else short


def spread(items: list[Any], most: int) -> list[Any]:
    """At most so many of the items, evenly over all of them; in the long tier every one."""
    if LONG or len(items) <= most:
        return items
    return [items[i * len(items) // most] for i in range(most)]


class Ran(NamedTuple):
    """What a process said and how it ended."""

    status: int
    out: str
    err: str

    @property
    def killed(self) -> bool:
        """Whether SIGKILL ended it."""
        return self.status in (-signal.SIGKILL, 128 + signal.SIGKILL)

    @property
    def given(self) -> str:
        """What the client has of a hook: it drops what stands on standard error unless the status says to wake."""
        return self.out + (self.err if self.killed or self.status == claude.WAKE else "")

    @property
    def context(self) -> str:
        """What a hook put before the model; '' for nothing. Fails on output that a client would not take."""
        if not self.out:
            return ""
        answer = json.loads(self.out)
        assert {"hookSpecificOutput"} <= set(answer) <= {"hookSpecificOutput", "systemMessage"}, self.out
        return str(answer["hookSpecificOutput"].get("additionalContext", ""))


class Machine:
    """Sessions, their clients, and the launchers. In memory where there is room: no test here asks the real disk."""

    def __init__(self) -> None:
        self.root = _directory()
        self._clients: dict[str, subprocess.Popen[bytes]] = {}
        self.cli = self.launcher("cli", "telex.cli.main")
        self.hooks = self.launcher("hook", "telex.hook")

    def close(self) -> None:
        """End the clients, remove the files."""
        for client in self._clients.values():
            client.communicate()
        shutil.rmtree(self.root)

    def launcher(self, name: str, module: str, planted: str = "") -> str:
        """A script that starts telex, with a mistake planted into it or without."""
        path = self.root / f"{name}.py"
        path.write_text(_LAUNCHER.format(imports=IMPORTS, module=module, planted=planted), encoding="utf-8")
        return str(path)

    @contextmanager
    def planted(self, mistake: str) -> Iterator[None]:
        """`with machine.planted(mistake):` every process that is started has it."""
        sound = self.cli, self.hooks
        self.cli = self.launcher("planted-cli", "telex.cli.main", mistake)
        self.hooks = self.launcher("planted-hook", "telex.hook", mistake)
        try:
            yield
        finally:
            self.cli, self.hooks = sound

    def client(self, who: str) -> int:
        """The process id of a session's client."""
        if who not in self._clients:
            self._clients[who] = subprocess.Popen(["cat"], stdin=subprocess.PIPE)  # which ends when this process does
        return self._clients[who].pid

    def environment(self, home: Path | str, who: str, *, script: bool = False) -> Environment:
        """What the processes of a session find in their environment; '' is the person's terminal. A script is known by
        its name, also where nothing was ever started; the id of a client's session means nothing before its start."""
        made = {"PATH": os.defpath, "HOME": str(self.root), "TELEX_HOME": str(home), "LC_ALL": "C.UTF-8"}
        if who and script:
            made["TELEX_NAME"] = who
        elif who:
            made |= {"CLAUDE_CODE_SESSION_ID": f"{who}-key", "CLAUDE_PID": str(self.client(who)), "CLAUDECODE": "1"}
        return made

    def telex(
        self, home: Path, who: str, *words: str, stdin: str = "", prefix: tuple[str, ...] = (), script: bool = False
    ) -> Ran:
        """Run a command as a session or a script would; `prefix` is what runs it (strace)."""
        argv = [*prefix, PYTHON, "-I", "-S", self.cli, *words]
        return run(argv, self.environment(home, who, script=script), stdin)

    def hook(self, home: Path, who: str, event: str, prefix: tuple[str, ...] = (), **payload: object) -> Ran:
        """Run the hook of a session, as its client would behind an open gate."""
        argv = [*prefix, PYTHON, "-I", "-S", self.hooks, "claude", event]
        environment = self.environment(home, who)
        if event == WAKE_EVENT:
            environment["CLAUDE_CODE_SESSION_ATTENDED"] = "1"
        return run(argv, environment, self.payload(who, event, **payload))

    def payload(self, who: str, event: str, **more: object) -> str:
        """A client's payload."""
        fields = {"session_id": f"{who}-key", "cwd": f"/src/{who}", "hook_event_name": event}
        return json.dumps(fields | more)

    def hook_here(self, home: Path, who: str, event: str, **payload: object) -> Ran:
        """The same within this process, for what is checked thousands of times."""
        said: list[str] = []
        with here(self.environment(home, who)), mock.patch.object(payloads, "write", lambda _, text: said.append(text)):
            status = claude.handle(event, self.payload(who, event, **payload))
        return Ran(status, "".join(said), "")

    @contextmanager
    def speaking(self, home: Path, who: str) -> Iterator[Bus]:
        """`with machine.speaking(home, "alice") as bus:` the verbs, in this process, as a session."""
        with here(self.environment(home, who)), Bus(Store(str(home))) as bus:
            yield bus

    def new_home(self, name: str, *sessions: str) -> Path:
        """A home in which these sessions have started."""
        home = self.root / name
        for who in sessions:
            ran = self.hook(home, who, "SessionStart", source="startup")
            assert ran.status == 0, ran.err
        Path(reserve.path(str(home))).unlink(missing_ok=True)  # a MiB that each copy of the home would copy
        return home

    def raise_limits(self, home: Path) -> None:
        """Let a test send as much as it likes."""
        for name, value in (("sends_per_minute", 100_000_000), ("inbox_waiting", 100_000_000), ("repeat_seconds", 0)):
            ran = self.telex(home, "", "config", name, str(value))
            assert ran.status == 0, ran.err

    def copied(self, home: Path, name: str) -> Path:
        """A copy of a home whose store nobody has open, in place of any earlier copy of that name."""
        target = self.root / name
        if target.exists():
            shutil.rmtree(target)
        if home.exists():
            shutil.copytree(home, target)
        return target


def _directory() -> Path:
    """In memory where there is room for it; what a killed run left there is removed."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK) or shutil.disk_usage(memory).free < _ROOM_BYTES:
        return Path(tempfile.mkdtemp(prefix=_PREFIX))
    for left in memory.glob(f"{_PREFIX}*"):
        owner = left.name.removeprefix(_PREFIX).partition("-")[0]
        if owner.isdigit() and not Path(f"/proc/{owner}").exists():
            shutil.rmtree(left, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=memory))


def run(argv: list[str], environment: Environment, stdin: str = "") -> Ran:
    """Run a process to its end."""
    ran = subprocess.run(argv, env=environment, input=stdin.encode(), capture_output=True, timeout=SECONDS, check=False)
    return Ran(ran.returncode, ran.stdout.decode("utf-8", "replace"), ran.stderr.decode("utf-8", "replace"))


@contextmanager
def here(environment: Environment) -> Iterator[None]:
    """This process with the environment of another."""
    with mock.patch.dict(os.environ, environment, clear=True):
        yield


def program(name: str) -> str:
    """Where a program is that a test cannot do without. Without it the test fails: a skipped one proves nothing."""
    found = shutil.which(name)
    if found is None:
        pytest.fail(f"this test needs {name} and does not find it: run tools/system_tools.sh {name}", pytrace=False)
    return found
