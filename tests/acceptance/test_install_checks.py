"""`telex install` checks what every command checks, and its dry run checks the same: whose home it is, on which
filesystem, what may be written. What it refuses leaves no trace.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.support import other_user
from tests.support.capability import lacking
from tests.support.cli import TELEX_WORD, Ran, Shell

AS_ROOT = [] if os.getuid() == 0 else ["--user", "--map-root-user"]
MOUNTS = ["unshare", *AS_ROOT, "--mount", "sh", "-c"]
MINE = '{"model": "x"}\n'


def tree(top: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(top)): path.read_bytes() if path.is_file() else b""
        for path in sorted(top.rglob("*"))
        if not path.is_symlink()
    }


@pytest.mark.needs_root
@pytest.mark.parametrize("dry", [("--dry-run",), ()], ids=["dry run", "for real"])
@pytest.mark.parametrize("words", [("claude",), ("--yes",), ("claude", "--mcp")], ids=" ".join)
def test_root_installs_nothing_into_the_home_of_somebody_else(
    tmp_path: Path, words: tuple[str, ...], dry: tuple[str, ...]
) -> None:
    """Would break: by sudo the store would be root's, and every later command of the person be refused."""
    shell = Shell(tmp_path)
    (shell.home / ".claude").mkdir()
    for path in (shell.home, shell.home / ".claude"):
        os.chown(path, other_user.UID, other_user.UID)
    before = tree(shell.home)
    ran = shell.telex("install", *words, *dry)
    assert ran.status == 1
    assert f"{shell.home}, which belongs to another user" in ran.err and "hint: run it as that user" in ran.err
    assert tree(shell.home) == before


@pytest.mark.needs_root
def test_a_home_that_root_has_made_is_called_another_users_by_every_command() -> None:
    with other_user.open_to_all() as top:
        home = top / ".telex"
        assert Shell(top).telex("install", "claude", HOME=str(top), TELEX_HOME=str(home)).status == 0
        (top / ".claude").chmod(0o777)
        for words in (["install", "claude"], ["install", "claude", "--dry-run"], ["send", "@x", "hi"]):
            status, out, err = other_user.does("telex_in", str(home), *words, HOME=str(top))
            assert (status, out) == (1, "") and "belongs to another user" in err, words
        for words in (["status"], ["doctor"]):
            status, out, err = other_user.does("telex_in", str(home), *words, HOME=str(top))
            assert status == 1 and "belongs to another user" in out + err, words


@pytest.mark.needs_root
def test_a_home_in_a_directory_of_the_system_is_ones_own() -> None:
    with other_user.open_to_all() as top:
        (top / "shared").mkdir()
        (top / "shared").chmod(0o777)
        status, _, err = other_user.does("telex", "install", "claude", HOME=str(top / "shared"))
        assert status == 0, err


def mounted(shell: Shell, kind: str, *words: str) -> Ran:
    """A command where telex's home is a filesystem of its own."""
    if not shutil.which("unshare") or subprocess.run([*MOUNTS, "true"], capture_output=True, check=False).returncode:
        lacking("mounts of its own")
    shell.telex_home.mkdir(mode=0o700, exist_ok=True)
    lines = [f"mount -t tmpfs -o {kind},mode=700 none {shell.telex_home}"]
    lines += [f"echo; echo '[{one}]'; {TELEX_WORD} {one} 2>&1; echo status $?" for one in words]
    return shell.run([*MOUNTS, "\n".join(lines)])


def test_a_launcher_that_cannot_be_started_is_named_with_the_way_out(shell: Shell) -> None:
    """Would break: "it is not executable; 'telex install' writes it anew", said by install itself, for ever."""
    (shell.home / ".codex").mkdir()
    ran = mounted(shell, "noexec", "install --yes", "install --yes", "status", "send @x hi")
    said = dict(zip(("install", "again", "status", "send"), ran.out.split("\n\n[")[0:], strict=False))
    assert "noexec" in said["install"], ran
    assert said["install"].count("noexec") == said["again"].count("noexec") == 1
    assert "set TELEX_HOME to a directory elsewhere" in said["again"]
    assert "noexec" in said["status"] and "status 1" in said["status"]
    assert "writes it anew" not in ran.out and "not executable" not in ran.out
    assert "status 0" in said["send"], "the store itself works there"


