"""The lines in a client's settings: silent, quick, and harmless in every state of the machine."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from telex.clients.launcher import gate
from telex.clients.launcher.gate import Gate

SHELLS = {
    "sh": ["/bin/sh", "-c"],
    **{name: [found, "-c"] for name in ("dash", "bash", "ksh", "zsh", "yash") if (found := shutil.which(name))},
}
if found := shutil.which("busybox"):
    SHELLS["busybox"] = [found, "sh", "-c"]
if "dash" in SHELLS and os.path.samefile("/bin/sh", SHELLS["dash"][0]):
    del SHELLS["sh"]
HOMES = ["plain", 'it\'s a "home" }$(touch made)`x`\\ é-日本']
SESSION = "0b7e2a3c-1111-4222-8333-944455556666"
PROMPTS = ("UserPromptSubmit", "Stop", "StopFailure")
EVENTS = (
    "SessionStart",
    "UserPromptSubmit",
    "PostToolBatch",
    "Stop",
    "StopFailure",
    "SessionEnd",
    "CwdChanged",
    "FileChanged",
)
ALWAYS = ("SessionStart", "SessionEnd")

# Stands in for the hook: leaves its arguments and the size of its stdin, and ends as it is told to.
STAND_IN = """\
import os, sys
with open(__file__ + ".ran", "a") as file:
    print(*sys.argv[1:], len(sys.stdin.buffer.read()), file=file)
if os.path.exists(__file__ + ".says"):
    print("said by the hook", file=sys.stderr)
    os._exit(int(open(__file__ + ".says").read()))
