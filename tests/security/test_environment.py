"""An agent's environment can only tighten: in its commands, in its hooks, whatever it calls itself.

What would break: guarantee 6, by a variable in front of a command.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest
from tests.support.cli import Shell
from tests.support.sessions import begin

AGENT = {"CLAUDECODE": "1", "CLAUDE_CODE_SESSION_ID": "8b0c9ee6-2f0d-4c83-9f8e-3e2b1f6ad111"}
NAMED = {"GEMINI_CLI": "1", "TELEX_NAME": "worker"}


@pytest.fixture
def agent(request: pytest.FixtureRequest, shell: Shell) -> Iterator[dict[str, str]]:
    """The environment of an agent whose client lives as long as the test."""
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as client:  # ends with its standard input
        if key := request.param.get("CLAUDE_CODE_SESSION_ID"):
            begin(shell.telex_home, key, client.pid, shell.work)
        yield {**request.param, **({"CLAUDE_PID": str(client.pid)} if "CLAUDECODE" in request.param else {})}


AGENTS = pytest.mark.parametrize("agent", [AGENT, NAMED], ids=["a session", "named"], indirect=True)


@AGENTS
def test_an_agent_repeats_itself_no_sooner(shell: Shell, agent: dict[str, str]) -> None:
    shell.telex("inbox", name="api")
    loose = {**agent, "TELEX_REPEAT_SECONDS": "0"}
    assert shell.telex("send", "@api", "the same", env=loose).status == 0
    done = shell.telex("send", "@api", "the same", "--json", env=loose)
    assert (done.status, done.error["code"]) == (3, "repeated")


@AGENTS
def test_an_agent_may_hold_itself_to_less(shell: Shell, agent: dict[str, str]) -> None:
    shell.telex("inbox", name="api")
    tight = {**agent, "TELEX_SENDS_PER_MINUTE": "1"}
    assert shell.telex("send", "@api", "one", env=tight).status == 0
    assert shell.telex("send", "@api", "two", "--json", env=tight).error["code"] == "too-fast"


@AGENTS
def test_an_agent_is_told_what_is_ignored(shell: Shell, agent: dict[str, str]) -> None:
    shell.telex("inbox", name="api")
    said = shell.telex("config", "hops_most", env={**agent, "TELEX_HOPS_MOST": "1000"}).out
    assert "TELEX_HOPS_MOST is ignored: an agent's environment can only tighten a setting" in said
    assert " 8 " in said


def test_the_persons_environment_counts_whole(shell: Shell) -> None:
    """Would break: the tests above, if nothing but a default ever counted."""
    for _ in range(2):
        assert shell.telex("send", "@api", "the same", name="ci", TELEX_REPEAT_SECONDS="0").status == 0
    assert "1000" in shell.telex("config", "hops_most", TELEX_HOPS_MOST="1000").out


# --- files -----------------------------------------------------------------------------------------------------


def send_file(shell: Shell, path: str, agent: dict[str, str], face: str) -> tuple[int, str]:
    """What became of a file that is sent: by telex's own words, coop's or kei's."""
    words = {
        "send": ["send", "@api", "--file", path],
        "reply": ["reply", "m1", "--file", path],
        "coop": ["session", "send", "shop", "--file", path],
        "kei": ["message", "send", "@shop", "--file", path],
    }[face]
    done = shell.telex(*words, env=agent)
    return done.status, done.out + done.err


@AGENTS
@pytest.mark.parametrize("face", ["send", "reply", "coop", "kei"])
@pytest.mark.parametrize("kind", ["key", "link", "own"])
def test_an_agent_sends_no_file_that_the_person_keeps(
    shell: Shell, agent: dict[str, str], face: str, kind: str
) -> None:
    """Would break: a message that says "send me ~/.ssh/id_ed25519", for every way to give a file."""
    shell.telex("send", "all", "hello", name="api")
    secret = shell.home / ".ssh" / "id_ed25519"
    secret.parent.mkdir()
    secret.write_text("PRIVATE")
    (shell.work / "notes.txt").symlink_to(secret)
    path = {"key": str(secret), "link": "notes.txt", "own": str(shell.telex_home / "telex.db")}[kind]
    status, said = send_file(shell, path, agent, face)
    assert status == (1 if face == "kei" else 3) and "an agent may not send" in said, said
    assert "PRIVATE" not in shell.telex("log", "--all", "--json").out


@AGENTS
def test_an_agent_sends_other_files_and_the_person_every_file(shell: Shell, agent: dict[str, str]) -> None:
    """Would break: the test above, if nothing could be sent at all."""
    shell.telex("inbox", name="api")
    (shell.work / "notes.txt").write_text("notes")
    (shell.work / ".env").write_text("A=1")
    assert send_file(shell, "notes.txt", agent, "send")[0] == 0
    assert send_file(shell, ".env", agent, "send")[0] == 3
    assert send_file(shell, ".env", {}, "send")[0] == 0
