"""What every wake-up of an idle session must hold to: it is looked at again right before it speaks.

The doors are those by which telex itself decides: Claude Code's FileChanged, Codex's queue, OpenCode's plugin. That a
running tool is not interrupted is shown with the real programs (tests/clients). The other clients have no door.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
from tests.acceptance.test_opencode_hand_over import Plugin
from tests.support.cli import Shell
from tests.unit.test_calls import Codex

HOOK = [sys.executable, "-c", "from telex.hook import main; main()", "claude"]
KEY = "0b7e2a3c-1111-4222-8333-944455556666"
NOTHING: list[list[str]] = [["--kind", "ack"], ["--kind", "event"], ["--quiet"]]


class Claude:
    """A running Claude Code, as far as telex sees it: a process and hooks."""

    def __init__(self, shell: Shell) -> None:
        self.shell = shell
        self.process = subprocess.Popen(["sleep", "3600"])

    def fire(self, event: str) -> subprocess.CompletedProcess[str]:
        environment = {"CLAUDE_PID": str(self.process.pid), "CLAUDE_CODE_SESSION_ATTENDED": "1"}
        return subprocess.run(
            [*HOOK, event],
            input=json.dumps({"session_id": KEY, "cwd": str(self.shell.work), "hook_event_name": event}),
            capture_output=True,
            text=True,
            env={**self.shell.environment, **environment},
            cwd=self.shell.work,
            check=False,
        )

    def wake(self) -> str:
        """What the client is told where it is to wake, by the exit status that wakes it."""
        done = self.fire("FileChanged")
        assert (done.returncode, bool(done.stderr)) in ((0, False), (2, True)), done
        return done.stderr


class Idle:
    """An idle session of one client, and what comes of a try to wake it."""

    def __init__(self, shell: Shell, client: str) -> None:
        self.shell = shell
        self.wake: Callable[[], str]
        self.reads: Callable[[], object]  # what waits, with a prompt that a person types, and is idle again
        if client == "claude":
            claude = Claude(shell)
            claude.fire("SessionStart")
            self.process, self.wake = claude.process, claude.wake
            self.reads = lambda: claude.fire("UserPromptSubmit")
        elif client == "codex":
            codex = Codex(shell)
            codex.fire("SessionStart")
            codex.fire("UserPromptSubmit", prompt="hello")
            codex.fire("Stop")
            self.process, self.wake = codex.process, lambda: "\n".join(codex.call())
            self.reads = lambda: (codex.fire("UserPromptSubmit", prompt="what is new"), codex.fire("Stop"))
        else:
            plugin = Plugin(shell)
            plugin.fire("SessionStart")
            self.process, self.wake = plugin.process, lambda: str(plugin.fire("Wake").get("text", ""))
            self.reads = lambda: plugin.fire("Prompt")

    def send(self, body: str, *options: str, to: str = "") -> None:
        done = self.shell.telex("send", *options, to or f"@{self.shell.work.name}", body, TELEX_NAME="api")
        assert done.status == 0, done


@pytest.fixture(params=["claude", "codex", "opencode"])
def idle(request: pytest.FixtureRequest, shell: Shell) -> Iterator[Idle]:
    made = Idle(shell, request.param)
    yield made
    made.process.kill()
    made.process.wait()
    if made.process.stdin:
        made.process.stdin.close()


def test_a_message_by_name_wakes_and_only_once(idle: Idle) -> None:
    idle.send("first")
    assert "@api" in idle.wake()
    assert idle.wake() == ""


def test_a_burst_wakes_once(idle: Idle) -> None:
    for body in ("one", "two", "three"):
        idle.send(body)
    said = idle.wake()
    assert said and (("> three" in said) == ("> one" in said)), "a part of a burst"
    assert idle.wake() == ""


@pytest.mark.parametrize("options", NOTHING, ids=["ack", "event", "quiet"])
def test_what_needs_no_turn_wakes_nobody(idle: Idle, options: list[str]) -> None:
    idle.send("no reason to wake", *options)
    assert idle.wake() == ""


def test_a_note_to_a_channel_wakes_nobody_and_a_request_does(idle: Idle) -> None:
    idle.send("a note to all of it", to=f"#{idle.shell.work.name}")
    assert idle.wake() == ""
    idle.send("a request to all of it", "--kind", "request", to=f"#{idle.shell.work.name}")
    assert idle.wake() != ""


def test_mail_that_was_read_meanwhile_wakes_nobody(idle: Idle) -> None:
    """Would break: a wake-up that trusts its bell. It stands for a moment after the mail was read."""
    idle.send("read before it wakes")
    bells = idle.shell.telex_home / "bells"
    rung = [bells / name for name in os.listdir(bells)]
    idle.reads()
    for bell in rung:
        bell.touch()
    assert idle.wake() == ""
