"""The lines for clients that tell their hooks no session id and whose subagents fire the same events."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from telex.clients.launcher.gate import Gate

SHELLS = {name: found for name in ("sh", "bash", "zsh", "yash", "ksh") if (found := shutil.which(name))}
STAND_IN = """\
import sys
with open(__file__ + ".ran", "a") as file:
    print(*sys.argv[1:3], file=file)
    print(sys.stdin.read(), end="", file=file)
"""
PROMPTS = [
    "hello",
    'a prompt that names "agent_id": itself',
    "back\\slash %s \\n `x` $(touch made) 'quotes'",
    "two\nlines\tand é-日本",
    "",
    "x" * 100_000,
]


class Place:
    """A home with a stand-in for the hook, and the shell that stands in for the client's."""

    def __init__(self, root: Path, shell: str) -> None:
        self.home, self.shell = root / "a home", shell
        self.hook = self.home / "bin" / "hook.py"
        for directory in ("bin", "bells", "turns", "owed", "calls"):
            (self.home / directory).mkdir(parents=True)
        self.hook.write_text(STAND_IN)
        self.interpreters = self.home / "bin" / "interpreters"
        self.interpreters.write_text(f"{os.path.realpath(sys.executable)}\n")
        self.lines = Gate(
            home=str(self.home),
            client="codex",
            session_variable="",
            subagent_key="agent_id",
        )
        self.bell = f"codex-{os.getpid()}"  # the client is whoever starts the line

    def run(self, line: str, payload: Mapping[str, object], end: str = "\n") -> list[str]:
        """What the hook was told, after the line ended quietly."""
        raw = (json.dumps(payload, ensure_ascii=False, separators=(",", ":")) + end).encode()
        env = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
        done = subprocess.run([self.shell, "-c", line], input=raw, capture_output=True, env=env, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
        trace = Path(f"{self.hook}.ran")
        ran = trace.read_text().splitlines() if trace.exists() else []
        trace.unlink(missing_ok=True)
        return ran

    def marks(self) -> str:
        path = self.home / "turns" / self.bell
        return path.read_text() if path.exists() else ""

    def touch(self, directory: str) -> Path:
        path = self.home / directory / self.bell
        path.touch()
        return path


@pytest.fixture(params=SHELLS.values(), ids=list(SHELLS))
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    return Place(tmp_path, request.param)


@pytest.mark.parametrize("prompt", PROMPTS, ids=lambda prompt: prompt[:10])
@pytest.mark.parametrize("end", ["\n", ""], ids=["a line", "no line end"])
def test_the_hook_gets_the_payload_that_the_line_has_read(place: Place, prompt: str, end: str) -> None:
    payload = {"session_id": "s", "prompt": prompt}
    assert place.run(place.lines.prompt("UserPromptSubmit"), payload, end) == []
    place.touch("bells")
    event, *given = place.run(place.lines.prompt("UserPromptSubmit"), payload, end)
    assert event == "codex UserPromptSubmit"
    assert json.loads("".join(given)) == payload
    assert place.marks() == "pp"


@pytest.mark.parametrize("prompt", PROMPTS, ids=lambda prompt: prompt[:10])
def test_a_subagents_prompt_is_no_persons(place: Place, prompt: str) -> None:
    """Would break: agents that answer each other could end a rest by starting a subagent."""
    place.touch("bells")
    payload = {"session_id": "s", "agent_id": "a", "prompt": prompt}
    assert place.run(place.lines.prompt("UserPromptSubmit"), payload) == []
    assert place.run(place.lines.stop("Stop", subagents=True), payload) == []
    assert place.marks() == ""


def test_a_prompt_that_telex_asked_for_reaches_the_hook_though_the_bell_is_silent(place: Place) -> None:
    payload: dict[str, object] = {"session_id": "s", "prompt": "p"}
    place.touch("calls")
    assert place.run(place.lines.prompt("UserPromptSubmit"), payload) == []
    assert place.run(place.lines.prompt("UserPromptSubmit", called=True), payload)[0] == "codex UserPromptSubmit"
    assert place.run(place.lines.stop("Stop"), payload) == []
    assert place.marks() == "pps"


def test_a_stop_is_noted_with_and_without_a_look_at_the_payload(place: Place) -> None:
    payload: dict[str, object] = {"session_id": "s", "stop_hook_active": False}
    place.touch("owed")
    for subagents in (False, True):
        ran = place.run(place.lines.stop("Stop", subagents=subagents), payload)
        assert (ran[0], json.loads(ran[1])) == ("codex Stop", payload)
    assert place.marks() == "ss"


def test_a_home_that_is_gone_disturbs_nobody(place: Place) -> None:
    shutil.rmtree(place.home)
    for line in (place.lines.prompt("UserPromptSubmit", called=True), place.lines.stop("Stop", subagents=True)):
        assert place.run(line, {"prompt": "p"}) == []


@pytest.mark.parametrize("prompt", PROMPTS, ids=lambda prompt: prompt[:10])
def test_the_head_of_a_payload_names_the_session(place: Place, prompt: str) -> None:
    """Would break: the sessions of one process would share a bell, and one would silence the other's."""
    lines = Gate(**{**place.lines.as_dict(), "session_key": "session_id"})
    payload = {"session_id": "0b7e-1", "turn_id": "t", "prompt": prompt}
    kinds = [lines.prompt("UserPromptSubmit"), lines.on_bell("PostToolUse"), lines.stop("Stop")]
    assert [place.run(line, payload) for line in kinds] == [[], [], []]
    assert (place.home / "turns" / "0b7e-1").read_text() == "ps"
    (place.home / "bells" / "0b7e-1").touch()
    for line in kinds:
        _, *given = place.run(line, payload)
        assert json.loads("".join(given)) == payload
        assert place.run(line, {"session_id": "0b7e-1", "agent_id": "a", "prompt": prompt}) == []
    assert (place.home / "turns" / "0b7e-1").read_text() == "psps"


def test_a_payload_without_a_session_is_left_to_the_hook(place: Place) -> None:
    lines = Gate(**{**place.lines.as_dict(), "session_key": "session_id"})
    for payload in ({}, {"session_id": "../../x"}, {"session_id": ""}, {"prompt": "p"}):
        assert place.run(lines.on_bell("PostToolUse"), payload)[0] == "codex PostToolUse"