def test_a_home_where_programs_start_is_not_complained_of(shell: Shell) -> None:
    ran = mounted(shell, "size=50m", "install claude", "status")
    assert ran.out.count("status 0") == 2 and "noexec" not in ran.out, ran


@pytest.mark.parametrize("dry", ["--dry-run", "--yes"])
def test_a_network_filesystem_is_refused_before_anything_is_written(
    shell: Shell, dry: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from telex.cli import main
    from telex.fs import mounts

    for name, value in shell.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(mounts, "kind", lambda *_: "nfs4")
    before = tree(shell.home)
    assert main.run(["install", "claude", dry]) == 1
    assert "network filesystem (nfs4)" in capsys.readouterr().err
    assert tree(shell.home) == before


@pytest.mark.parametrize("client", ["claude", "codex", "gemini"])
def test_the_dry_run_refuses_read_only_settings_as_the_run_does(tmp_path: Path, client: str) -> None:
    """Settings that a generator made: a link into a store that nobody may write to."""
    if subprocess.run([*MOUNTS, "true"], capture_output=True, check=False).returncode:
        lacking("mounts of its own")
    shell = Shell(tmp_path)
    store = tmp_path / "store"
    store.mkdir()
    name = {"claude": "settings.json", "codex": "hooks.json", "gemini": "settings.json"}[client]
    (store / name).write_text("{}\n")
    (shell.home / f".{client}").mkdir()
    (shell.home / f".{client}" / name).symlink_to(store / name)
    before = tree(shell.home)
    shut = f"mount --bind {store} {store} && mount -o remount,ro,bind {store} && {TELEX_WORD} install {client} --json"
    runs = [shell.run([*MOUNTS, f"{shut} {words}"]) for words in ("--dry-run", "--yes")]
    assert [one.status for one in runs] == [1, 1]
    assert [one.error["code"] for one in runs] == ["settings-read-only"] * 2
    assert runs[0].error == runs[1].error and "--print" in runs[0].error["hint"]
    assert {path: held for path, held in tree(shell.home).items() if ".telex" not in path} == before
    assert json.loads((store / name).read_text()) == {}


# --- settings that a generator writes ------------------------------------------------------------------------


@pytest.mark.parametrize("words", [(), ("--mcp",)], ids=["hooks", "with the server"])
@pytest.mark.parametrize("client", ["claude", "codex", "gemini", "opencode", "copilot"])
def test_what_is_printed_is_all_that_install_looks_for(shell: Shell, client: str, words: tuple[str, ...]) -> None:
    """A generator writes what `--print` prints, in a layout of its own; then only the launchers are left to write."""
    before = tree(shell.home)
    printed = shell.telex("install", client, "--print", *words)
    assert printed.status == 0 and tree(shell.home) == before
    for file in printed.json["files"]:
        path = Path(file["path"])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file["text"] if "text" in file else json.dumps(file["value"], sort_keys=True))
        path.chmod(0o444)
    generated = {path: held for path, held in tree(shell.home).items() if ".telex" not in path}
    ran = shell.telex("install", client, *words, "--json")
    assert ran.status == 0, ran.err
    assert {one["path"] for one in ran.json["changes"] if one["action"] != "unchanged"} == {
        str(shell.telex_home / "bin")
    }
    assert {path: held for path, held in tree(shell.home).items() if ".telex" not in path} == generated
    found = {one["part"]: one["state"] for one in shell.telex("status", "--json").json["installed"]}
    assert set(found.values()) <= {"installed", "not trusted"}, found
    assert ("mcp server" in found) == bool(words)


@pytest.mark.parametrize("words", [(), ("claude", "--as-plugin"), ("codex", "--status-line")], ids=" ".join)
def test_what_cannot_be_printed_is_said(shell: Shell, words: tuple[str, ...]) -> None:
    ran = shell.telex("install", *words, "--print")
    assert (ran.status, ran.out) == (2, "") and ran.err
