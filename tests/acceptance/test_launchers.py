"""The launchers: what the lines in settings and the command start, whole, broken, or half upgraded."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.acceptance.installing import Machine

import telex
from telex.clients.launcher import launchers
from telex.clients.launcher.launchers import Launch


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def stand_in(machine: Machine, **modules: str) -> None:
    """A telex of our own making, installed."""
    package = machine.root / "lib" / "telex"
    (package / "cli").mkdir(parents=True)
    for name, text in {"__init__": "__version__ = '0'", "cli/__init__": "", **modules}.items():
        (package / f"{name}.py").write_text(text)
    machine.launch = Launch(python=os.path.realpath(sys.executable), import_dirs=[str(machine.root / "lib")])
    machine.install()


def saying(words: str, status: int) -> str:
    """A hook module that prints and leaves as the real one does."""
    return f"import os, sys\ndef main():\n    print({words}, flush=True)\n    os._exit({status})"


def start(machine: Machine, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, capture_output=True, text=True, env={"PATH": os.environ["PATH"], **environment}, check=False
    )


def hook(machine: Machine, **environment: str) -> subprocess.CompletedProcess[str]:
    path = str(machine.home / "bin" / "hook.py")
    return start(machine, machine.launch.python, "-I", "-S", path, "claude", "Stop", **environment)


def test_the_launchers_start_this_telex(machine: Machine) -> None:
    machine.launch = launchers.this_launch()
    assert machine.launch.import_dirs[0] == os.path.dirname(os.path.dirname(str(telex.__file__)))
    code = "import sys; sys.path += sys.argv[1:]; import apsw, rich, telex; print(telex.__file__)"
    found = start(machine, machine.launch.python, "-I", "-S", "-c", code, *machine.launch.import_dirs)
    assert found.stdout.strip() == telex.__file__


def test_the_hook_launcher_gives_arguments_and_home_and_takes_the_status(machine: Machine) -> None:
    stand_in(machine, hook=saying("sys.argv[1:], os.environ['TELEX_HOME']", 2))
    done = hook(machine)
    assert (done.returncode, done.stdout) == (2, f"['claude', 'Stop'] {machine.home}\n")
    assert hook(machine, TELEX_HOME="/x").stdout == "['claude', 'Stop'] /x\n"
    assert hook(machine, TELEX_HOME="").stdout.endswith(f"{machine.home}\n")


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("def main(): raise SystemExit(2)", 2),
        ("def main(): raise ValueError", 0),
        ("def main(): raise KeyboardInterrupt", 0),
        ("def main(): pass", 0),
        ("raise SystemExit(2)", 0),
        ("import not_there", 0),
        ("def main(:", 0),
        ("", 0),
    ],
)
def test_a_broken_telex_disturbs_nobody(machine: Machine, text: str, status: int) -> None:
    stand_in(machine, hook=text)
    done = hook(machine)
    assert (done.returncode, done.stdout, done.stderr) == (status, "", "")


def test_a_vanished_telex_disturbs_nobody_and_the_command_says_so(machine: Machine) -> None:
    stand_in(machine, hook="def main(): pass")
    shutil.rmtree(machine.root / "lib")
    assert hook(machine).returncode == 0
    done = start(machine, str(machine.home / "bin" / "telex"), "inbox")
    assert done.returncode == 1 and "hint: " in done.stderr and "Traceback" not in done.stderr


def test_nothing_in_the_import_directories_stands_before_the_standard_library(machine: Machine) -> None:
    stand_in(machine, hook="import json\ndef main(): print(json.__file__)")
    (machine.root / "lib" / "json.py").write_text("raise SystemExit('taken over')")
    assert str(machine.root) not in hook(machine).stdout and hook(machine).stdout


def test_the_command_launcher_passes_words_and_status(machine: Machine) -> None:
    stand_in(machine, **{"cli/main": "import sys\ndef main():\n    print(sys.argv[1:])\n    return 4"})
    done = start(machine, str(machine.home / "bin" / "telex"), "send", "@a b", "it's $HOME", "")
    assert (done.returncode, done.stdout) == (4, "['send', '@a b', \"it's $HOME\", '']\n")


def test_install_compiles_telex_so_that_the_first_hook_is_quick(machine: Machine) -> None:
    stand_in(machine, hook="def main(): pass", broken="def (")
    cached = os.listdir(machine.root / "lib" / "telex" / "__pycache__")
    assert any(name.startswith("hook.") for name in cached)


def test_the_installed_lines_start_the_installed_hook(machine: Machine) -> None:
    stand_in(
        machine,
        hook=saying("sys.argv[2], sys.stdin.read()", 0),
    )
    (machine.home / "bells" / "abc").touch()
    for event, groups in machine.hooks().items():
        line = str(groups[0]["hooks"][0]["command"])
        done = subprocess.run(
            ["sh", "-c", line],
            input="payload",
            capture_output=True,
            text=True,
            env={"HOME": str(machine.user), "CLAUDE_CODE_SESSION_ID": "abc", "CLAUDE_CODE_SESSION_ATTENDED": "1"},
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        word = event + groups[0]["matcher"] if event == "PostToolUse" else event  # for one tool alone
        # the shell itself makes the mark of these, in the directories that install has made
        assert done.stdout == f"{word} payload\n" or event in ("CwdChanged", "PermissionRequest")
