"""Every command in a directory that was removed under it, and with a home that depends on the directory."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

import pytest
from tests.support.cli import Shell

from telex.cli import main
from telex.cli.grammar import VERBS

# Those that stay until something happens are told not to, and those that need a tool of the machine get one.
INSTEAD = {
    "ask": "telex ask @api 'which port?' --timeout 0.01",
    "wait": "telex wait --from @api --timeout 0.01",
    "run": "telex run --name reviewer -- true",
    "relay serve": "telex relay serve --log sqlite:relay.db --listen 127.0.0.1:0",
    "export": "telex export",
}
MORE = (
    *("telex install --dry-run", "telex install --yes", "telex install claude --scope project --yes"),
    *("telex uninstall --dry-run", "telex uninstall --scope project", "telex status --json", "telex doctor --repair"),
    *("telex send @x --file body.txt", "telex send @x --file ./body.txt", "telex alias kei --dir bin"),
    *("telex alias coop --dir .", "telex relay team list --log sqlite:relay.db", "telex relay restore ./in.db"),
    *("telex coop session send hi", "telex kei message send --to x hi", "telex ipc check"),
)
TABLE = [INSTEAD.get(verb.name, verb.example) for verb in VERBS] + list(MORE)
NEEDS_ONE = (
    *("relay serve", "relay backup", "relay restore", "relay team list --log", "alias coop --dir", "alias kei --dir"),
)
REFUSED_HOMES = ("~/.telex2", ".telex", "  ")


def in_removed(shell: Shell, line: str) -> str:
    """One line of shell in a directory that is no longer there; what it complained of."""
    gone = shlex.quote(str(shell.home / "gone"))
    ran = shell.sh(f"mkdir {gone}; cd {gone}; rmdir {gone}; exec {line} </dev/null")
    assert "a fault of telex itself" not in ran.err, ran
    assert "Traceback" not in ran.err, ran
    assert not (shell.home / "gone").exists()
    own = [line for line in ran.err.splitlines(keepends=True) if "getcwd() failed" not in line]  # a shell says that
    return "".join(own)


@pytest.mark.parametrize("line", TABLE)
def test_a_removed_directory_is_no_fault_of_telex(shell: Shell, line: str) -> None:
    (shell.home / ".claude").mkdir()
    shell.telex("send", "@api", "first")
    err = in_removed(shell, line)
    needs_one = line.removeprefix("telex ").startswith(NEEDS_ONE)
    assert ("telex: the working directory was removed\n" in err) == needs_one, err


def test_what_needs_no_directory_is_done_in_a_removed_one(shell: Shell) -> None:
    (shell.home / ".claude").mkdir()
    assert in_removed(shell, "telex install claude --yes") == ""
    assert (shell.home / ".claude" / "settings.json").exists()
    assert in_removed(shell, "telex uninstall claude") == ""
    assert in_removed(shell, "telex send @api hello") == ""
    assert in_removed(shell, "telex inbox") == ""


def test_a_planted_command_that_asks_for_the_directory_is_caught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file that is missing is a fault all the same: only the directory's absence is said to be one."""

    def planted(_words: list[str], _out: object) -> int:
        if (tmp_path / "asks").exists():
            os.getcwd()
        return len((tmp_path / "missing").read_text())

    monkeypatch.setattr(main, "_run", planted)
    assert main.run(["inbox"]) == 1
    assert "a fault of telex itself: FileNotFoundError" in capsys.readouterr().err
    (tmp_path / "asks").touch()
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert main.run(["inbox"]) == 1
    assert "the working directory was removed" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "home"),
    [
        (line.replace(" --log sqlite:relay.db", ""), REFUSED_HOMES[number % len(REFUSED_HOMES)])
        for number, line in enumerate(TABLE)
    ],
)
def test_no_command_makes_a_home_that_depends_on_the_directory(shell: Shell, line: str, home: str) -> None:
    (shell.home / ".claude").mkdir()
    before = sorted(os.listdir(shell.home))
    ran = shell.sh(f"exec {line} </dev/null", TELEX_HOME=home)
    assert "a fault of telex itself" not in ran.err, ran
    assert os.listdir(shell.work) == [], ran
    assert sorted(os.listdir(shell.home)) == before, ran
    if ran.status:
        assert ran.status in (1, 2, 3, 4), ran


@pytest.mark.parametrize("words", [["inbox"], ["send", "@api", "x"], ["status"], ["doctor"], ["install", "--yes"]])
@pytest.mark.parametrize("home", REFUSED_HOMES)
def test_such_a_home_is_named_with_what_to_do(shell: Shell, words: list[str], home: str) -> None:
    ran = shell.telex(*words, "--json", TELEX_HOME=home)
    assert (ran.status, ran.out, ran.error["code"]) == (1, "", "path-not-absolute")
    assert ran.error["message"] == f"TELEX_HOME is '{home}', which is not an absolute path"
    assert "only a shell expands '~'" in ran.error["hint"]


def test_a_client_whose_directory_is_refused_does_not_stop_the_others(shell: Shell) -> None:
    for name in (".claude", ".codex"):
        (shell.home / name).mkdir()
    ran = shell.telex("install", "--yes", CLAUDE_CONFIG_DIR="~/.claude-work")
    assert ran.status == 1
    assert "telex: claude: CLAUDE_CONFIG_DIR is '~/.claude-work', which is not an absolute path\n" in ran.err
    assert (shell.home / ".codex" / "hooks.json").exists()
    assert os.listdir(shell.work) == []
    looked = shell.telex("status", CLAUDE_CONFIG_DIR="~/.claude-work")
    assert (looked.status, looked.err) == (1, "")
    assert "broken" in looked.out
    assert "CLAUDE_CONFIG_DIR is '~/.claude-work', which is not an absolute path" in looked.out


def test_a_hook_with_such_a_home_is_silent(shell: Shell) -> None:
    (shell.home / ".claude").mkdir()
    assert shell.telex("install", "claude", "--yes").status == 0
    hook = shell.telex_home / "bin" / "hook.py"
    python = (shell.telex_home / "bin" / "interpreters").read_text().split("\n")[0]
    before = sorted(path.relative_to(shell.home) for path in shell.home.rglob("*"))
    payload = b'{"session_id":"0b7e2a3c-1111-4222-8333-944455556666","source":"startup","cwd":"/"}'
    for home in REFUSED_HOMES:
        for event in ("SessionStart", "UserPromptSubmit", "PostToolBatch", "Stop", "SessionEnd", "CwdChanged"):
            ran = subprocess.run(
                [python, "-I", "-S", str(hook), "claude", event],
                input=payload,
                capture_output=True,
                cwd=shell.work,
                env={**shell.environment, "TELEX_HOME": home},
                check=False,
            )
            assert (ran.returncode, ran.stdout, ran.stderr) == (0, b"", b""), event
    assert sorted(path.relative_to(shell.home) for path in shell.home.rglob("*")) == before
