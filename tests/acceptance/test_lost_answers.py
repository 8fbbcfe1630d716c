"""What is stored is stored, whatever becomes of the answer: nothing is sent twice because standard output failed.

What would break: a status that says "failed" of a message that is there, so that its sender sends it again.
"""

from __future__ import annotations

import os
import subprocess
from typing import NamedTuple

import pytest
from tests.support.cli import TELEX, Shell

NOWHERE = ("full", "gone", "closed")  # a full disk, a pipe whose reader left, no standard output at all
DONE, READER_LEFT = 7, 141


class Ended(NamedTuple):
    """How a command ended whose standard output takes nothing."""

    status: int
    err: str


def unheard(shell: Shell, end: str, *words: str, name: str = "", unbuffered: bool = False) -> Ended:
    """Run a command whose standard output takes nothing."""
    environment = {**shell.environment, **({"TELEX_NAME": name} if name else {})}
    if unbuffered:
        environment["PYTHONUNBUFFERED"] = "1"
    reader, writer = os.pipe()
    os.close(reader)
    with open("/dev/full", "wb") as full:
        out: int = {"full": full.fileno(), "gone": writer, "closed": subprocess.DEVNULL}[end]
        argv = [TELEX, *words] if end != "closed" else ["sh", "-c", 'exec "$@" >&-', "sh", TELEX, *words]
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.PIPE,
            cwd=shell.work,
            env=environment,
            check=False,
        )
    os.close(writer)
    assert b"Traceback" not in done.stderr
    assert b"Exception ignored" not in done.stderr
    return Ended(done.returncode, done.stderr.decode())


def bodies(shell: Shell) -> list[str]:
    return [one["body"] for one in shell.telex("log", "--all", "--json").json["messages"]]


SENDS = {
    "send": ["send", "@api", "swept"],
    "send --json": ["send", "@api", "swept", "--json"],
    "reply": ["reply", "m1", "swept"],
    "coop": ["session", "send", "shop", "swept"],
    "kei": ["message", "send", "@shop", "swept"],
}


@pytest.mark.parametrize("unbuffered", [False, True], ids=["", "unbuffered"])
@pytest.mark.parametrize("end", ["full", "gone"])
@pytest.mark.parametrize("face", SENDS)
def test_a_send_whose_answer_is_lost_says_that_it_is_stored(
    shell: Shell, face: str, end: str, unbuffered: bool
) -> None:
    shell.telex("send", "@ci", "hello", name="api")
    shell.telex("join", "shop", name="api")
    ended = unheard(shell, end, *SENDS[face], name="ci", unbuffered=unbuffered)
    assert ended.status == DONE
    assert "m2 is stored" in ended.err and "do not do it again" in ended.err
    assert bodies(shell) == ["swept", "hello"]


def test_the_next_send_of_the_same_text_says_that_it_is_stored(shell: Shell) -> None:
    unheard(shell, "full", "send", "@api", "swept", name="ci")
    again = shell.telex("send", "@api", "swept", name="ci")
    assert again.status == 3
    assert "as m1" in again.err and "it is stored" in again.err
    assert bodies(shell) == ["swept"]


@pytest.mark.parametrize("face", SENDS)
def test_without_a_standard_output_nothing_is_sent(shell: Shell, face: str) -> None:
    shell.telex("send", "@ci", "hello", name="api")
    ended = unheard(shell, "closed", *SENDS[face], name="ci")
    assert ended.status == 1
    assert "nothing was done" in ended.err
    assert bodies(shell) == ["hello"]


@pytest.mark.parametrize("end", ["full", "gone"])
@pytest.mark.parametrize(
    "words",
    [["done", "m1"], ["name", "web"], ["join", "release"], ["config", "hops_most", "4"], ["purge", "--with", "x"]],
)
def test_what_is_done_is_called_done(shell: Shell, words: list[str], end: str) -> None:
    shell.telex("send", "@ci", "hello", name="api")
    ended = unheard(shell, end, *words, name="ci")
    assert ended.status == DONE
    assert "has done its work" in ended.err


@pytest.mark.parametrize(("end", "status"), [("full", 1), ("gone", READER_LEFT), ("closed", 1)])
@pytest.mark.parametrize("words", [["read"], ["read", "m1"], ["wait", "--timeout", "5s"], ["inbox", "--mark-read"]])
def test_mail_that_nobody_took_stays_unread_and_that_is_said(
    shell: Shell, words: list[str], end: str, status: int
) -> None:
    shell.telex("send", "@ci", "hello", name="api")
    ended = unheard(shell, end, *words, name="ci")
    assert ended.status == status
    assert ("nothing was done" if end == "closed" else "it stays unread") in ended.err
    assert shell.telex("inbox", "--json", name="ci").json["unread"] == 1


@pytest.mark.parametrize("words", [["log", "--all"], ["who"], ["export"], ["config"], ["--help"], ["send", "--help"]])
def test_a_reader_that_left_is_no_complaint(shell: Shell, words: list[str]) -> None:
    """As every other program ends: silently, by 128 and SIGPIPE."""
    shell.telex("send", "@ci", "hello", name="api")
    assert unheard(shell, "gone", *words) == Ended(READER_LEFT, "")


def test_a_closed_error_stream_hides_nothing_else(shell: Shell) -> None:
    done = shell.sh("telex send @api hello 2>&-; telex send @api hello 2>&-; echo $?")
    assert done.out.splitlines()[0].startswith("m1 -> @api")
    assert done.out.splitlines()[-1] == "3"


def test_a_closed_input_is_an_empty_one(shell: Shell) -> None:
    done = shell.sh("telex send @api --json <&-")
    assert (done.status, done.error["code"]) == (2, "body-empty")


def test_closed_streams_never_become_the_stores_files(shell: Shell) -> None:
    """Would break: a lock file that gets the number of standard error, and is then written to."""
    shell.sh("telex send @api hello <&- 2>&-")
    shell.sh("telex send @api hello <&- 2>&-")
    assert (shell.telex_home / "write.lock").read_bytes() == b""
    assert shell.telex("doctor", "--json").json["well"]
