"""How a text gets from telex's hook to its plugin in OpenCode: recorded as shown when the plugin says so, not before.

The tests are the plugin: they start the hook as it does, read its line, and say "kept" or go away.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from tests.support.cli import Shell

HOOK = [sys.executable, "-c", "from telex.hook import main; main()", "opencode"]
KEY = "ses_dff16c4f0ffeoQhOMoqRNEwxXY"
BODY = "the schema moved to v2"


class Plugin:
    """OpenCode's process, which lives as long as the test, and the plugin's side of the hook."""

    def __init__(self, shell: Shell) -> None:
        self.shell = shell
        self.process = subprocess.Popen(["sleep", "3600"])

    def starts(self, event: str, **more: Any) -> subprocess.Popen[bytes]:
        """The hook, with its payload written and its standard input open."""
        hook = subprocess.Popen(
            [*HOOK, event, str(self.process.pid)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=self.shell.work,
            env=self.shell.environment,
        )
        payload = {"session_id": KEY, "cwd": str(self.shell.work), **more}
        assert hook.stdin
        hook.stdin.write(json.dumps(payload).encode() + b"\n")
        hook.stdin.flush()
        return hook

    def fire(self, event: str, said: bytes = b"kept", **more: Any) -> dict[str, Any]:
        """A whole hand-over, answered so; what the hook said."""
        hook = self.starts(event, **more)
        assert hook.stdin and hook.stdout
        line = hook.stdout.readline()
        try:
            hook.stdin.write(said)
            hook.stdin.close()
        except BrokenPipeError:  # it had nothing to wait for, and has left
            pass
        assert hook.stdout.read() == b""
        hook.stdout.close()
        assert hook.wait(60) == 0
        found: dict[str, Any] = json.loads(line) if line else {}
        return found

    def send(self, body: str = BODY, *options: str, to: str = "") -> None:
        done = self.shell.telex("send", *options, to or f"@{self.shell.work.name}", body, TELEX_NAME="api")
        assert done.status == 0, done

    def unread(self) -> int:
        found = self.shell.telex("who", "--all", "--json").json["sessions"]
        return sum(one["unread"] for one in found if one["kind"] == "session")


@pytest.fixture
def plugin(shell: Shell) -> Iterator[Plugin]:
    made = Plugin(shell)
    yield made
    made.process.kill()
    made.process.wait()


@pytest.fixture
def session(plugin: Plugin) -> Plugin:
    """A session that is known and has mail."""
    plugin.fire("SessionStart")
    plugin.send()
    return plugin


def test_a_start_names_the_bell_though_there_is_nothing_to_say(plugin: Plugin) -> None:
    answer = plugin.fire("SessionStart", said=b"")
    assert set(answer) == {"bell", "text"} and answer["text"] == ""
    plugin.send()
    assert os.listdir(plugin.shell.telex_home / "bells") == [answer["bell"]]


@pytest.mark.parametrize("event", ["SessionStart", "Prompt", "Tool", "Answer", "Idle", "Wake"])
def test_a_text_that_was_kept_is_shown_and_not_said_again(session: Plugin, event: str) -> None:
    assert session.fire(event)["text"].count(BODY) == 1
    assert session.unread() == 1  # until the model has answered
    assert session.fire("Idle") == {}
    assert session.unread() == 0
    assert BODY not in str(session.fire(event))


@pytest.mark.parametrize("event", ["SessionStart", "Prompt", "Tool", "Answer", "Idle", "Wake"])
@pytest.mark.parametrize("said", [b"", b"no", b"ke"])
def test_a_text_that_was_not_kept_is_said_again(session: Plugin, event: str, said: bytes) -> None:
    """Would break: a message recorded as shown when it was printed, and lost when OpenCode refused the prompt."""
    assert BODY in session.fire(event, said)["text"]
    assert session.unread() == 1
    assert BODY in session.fire("Prompt")["text"]
    assert session.fire("Idle") == {}
    assert session.unread() == 0


def test_a_hook_that_is_killed_while_it_waits_has_recorded_nothing(session: Plugin) -> None:
    hook = session.starts("Prompt")
    assert hook.stdin and hook.stdout
    assert BODY in hook.stdout.readline().decode()
    hook.kill()
    hook.wait()
    hook.stdin.close()
    hook.stdout.close()
    assert session.unread() == 1
    assert BODY in session.fire("Tool")["text"]


def test_a_bell_without_waking_mail_wakes_nobody(plugin: Plugin) -> None:
    plugin.fire("SessionStart")
    plugin.send("fyi", to=f"#{plugin.shell.work.name}")
    assert plugin.fire("Wake") == {}
    assert "fyi" in plugin.fire("Prompt")["text"]


def test_a_turn_that_telex_began_is_not_held_up_at_its_end(session: Plugin) -> None:
    assert session.fire("Idle", stop_hook_active=True) == {}
    assert session.unread() == 1


def test_a_request_without_a_reply_is_named_once_at_the_end_of_a_turn(plugin: Plugin) -> None:
    plugin.fire("SessionStart")
    plugin.send(BODY, "--kind", "request")
    assert BODY in plugin.fire("Prompt")["text"]
    assert "telex reply" in plugin.fire("Idle")["text"]
    assert plugin.fire("Idle") == {}


@pytest.mark.parametrize("said", [b"", b"no"])
def test_a_reminder_that_was_not_kept_comes_again(plugin: Plugin, said: bytes) -> None:
    plugin.fire("SessionStart")
    plugin.send(BODY, "--kind", "request")
    plugin.fire("Prompt")
    assert "telex reply" in plugin.fire("Idle", said)["text"]
    assert "telex reply" in plugin.fire("Idle")["text"]
    assert plugin.fire("Idle") == {}


def test_a_deleted_session_is_over(session: Plugin) -> None:
    assert session.fire("SessionEnd", reason="deleted") == {}
    found = session.shell.telex("who", "--all", "--json").json["sessions"]
    assert [one["state"] for one in found if one["client"] == "opencode"] == ["offline"]


@pytest.mark.parametrize("raw", [b"\n", b"{}\n", b"null\n", b"no json\n", b'{"session_id": ""}\n', b"\xff\xfe\n"])
def test_what_is_no_payload_disturbs_nobody(plugin: Plugin, raw: bytes) -> None:
    for event in ("SessionStart", "Prompt", "Idle", "Wake", "SessionEnd", "Unheard"):
        environment = plugin.shell.environment
        done = subprocess.run([*HOOK, event], input=raw, capture_output=True, env=environment, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_a_shell_that_the_plugin_gave_the_variable_speaks_for_that_session(session: Plugin) -> None:
    found = session.shell.telex("who", "--json", OPENCODE_SESSION_ID=KEY, OPENCODE="1").json["sessions"]
    assert [one["client"] for one in found if one["me"]] == ["opencode"]
