"""A command as a session: `telex run`, with real processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.cli import TELEX, TELEX_WORD, Shell

PATIENCE_SECONDS = 20.0
STEP_SECONDS = 0.02


class Started:
    """A `telex run` that goes on."""

    def __init__(self, shell: Shell, *words: str, **environment: str) -> None:
        self.shell = shell
        self.process = subprocess.Popen(
            [TELEX, "run", *words],
            cwd=shell.work,
            env={**shell.environment, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def says(self) -> str:
        """The next line of the command."""
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def ends(self) -> int:
        return self.process.wait(timeout=PATIENCE_SECONDS)

    def close(self) -> None:
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.communicate()


@pytest.fixture
def started(shell: Shell) -> Iterator[list[Started]]:
    made: list[Started] = []
    yield made
    for one in made:
        one.close()


def present(shell: Shell) -> dict[str, Any]:
    answer = json.loads(shell.telex("who", "--all", "--json").out)
    return {one["name"]: one for one in answer["sessions"]}


def becomes(shell: Shell, name: str, state: str) -> dict[str, Any]:
    end = time.monotonic() + PATIENCE_SECONDS
    while (found := present(shell).get(name, {})).get("state") != state:
        assert time.monotonic() < end, present(shell)
        time.sleep(STEP_SECONDS)
    return dict(found)


def test_what_the_command_sends_is_sent_by_its_name(shell: Shell) -> None:
    line = f"{TELEX_WORD} send @api done && echo sent"
    ran = shell.telex("run", "--name", "builder", "--", "sh", "-c", line)
    assert (ran.status, ran.err) == (0, "") and ran.out.endswith("sent\n")
    letter = json.loads(shell.telex("inbox", "--json", TELEX_NAME="api").out)["messages"][0]
    assert (letter["sender"], letter["client"], letter["sender_kind"]) == ("@builder", "run", "session")


def test_it_reads_the_mail_of_its_name_and_mail_wakes_what_it_waits_with(shell: Shell, started: list[Started]) -> None:
    started.append(Started(shell, "--name", "builder", "--", TELEX, "wait", "--timeout", "20s"))
    assert becomes(shell, "@builder", "idle")["client"] == "run"
    sent = json.loads(shell.telex("send", "@builder", "the tests are red", "--json", TELEX_NAME="ci").out)
    assert sent["recipients"][0]["presence"] == "idle"
    out, _ = started[0].process.communicate(timeout=PATIENCE_SECONDS)
    assert "> the tests are red" in out and "@ci" in out
    assert becomes(shell, "@builder", "offline")["ended_why"] == "its command ended with status 0"


@pytest.mark.parametrize("status", [0, 1, 5, 126, 255])
def test_the_exit_status_is_the_commands(shell: Shell, status: int) -> None:
    ran = shell.telex("run", "--", "sh", "-c", f"echo out; echo err >&2; exit {status}")
    assert (ran.status, ran.out, ran.err) == (status, "out\n", "err\n")


def test_standard_input_is_the_commands(shell: Shell) -> None:
    assert shell.telex("run", "--", "cat", stdin=b"all of it").out == "all of it"


def test_a_signal_ends_it_as_it_ended_the_command(shell: Shell, started: list[Started]) -> None:
    started.append(Started(shell, "--", "sh", "-c", "kill -USR1 $$"))
    assert started[0].ends() == -signal.SIGUSR1
    assert "signal 10" in becomes(shell, "@shop", "offline")["ended_why"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR2])
def test_a_signal_reaches_the_command_once_which_decides(shell: Shell, started: list[Started], number: int) -> None:
    """Would break: a wrapper that dies of the signal and leaves its command behind, or hands it on twice."""
    # not print: the signal may come while 'ready' is still being printed
    script = f"import os, signal, sys\nsignal.signal({number}, lambda *_: os.write(1, b'got it\\n'))\n"
    script += "print('ready', flush=True)\nsys.stdin.readline()\nsys.exit(7)"
    started.append(Started(shell, "--", sys.executable, "-c", script))
    one = started[0]
    assert one.says() == "ready"
    os.kill(one.process.pid, number)
    assert one.says() == "got it"
    assert one.process.poll() is None
    out, _ = one.process.communicate("go\n", timeout=PATIENCE_SECONDS)
    assert (one.process.returncode, out) == (7, "")


def test_the_terminals_signal_is_not_handed_on(shell: Shell) -> None:
    """Would break: Ctrl-C that counts twice, which many programs take for 'at once'."""
    script = (
        "import os, signal, sys, time\n"
        "seen = []\n"
        "signal.signal(signal.SIGINT, lambda *_: seen.append(1))\n"
        "print('ready', flush=True)\n"
        "time.sleep(0.5)\n"
        "print('times', len(seen), flush=True)\n"
    )
    import pty

    pid, terminal = pty.fork()
    if pid == 0:  # pragma: no cover - another process
        os.chdir(shell.work)
        os.execve(TELEX, [TELEX, "run", "--", sys.executable, "-c", script], shell.environment)
    said = b""
    while b"ready" not in said:
        said += os.read(terminal, 1024)
    os.write(terminal, b"\x03")
    while b"times" not in said or not said.endswith(b"\n"):
        said += os.read(terminal, 1024)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    os.close(terminal)
    assert said.split()[-1] == b"1"


def test_a_killed_run_is_offline_at_once_and_its_command_is_never_the_person(
    shell: Shell, started: list[Started]
) -> None:
    line = f"echo ready; read -r go; {TELEX_WORD} send @api late --json; echo status $?"
    started.append(Started(shell, "--name", "builder", "--", "sh", "-c", line))
    one = started[0]
    assert one.says() == "ready"
    os.kill(one.process.pid, signal.SIGKILL)
    assert one.ends() == -signal.SIGKILL
    assert present(shell)["@builder"]["state"] == "offline"
    assert "offline; the mail waits" in shell.telex("send", "@builder", "still there?").out
    assert one.process.stdin
    one.process.stdin.write("go\n")
    one.process.stdin.flush()
    assert one.says().startswith('{"id"')
    assert one.says() == "status 0"
    letter = json.loads(shell.telex("inbox", "--json", TELEX_NAME="api").out)["messages"][0]
    assert letter["sender"] == "@builder"


def test_those_who_wait_for_a_reply_are_told_when_the_command_ends(shell: Shell, started: list[Started]) -> None:
    line = f"echo ready; {TELEX_WORD} wait --timeout 20s >/dev/null; echo read; read -r go"
    started.append(Started(shell, "--name", "builder", "--", "sh", "-c", line))
    assert started[0].says() == "ready"
    shell.telex("send", "@builder", "--kind", "request", "which port?", TELEX_NAME="ci")
    assert started[0].says() == "read"
    started[0].process.communicate("go\n", timeout=PATIENCE_SECONDS)
    assert "its session ended" in shell.telex("inbox", TELEX_NAME="ci").out


@pytest.mark.parametrize(
    ("words", "environment", "name"),
    [(["--name", "Builder"], {}, "@builder"), ([], {"TELEX_NAME": "ci"}, "@ci"), ([], {}, "@shop")],
)
def test_its_name_is_asked_for_or_the_environments_or_the_directorys(
    shell: Shell, words: list[str], environment: dict[str, Any], name: str
) -> None:
    ran = shell.telex("run", *words, "--", "sh", "-c", f"echo $TELEX_NAME; {TELEX_WORD} name", **environment)
    assert ran.out == f"{name[1:]}\nyou are {name}, a run session\n"


def test_a_name_that_is_asked_for_is_refused_while_somebody_holds_it(shell: Shell, started: list[Started]) -> None:
    started.append(Started(shell, "--name", "builder", "--", "sh", "-c", "echo ready; read -r go"))
    assert started[0].says() == "ready"
    assert "held by a live session" in shell.telex("run", "--name", "builder", "--", "true").err
    beside = shell.telex("run", "--", "sh", "-c", "echo $TELEX_NAME", TELEX_NAME="builder")
    assert (beside.out, beside.err) == ("builder-2\n", "telex: this session is @builder-2\n")


def test_a_scripts_own_name_passes_to_its_command(shell: Shell) -> None:
    """The terminal with TELEX_NAME and the command that it runs are one to everybody else."""
    shell.telex("send", "@ci", "for the one of that name")
    line = f"TELEX_NAME=ci; export TELEX_NAME; {TELEX_WORD} who >/dev/null; {TELEX_WORD} run -- {TELEX_WORD} read"
    ran = shell.run(["sh", "-c", line])
    assert "> for the one of that name" in ran.out and ran.err == ""


@pytest.mark.parametrize("mark", ["CLAUDE_CODE_SESSION_ID", "CODEX_THREAD_ID", "CLAUDECODE", "AI_AGENT"])
def test_an_agent_gets_no_second_name(shell: Shell, mark: str) -> None:
    """Would break: one that writes to itself by a new name each time, past every limit on a pair."""
    set_by_its_client: dict[str, Any] = {mark: "x"}
    ran = shell.telex("run", "--name", "other", "--", "true", **set_by_its_client)
    assert ran.status == 3
    inside = shell.telex("run", "--name", "outer", "--", TELEX, "run", "--name", "inner", "--", "true")
    assert inside.status == 3 and "inside of the session @outer already" in inside.err


@pytest.mark.parametrize("words", [["no-such-command"], ["/"]])
def test_a_command_that_cannot_be_started_leaves_no_session(shell: Shell, words: list[str]) -> None:
    ran = shell.telex("run", "--name", "builder", "--", *words)
    assert ran.status == 127 and ran.err.startswith(f"telex: cannot start '{words[0]}': ")
    assert present(shell)["@builder"]["state"] == "offline"


def test_the_end_passes_the_status_on_though_the_store_is_gone(shell: Shell) -> None:
    ran = shell.telex("run", "--", "sh", "-c", f"rm -r '{shell.telex_home}'; echo x >'{shell.telex_home}'; exit 4")
    assert ran.status == 4
    assert Path(shell.telex_home).is_file()
