"""The link's process is started when it is needed, once, and by nobody who is in no team."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.clients.waiting import wait_for
from tests.link.boxes import Two, until
from tests.link.boxes import linked as linked_machines
from tests.link.courier import introduce, join
from tests.support.cli import TELEX, Shell
from tests.support.machine import Machine

from telex.fs import launch
from telex.fs.lock import FileLock
from telex.mail import nudges
from telex.team import link_process, link_state


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[list[str]]]:
    """The commands that were to be started; none of them is."""
    found: list[list[str]] = []
    monkeypatch.setattr(nudges, "detach", lambda command, home: found.append(command))
    yield found


def linked(machine: Machine) -> None:
    join(machine.db, "bob-laptop", "member", "e" * 32)
    introduce(machine.db, "alice-laptop", "member")


def test_a_machine_without_a_team_starts_nothing(machine: Machine, started: list[list[str]]) -> None:
    link_process.ensure(machine.db)
    machine.named("api")[0].send("@web", "hello")
    assert started == [] and not os.path.exists(f"{machine.home}/link")


def test_a_send_that_leaves_starts_it_and_one_that_stays_does_not(machine: Machine, started: list[list[str]]) -> None:
    linked(machine)
    (api,) = machine.named("api")
    api.send("@web", "from here to here")
    assert started == []
    api.send("@frontend@alice-laptop", "hello")
    assert [command[-3:] for command in started] == [["link", "run", "--quiet"]]
    assert "-I" in started[0]  # the directory that somebody works in is no place to import from


def test_it_is_not_started_while_it_runs_or_rests(machine: Machine, started: list[list[str]]) -> None:
    linked(machine)
    lock = FileLock(f"{machine.home}/{link_state.LOCK}")
    assert lock.acquire_within(0) and link_process.runs(machine.home)
    link_process.ensure(machine.db)
    lock.close()
    with machine.db.write():
        link_state.pause(machine.db, True)
    link_process.ensure(machine.db)
    assert started == []
    with machine.db.write():
        link_state.pause(machine.db, False)
    link_process.ensure(machine.db)
    assert len(started) == 1


def test_one_that_does_not_stay_is_not_started_by_every_send(machine: Machine, started: list[list[str]]) -> None:
    """Would break: a thousand sends that start a thousand processes, each of which ends at once."""
    linked(machine)
    for _ in range(5):
        link_process.ensure(machine.db)
    assert len(started) == 1
    os.utime(f"{machine.home}/link/started", (0, 0))
    link_process.ensure(machine.db)
    assert len(started) == 2


def test_a_clock_that_went_back_does_not_keep_it_from_starting(machine: Machine, started: list[list[str]]) -> None:
    linked(machine)
    link_process.ensure(machine.db)
    os.utime(f"{machine.home}/link/started", (1 << 33, 1 << 33))
    link_process.ensure(machine.db)
    assert len(started) == 2


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Two]:
    """Two machines of a team; Bob's has Claude Code connected and was started a moment ago: no link runs there."""
    with linked_machines(tmp_path) as made:
        (made.bob.home / ".claude").mkdir()
        assert made.bob.telex("install", "claude", "--yes").status == 0
        killed(str(made.bob.telex_home))
        forgotten(made.bob)
        made.alice.start()
        made.alice.telex("send", "@root@bob-laptop", "while you were away", name="frontend")
        yield made


def forgotten(machine: Shell) -> None:
    """No link runs there, and none was started lately."""
    wait_for("the link to be gone", lambda: not link_process.runs(str(machine.telex_home)))
    (machine.telex_home / "link" / "started").unlink(missing_ok=True)


def hook_line(shell: Shell, event: str) -> str:
    """The very line that `telex install` wrote into the client's settings."""
    settings = json.loads((shell.home / ".claude" / "settings.json").read_text())
    line: str = settings["hooks"][event][0]["hooks"][0]["command"]
    return line


START = b'{"hook_event_name": "SessionStart", "session_id": "s-1", "source": "startup", "cwd": "/"}'
LAUNCHER = "$HOME/.telex/bin/telex"
STARTERS = {
    "a hook line": ("", START),
    "a launcher that sends": (f"{LAUNCHER} send @frontend@alice-laptop hello", b""),
    "a launcher that reads": (f"{LAUNCHER} inbox", b""),
    "a launcher that looks who is here": (f"{LAUNCHER} who", b""),
    "the environment's own command": (f"'{TELEX}' inbox", b""),
    "a Python program": (f"'{sys.executable}' -c 'import telex; telex.open().inbox()'", b""),
}


@pytest.mark.parametrize("starter", STARTERS)
def test_whatever_comes_first_starts_the_link_and_mail_comes(two: Two, starter: str) -> None:
    """Would break: the interpreter of hooks and launchers has no telex of its own to import."""
    bob, (line, stdin) = two.bob, STARTERS[starter]
    client = subprocess.Popen(["sleep", "600"])  # not this process, below which everything would be its session
    environment = {"CLAUDE_CODE_SESSION_ID": "s-1", "CLAUDE_PID": str(client.pid)} if stdin else {}
    ran = bob.run(["sh", "-c", line or hook_line(bob, "SessionStart")], stdin, **environment)
    assert ran.status == 0, ran.err
    until(lambda: bob.texts() == ["while you were away"], "the mail that waited at the relay")
    assert len(processes(str(bob.telex_home))) == 1
    client.kill()
    client.wait()


def test_an_interpreter_without_telex_is_noticed(two: Two) -> None:
    """The planted fault: what started the link before."""
    program = "from telex.cli.main import main; main()"
    bare = [os.path.realpath(sys.executable), "-I", "-S", "-c", program, "link", "run", "--quiet"]
    assert "ModuleNotFoundError" in two.bob.run(bare).err
    assert not link_process.runs(str(two.bob.telex_home))


def test_an_interpreter_that_is_gone_gives_way_to_the_launcher(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    (shell.home / ".claude").mkdir()
    assert shell.telex("install", "claude", "--yes").status == 0
    monkeypatch.setattr(sys, "executable", "/gone/python3")
    command = launch.telex(str(shell.telex_home), "name")
    assert command == [f"{shell.telex_home}/bin/telex", "name"]
    assert shell.run(command).status == 0


def killed(home: str) -> list[int]:
    """The link processes of a home, which are told to end."""
    found = processes(home)
    for one in found:
        os.kill(one, signal.SIGKILL)
    return found


def processes(home: str) -> list[int]:
    """The link processes of a home."""
    found = []
    for name in os.listdir("/proc"):
        try:
            with open(f"/proc/{name}/cmdline", "rb") as words, open(f"/proc/{name}/environ", "rb") as environment:
                if b"link\0run" in words.read() and f"TELEX_HOME={home}\0".encode() in environment.read():
                    found.append(int(name))
        except (OSError, ValueError):
            continue
    return found
