"""`telex log --follow`: what comes, as it comes, until somebody says stop."""

from __future__ import annotations

import json
import re
import select
import signal
import subprocess
from collections.abc import Iterator
from typing import IO

import pytest
from tests.support.cli import TELEX, Shell

from telex.mail.addresses import user_name

ME = f"@{user_name()}"


class Following:
    """A log that is followed while others send."""

    def __init__(self, shell: Shell) -> None:
        self.shell = shell
        self.running: list[subprocess.Popen[str]] = []

    def start(self, *words: str, name: str = "") -> subprocess.Popen[str]:
        environment = self.shell.environment | ({"TELEX_NAME": name} if name else {})
        process = subprocess.Popen(
            [TELEX, "log", "--follow", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self.shell.work,
            env=environment,
            text=True,
        )
        self.running.append(process)
        return process

    def first_line(self, process: subprocess.Popen[str], to: str = ME, sender: str = "ci") -> str:
        """Send until the follower, which looks every moment, has printed a line."""
        out: IO[str] | None = process.stdout
        assert out
        for number in range(200):
            self.shell.telex("send", to, f"number {number}\nof many", name=sender)
            if select.select([out], [], [], 0)[0]:
                return out.readline()
        raise AssertionError("nothing was printed")


@pytest.fixture
def following(shell: Shell) -> Iterator[Following]:
    shell.telex("send", ME, "before", name="ci")
    made = Following(shell)
    yield made
    for process in made.running:
        process.kill()
        process.communicate()


def test_what_comes_is_printed_on_one_line(following: Following) -> None:
    line = following.first_line(following.start())
    assert re.fullmatch(rf"m\d+  \d{{4}}-\d\d-\d\d \d\d:\d\dZ  @ci -> {ME}  note  number \d+ / of many\n", line), line


def test_json_is_one_message_a_line(following: Following) -> None:
    letter = json.loads(following.first_line(following.start("--json")))
    assert (letter["sender"], letter["to"]) == ("@ci", ME)
    assert letter["body"].endswith("of many")


def test_a_script_follows_its_own_mail_only(following: Following) -> None:
    process = following.start("--json", name="cd")
    following.shell.telex("send", ME, "not for cd", name="ci")
    assert json.loads(following.first_line(process, "@cd"))["to"] == "@cd"


def test_an_interrupt_ends_it(following: Following) -> None:
    process = following.start()
    following.first_line(process)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate()
    assert (process.returncode, err) == (130, "")
