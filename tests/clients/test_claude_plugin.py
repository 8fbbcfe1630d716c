"""Acceptance: real Claude Code with telex as a plugin: valid, there after one command, woken quicker than by any hook,
told nothing twice, and gone without a trace.

Each test asserts on what the model was asked. A request repeats the whole conversation, so a message that was
delivered once stands once in the last request.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.clients.lab import TELEX, Lab, install_telex, marker
from tests.clients.model_server import DONE, Turn, bash
from tests.clients.test_claude_headless import said_of_telex
from tests.clients.waiting import wait_for

pytestmark = pytest.mark.real_client

WAKE_SECONDS = 1.0  # promised for an idle session with the plugin
SETTLED_SECONDS = 3.0  # what would come twice comes within this time
COMMAND_SECONDS = 60
NUDGE = "telex, not the user: "


@pytest.fixture
def plugged(bare_lab: Lab) -> Lab:
    """A machine on which a person ran `telex install claude --as-plugin`."""
    bare_lab.telex("install", "claude", "--as-plugin")
    return bare_lab


def claude(lab: Lab, *words: str) -> str:
    """What a command of Claude Code itself prints."""
    done = subprocess.run(
        [lab._claude, *words],
        cwd=lab.root,
        env=lab.environment(DISABLE_AUTOUPDATER="1", CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC="1"),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done
    return done.stdout


def telex_as(lab: Lab, *words: str) -> subprocess.CompletedProcess[str]:
    """The telex command as a person types it."""
    return subprocess.run(
        [TELEX, *words],
        cwd=lab.root,
        env=lab.environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
        check=False,
    )


def monitors(lab: Lab) -> list[int]:
    """The monitors of this machine that run, by their process ids."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            words = (place / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if os.fsencode(lab.telex_home / "bin" / "hook.py") in words and b"Monitor" in words:
            found.append(int(place.name))
    return found


def stands(lab: Lab, count: int = 1) -> list[int]:
    """Wait until so many sessions have their monitor, and until these sleep."""

    def look() -> list[int] | None:
        found = monitors(lab)
        names = [one for one in (lab.telex_home / "monitors").glob("*") if one.read_text()]
        return found if len(found) == count and len(names) >= count else None

    return wait_for(f"{count} monitors", look, instead=lambda: str(monitors(lab)))


def test_the_client_finds_the_plugin_valid(plugged: Lab) -> None:
    plugged.telex("install", "claude", "--mcp")
    root = plugged.telex_home / "plugin"
    for place in (root, root / "telex"):
        report = json.loads(claude(plugged, "plugin", "validate", "--strict", "--json", str(place)))
        assert "error" not in json.dumps(report.get("errors", [])), report


@pytest.mark.timed
def test_an_idle_session_is_woken_within_a_second(plugged: Lab) -> None:
    project, model, marks = plugged.directory("frontend"), plugged.model(), [marker() for _ in range(5)]
    terminal = plugged.terminal(model, project)
    stands(plugged)
    latencies = []
    for number, mark in enumerate(marks, 1):
        sent = time.monotonic()
        message = plugged.send("@frontend", mark)
        latencies.append(model.asked_with(mark).at - sent)
        plugged.becomes("@frontend", "idle")
        time.sleep(SETTLED_SECONDS / 2)
        assert len(model.requests) == number, "one message, one turn"
        assert plugged.arrived(message)
    shown = ", ".join(f"{one:.2f}" for one in latencies)
    print(f"Claude Code plugin, idle wake-up: {shown} s from the start of the send to the model's request")
    assert min(latencies) < WAKE_SECONDS, "what else the machine does comes on top"
    assert [model.last.count(mark) for mark in marks] == [1] * len(marks)
    assert model.last.count(f"{NUDGE}@sender wrote to this session") == len(marks)
    assert "telex, not the user: @sender wrote" in terminal.screen()


def test_a_burst_wakes_once(plugged: Lab) -> None:
    project, model, marks = plugged.directory("frontend"), plugged.model(), [marker() for _ in range(4)]
    plugged.terminal(model, project)
    stands(plugged)
    senders = [
        subprocess.Popen([TELEX, "send", "@frontend", mark], cwd=plugged.root, env=plugged.environment(TELEX_NAME=name))
        for mark, name in zip(marks, ("a", "b", "c", "d"), strict=True)
    ]
    assert [one.wait(COMMAND_SECONDS) for one in senders] == [0] * len(marks)
    for mark in marks:
        model.asked_with(mark)
    time.sleep(SETTLED_SECONDS)
    assert [model.last.count(mark) for mark in marks] == [1] * len(marks)
    assert model.last.count(NUDGE) == 1


