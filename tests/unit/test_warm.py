"""Commands that tests fork from a loaded process answer as those that Python starts."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from tests.support import warm
from tests.support.cli import TELEX, Ran, Shell


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def started(shell: Shell, *words: str, **more: str) -> Ran:
    """The same command by a Python that is started."""
    return shell.run([TELEX, *words], b"", None, **more)


@pytest.mark.parametrize(
    "words",
    [("--version",), ("--help",), ("nonsense",), ("inbox", "--json"), ("inbox",), ("send", "@api"), ("show", "m9")],
    ids=" ".join,
)
def test_a_forked_command_answers_as_a_started_one(shell: Shell, words: tuple[str, ...]) -> None:
    assert shell.telex(*words) == started(shell, *words)


def test_nothing_of_a_forked_command_is_left_for_the_next(shell: Shell, tmp_path: Path) -> None:
    other = Shell(tmp_path / "other")
    assert shell.telex("send", "@api", "one", name="a").status == 0
    assert "one" in shell.telex("log").out
    assert "one" not in other.telex("log").out
    assert shell.telex("status", "--json").json["home"] != other.telex("status", "--json").json["home"]


def test_its_words_and_its_input_arrive_byte_by_byte(shell: Shell) -> None:
    assert shell.telex("send", "@api", b"--stdin", stdin=b"a\n\xc3\xa4\n" * 999, name="b").status == 0
    assert shell.telex("show", "m1").out.count("ä") == 999
    odd = os.fsdecode(b"\xff\xfe")
    assert shell.telex("show", odd) == started(shell, "show", odd)


def test_one_that_takes_too_long_is_ended(shell: Shell) -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        warm.run([TELEX, "wait", "--timeout", "60s"], b"", str(shell.work), shell.environment, 1)
    assert shell.telex("--version").status == 0


@pytest.mark.parametrize("variable", ["PYTHONPATH", "LC_ALL", "TZ", "LD_PRELOAD", "COVERAGE_PROCESS_START"])
def test_what_python_reads_when_it_starts_is_not_for_a_fork(shell: Shell, variable: str) -> None:
    assert warm.fits(b"", str(shell.work), shell.environment | {"LANG": warm.LANGUAGE})
    assert not warm.fits(b"", str(shell.work), shell.environment | {variable: "x"})
    assert not warm.fits(b"", str(shell.work), shell.environment | {"LANG": "C"})
    assert not warm.fits(b"", str(shell.work / "gone"), shell.environment)
