"""Asking an idle Codex for a turn: said once, only for what still waits, and never in the way of a send.

The process of a session is a copy of the shell under the name `codex`, so that `codex queue …` runs the script
`queue` of this test, which writes down its words.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.cli import Shell

from telex import limits
from telex.fs import bells
from telex.mail import nudges

HOOK = [sys.executable, "-c", "from telex.hook import main; main()"]
FAILS_ONCE = """
from telex.errors import StoreBusy
from telex.hook import main, nudge
waiting = nudge._waiting
def fail(*values):
    nudge._waiting = waiting
    raise StoreBusy(seconds=3)
nudge._waiting = fail
main()
"""
KEY = "01a200da-5f37-7661-a80f-856daadcb544"


class Codex:
    """A running Codex, as far as telex sees it: a process, hooks, and `codex queue`."""

    def __init__(self, shell: Shell, words: str = "") -> None:
        self.shell = shell
        program = shell.work.parent / "codex"
        shutil.copy(os.path.realpath(shutil.which("sh") or "/bin/sh"), program)
        self.cwd = shell.work.parent / "queue's place"
        self.cwd.mkdir(exist_ok=True)
        self.said = self.cwd / "said"
        self.says(0)
        line = [str(program), "-c", "read -r never", *words.split()]
        self.process = subprocess.Popen(line, env=dict(shell.environment), stdin=subprocess.PIPE)
        self.bell = KEY

    def says(self, status: int) -> None:
        """How `codex queue` ends."""
        (self.cwd / "queue").write_text(f'printf "%s\\n" "$@" >>"{self.said}"; exit {status}\n')

    def fire(self, event: str, **fields: object) -> dict[str, object]:
        """What the hook of an event answers; the gate's mark is made as the gate makes it."""
        if sign := {"UserPromptSubmit": "p", "Stop": "s", "Interrupt": "s"}.get(event):
            with open(f"{self.shell.telex_home}/turns/{self.bell}", "a") as file:
                file.write(sign)
        payload = {"session_id": KEY, "cwd": str(self.shell.work), "hook_event_name": event, **fields}
        done = self._run(event, json.dumps(payload))
        found: dict[str, object] = json.loads(done) if done else {}
        return found

    def call(self) -> list[str]:
        """What `codex queue` was told when telex called."""
        self._run(nudges.EVENT, "")
        found = self.said.read_text().splitlines() if self.said.exists() else []
        self.said.unlink(missing_ok=True)
        return found

    def _run(self, event: str, stdin: str) -> str:
        done = subprocess.run(
            [*HOOK, "codex", event, KEY if event == nudges.EVENT else str(self.process.pid)],
            input=stdin,
            capture_output=True,
            text=True,
            env=dict(self.shell.environment),
            cwd=self.cwd,
            timeout=60,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    def called(self) -> bool:
        return os.path.exists(f"{self.shell.telex_home}/calls/{self.bell}")

    def send(self, text: str, *options: str) -> None:
        assert self.shell.telex("send", "@shop", text, *options, TELEX_NAME="api").status == 0

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def codex(shell: Shell) -> Iterator[Codex]:
    """A Codex session that a person has said hello to, idle again."""
    made = Codex(shell)
    try:
        made.fire("SessionStart", source="startup")
        made.fire("UserPromptSubmit", prompt="hello")
        made.fire("Stop", stop_hook_active=False)
        yield made
    finally:
        made.close()


def test_a_call_names_the_thread_and_the_sender_and_not_the_mail(codex: Codex) -> None:
    codex.send("the schema moved")
    assert codex.call() == ["--thread", KEY, "--message", nudges.text(["api"])]
    assert codex.called()


def test_a_call_is_made_once_until_its_turn_has_begun(codex: Codex) -> None:
    codex.send("one")
    assert codex.call()
    codex.send("two")
    assert codex.call() == []
    answer = codex.fire("UserPromptSubmit", prompt=nudges.text(["api"]))
    assert "one" in str(answer) and "two" in str(answer) and "decision" not in answer
    assert not codex.called()
    codex.fire("Stop", stop_hook_active=False)
    codex.send("three")
    assert codex.call()


def test_a_busy_session_is_not_called(codex: Codex) -> None:
    codex.fire("UserPromptSubmit", prompt="work")
    codex.send("one")
    assert (codex.call(), codex.called()) == ([], False)


@pytest.mark.parametrize("options", [["--quiet"], ["--kind", "ack"], ["--kind", "event"]], ids=lambda words: words[-1])
def test_what_wakes_nobody_calls_nobody(codex: Codex, options: list[str]) -> None:
    codex.send("one", *options)
    assert (codex.call(), codex.called()) == ([], False)


def test_mail_that_was_read_meanwhile_calls_nobody(codex: Codex) -> None:
    codex.send("one")
    codex.fire("UserPromptSubmit", prompt="and then")
    codex.fire("Stop", stop_hook_active=False)
    assert (codex.call(), codex.called()) == ([], False)


def test_a_prompt_for_mail_that_was_read_meanwhile_is_turned_away(codex: Codex) -> None:
    codex.send("one")
    assert codex.call()
    codex.fire("UserPromptSubmit", prompt="and then")
    codex.fire("Stop", stop_hook_active=False)
    answer = codex.fire("UserPromptSubmit", prompt=nudges.text(["api"]))
    assert answer["decision"] == "block" and "read meanwhile" in str(answer["reason"])
    assert Path(f"{codex.shell.telex_home}/turns/{codex.bell}").read_text().endswith("ps"), "it is idle again"


def test_a_call_that_codex_did_not_take_is_made_again_for_the_next_message(codex: Codex) -> None:
    codex.says(1)
    codex.send("one")
    assert codex.call() and not codex.called()
    codex.says(0)
    codex.send("two")
    assert codex.call() and codex.called()


def test_a_codex_that_cannot_be_started_is_not_taken_for_called(codex: Codex) -> None:
    """Would break: a program that is gone while its session runs, and a mark that nobody takes back."""
    program = codex.shell.work.parent / "codex"
    program.rename(program.with_name("aside"))
    os.unlink(program.with_name("aside"))
    codex.send("one")
    assert (codex.call(), codex.called()) == ([], False)


def test_a_fault_at_one_session_keeps_no_other_from_being_called(codex: Codex) -> None:
    codex.send("one")
    words = [sys.executable, "-c", FAILS_ONCE, "codex", nudges.EVENT, KEY, KEY]
    done = subprocess.run(words, env=dict(codex.shell.environment), cwd=codex.cwd, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert codex.said.read_text().splitlines()[-1] == nudges.text(["api"])


def test_a_call_that_no_turn_followed_counts_as_lost_after_a_while(codex: Codex) -> None:
    codex.send("one")
    assert codex.call()
    old = time.time() - limits.CALL_PENDING_SECONDS - 1
    os.utime(f"{codex.shell.telex_home}/calls/{codex.bell}", (old, old))
    assert codex.call()


def test_a_run_that_ends_with_its_turn_is_not_called(shell: Shell) -> None:
    codex = Codex(shell, "exec")
    codex.fire("SessionStart", source="startup")
    codex.fire("Stop", stop_hook_active=False)
    codex.send("one")
    assert codex.call() == []
    codex.close()


def test_the_prompt_of_a_call_is_no_persons_word(codex: Codex) -> None:
    """Would break: two agents that wake each other would never come to rest."""
    bus_words = ("SELECT spoken_ms FROM address WHERE name = 'shop'",)
    codex.send("one")
    codex.call()
    before = _spoken(codex, *bus_words)
    codex.fire("UserPromptSubmit", prompt=nudges.text(["api"]))
    codex.fire("Stop", stop_hook_active=False)
    codex.send("two")
    codex.call()
    assert _spoken(codex, *bus_words) == before
    codex.fire("UserPromptSubmit", prompt="a person types")
    codex.fire("Stop", stop_hook_active=False)
    codex.fire("UserPromptSubmit", prompt=nudges.text(["api"]))
    assert _spoken(codex, *bus_words) > before


def _spoken(codex: Codex, query: str) -> int:
    store = f"{codex.shell.telex_home}/telex.db"
    program = "import apsw, sys; print(next(apsw.Connection(sys.argv[1]).execute(sys.argv[2]))[0])"
    done = subprocess.run([sys.executable, "-c", program, store, query], capture_output=True, text=True, check=True)
    return int(done.stdout)


def test_a_send_starts_the_call_and_does_not_wait_for_it(codex: Codex) -> None:
    home = Path(codex.shell.telex_home)
    (home / "bin").mkdir(exist_ok=True)
    (home / "bin" / "hook.py").write_text(
        f"import sys, time; time.sleep(1); open({str(codex.said)!r}, 'w').write(' '.join(sys.argv[1:]))"
    )
    begun = time.monotonic()
    codex.send("one")
    assert time.monotonic() - begun < 1
    while not (codex.said.exists() and codex.said.read_text()):
        assert time.monotonic() - begun < 20
        time.sleep(0.01)
    assert codex.said.read_text() == f"codex {nudges.EVENT} {KEY}"


def test_a_home_without_a_launcher_loses_the_call_and_not_the_mail(codex: Codex) -> None:
    codex.send("one")
    assert bells.rings(str(codex.shell.telex_home), codex.bell)
    assert "one" in str(codex.fire("UserPromptSubmit", prompt="and then"))