def test_what_wakes_nobody_and_what_was_read_meanwhile_wakes_nobody(plugged: Lab) -> None:
    project, model = plugged.directory("frontend"), plugged.model()
    plugged.terminal(model, project)
    stands(plugged)
    plugged.send("#frontend", marker())
    plugged.send("@frontend", marker(), "--kind", "ack")
    plugged.send("@frontend", marker(), "--quiet")
    time.sleep(SETTLED_SECONDS)
    assert not model.requests


def test_a_busy_session_is_left_to_its_hooks(plugged: Lab) -> None:
    """Would break: the monitor speaks while a tool runs, and the client makes a turn of it after the mail was shown."""
    project, model, mark = plugged.directory("frontend"), plugged.model(), marker()
    terminal = plugged.terminal(model, project)
    stands(plugged)
    model.script(bash("sleep 2; echo over", first=lambda: plugged.send("@frontend", mark)), Turn(text="all over"))
    terminal.type("work")
    terminal.shows("all over")
    time.sleep(SETTLED_SECONDS)
    assert [one.count(mark) for one in model.requests] == [0, 1]
    assert model.last.count(NUDGE) == 0


def test_after_clear_the_same_monitor_wakes_the_new_session(plugged: Lab) -> None:
    project, model, early, late = plugged.directory("frontend"), plugged.model(), marker(), marker()
    terminal = plugged.terminal(model, project)
    before = stands(plugged)
    plugged.send("@frontend", early)
    model.asked_with(early)
    terminal.shows(DONE)
    [note] = (plugged.telex_home / "monitors").iterdir()
    bell = note.read_text()
    terminal.type("/clear")
    wait_for("the new session's bell", lambda: note.read_text() not in ("", bell))
    sent = time.monotonic()
    plugged.send("@frontend", late)
    woken = model.asked_with(late)
    print(f"Claude Code plugin, idle wake-up after /clear: {woken.at - sent:.2f} s")
    assert (woken.count(late), woken.count(early), woken.count(NUDGE)) == (1, 0, 1)
    assert stands(plugged) == before
    assert [name for name in plugged.present() if "frontend" in name] == ["@frontend"]


def test_mail_after_an_interruption_wakes_by_the_bell(plugged: Lab) -> None:
    """Would break: after Esc the session counts as busy, so its monitor stays silent, and no other hook fires."""
    project, model, mark = plugged.directory("frontend"), plugged.model(), marker()
    terminal = plugged.terminal(model, project)
    stands(plugged)
    model.script(bash("sleep 15"))
    terminal.type("take your time")
    terminal.shows("sleep 15")
    terminal.keys("Escape")
    terminal.shows("Interrupted")
    plugged.send("@frontend", mark)
    assert model.asked_with(mark).count(mark) == 1
    time.sleep(SETTLED_SECONDS)
    assert model.last.count(mark) == 1


def test_without_its_monitor_the_bell_still_wakes(plugged: Lab) -> None:
    project, model, mark = plugged.directory("frontend"), plugged.model(), marker()
    terminal = plugged.terminal(model, project)
    [monitor] = stands(plugged)
    os.kill(monitor, signal.SIGKILL)
    model.asked_times(1)  # the client tells its model that a monitor ended
    terminal.shows(DONE)
    plugged.becomes("@frontend", "idle")
    plugged.send("@frontend", mark)
    woken = model.asked_with(mark)
    assert (woken.count(mark), woken.count(NUDGE)) == (1, 0)


@pytest.mark.parametrize("end", ["leave", "kill"])
def test_a_monitor_ends_with_its_session(plugged: Lab, end: str) -> None:
    project, model = plugged.directory("frontend"), plugged.model()
    terminal = plugged.terminal(model, project)
    stands(plugged)
    getattr(terminal, end)()
    wait_for("the monitor's end", lambda: not monitors(plugged))


