"""Who the caller is, with real processes: whatever an agent's shell does, it is that agent."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator

import pytest
from tests.support.agent import AgentProcess
from tests.support.cli import PYTHON_WORD, Shell


class Agent:
    """A process that runs what it is told, as a client's shell tool does; its hooks have registered it."""

    def __init__(self, shell: Shell, key: str) -> None:
        self.key = key
        self._environment = shell.environment | {"CLAUDECODE": "1", "CLAUDE_CODE_SESSION_ID": key}
        self._process = AgentProcess(self._environment, shell.work)
        self.run = self._process.run  # one command of its shell tool
        self.end = self._process.end
        payload = json.dumps({"session_id": key, "cwd": str(shell.work), "source": "startup"})
        self.hook = f"{PYTHON_WORD} -c 'from telex.hook import main; main()' claude"
        started = subprocess.run(
            ["sh", "-c", f"{self.hook} SessionStart"],
            input=payload.encode(),
            env=self._environment | {"CLAUDE_PID": str(self._process.pid)},
            cwd=shell.work,
            check=True,
            capture_output=True,
        )
        assert b"watchPaths" in started.stdout


@pytest.fixture
def agents(shell: Shell) -> Iterator[Callable[[str], Agent]]:
    """Start an agent; all are ended afterwards."""
    started: list[Agent] = []

    def start(key: str) -> Agent:
        started.append(Agent(shell, key))
        return started[-1]

    yield start
    for one in started:
        one.end()


def test_a_real_process_tree_says_who_speaks(shell: Shell, agents: Callable[[str], Agent]) -> None:
    one, two = agents("session-one"), agents("session-two")
    assert one.run("telex name --json").json["name"] == "@shop"
    assert two.run("sh -c 'sh -c \"telex name --json\"'").json["name"] == "@shop-2"
    person = shell.telex("name", "--json").json
    assert (person["kind"], person["client"]) == ("person", "")


@pytest.mark.parametrize(
    "line",
    [
        "telex name --json",
        "env -u CLAUDECODE -u CLAUDE_CODE_SESSION_ID telex name --json",
        "CLAUDE_CODE_SESSION_ID=session-two telex name --json",
        'env -i PATH="$PATH" HOME="$HOME" telex name --json',
        'env -i PATH="$PATH" HOME="$HOME" TELEX_NAME=shop-2 telex name --json',
        'env -i PATH="$PATH" HOME="$HOME" TELEX_NAME=root telex name --json',
        'setsid -w env -i PATH="$PATH" HOME="$HOME" telex name --json',
        'env -i PATH="$PATH" HOME="$HOME" telex name --json </dev/null | cat',
    ],
)
def test_no_trick_of_its_shell_makes_an_agent_somebody_else(
    shell: Shell, agents: Callable[[str], Agent], line: str
) -> None:
    one = agents("session-one")
    agents("session-two")
    assert one.run(line).json["name"] == "@shop"


@pytest.mark.parametrize("claimed", ["shop-2", "somebody"])
def test_no_word_of_its_command_makes_an_agent_somebody_else(
    shell: Shell, agents: Callable[[str], Agent], claimed: str
) -> None:
    one = agents("session-one")
    agents("session-two")
    ran = one.run(f"telex send @shop-2 hello --from {claimed} --json")
    assert (ran.status, ran.error["code"]) == (3, "not-your-name")


def test_the_python_api_knows_who_it_is(shell: Shell, agents: Callable[[str], Agent]) -> None:
    one = agents("session-one")
    code = "import telex; bus = telex.open(); print(bus.send('me', 'from python').to, bus.me.address.name)"
    ran = one.run(f'{PYTHON_WORD} -c "{code}"')
    assert (ran.status, ran.out) == (0, "@me shop\n")
