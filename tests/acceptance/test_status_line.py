"""The unread count in Claude Code's status line: put beside what its owner shows there, and taken out again."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from tests.acceptance.installing import Machine, actions
from tests.support.cli import Shell

from telex.clients.installer.inspection import inspect
from telex.clients.types import LINE
from telex.errors import Usage

WITH = (LINE,)
SESSION = "6f1d0a52-9a10-4b0e-8f0e-2f3a1c5d7e9b"
SILENT_MOST_MS = 15.0  # two shells, on a machine that does other things too
OWNERS = {
    "plain": "echo 'main ✓'",
    "without its last end of line": "printf 'one\\ntwo'",
    "with a remark": "echo seen  # and a remark",
    "with quotes": """printf '%s' "it's \\"mine\\"" """,
    "with a document": "cat <<END\nfrom a document\nEND",
    "that reads its input": "cat",
    "that leaves": "echo gone; exit 3",
    "in a shell of its own": "(cd / && pwd) | tr / :",
    "with a case": "case a in a) echo matched;; esac",
    "with telex's own names": 'T=mine S=mine; echo "$T$S$E"',
    "that fails": "no-such-program 2>/dev/null",
}
LAYOUTS = {
    "two spaces": '{\n  "statusLine": {\n    "type": "command",\n    "command": %s\n  },\n  "n": 1.0e5\n}\n',
    "one line": '{"a":1,"statusLine":{"command":%s,"type":"command"}}',
    "tabs, and no end of line": '{\n\t"statusLine": {\n\t\t"type": "command",\n\t\t"command": %s\n\t}\n}',
}


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def line_of(machine: Machine) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(machine.settings.read_text())["statusLine"]
    return found


def shown(command: str, stdin: str = "{}", **environment: str) -> subprocess.CompletedProcess[str]:
    """What the client would show, and the status."""
    variables = {"PATH": os.defpath, "LANG": "C.UTF-8", "CLAUDE_CODE_SESSION_ID": SESSION, **environment}
    return subprocess.run(
        ["/bin/sh", "-c", command], input=stdin, capture_output=True, text=True, env=variables, timeout=60, check=False
    )


def test_it_comes_only_where_it_is_asked_for_and_stays_up_to_date(machine: Machine) -> None:
    machine.install()
    assert "statusLine" not in json.loads(machine.settings.read_text())
    machine.install(also=WITH)
    assert line_of(machine)["type"] == "command" and line_of(machine)["refreshInterval"] == 2
    assert set(actions(machine.install()).values()) == {"unchanged"}
    assert machine.inspect()[LINE].state == "installed"
    with pytest.raises(Usage):
        machine.install("project", also=WITH)


def test_uninstalling_leaves_nothing_and_the_line_goes_alone_too(machine: Machine) -> None:
    machine.install(also=WITH)
    machine.uninstall(only=WITH)
    assert "statusLine" not in json.loads(machine.settings.read_text())
    assert machine.inspect()["hooks"].state == "installed" and LINE not in machine.inspect()
    machine.install(also=WITH)
    machine.uninstall()
    assert not machine.settings.exists()


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS.keys())
@pytest.mark.parametrize("owner", OWNERS.values(), ids=OWNERS.keys())
def test_an_owners_command_shows_what_it_showed_and_comes_back_byte_for_byte(
    machine: Machine, owner: str, layout: str
) -> None:
    before = machine.write(layout % json.dumps(owner))
    alone = shown(owner, "the payload")
    machine.install(also=WITH)
    assert "refreshInterval" not in line_of(machine), "how often it runs is the owner's to say"
    together = shown(line_of(machine)["command"], "the payload")
    assert (together.stdout, together.returncode) == (alone.stdout, alone.returncode)
    machine.uninstall()
    assert machine.settings.read_bytes() == before


def test_a_command_written_with_other_escapes_comes_back_as_it_was(machine: Machine) -> None:
    before = machine.write('{"statusLine": {"type": "command", "command": "echo \\u00fc \\/"}}')
    machine.install(also=WITH)
    assert "echo ü /" in line_of(machine)["command"]
    machine.uninstall()
    assert machine.settings.read_bytes() == before


def test_what_the_owner_changed_since_stays_changed(machine: Machine) -> None:
    machine.write(json.dumps({"statusLine": {"type": "command", "command": "echo old"}}))
    machine.install(also=WITH)
    value = json.loads(machine.settings.read_text())
    value["statusLine"]["command"] = value["statusLine"]["command"].replace("echo old", "echo new")
    value["statusLine"]["padding"] = 1
    machine.write(json.dumps(value))
    machine.uninstall()
    assert json.loads(machine.settings.read_text()) == {
        "statusLine": {"type": "command", "command": "echo new", "padding": 1}
    }


def test_a_line_that_its_owner_took_out_is_not_missed_at_the_end(machine: Machine) -> None:
    machine.install(also=WITH)
    value = json.loads(machine.settings.read_text())
    del value["statusLine"]
    machine.write(json.dumps(value))
    assert machine.inspect()[LINE].state == "drifted"
    machine.uninstall()
    assert not machine.settings.exists() or "telex" not in machine.settings.read_text()


@pytest.mark.parametrize("there", [7, "echo", {"type": "text", "text": "x"}, {"type": "command"}, {"command": "x"}])
def test_what_is_no_command_is_refused_in_words_and_stays(machine: Machine, there: object) -> None:
    machine.write(json.dumps({"statusLine": there}))
    changes = machine.install(also=WITH)
    detail = next(one.detail for one in changes if one.path == str(machine.settings))
    assert "its statusLine is not a command; left as it is" in detail
    assert line_of(machine) == there
    machine.uninstall()
    assert line_of(machine) == there


def test_a_command_that_would_take_in_what_follows_is_refused(machine: Machine) -> None:
    before = machine.write(json.dumps({"statusLine": {"type": "command", "command": "echo a \\"}}))
    machine.install(only=WITH)
    assert machine.settings.read_bytes() == before


def test_another_homes_line_is_taken_over_and_left_alone_by_the_first(machine: Machine) -> None:
    machine.write(json.dumps({"statusLine": {"type": "command", "command": "echo mine"}}))
    machine.install(also=WITH)
    other = str(machine.user / "other")
    machine.install(also=WITH, home=other)
    assert line_of(machine)["command"].count("StatusLine") == 1
    machine.uninstall()
    assert "$HOME/other}" in line_of(machine)["command"]
    machine.uninstall(home=other)
    assert line_of(machine)["command"] == "echo mine"


@pytest.fixture
def telex(shell: Shell) -> Shell:
    """A home with the line installed, and a session of Claude Code that a hook has met."""
    assert shell.telex("install", "claude", "--status-line").status == 0
    payload = json.dumps({"session_id": SESSION, "cwd": str(shell.work), "hook_event_name": "SessionStart"})
    hook = [sys.executable, "-c", "from telex.hook import main; main()", "claude", "SessionStart"]
    assert shell.run(hook, payload.encode(), CLAUDE_PID=str(os.getpid())).status == 0
    return shell


def status_line(shell: Shell) -> str:
    command = json.loads((shell.home / ".claude" / "settings.json").read_text())["statusLine"]["command"]
    done = shown(command, HOME=str(shell.home))
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_it_shows_the_name_and_the_count_while_something_waits(telex: Shell) -> None:
    assert status_line(telex) == ""
    for number in (1, 2):
        telex.telex("send", "@shop", f"note {number}", "--quiet", TELEX_NAME="ci")
        assert status_line(telex) == f"\ntelex @shop {number}\n"
    telex.telex("read", CLAUDE_CODE_SESSION_ID=SESSION, CLAUDE_PID=str(os.getpid()))
    assert status_line(telex) == ""


def test_nothing_that_is_broken_is_seen_in_it(telex: Shell) -> None:
    """Would break: a status line with a traceback in it, on every screen, every two seconds."""
    telex.telex("send", "@shop", "hello", "--quiet", TELEX_NAME="ci")
    command = json.loads((telex.home / ".claude" / "settings.json").read_text())["statusLine"]["command"]
    for session in ("", "../../etc", "x" * 99, "not-known", "-n"):
        done = shown(command, HOME=str(telex.home), CLAUDE_CODE_SESSION_ID=session)
        assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)
    for part in ("telex.db", "telex.db-wal", "telex.db-shm"):
        (telex.telex_home / part).write_bytes(b"damaged" * 1000)
    assert status_line(telex) == ""
    shutil.rmtree(telex.telex_home / "bin")
    assert status_line(telex) == ""


def test_a_silent_line_costs_what_two_shells_cost(telex: Shell) -> None:
    def best() -> float:
        times = []
        for _ in range(10):
            start = time.perf_counter()
            assert status_line(telex) == ""
            times.append(1000 * (time.perf_counter() - start))
        return min(times)

    assert best() < SILENT_MOST_MS


def test_status_says_that_it_is_there(telex: Shell) -> None:
    found = inspect("claude", "user", home=str(telex.telex_home), user_home=str(telex.home))
    assert {one.part: one.state for one in found}[LINE] == "installed"
    assert "status line" in telex.telex("status").out


def test_it_is_claude_codes_alone(shell: Shell) -> None:
    ran = shell.telex("install", "gemini", "--status-line")
    assert ran.status == 2 and "telex has no status line for Gemini CLI" in ran.err


def test_it_stands_beside_the_plugin_too_and_both_go(shell: Shell) -> None:
    settings = shell.home / ".claude" / "settings.json"
    settings.parent.mkdir()
    settings.write_text('{"statusLine":{"type":"command","command":"echo mine"},"x":1}')
    before = settings.read_bytes()
    assert shell.telex("install", "claude", "--as-plugin", "--status-line").status == 0
    assert "StatusLine" in settings.read_text() and "hooks" not in json.loads(settings.read_text())
    assert shell.telex("install", "claude").out.startswith("nothing to do")
    assert shell.telex("uninstall", "claude", "--status-line").status == 0
    assert "StatusLine" not in settings.read_text() and "enabledPlugins" in settings.read_text()
    assert shell.telex("install", "claude", "--status-line").status == 0
    assert shell.telex("uninstall", "claude").status == 0
    assert settings.read_bytes() == before
