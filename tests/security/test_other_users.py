"""A second OS user reads nothing of a home and reaches nothing in it; no mode leaves anything open (T25)."""

from __future__ import annotations

import json
import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support import other_user
from tests.support.cli import Shell

from telex.clients.launcher import gate
from telex.fs import bells
from telex.mail.addresses import user_name

AS_ANOTHER = pytest.mark.needs_root("only root becomes another user")

MODES = {"directory": 0o700, "file": 0o600, "program": 0o700}


@pytest.fixture
def root() -> Iterator[Path]:
    """A place that everybody can enter."""
    with other_user.open_to_all() as place:
        yield place


def inhabited(root: Path, umask: int = 0o022) -> Shell:
    """A home with everything in it: mail, large bodies, bells, marks, locks, launchers, backups; made under a umask."""
    old = os.umask(umask)
    try:
        shell = Shell(root)
        for path in (root, shell.home):
            path.chmod(0o755)
        me = f"@{user_name()}"
        assert shell.telex("install", "claude").status == 0
        start = json.dumps({"session_id": "session-1", "cwd": "/src/api", "source": "startup"}).encode()
        keep = subprocess.Popen(["sleep", "600"])
        client = {"CLAUDE_CODE_SESSION_ID": "session-1", "CLAUDE_PID": str(keep.pid), "CLAUDECODE": "1"}
        settings = json.loads((shell.home / ".claude" / "settings.json").read_text())
        for event in ("SessionStart", "UserPromptSubmit"):
            line = settings["hooks"][event][0]["hooks"][0]["command"]
            assert shell.run(["sh", "-c", line], start, None, **client).status == 0
        assert shell.telex("send", "@api", "--kind", "request", "a secret", name="ci").status == 0
        assert shell.telex("send", me, stdin=b"a large secret " * 2_000, name="ci").status == 0
        assert shell.telex("read", "m2").status == 0
        assert shell.telex("doctor", "--repair").status in (0, 1)
        line = settings["hooks"]["Stop"][0]["hooks"][0]["command"]
        assert shell.run(["sh", "-c", line], start, None, **client).status == 0
        broken = {"session_id": "x", "cwd": "/", "source": "startup"}
        shell.run(["sh", "-c", line], json.dumps(broken).encode(), None, CLAUDE_CODE_SESSION_ID="x", CLAUDE_PID="1")
        keep.kill()
        keep.wait()
    finally:
        os.umask(old)
    held = {path.relative_to(shell.telex_home).parts[0] for path in shell.telex_home.rglob("*") if path.is_file()}
    assert held >= {"telex.db", "write.lock", "bin", "bodies", "owed", "turns", "installed", "inboxes"}
    return shell


def every(home: Path) -> list[Path]:
    """The home and all that is in it."""
    return [home, *sorted(home.rglob("*"))]


# --- modes ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("umask", [0, 0o002, 0o022, 0o077])
def test_every_file_is_private_whatever_the_umask(root: Path, umask: int) -> None:
    shell = inhabited(root, umask)
    wrong = {}
    for path in every(shell.telex_home):
        kind = "directory" if path.is_dir() else "program" if path.parent.name == bells.BIN else "file"
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & 0o077 or mode | MODES[kind] != MODES[kind]:
            wrong[str(path.relative_to(shell.telex_home))] = oct(mode)
    assert not wrong


def test_a_home_several_levels_deep_is_private_too(root: Path) -> None:
    old = os.umask(0)
    try:
        shell = Shell(root)
        home = shell.home / "a" / "b" / "telex"
        assert shell.telex("send", "@later", "x", TELEX_HOME=str(home)).status == 0
    finally:
        os.umask(old)
    for path in every(home):
        assert not stat.S_IMODE(path.stat().st_mode) & 0o077, path


def test_a_home_that_is_open_is_not_used_until_it_is_closed(root: Path) -> None:
    shell = inhabited(root)
    for mode in (0o777, 0o755, 0o711, 0o750, 0o710, 0o707):
        shell.telex_home.chmod(mode)
        ran = shell.telex("inbox", "--json")
        assert (ran.status, ran.error["code"]) == (1, "home-unsafe")


# --- a second user ------------------------------------------------------------------------------------------


@AS_ANOTHER
def test_a_second_user_reaches_nothing(root: Path) -> None:
    shell = inhabited(root)
    before = {str(path): path.stat().st_mode for path in every(shell.telex_home)}
    tried = other_user.does("attack", [str(path) for path in every(shell.telex_home)])
    # whoever may enter the directory above can see that there is a home, and nothing more
    assert tried == {"stat": [str(shell.telex_home)]}
    assert {str(path): path.stat().st_mode for path in every(shell.telex_home)} == before


