"""Calling an idle Claude Code by its session's inbox socket: only where everything is as it is known to be.

The process of a session is a `sleep`, its record stands where Claude Code puts it, and its socket is a real one that
this test listens on; tests/clients/test_claude_socket.py has the real client.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.cli import Shell

from telex.mail import nudges

HOOK = [sys.executable, "-c", "from telex.hook import main; main()"]
KEY = "0b7f2c7e-3f55-4f0e-9a61-5c1d2b3e4f50"
PATIENCE_SECONDS = 20.0


class Claude:
    """A running Claude Code, as far as telex sees it: a process, hooks, its record of the process, a socket."""

    def __init__(self, shell: Shell, root: Path) -> None:
        self.shell = shell
        self.path = root / "s"  # a socket's path is short
        self.records = shell.home / ".claude" / "sessions"
        self.records.mkdir(parents=True)
        self.process = subprocess.Popen(["sleep", "600"], env=dict(shell.environment))
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(str(self.path))
        self.socket.listen()
        self.socket.settimeout(PATIENCE_SECONDS)
        self.record()

    def record(self, **other: object) -> None:
        """What the client keeps of its process."""
        facts = {"sessionId": KEY, "peerProtocol": 1, "status": "idle", "messagingSocketPath": str(self.path)}
        (self.records / f"{self.process.pid}.json").write_text(json.dumps({**facts, **other}))

    def fire(self, event: str, **fields: object) -> dict[str, Any]:
        """What the hook of an event answers; the gate's mark is made as the gate makes it."""
        if sign := {"UserPromptSubmit": "p", "Stop": "s"}.get(event):
            with open(f"{self.shell.telex_home}/turns/{KEY}", "a") as file:
                file.write(sign)
        payload = {"session_id": KEY, "cwd": str(self.shell.work), "hook_event_name": event, **fields}
        done = self.hook(event, stdin=json.dumps(payload))
        found: dict[str, Any] = json.loads(done) if done else {}
        return found

    def hook(self, *words: str, stdin: str = "") -> str:
        variables = {"CLAUDE_CODE_SESSION_ID": KEY, "CLAUDE_PID": str(self.process.pid)}
        ran = self.shell.run([*HOOK, "claude", *words], stdin.encode(), **variables)
        assert (ran.status, ran.err) == (0, "")
        return ran.out

    def call(self) -> None:
        self.hook(nudges.EVENT, KEY)

    def hears(self) -> dict[str, Any]:
        """The one line of the next that connects."""
        with self.socket.accept()[0] as peer, peer.makefile() as file:
            found: dict[str, Any] = json.loads(file.read())
        return found

    def hears_nothing(self) -> bool:
        self.socket.settimeout(0)
        try:
            self.socket.accept()
        except BlockingIOError:
            return True
        return False

    def called(self) -> bool:
        return os.path.exists(f"{self.shell.telex_home}/calls/{KEY}")

    def send(self, text: str, *options: str) -> None:
        assert self.shell.telex("send", "@shop", text, *options, TELEX_NAME="api").status == 0

    def close(self) -> None:
        self.socket.close()
        self.process.kill()
        self.process.wait()


@pytest.fixture
def claude(shell: Shell, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Claude]:
    """An idle session that a person has said hello to."""
    made = Claude(shell, tmp_path_factory.mktemp("s"))
    try:
        made.fire("SessionStart", source="startup")
        made.fire("UserPromptSubmit", prompt="hello")
        made.fire("Stop", stop_hook_active=False)
        yield made
    finally:
        made.close()


def test_a_send_calls_after_its_commit_where_the_person_has_set_it(claude: Claude) -> None:
    assert claude.shell.telex("install", "claude").status == 0  # what calls is the launcher of the hooks
    claude.send("before")
    assert not claude.called() and claude.hears_nothing()
    claude.socket.settimeout(PATIENCE_SECONDS)
    assert claude.shell.telex("config", "claude_socket", "1").status == 0
    claude.send("after")
    heard = claude.hears()
    assert heard["message"]["content"] == nudges.text(["api"], "m2")
    assert (heard["type"], heard["from"], heard["message"]["role"]) == ("user", "telex", "user")
    assert "after" not in json.dumps(heard), "a call carries no mail"
    assert claude.called()


def test_its_prompt_shows_the_mail_and_a_second_one_is_turned_away(claude: Claude) -> None:
    claude.send("one")
    claude.call()
    said = claude.hears()["message"]["content"]
    answer = claude.fire("UserPromptSubmit", prompt=said)
    assert "> one" in answer["hookSpecificOutput"]["additionalContext"] and not claude.called()
    claude.fire("Stop", stop_hook_active=False)
    claude.send("two")
    claude.call()
    late = claude.hears()["message"]["content"]
    assert late != said, "the client drops a word that equals the last one"
    claude.shell.telex("read", CLAUDE_CODE_SESSION_ID=KEY, CLAUDE_PID=str(claude.process.pid))
    assert claude.fire("UserPromptSubmit", prompt=late)["decision"] == "block"
    assert not claude.called()


def test_a_call_is_made_once_until_its_turn_has_begun(claude: Claude) -> None:
    claude.send("one")
    claude.call()
    assert claude.hears()
    claude.send("two")
    claude.call()
    assert claude.hears_nothing()


def test_a_held_call_leaves_no_mark_behind_a_persons_later_prompt(claude: Claude) -> None:
    """Would break: a gate that starts the interpreter at every prompt for ever."""
    claude.send("one")
    claude.call()
    assert claude.hears()
    claude.fire("UserPromptSubmit", prompt="what else")
    assert claude.called(), "it may still be let through"
    os.utime(f"{claude.shell.telex_home}/calls/{KEY}", (0, 0))
    claude.fire("UserPromptSubmit", prompt="and now")
    assert not claude.called()


@pytest.mark.parametrize(
    "other",
    [
        {"sessionId": "another"},
        {"peerProtocol": 2},
        {"status": "waiting"},
        {"status": "busy"},
        {"messagingSocketPath": ""},
        {"messagingSocketPath": "/dev/null"},
        {"messagingSocketPath": "/nowhere/at/all"},
        {"messagingSocketPath": ["x"]},
        {"messagingSocketPath": "a\0b"},
    ],
)
def test_what_is_not_as_it_is_known_to_be_is_not_called(claude: Claude, other: dict[str, object]) -> None:
    claude.record(**other)
    claude.send("hello")
    claude.call()
    assert claude.hears_nothing() and not claude.called()


@pytest.mark.parametrize("text", ["", "{", "[1]", "7", '"x"', "\x00", "{" * 5_000])
def test_a_broken_record_is_no_record(claude: Claude, text: str) -> None:
    (claude.records / f"{claude.process.pid}.json").write_text(text)
    claude.send("hello")
    claude.call()
    assert claude.hears_nothing() and not claude.called()


def test_a_socket_that_nobody_listens_on_costs_the_call_and_not_the_mail(claude: Claude) -> None:
    claude.socket.close()
    claude.send("hello")
    claude.call()
    assert not claude.called()
    assert "> hello" in str(claude.fire("UserPromptSubmit", prompt="go on"))


def test_mail_that_wakes_nobody_calls_nobody(claude: Claude) -> None:
    claude.send("for later", "--quiet")
    claude.call()
    assert claude.hears_nothing() and not claude.called()
