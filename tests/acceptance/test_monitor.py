"""The monitor of Claude Code's plugin: it speaks once, only to an idle session, only of what still waits, and never
ends while its client lives.

What runs are the plugin's own lines, as `telex install claude --as-plugin` writes them; the client is a process that
only lives, with the lines' output where the client would read it.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from tests.support.cli import Shell

KEY, NEXT_KEY = "0b7e2a3c-1111-4222-8333-944455556666", "1c8f3b4d-1111-4222-8333-944455556666"
SECONDS = 20.0
QUIET_SECONDS = 0.7  # in which a monitor that would speak has spoken
NUDGE = "telex, not the user: "


class Client:
    """Claude Code, as far as telex sees it: a process, the lines of the plugin, and a monitor that is listened to."""

    def __init__(self, shell: Shell) -> None:
        self.shell, self.key = shell, KEY
        self.plugin = shell.telex_home / "plugin" / "telex"
        self.process = subprocess.Popen(["sleep", "600"])
        self.heard: queue.Queue[str] = queue.Queue()
        self.monitor: subprocess.Popen[str] | None = None
        self._ears: list[threading.Thread] = []
        hooks = json.loads((self.plugin / "hooks" / "hooks.json").read_text())["hooks"]
        self.lines = {event: group["hooks"][0]["command"] for event, [group] in hooks.items()}
        [monitor] = json.loads((self.plugin / "monitors" / "monitors.json").read_text())
        self.command = monitor["command"]

    def environment(self) -> dict[str, str]:
        given = {"CLAUDE_PID": str(self.process.pid), "CLAUDE_CODE_SESSION_ID": self.key}
        return {**self.shell.environment, **given, "CLAUDE_CODE_SESSION_ATTENDED": "1"}

    def fire(self, event: str, **fields: object) -> tuple[int, dict[str, Any], str]:
        """What the line of an event answers: its status, its JSON, and what it says on standard error."""
        payload = {"session_id": self.key, "cwd": str(self.shell.work), "hook_event_name": event, **fields}
        done = subprocess.run(
            ["sh", "-c", self.lines[event]],
            input=json.dumps(payload),
            capture_output=True,
            text=True,
            env=self.environment(),
            cwd=self.shell.work,
            timeout=SECONDS,
            check=False,
        )
        return done.returncode, json.loads(done.stdout) if done.stdout.strip() else {}, done.stderr

    def watch(self) -> None:
        """Start the monitor and wait until it sleeps on the session's bell."""
        self.monitor = subprocess.Popen(
            ["sh", "-c", self.command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            env=self.environment(),
            cwd=self.shell.work,
        )
        self._ears.append(threading.Thread(target=self._listen, args=(self.monitor,)))
        self._ears[-1].start()
        until(lambda: looks_ended(self.monitor) and self.bell() == self.key)
        time.sleep(QUIET_SECONDS / 2)

    def _listen(self, monitor: subprocess.Popen[str]) -> None:
        assert monitor.stdout
        with monitor.stdout:
            for line in monitor.stdout:
                self.heard.put(line)

    def bell(self) -> str:
        note = self.shell.telex_home / "monitors" / str(self.process.pid)
        return note.read_text() if note.exists() else ""

    def hears(self) -> str:
        """The next line of the monitor."""
        return self.heard.get(timeout=SECONDS)

    def hears_nothing(self) -> bool:
        """Whether the monitor stays silent."""
        time.sleep(QUIET_SECONDS)
        return self.heard.empty()

    def prompt_of(self, line: str) -> dict[str, Any]:
        """The turn that the client makes of a line: what the prompt's hook answers."""
        event = f"<task-notification>\n<task-id>b1</task-id>\n<event>{line.strip()}</event>\n</task-notification>"
        return self.fire("UserPromptSubmit", prompt_id=f"prompt of {line}", prompt=event)[1]

    def close(self) -> None:
        for process in (self.process, self.monitor):
            if process:
                process.kill()
                process.wait()
        for ear in self._ears:
            ear.join()


def until(look: Any) -> None:
    end = time.monotonic() + SECONDS
    while not look():
        assert time.monotonic() < end
        time.sleep(0.02)


def context(answer: dict[str, Any]) -> str:
    return str(answer.get("hookSpecificOutput", {}).get("additionalContext", ""))


@pytest.fixture
def client(shell: Shell) -> Iterator[Client]:
    """A session that a person has said hello to, idle again, with its monitor."""
    assert shell.telex("install", "claude", "--as-plugin").status == 0
    made = Client(shell)
    try:
        made.fire("SessionStart", source="startup")
        made.fire("UserPromptSubmit", prompt="hello")
        made.fire("Stop", stop_hook_active=False)
        made.watch()
        yield made
    finally:
        made.close()


def send(client: Client, text: str, *options: str, to: str = "@shop", name: str = "api") -> str:
    done = client.shell.telex("send", to, text, *options, "--json", name=name)
    assert done.status == 0, done
    return str(done.json["id"])


def state(client: Client, message: str) -> str:
    return str(client.shell.telex("show", message, "--json").json["deliveries"][0]["state"])


def test_one_line_says_who_wrote_and_carries_no_mail(client: Client) -> None:
    message = send(client, "the schema moved")
    line = client.hears()
    assert line.startswith(f"{NUDGE}@api wrote to this session") and line.endswith("\n")
    assert "schema" not in line
    assert state(client, message) == "queued", "what the client makes of the line is not known yet"
    assert "the schema moved" in context(client.prompt_of(line))
    assert state(client, message) == "handed"
    client.fire("PostToolBatch", tool_calls=[])
    assert state(client, message) in ("shown", "read")
    assert client.hears_nothing()


def test_a_burst_is_one_line_until_its_turn_has_begun(client: Client) -> None:
    for number in range(3):
        send(client, f"message {number}")
    line = client.hears()
    assert client.hears_nothing()
    shown = context(client.prompt_of(line))
    assert [shown.count(f"message {number}") for number in range(3)] == [1, 1, 1]
    client.fire("Stop", stop_hook_active=True)
    send(client, "later")
    assert client.hears().startswith(NUDGE)


def test_a_busy_session_is_not_spoken_to_and_its_stop_brings_the_mail(client: Client) -> None:
    client.fire("UserPromptSubmit", prompt="work")
    send(client, "meanwhile")
    assert client.hears_nothing()
    assert "meanwhile" in context(client.fire("Stop", stop_hook_active=False)[1])
    assert client.hears_nothing()


def test_what_still_waits_when_the_turn_really_ends_wakes(client: Client) -> None:
    client.fire("UserPromptSubmit", prompt="work")
    client.fire("PostToolBatch", tool_name="Bash")
    send(client, "at the end")
    assert "at the end" in context(client.fire("Stop", stop_hook_active=True)[1])
    send(client, "at the last moment")
    client.fire("Stop", stop_hook_active=True)
    assert "at the last moment" in context(client.prompt_of(client.hears()))


@pytest.mark.parametrize(
    ("to", "options"),
    [("@shop", ("--kind", "ack")), ("@shop", ("--kind", "event")), ("@shop", ("--quiet",)), ("#shop", ())],
    ids=["ack", "event", "quiet", "channel"],
)
def test_what_wakes_nobody_is_not_spoken_of(client: Client, to: str, options: tuple[str, ...]) -> None:
    send(client, "by the way", *options, to=to)
    assert client.hears_nothing()
    assert "by the way" in context(client.fire("UserPromptSubmit", prompt="next")[1])


def test_the_turn_of_mail_that_was_read_meanwhile_is_turned_away(client: Client) -> None:
    message = send(client, "one")
    line = client.hears()
    read = client.shell.telex("read", message, env=client.environment())
    assert "one" in read.out
    answer = client.prompt_of(line)
    assert answer["decision"] == "block" and "read meanwhile" in answer["reason"]
    send(client, "two")
    assert client.hears().startswith(NUDGE), "the session counts as idle again"


def test_a_line_that_runs_twice_shows_the_mail_and_turns_nothing_away(client: Client) -> None:
    """Would break: settings and plugin together run the prompt's line twice; the second finds no mail, turns the prompt
    away, and what the first has shown is lost."""
    for number in range(5):
        send(client, f"message {number}")
        line = client.hears()
        with ThreadPoolExecutor() as twins:
            answers = list(twins.map(client.prompt_of, [line, line]))
        assert "".join(map(context, answers)).count(f"message {number}") == 1
        assert not any("decision" in one for one in answers)
        client.fire("Stop", stop_hook_active=True)


def test_after_clear_it_sleeps_on_the_new_bell(client: Client) -> None:
    client.fire("SessionEnd", reason="clear")
    client.key = NEXT_KEY
    client.fire("SessionStart", source="clear")
    assert client.bell() == NEXT_KEY
    send(client, "after the clear")
    assert "after the clear" in context(client.prompt_of(client.hears()))


def test_the_bells_own_hook_yields_to_it_and_takes_over_from_it(client: Client) -> None:
    """Would break: monitor and FileChanged both wake, and one message makes two turns."""
    send(client, "one")
    line = client.hears()
    assert client.fire("FileChanged", file_path="bell") == (0, {}, "")
    client.prompt_of(line)
    client.fire("Stop", stop_hook_active=True)
    assert client.monitor
    client.monitor.kill()
    client.monitor.wait()
    send(client, "two")
    status, _, said = client.fire("FileChanged", file_path="bell")
    assert status == 2 and "two" in said


def test_an_interrupted_session_is_woken_by_its_bell(client: Client) -> None:
    client.fire("UserPromptSubmit", prompt="work")  # and the person pressed Esc: no event says so
    send(client, "one")
    assert client.hears_nothing()
    status, _, said = client.fire("FileChanged", file_path="bell")
    assert status == 2 and "one" in said


def test_it_ends_when_its_client_is_killed(client: Client) -> None:
    assert client.monitor
    client.process.send_signal(signal.SIGKILL)
    client.process.wait()
    assert client.monitor.wait(SECONDS) == 0


@pytest.mark.parametrize("before", [True, False], ids=["removed-before-its-start", "removed-while-it-runs"])
def test_it_outlives_the_removal_of_telex(client: Client, before: bool) -> None:
    """Would break: Claude Code starts a turn to tell its model that a monitor ended."""
    monitor = client.monitor
    assert monitor
    if before:
        monitor.kill()
        monitor.wait()
    send(client, "one") if before else None
    (client.shell.telex_home / "bin" / "hook.py").unlink()
    if before:
        line = ["sh", "-c", client.command]
        monitor = client.monitor = subprocess.Popen(line, env=client.environment(), text=True)
    send(client, "two")
    time.sleep(QUIET_SECONDS)
    assert monitor.poll() is None
    assert client.heard.empty()


def test_mail_of_others_starts_nothing(client: Client) -> None:
    """Would break: a session pays for bells that are not its own, all the more while its own rings for nothing."""
    before = looks_ended(client.monitor)
    send(client, "no hurry", "--quiet")
    until(lambda: looks_ended(client.monitor) != before)
    time.sleep(QUIET_SECONDS)
    spent = looks_ended(client.monitor)
    for number in range(20):
        (client.shell.telex_home / "bells" / f"other-{number}").touch()
    time.sleep(QUIET_SECONDS)
    assert looks_ended(client.monitor) == spent
    assert client.heard.empty()


def looks_ended(monitor: subprocess.Popen[str] | None) -> int:
    """Grows with each look: the page faults of the children that the monitor has waited for."""
    assert monitor
    return int(Path(f"/proc/{monitor.pid}/stat").read_text().rpartition(")")[2].split()[8])


def test_what_a_killed_monitor_left_is_removed_by_the_next(client: Client) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    (client.shell.telex_home / "monitors" / str(gone.pid)).write_text("left over")
    assert client.monitor
    client.monitor.kill()
    client.monitor.wait()
    client.watch()
    until(lambda: os.listdir(client.shell.telex_home / "monitors") == [str(client.process.pid)])
