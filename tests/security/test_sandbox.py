"""In an agent's sandbox, where telex's home may be read and not written: what reads, reads; what must write says so.

The sandbox is a real one: Landlock answers EACCES, a mount for reading only EROFS.
What would break: an agent that is told of a fault of telex, or is told nothing, where its sandbox is the reason.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support import landlock
from tests.support.capability import lacking
from tests.support.cli import PATH, TELEX, Ran, Shell

ROOT = Path(__file__).resolve().parents[2]
AGENT = {"CLAUDECODE": "1", "CLAUDE_CODE_SESSION_ID": "8b0c9ee6-2f0d-4c83-9f8e-3e2b1f6ad111"}
READS = {
    "who": "@api",
    "channels": "#shop",
    "log --all": "the first",
    "show m1": "the first",
    "search first": "the first",
    "search second": "the second",
    "export": "the second",
    "config hops_most": "hops_most",
}
WRITES = ("send @api hello", "reply m1 hello", "read", "wait --timeout 1s", "done m1", "join release", "name other")


def landlocked(shell: Shell) -> list[str]:
    if not landlock.available():
        pytest.skip("this kernel has no Landlock")
    return [sys.executable, "-m", "tests.support.landlock", str(shell.work), "--"]


def mounted(shell: Shell) -> list[str]:
    home = shell.telex_home
    line = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"'
    prefix = ["unshare", "--mount", "--user", "--map-root-user", "sh", "-c", line, str(home)]
    if subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode:
        lacking("a mount of its own")
    return prefix


@pytest.fixture(params=[landlocked, mounted], ids=["Landlock", "a read-only mount"])
def sandbox(shell: Shell, request: pytest.FixtureRequest) -> list[str]:
    """What begins a command that may not write in the home, in which there is some mail."""
    for body in ("the first", "the second"):
        assert shell.telex("send", "@api", body, name="ci").status == 0
    shell.telex("inbox", name="api")
    return list(request.param(shell))


def run(
    shell: Shell, sandbox: list[str], line: str, *more: str, name: str = "", env: dict[str, str] | None = None
) -> Ran:
    who = {"TELEX_NAME": name} if name else {}
    return shell.run([*sandbox, TELEX, *line.split(), *more], b"", ROOT, PATH=PATH, **who, **(env or {}))


@pytest.mark.parametrize("who", ["api", "new", "an agent"])
@pytest.mark.parametrize("line", READS)
def test_what_reads_reads(shell: Shell, sandbox: list[str], line: str, who: str) -> None:
    """Also for a session that could not be registered there."""
    named = {"env": AGENT} if who == "an agent" else {"name": who}
    done = run(shell, sandbox, line, **named)
    assert (done.status, done.err) == (0, ""), done
    assert READS[line] in done.out


def test_the_inbox_of_a_known_session_is_read(shell: Shell, sandbox: list[str]) -> None:
    assert "the first" in run(shell, sandbox, "inbox", name="api").out
    done = run(shell, sandbox, "inbox", "--json", env=AGENT)
    assert (done.status, done.error["code"]) == (3, "who-are-you")  # no hook has ever named it


@pytest.mark.parametrize("who", ["api", "new"])
@pytest.mark.parametrize("line", WRITES)
def test_what_must_write_says_that_it_may_not(shell: Shell, sandbox: list[str], line: str, who: str) -> None:
    done = run(shell, sandbox, line, "--json", name=who)
    assert (done.status, done.error["code"]) == (1, "store-shut"), done
    assert "sandbox" in done.error["hint"]
    assert len(json.loads(shell.telex("log", "--all", "--json").out)["messages"]) == 2


def test_doctor_calls_nothing_broken(shell: Shell, sandbox: list[str]) -> None:
    found = run(shell, sandbox, "doctor", "--json", name="api").json
    assert [one for one in found["checks"] if one["state"] != "ok"] == []


def test_a_search_finds_words_as_the_index_does(shell: Shell, sandbox: list[str]) -> None:
    """Would break: an answer that depends on whether the index could be brought up to date."""
    searches = [["THE"], ["the", "second"], ["sec"], ["first", "second"], ["nothing"]]
    inside = [run(shell, sandbox, "search --all", *words, "--json").json["messages"] for words in searches]
    outside = [shell.telex("search", "--all", *words, "--json").json["messages"] for words in searches]
    assert [[one["id"] for one in found] for found in inside] == [[one["id"] for one in found] for found in outside]
    assert [len(found) for found in inside] == [2, 1, 0, 0, 0]