@AS_ANOTHER
def test_a_second_user_who_knows_every_name_learns_nothing(root: Path) -> None:
    """Guessing does not help: the same paths, and those of bells, bodies and locks that might be there."""
    shell = inhabited(root)
    home = shell.telex_home
    guesses = [f"{home}/{name}" for name in ("telex.db", "telex.db-wal", "telex.db-shm", "bells/session-1", "reserve")]
    guesses += [f"{home}/bodies/{name}" for name in os.listdir(home / "bodies")]
    assert other_user.does("attack", guesses) == {}


@AS_ANOTHER
@pytest.mark.parametrize("words", [["inbox"], ["send", "@api", "hello"], ["export"], ["doctor"], ["who"]])
def test_a_second_user_cannot_run_telex_in_that_home(root: Path, words: list[str]) -> None:
    shell = inhabited(root)
    before = shell.telex("export").out
    status, out, err = other_user.does("telex_in", str(shell.telex_home), *words)
    assert status == 1
    assert "secret" not in out + err
    assert "a fault of telex itself" not in err
    assert shell.telex("export").out == before


@AS_ANOTHER
def test_a_home_of_another_user_is_refused_even_where_it_could_be_entered(root: Path) -> None:
    theirs = root / "theirs"
    theirs.mkdir()
    os.chown(theirs, other_user.UID, other_user.UID)
    other_user.does("make_home", str(theirs / "home"))
    shell = Shell(root)
    ran = shell.telex("inbox", "--json", TELEX_HOME=str(theirs / "home"))
    assert (ran.status, ran.error["code"]) == (1, "home-unsafe")
    assert "belongs to another user" in ran.error["message"]


@AS_ANOTHER
def test_two_users_have_two_homes_that_know_nothing_of_each_other(root: Path) -> None:
    shell = inhabited(root)
    theirs = root / "theirs"
    theirs.mkdir()
    os.chown(theirs, other_user.UID, other_user.UID)
    status, out, _ = other_user.does("telex", "log", "--all", "--json", HOME=str(theirs))
    assert (status, json.loads(out)) == (0, {"messages": []})
    assert "secret" in shell.telex("log").out


@AS_ANOTHER
def test_a_second_user_with_the_same_session_id_is_nobody_here(root: Path) -> None:
    shell = inhabited(root)
    shell.telex("send", "@api", "another secret", name="ci")
    theirs = root / "theirs"
    theirs.mkdir()
    os.chown(theirs, other_user.UID, other_user.UID)
    status, out, _ = other_user.does("telex", "read", "--json", HOME=str(theirs), CLAUDE_CODE_SESSION_ID="session-1")
    assert (status, out) == (3, ""), "the id is another user's: it names nobody here"
    status, out, _ = other_user.does("telex", "log", "--json", HOME=str(theirs), CLAUDE_CODE_SESSION_ID="session-1")
    assert (status, json.loads(out)) == (0, {"messages": []})
    newest = shell.telex("log", "--limit", "1", "--json").json["messages"][0]["id"]
    assert shell.telex("show", newest, "--json").json["deliveries"][0]["state"] == "queued"


@AS_ANOTHER
def test_the_gate_is_silent_about_a_home_of_somebody_else(root: Path) -> None:
    """A second user whose TELEX_HOME points here: the gate line neither sees a bell nor leaves a mark."""
    shell = inhabited(root)
    line = gate.Gate(
        home=str(shell.telex_home),
        client="claude",
        session_variable="CLAUDE_CODE_SESSION_ID",
    ).prompt("UserPromptSubmit")
    done = subprocess.run(
        ["sh", "-c", line],
        user=other_user.UID,
        group=other_user.UID,
        extra_groups=[],
        env={"CLAUDE_CODE_SESSION_ID": "session-1", "PATH": "/usr/bin:/bin"},
        cwd="/",
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


# --- that the attack is one ------------------------------------------------------------------------------------


@AS_ANOTHER
def test_the_attack_succeeds_where_the_modes_are_loose(root: Path) -> None:
    shell = inhabited(root)
    for path in every(shell.telex_home):
        path.chmod(0o777 if path.is_dir() else 0o666)
    tried = other_user.does("attack", [str(path) for path in every(shell.telex_home)])
    assert set(tried) >= {"stat", "list", "enter", "read", "write", "create in", "truncate", "rename", "remove"}


def test_without_root_the_attempt_fails_and_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1_000)
    with pytest.raises(AssertionError, match="as root"):
        other_user.does("attack", [])