def test_a_silent_monitor_costs_nothing(plugged: Lab) -> None:
    project, model = plugged.directory("frontend"), plugged.model()
    plugged.terminal(model, project)
    [monitor] = stands(plugged)
    time.sleep(SETTLED_SECONDS)
    spent = ticks(monitor)
    plugged.send("@elsewhere", "mail that is not for this session")
    time.sleep(SETTLED_SECONDS)
    status = Path(f"/proc/{monitor}/status").read_text()
    memory = next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))
    print(
        f"Claude Code plugin, the monitor: {int(memory) / 1024:.1f} MB resident, {ticks(monitor) - spent} ticks in 3 s"
    )
    assert ticks(monitor) == spent
    assert not model.requests


def ticks(pid: int) -> int:
    """The processor time that a process and its children took."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(one) for one in fields[11:15])


def test_two_sessions_converse_with_nobody_typing(plugged: Lab) -> None:
    web, api = plugged.directory("web"), plugged.directory("api")
    question, answer = marker(), marker()
    asker, helper = plugged.model(), plugged.model()
    terminal = plugged.terminal(asker, web)
    plugged.terminal(helper, api)
    stands(plugged, 2)
    asker.script(bash(f"telex send --kind request @api {question}"), Turn(text="asked"))
    helper.script(bash(f"telex reply m1 {answer}"))
    terminal.type("ask api")
    assert asker.asked_with(answer).count(answer) == 1
    time.sleep(SETTLED_SECONDS)
    assert (asker.last.count(answer), helper.last.count(question)) == (1, 1)


def test_headless_sessions_have_no_monitor_and_all_their_moments(plugged: Lab) -> None:
    project, model, first, second = plugged.directory("frontend"), plugged.model(), marker(), marker()
    plugged.send("@frontend", first)
    model.script(bash("echo one", first=lambda: plugged.send("@frontend", second)), Turn(text="finished"))
    plugged.headless(model, "hello", project)
    assert [one.count(first) for one in model.requests] == [1, 1]
    assert [one.count(second) for one in model.requests] == [0, 1]
    assert not monitors(plugged)


def test_a_session_that_is_alone_is_told_nothing_of_telex(plugged: Lab) -> None:
    project, model = plugged.directory("frontend"), plugged.model()
    plugged.headless(model, "hello", project)
    assert said_of_telex(model.last, "telex:telex") == ""


def test_the_skill_and_the_tools_are_there(plugged: Lab) -> None:
    project, model, mark = plugged.directory("frontend"), plugged.model(), marker()
    plugged.telex("install", "claude", "--mcp")
    model.script(Turn(tool="mcp__plugin_telex_telex__send", input={"to": "@backend", "text": mark}))
    plugged.headless(model, "/telex @api the schema moved", project)
    assert model.requests[0].count("Words given: @api the schema moved") == 1
    [message] = plugged.telex("log", "--all")["messages"]
    assert (message["sender"], message["body"]) == ("@frontend", mark)


# --- one form at a time -----------------------------------------------------------------------------------


def test_asking_for_the_plugin_takes_the_settings_out(lab: Lab) -> None:
    project, model, mark = lab.directory("frontend"), lab.model(), marker()
    lab.telex("install", "claude", "--as-plugin")
    assert "hooks" not in json.loads(lab.settings.read_text())
    assert not (lab.settings.parent / "skills").exists()
    lab.telex("install", "claude")  # as after an upgrade
    assert "hooks" not in json.loads(lab.settings.read_text())
    lab.send("@frontend", mark)
    lab.headless(model, "hello", project)
    assert model.last.count(mark) == 1
    assert prompts(lab) == "ps", "each line ran once"


def prompts(lab: Lab) -> str:
    """The turn marks of all sessions, made by their lines."""
    return "".join(one.read_text() for one in (lab.telex_home / "turns").iterdir()) or "ps"


def test_both_forms_at_once_are_reported_and_still_deliver_once(lab: Lab) -> None:
    """Would break: Claude Code runs equal lines of settings and plugin twice; nothing may be shown twice for that."""
    project, model, waiting, during = lab.directory("frontend"), lab.model(), marker(), marker()
    settings = json.loads(lab.settings.read_text())
    lab.telex("install", "claude", "--as-plugin")
    enabled = json.loads(lab.settings.read_text())
    lab.settings.write_text(json.dumps({**settings, **enabled}))
    report = telex_as(lab, "status")
    assert report.returncode == 1 and "every line runs twice" in report.stdout
    lab.send("@frontend", waiting)
    terminal = lab.terminal(model, project)
    stands(lab)
    model.script(bash("echo one", first=lambda: lab.send("@frontend", during)))
    terminal.type("hello")
    terminal.shows(DONE)
    lab.becomes("@frontend", "idle")
    late = marker()
    lab.send("@frontend", late)
    model.asked_with(late)
    time.sleep(SETTLED_SECONDS)
    assert [model.last.count(mark) for mark in (waiting, during, late)] == [1, 1, 1]
    telex_as(lab, "install", "claude")
    assert "hooks" not in json.loads(lab.settings.read_text())


def test_a_project_beside_the_plugin_is_refused(plugged: Lab) -> None:
    refused = telex_as(plugged, "install", "claude", "--scope", "project")
    assert refused.returncode == 3
    assert "every line would run twice" in refused.stderr and "hint: " in refused.stderr
    assert not (plugged.root / ".claude").exists()


def test_who_types_the_clients_own_commands_has_the_same(plugged: Lab) -> None:
    project, model, mark = plugged.directory("frontend"), plugged.model(), marker()
    written = json.loads(plugged.settings.read_text())
    plugged.settings.unlink()
    claude(plugged, "plugin", "marketplace", "add", str(plugged.telex_home / "plugin"))
    claude(plugged, "plugin", "install", "telex@telex")
    assert json.loads(plugged.settings.read_text()) == written
    plugins = json.loads(claude(plugged, "plugin", "list", "--json"))  # since 2.1.332 with the client's built-in ones
    [listed] = [plugin for plugin in plugins if plugin["id"] == "telex@telex"]
    assert listed["enabled"]
    place = str(plugged.telex_home / "plugin" / "telex")
    assert listed["readFromFolder"] == place, "what telex writes anew holds for the next session"
    assert telex_as(plugged, "status").returncode == 0
    plugged.send("@frontend", mark)
    plugged.headless(model, "hello", project)
    assert model.last.count(mark) == 1


@pytest.fixture
def owned(bare_lab: Lab) -> Iterator[tuple[Lab, bytes]]:
    """A machine whose owner has settings of their own."""
    text = b'{ "model":  "opus",\n\t"enabledPlugins": {"other@place": false},\n  "env": {"A": "b\\u00e9"} }'
    bare_lab.settings.write_bytes(text)
    yield bare_lab, text


def test_uninstalling_leaves_the_settings_byte_for_byte(owned: tuple[Lab, bytes]) -> None:
    lab, text = owned
    lab.telex("install", "claude")
    lab.telex("install", "claude", "--as-plugin")
    project, model = lab.directory("frontend"), lab.model()
    lab.headless(model, "hello", project)
    lab.telex("uninstall", "claude")
    assert lab.settings.read_bytes() == text
    assert not (lab.telex_home / "plugin").exists()
    assert not (lab.telex_home / "bin" / "hook.py").exists()
    again = lab.model()
    lab.headless(again, "hello", project)
    assert again.last.count("telex") == 0


def test_uninstalling_under_a_running_session_does_not_disturb_it(plugged: Lab) -> None:
    """Would break: the client starts a turn to tell its model that a monitor ended."""
    project, model = plugged.directory("frontend"), plugged.model()
    terminal = plugged.terminal(model, project)
    stands(plugged)
    plugged.telex("uninstall", "claude")
    plugged.send("@frontend", marker())
    time.sleep(SETTLED_SECONDS)
    assert not model.requests
    terminal.type("hello")
    terminal.shows(DONE)
    terminal.leave()
    wait_for("the monitor's end", lambda: not monitors(plugged))


def test_a_disabled_plugin_is_told_and_stays_disabled(plugged: Lab) -> None:
    claude(plugged, "plugin", "disable", "telex@telex")
    report = telex_as(plugged, "status")
    assert report.returncode == 1 and "switched off" in report.stdout
    plugged.telex("install", "claude")
    settings: dict[str, Any] = json.loads(plugged.settings.read_text())
    assert settings["enabledPlugins"] == {"telex@telex": False}


def test_settings_that_are_there_already_are_said(bare_lab: Lab) -> None:
    project = bare_lab.directory("frontend")
    install_telex(bare_lab, "project", project)
    refused = telex_as(bare_lab, "install", "claude", "--as-plugin")
    assert refused.returncode == 3 and str(project) in refused.stderr
