"""The link's process is started when it is needed, once, and by nobody who is in no team.

The process is the real one; its relay is an address at which nobody listens, so that it stays and tries again.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator

import pytest
from tests.clients.waiting import wait_for
from tests.link.courier import introduce, join
from tests.support.cli import Shell
from tests.support.machine import Machine

from telex.store import agent, calls, link
from telex.store.lock import FileLock
from telex.store.sqlite import Store


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[list[str]]]:
    """The commands that were to be started; none of them is."""
    found: list[list[str]] = []
    monkeypatch.setattr(calls, "detach", lambda command, home: found.append(command))
    yield found


def linked(machine: Machine) -> None:
    join(machine.db, "bob-laptop", "member", "e" * 32)
    introduce(machine.db, "alice-laptop", "member")


def test_a_machine_without_a_team_starts_nothing(machine: Machine, started: list[list[str]]) -> None:
    agent.ensure(machine.db)
    machine.named("api")[0].send("@web", "hello")
    assert started == [] and not os.path.exists(f"{machine.home}/link")


def test_a_send_that_leaves_starts_it_and_one_that_stays_does_not(machine: Machine, started: list[list[str]]) -> None:
    linked(machine)
    (api,) = machine.named("api")
    api.send("@web", "from here to here")
    assert started == []
    api.send("@frontend@alice-laptop", "hello")
    assert [command[-3:] for command in started] == [["link", "run", "--quiet"]]
    assert "-P" in started[0]  # the directory that somebody works in is no place to import from


def test_it_is_not_started_while_it_runs_or_rests(machine: Machine, started: list[list[str]]) -> None:
    linked(machine)
    lock = FileLock(f"{machine.home}/{link.LOCK}")
    assert lock.acquire_within(0) and agent.runs(machine.home)
    agent.ensure(machine.db)
    lock.close()
    with machine.db.write():
        link.pause(machine.db, True)
    agent.ensure(machine.db)
    assert started == []
    with machine.db.write():
        link.pause(machine.db, False)
    agent.ensure(machine.db)
    assert len(started) == 1


def test_one_that_does_not_stay_is_not_started_by_every_send(machine: Machine, started: list[list[str]]) -> None:
    """Would break: a thousand sends that start a thousand processes, each of which ends at once."""
    linked(machine)
    for _ in range(5):
        agent.ensure(machine.db)
    assert len(started) == 1
    os.utime(f"{machine.home}/link/started", (0, 0))
    agent.ensure(machine.db)
    assert len(started) == 2


def test_a_clock_that_went_back_does_not_keep_it_from_starting(machine: Machine, started: list[list[str]]) -> None:
    linked(machine)
    agent.ensure(machine.db)
    os.utime(f"{machine.home}/link/started", (1 << 33, 1 << 33))
    agent.ensure(machine.db)
    assert len(started) == 2


def test_a_session_that_starts_sees_to_it(shell: Shell) -> None:
    """The hook, in a process of its own, starts the real one."""
    assert shell.telex("install", "claude").status == 0
    with Store(str(shell.telex_home)).write() as db:
        db.run("settings.set", "filler", "1")
    join(db, "bob-laptop", "member", "e" * 32)
    hook = f"{shell.telex_home}/bin/hook.py"
    start = b'{"hook_event_name": "SessionStart", "session_id": "s-1", "source": "startup", "cwd": "/"}'
    assert shell.run([sys.executable, "-I", "-S", hook, "claude", "SessionStart"], start).status == 0
    log = shell.telex_home / "link" / "started"
    wait_for("the link to be started", log.exists)
    wait_for("it to be gone", lambda: not killed(str(shell.telex_home)))
    db.close()


def killed(home: str) -> list[int]:
    """The link processes of a home, which are told to end."""
    found = []
    for name in os.listdir("/proc"):
        try:
            with open(f"/proc/{name}/cmdline", "rb") as words, open(f"/proc/{name}/environ", "rb") as environment:
                if b"link\0run" in words.read() and f"TELEX_HOME={home}\0".encode() in environment.read():
                    found.append(int(name))
                    os.kill(int(name), signal.SIGKILL)
        except (OSError, ValueError):
            continue
    return found