"""


class Place:
    """A telex home with a stand-in hook, and the lines for it."""

    def __init__(self, root: Path, name: str) -> None:
        self.home = root / name / ".telex"
        self.hook = self.home / "bin" / "hook.py"
        for directory in ("bin", "bells", "turns", "owed", "asks"):
            (self.home / directory).mkdir(parents=True)
        self.hook.write_text(STAND_IN)
        self.interpreters = self.home / "bin" / "interpreters"
        self.interpreters.write_text(f"{os.path.realpath(sys.executable)}\n")
        self.user_home = ""
        self.cwd = root / "cwd"
        self.cwd.mkdir()

    def line(self, event: str) -> str:
        lines = Gate(
            home=str(self.home),
            user_home=self.user_home,
            client="claude",
            session_variable="CLAUDE_CODE_SESSION_ID",
        )
        kinds = {
            "UserPromptSubmit": lines.prompt,
            "PostToolBatch": lines.on_bell,
            "Stop": lines.stop,
            "StopFailure": lines.stop,
            "CwdChanged": lines.watch,
        }
        attended = {"SessionStart": lines.start, "FileChanged": lines.wake, "PermissionRequest": lines.asks}
        if event in attended:
            return attended[event](event, "CLAUDE_CODE_SESSION_ATTENDED")
        return kinds.get(event, lines.always)(event)

    def run(
        self, shell: list[str], event: str, *, stdin: bytes = b"{}", **environment: str
    ) -> subprocess.CompletedProcess[bytes]:
        base = {"PATH": "/nowhere", "CLAUDE_CODE_SESSION_ID": SESSION, "CLAUDE_CODE_SESSION_ATTENDED": "1"}
        return subprocess.run(
            [*shell, self.line(event)],
            input=stdin,
            capture_output=True,
            env={**base, "LC_ALL": "C.UTF-8", **environment},
            cwd=self.cwd,
            timeout=20,
            check=False,
        )

    def quiet(self, shell: list[str], event: str, *, stdin: bytes = b"{}", **environment: str) -> bytes:
        """Runs the line, expects it to disturb nobody, and returns what it printed."""
        done = self.run(shell, event, stdin=stdin, **environment)
        assert (done.returncode, done.stderr) == (0, b""), event
        assert os.listdir(self.cwd) == [], "no part of a path was run or written to"
        return done.stdout

    def ran(self) -> list[str]:
        """What the stand-in was started with since the last call."""
        trace = Path(f"{self.hook}.ran")
        lines = trace.read_text().splitlines() if trace.exists() else []
        trace.unlink(missing_ok=True)
        return lines

    def ring(self, session: str = SESSION) -> None:
        (self.home / "bells" / session).touch()


@pytest.fixture(params=HOMES, ids=["plain", "nasty"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    return Place(tmp_path, request.param)


@pytest.fixture(params=SHELLS.values(), ids=list(SHELLS))
def shell(request: pytest.FixtureRequest) -> list[str]:
    command: list[str] = request.param
    return command


def test_the_first_interpreter_that_is_there_runs_the_hook(place: Place, shell: list[str]) -> None:
    place.ring()
    real = os.path.realpath(sys.executable)
    plain_file = place.cwd.parent / "python3"
    plain_file.write_text("not executable")
    place.interpreters.write_text(f"/nowhere/python3\n{plain_file}\n/gone/with blank/python3\n{real}\n/behind\n")
    for event in EVENTS:
        if event != "CwdChanged":
            place.quiet(shell, event, P="/nowhere/inherited")
            assert place.ran() == [f"claude {event} 2"]


def test_a_home_of_the_environment_without_launchers_is_served_by_those_that_were_installed(
    place: Place, shell: list[str]
) -> None:
    other = place.cwd.parent / "other home"
    (other / "bells").mkdir(parents=True)
    place.quiet(shell, "PostToolBatch", TELEX_HOME=str(other))
    assert place.ran() == [], "its own bell is silent"
    (other / "bells" / SESSION).touch()
    place.quiet(shell, "PostToolBatch", TELEX_HOME=str(other))
    assert place.ran() == ["claude PostToolBatch 2"]


def test_a_line_has_the_same_bytes_for_every_home_directory_and_runs_in_each(tmp_path: Path, shell: list[str]) -> None:
    lines = set()
    for number, name in enumerate([*HOMES, "Users/ann", "with\nan end of line"]):
        (tmp_path / str(number)).mkdir()
        place = Place(tmp_path / str(number), name)
        place.user_home = str(place.home.parent)
        lines.add(tuple(place.line(event) for event in EVENTS))
        place.ring()
        place.quiet(shell, "Stop", HOME=place.user_home)
        assert place.ran() == ["claude Stop 2"]
        place.quiet(shell, "Stop", HOME="/nowhere")
        assert place.ran() == [], "the home of nobody"
    assert len(lines) == 1


@pytest.mark.parametrize("name", [*HOMES, "a}b", "$HOME", "x y"])
@pytest.mark.parametrize("below", [False, True])
def test_a_line_tells_which_home_it_belongs_to(tmp_path: Path, name: str, below: bool) -> None:
    place = Place(tmp_path, name)
    place.user_home = str(tmp_path) if below else ""
    for event in EVENTS:
        assert gate.home_of(place.line(event), str(tmp_path)) == str(place.home)
        if below:
            assert gate.home_of(place.line(event), "/other/").startswith("/other/")
    old = f"[ -x /py ] || exit 0; /py -I -S {shlex.quote(str(place.hook))} claude Stop || exit 0"
    assert gate.home_of(old, "/elsewhere") == str(place.home), "a line of an earlier telex"
    assert gate.written_for(old) == "claude"


def test_a_silent_bell_starts_nothing(place: Place, shell: list[str]) -> None:
    for event in [event for event in EVENTS if event != "CwdChanged"]:
        out = place.quiet(shell, event)
        if event in ALWAYS:
            assert place.ran() == [f"claude {event} 2"]
        else:
            assert (place.ran(), out) == ([], b""), event
    assert (place.home / "turns" / SESSION).read_text() == "pss"


def test_a_ringing_bell_starts_the_hook_with_the_whole_payload(place: Place, shell: list[str]) -> None:
    place.ring()
    for event in EVENTS:
        if event != "CwdChanged":
            place.quiet(shell, event, stdin=b"x" * 1_000_000)
            assert place.ran() == [f"claude {event} 1000000"]


def test_cwd_changed_names_the_bell(place: Place, shell: list[str]) -> None:
    out = place.quiet(shell, "CwdChanged")
    if "plain" in str(place.home):
        assert place.ran() == []
        bell = str(place.home / "bells" / SESSION)
        assert json.loads(out) == {"hookSpecificOutput": {"hookEventName": "CwdChanged", "watchPaths": [bell]}}
    else:
        assert place.ran() == ["claude CwdChanged 2"], "a path that needs escapes is the hook's to write"
    place.quiet(shell, "CwdChanged", CLAUDE_CODE_SESSION_ID="")
    assert place.ran() == ["claude CwdChanged 2"]
    place.quiet(shell, "CwdChanged", TELEX_HOME="relative/home")
    assert place.ran() == ["claude CwdChanged 2"], "only an absolute path can be watched"


def test_a_bell_rung_before_the_watcher_works_is_touched_again(place: Place, shell: list[str]) -> None:
    bell = place.home / "bells" / SESSION
    tools = place.cwd.parent / "tools"
    tools.mkdir()
    (tools / "sleep").write_text(f"#!/bin/sh\nwhile [ ! -e '{tools}/now' ]; do /bin/sleep 0.01; done\n")
    (tools / "sleep").chmod(0o755)
    for attended, rung in (("1", True), ("1", False), ("0", True)):
        (tools / "now").unlink(missing_ok=True)
        bell.unlink(missing_ok=True)
        place.quiet(shell, "SessionStart", CLAUDE_CODE_SESSION_ATTENDED=attended, PATH=f"{tools}:/usr/bin:/bin")
        assert place.ran() == ["claude SessionStart 2"], "the hook did not wait for it"
        if rung:
            bell.touch()
            os.utime(bell, (1, 1))
        (tools / "now").touch()
        deadline = time.monotonic() + (5 if attended == "1" and rung else 0.3)
        while time.monotonic() < deadline and not (bell.exists() and bell.stat().st_mtime > 1):
            time.sleep(0.01)
        assert bell.exists() == rung, "a silent bell stays silent"
        assert not rung or (bell.stat().st_mtime > 1) == (attended == "1")


def test_what_a_session_owes_concerns_the_end_of_its_turn_only(place: Place, shell: list[str]) -> None:
    (place.home / "owed" / SESSION).touch()
    for event in ("UserPromptSubmit", "PostToolBatch", "FileChanged"):
        place.quiet(shell, event)
        assert place.ran() == []
    place.quiet(shell, "Stop")
    assert place.ran() == ["claude Stop 2"]


def test_only_an_attended_session_is_woken(place: Place, shell: list[str]) -> None:
    place.ring()
    for value in ("0", "", "10", "-o", "!"):
        place.quiet(shell, "FileChanged", CLAUDE_CODE_SESSION_ATTENDED=value)
        assert place.ran() == []


@pytest.mark.parametrize("after", ["UserPromptSubmit", "PostToolBatch", "Stop"])
def test_a_question_is_noted_without_the_hook_and_over_with_what_happens_next(
    place: Place, shell: list[str], after: str
) -> None:
    place.ring()
    asks = place.home / "asks" / SESSION
    place.quiet(shell, "PermissionRequest", CLAUDE_CODE_SESSION_ATTENDED="0")
    assert not asks.exists(), "nobody is asked"
    for _ in range(2):
        assert place.quiet(shell, "PermissionRequest") == b"", "an answer would decide for the person"
    assert (place.ran(), asks.read_text()) == ([], "w")
    (place.home / "bells" / SESSION).unlink()
    place.quiet(shell, after)
    assert (place.ran(), asks.read_text()) == ([], "")


def test_a_question_that_cannot_be_noted_is_left_to_the_hook(place: Place, shell: list[str]) -> None:
    place.quiet(shell, "PermissionRequest", CLAUDE_CODE_SESSION_ID="../x")
    assert place.ran() == ["claude PermissionRequest 2"]
    (place.home / "asks").rmdir()
    place.quiet(shell, "PermissionRequest")
    assert place.ran() == ["claude PermissionRequest 2"]
    for event in ("UserPromptSubmit", "PostToolBatch", "Stop"):
        place.quiet(shell, event)
        assert place.ran() == [], "a home of an older telex has no such directory"


@pytest.mark.parametrize("status", [0, 1, 2, 120, 255])
def test_only_the_wake_up_passes_the_hooks_2_on(place: Place, shell: list[str], status: int) -> None:
    place.ring()
    Path(f"{place.hook}.says").write_text(str(status))
    for event in EVENTS:
        done = place.run(shell, event)
        expected = 2 if event == "FileChanged" and status == 2 else 0
        assert done.returncode == expected, event
        if expected:
            assert done.stderr == b"said by the hook\n"


@pytest.mark.parametrize("session", ["", "../../etc/passwd", "a b", "a*", "-n", "x" * 65, "é", "a\nb", "$(touch made)"])
def test_an_id_that_is_no_bells_name_is_left_to_the_hook(place: Place, shell: list[str], session: str) -> None:
    for event in EVENTS:
        place.quiet(shell, event, CLAUDE_CODE_SESSION_ID=session)
        assert place.ran() == [f"claude {event} 2"], event
    assert os.listdir(place.home / "turns") == []


def test_no_session_id_at_all_is_left_to_the_hook(place: Place, shell: list[str]) -> None:
    for event in EVENTS:
        done = subprocess.run(
            [*shell, place.line(event)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env={"CLAUDE_CODE_SESSION_ATTENDED": "1"},
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, b"")
        assert place.ran() == [f"claude {event} 0"], event


def test_another_home_from_the_environment_counts(place: Place, shell: list[str], tmp_path: Path) -> None:
    place.ring()
    other = tmp_path / "other home"
    (other / "bells").mkdir(parents=True)
    (other / "turns").mkdir()
    for event in ("UserPromptSubmit", "PostToolBatch", "Stop", "FileChanged"):
        place.quiet(shell, event, TELEX_HOME=str(other))
        assert place.ran() == []
        place.quiet(shell, event, TELEX_HOME="")
        assert place.ran() == [f"claude {event} 2"]
    assert (other / "turns" / SESSION).read_text() == "ps"


def break_home(place: Place) -> None:
    shutil.rmtree(place.home)


def break_turns(place: Place) -> None:
    (place.home / "turns").rmdir()
    (place.home / "turns").write_text("a file where a directory should be cannot be written into, by root either")


def break_hook(place: Place) -> None:
    place.hook.unlink()


def break_python(place: Place) -> None:
    place.interpreters.write_text("/nowhere/python3\n/nowhere/either\n")


def break_python_list(place: Place) -> None:
    place.interpreters.unlink()


def break_python_line(place: Place) -> None:
    place.interpreters.write_bytes(b"\xff\n\n -c exit 2\n$(touch made)\nno end of line")


def break_python_mode(place: Place) -> None:
    python = place.cwd.parent / "python3"
    python.write_text("not executable")
    place.interpreters.write_text(f"{python}\n")


def break_python_format(place: Place) -> None:
    python = place.cwd.parent / "python3"
    python.write_bytes(b"\x7fELF and no more")
    python.chmod(0o755)
    place.interpreters.write_text(f"{python}\n")


BREAKS = [break_home, break_turns, break_hook, break_python, break_python_list, break_python_line]
BREAKS += [break_python_mode, break_python_format]


@pytest.mark.parametrize("damage", BREAKS)
@pytest.mark.parametrize("ringing", [False, True])
def test_whatever_is_broken_the_client_never_notices(
    place: Place, shell: list[str], damage: object, ringing: bool
) -> None:
    assert callable(damage)
    if ringing:
        place.ring()
    damage(place)
    for event in EVENTS:
        done = place.run(shell, event)
        assert done.returncode == 0, event
        if damage is not break_python_format:
            assert done.stderr == b"", event
        if damage not in (break_turns, break_python_format) and event != "CwdChanged":
            assert (place.ran(), done.stdout) == ([], b""), event


def test_a_megabyte_on_stdin_is_not_read_while_the_bell_is_silent(place: Place, shell: list[str]) -> None:
    payload = place.cwd.parent / "payload"
    payload.write_bytes(b"x" * 1_000_000)
    for event in ("UserPromptSubmit", "PostToolBatch", "Stop", "FileChanged"):
        with payload.open("rb") as stdin:
            done = subprocess.run(
                [*shell, place.line(event)],
                stdin=stdin,
                capture_output=True,
                env={"CLAUDE_CODE_SESSION_ID": SESSION, "CLAUDE_CODE_SESSION_ATTENDED": "1"},
                check=False,
            )
            assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
            assert os.lseek(stdin.fileno(), 0, os.SEEK_CUR) == 0, event


def can_trace() -> bool:
    strace = shutil.which("strace")
    return bool(strace) and subprocess.run([str(strace), "true"], capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not can_trace(), reason="strace is not there or may not trace")
def test_a_silent_bell_starts_no_process_not_even_a_subshell(place: Place, shell: list[str]) -> None:
    for event in ("PermissionRequest", "UserPromptSubmit", "PostToolBatch", "Stop", "FileChanged", "CwdChanged"):
        if event == "CwdChanged" and "plain" not in str(place.home):
            continue
        done = subprocess.run(
            ["strace", "-f", "-qq", "-e", "trace=execve,fork,vfork,clone,clone3", *shell, place.line(event)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env={**os.environ, "CLAUDE_CODE_SESSION_ID": SESSION, "CLAUDE_CODE_SESSION_ATTENDED": "1"},
            check=False,
        )
        calls = [call for call in done.stderr.decode(errors="replace").splitlines() if "(" in call]
        assert len(calls) == 1 and "execve(" in calls[0], (event, calls)


def test_a_line_of_telex_is_known_again_and_no_other(place: Place) -> None:
    for event in (*EVENTS, "PermissionRequest"):
        assert gate.written_for(place.line(event)) == "claude"
        assert "\n" not in place.line(event)
    for foreign in (
        "",
        "echo",
        "telex hook",
        "python3 -I -S ~/bin/hook.py",
        "python3 bin/hook.py claude Stop",
        None,
        7,
    ):
        assert gate.written_for(foreign) == ""


def planted_at(self: Gate) -> str:
    """A gate that takes the home as the environment gives it."""
    return f"T=${{TELEX_HOME:-{gate.portable(self.home, self.user_home)}}};"


@pytest.mark.parametrize("relative", ["~/.telex2", "trap", "./trap", "  ", "~"])
@pytest.mark.parametrize("planted", [False, True])
def test_a_relative_home_is_no_directory_of_the_project(
    place: Place, shell: list[str], relative: str, planted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Would break: a checkout would say what the hooks run, and get the marks of turns."""
    if planted:
        monkeypatch.setattr(Gate, "_at", planted_at)
    trap = place.cwd / relative
    for directory in ("bin", "bells", "turns", "owed", "asks"):
        (trap / directory).mkdir(parents=True)
    (trap / "bells" / SESSION).touch()
    (trap / "bin" / "interpreters").write_text(place.interpreters.read_text())
    (trap / "bin" / "hook.py").write_text(STAND_IN)
    before = sorted(str(path) for path in trap.rglob("*"))
    said = [place.run(shell, event, TELEX_HOME=relative).stdout for event in EVENTS]
    touched = sorted(str(path) for path in trap.rglob("*")) != before
    assert touched == planted
    if not planted:
        assert said == [b""] * len(EVENTS)
        assert os.listdir(place.home / "turns") == []
