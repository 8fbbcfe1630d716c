"""Which Python the hooks start, through the upgrades of those who ship it; and how dead launchers come back to life."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import pytest
from tests.acceptance.installing import Machine
from tests.support.cli import TELEX, Ran, Shell

import telex
from telex.clients.installer.transaction import Batch
from telex.clients.launcher import interpreters, launchers, repair
from telex.clients.launcher.launchers import Launch

SESSION = "0b7e2a3c-1111-4222-8333-944455556666"
NAME = f"python{sys.version_info[0]}.{sys.version_info[1]}"
MINOR = NAME.removeprefix("python")
PATCH = f"{MINOR}.{sys.version_info[2]}"
LATER = f"{MINOR}.{sys.version_info[2] + 1}"
# Where each keeps its Python, the link to it that stays through an upgrade, and how an environment notes its home.
LAYOUTS = {
    "brew": (f"Cellar/python@{MINOR}/{PATCH}_1", f"opt/python@{MINOR}", f"opt/python@{MINOR}"),
    "brew that notes what it leads to": (f"Cellar/python@{MINOR}/{PATCH}", f"opt/python@{MINOR}", ""),
    "uv": (f"uv/python/cpython-{PATCH}-linux-x86_64-gnu", f"uv/python/cpython-{MINOR}-linux-x86_64-gnu", ""),
    "mise": (f"installs/python/{PATCH}", f"installs/python/{MINOR}", ""),
    "pyenv with an alias": (f".pyenv/versions/{PATCH}", f".pyenv/versions/{MINOR}", ""),
    "debian": ("usr", "", ""),
}


class Python:
    """A Python of a package manager, which can be upgraded, and an environment made of it with telex in it."""

    def __init__(self, root: Path, layout: str) -> None:
        kept, link, noted = LAYOUTS[layout]
        self.root, self.kept, self.link = root, root / kept, root / link
        (self.kept / "bin").mkdir(parents=True)
        shutil.copy2(os.path.realpath(sys.executable), self.kept / "bin" / NAME)
        if link:
            self.link.parent.mkdir(parents=True, exist_ok=True)
            self.link.symlink_to(self.kept)
        self.tool = root / "tool"
        (self.tool / "bin").mkdir(parents=True)
        home = root / (noted or kept) / "bin"
        (self.tool / "pyvenv.cfg").write_text(f"home = {home}\nversion = {PATCH}\n")
        (self.tool / "bin" / "python").symlink_to(home / NAME)
        site = self.tool / "lib" / NAME / "site-packages"
        site.mkdir(parents=True)
        source = os.path.dirname(os.path.dirname(str(telex.__file__)))
        (site / "real.pth").write_text(f"{source}\n{sysconfig.get_path('purelib')}\n")

    def telex(self, shell: Shell, *words: str) -> Ran:
        """The command as pip's entry point starts it."""
        return shell.run([str(self.tool / "bin" / "python"), "-c", "from telex.cli.main import main; main()", *words])

    def upgrade(self) -> None:
        """A newer patch level in the place of this one."""
        newer = Path(str(self.kept).replace(PATCH, LATER))
        if newer != self.kept:
            self.kept.rename(newer)
            self.link.unlink()
            self.link.symlink_to(newer)


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def line_of(shell: Shell, event: str) -> str:
    value = json.loads((shell.home / ".claude" / "settings.json").read_text())
    return str(value["hooks"][event][0]["hooks"][0]["command"])


def hook(shell: Shell, event: str) -> Ran:
    """A session's hook, as its client runs it."""
    payload = {"session_id": SESSION, "cwd": str(shell.work), "hook_event_name": event, "source": "startup"}
    attended = {"CLAUDE_CODE_SESSION_ID": SESSION, "CLAUDE_PID": str(os.getpid()), "CLAUDECODE": "1"}
    return shell.run(["sh", "-c", line_of(shell, event)], json.dumps(payload).encode(), **attended)


def is_deaf(shell: Shell) -> bool:
    """Whether a session of Claude Code hears nothing."""
    return SESSION not in hook(shell, "SessionStart").out


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_hooks_survive_an_upgrade_of_their_python(tmp_path: Path, shell: Shell, layout: str) -> None:
    """Would break: naming what the interpreter's name leads to, as installed."""
    python = Python(tmp_path / "opt", layout)
    assert python.telex(shell, "install", "claude").status == 0
    assert not is_deaf(shell)
    lines = line_of(shell, "SessionStart")
    python.upgrade()
    assert not is_deaf(shell)
    assert shell.run([str(shell.telex_home / "bin" / "telex"), "who"]).status == 0
    assert line_of(shell, "SessionStart") == lines and str(tmp_path) not in lines


def test_the_planted_twin_is_deaf_after_the_upgrade(tmp_path: Path, shell: Shell) -> None:
    python = Python(tmp_path / "opt", "brew")
    python.telex(shell, "install", "claude")
    names = shell.telex_home / "bin" / "interpreters"
    names.write_text(f"{os.path.realpath(names.read_text().splitlines()[0])}\n")
    assert not is_deaf(shell)
    python.upgrade()
    assert is_deaf(shell)


def test_candidates_put_the_name_that_stays_first_and_a_foreign_environment_nowhere(tmp_path: Path) -> None:
    python = Python(tmp_path, "uv")
    project, nix = tmp_path / "project", tmp_path / ".nix-profile" / "bin"
    for directory in (project / "bin", nix):
        directory.mkdir(parents=True)
        (directory / NAME).symlink_to(os.path.realpath(sys.executable))
    (project / "pyvenv.cfg").touch()

    def found(*path: Path) -> list[str]:
        return interpreters.candidates(
            str(python.tool / "bin" / "python"), str(python.tool), os.pathsep.join(map(str, path))
        )

    kept = str(python.kept / "bin" / NAME)
    usual = [str(python.link / "bin" / NAME), kept, str(python.tool / "bin" / "python")]
    assert found(project / "bin") == usual
    assert found(nix) == [*usual, str(nix / NAME)]
    shims = tmp_path / "shims"
    shims.mkdir()
    (shims / NAME).write_text("#!/bin/sh\nexec python3\n")
    (shims / NAME).chmod(0o755)
    assert found(shims) == usual, "a script starts slowly, and which one it starts depends on the directory"
    python.link.unlink()
    assert found()[0] == kept


@pytest.mark.parametrize("odd", ["with an\nend of line", "blank behind "])
def test_a_name_that_no_shell_can_read_from_a_line_is_none(tmp_path: Path, odd: str) -> None:
    place = tmp_path / "x" / odd
    place.parent.mkdir()
    place.symlink_to(os.path.realpath(sys.executable))
    assert str(place) not in interpreters.candidates(str(place), str(tmp_path), "")


def test_a_name_that_leads_to_another_version_now_hands_over_to_the_next(tmp_path: Path, shell: Shell) -> None:
    """As after a release of the system: the same name, and libraries that no longer load."""
    home, stand_in = tmp_path / "home", tmp_path / "next"
    stand_in.write_text('#!/bin/sh\nshift 3\necho "next: $*"\n')
    stand_in.chmod(0o755)
    older = Launch(python=sys.executable, others=("/gone/python", str(stand_in)), import_dirs=["/x"], version=0x30A)
    batch = Batch()
    launchers.stage(batch, str(home), older)
    batch.commit()
    for script, words in (("hook.py", ["claude", "Stop"]), ("telex.py", ["who"])):
        ran = shell.run([sys.executable, "-I", "-S", str(home / "bin" / script), *words])
        assert (ran.status, ran.out) == (0, f"next: {' '.join(words)}\n")
    stand_in.unlink()
    assert shell.run([sys.executable, "-I", "-S", str(home / "bin" / "hook.py"), "claude", "Stop"]) == (0, "", "")
    said = shell.run([sys.executable, "-I", "-S", str(home / "bin" / "telex.py"), "who"])
    assert said.status == 1 and "hint: " in said.err and "Traceback" not in said.err


def dead(machine: Machine, kind: str) -> None:
    """Launchers as an upgrade leaves them."""
    real = launchers.this_launch()
    gone = str(machine.root / "lib" / "python3.10" / "site-packages")
    machine.launch = {
        "no Python": Launch(python="/gone/python3.10", import_dirs=real.import_dirs),
        "no telex": Launch(python=real.python, import_dirs=[gone]),
        "another version": Launch(python=real.python, import_dirs=real.import_dirs, version=0x30A),
        "neither": Launch(python="/gone/python3.10", others=("/gone/python3",), import_dirs=[gone]),
    }[kind]
    machine.install()


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        *((kind, ("who",)) for kind in ("no Python", "no telex", "another version", "neither")),
        *(("neither", words) for words in (("status",), ("doctor",), ("send", "@you", "hi"), ("kei", "channels"))),
    ],
)
def test_whatever_command_still_runs_mends_launchers_that_start_nothing(
    tmp_path: Path, shell: Shell, kind: str, words: tuple[str, ...]
) -> None:
    """Would break: a check by `status` alone."""
    (tmp_path / "one").mkdir()
    machine = Machine(tmp_path / "one")
    shell.environment["HOME"] = str(machine.user)
    shell.home, shell.telex_home = machine.user, machine.home
    dead(machine, kind)
    lines = machine.settings.read_bytes()
    assert is_deaf(shell)
    ran = shell.telex(*words)
    assert "the launchers were written anew" in ran.err, ran
    assert not is_deaf(shell) and machine.settings.read_bytes() == lines
    assert shell.telex(*words).err.count("anew") == 0
    assert shell.run([str(machine.home / "bin" / "telex"), "who"]).status == 0


def test_what_cannot_be_mended_is_said_and_the_command_goes_on(tmp_path: Path, shell: Shell) -> None:
    shell.telex("install", "claude")
    names = shell.telex_home / "bin" / "interpreters"
    names.write_text("/gone/python\n")
    (shell.telex_home / "installed" / "lock").unlink()
    (shell.telex_home / "installed" / "lock").mkdir()
    ran = shell.telex("who")
    assert ran.status == 0 and "the Python that the hooks start is gone: /gone/python" in ran.err
    assert "hint: run 'telex install'" in ran.err and names.read_text() == "/gone/python\n"


def test_well_launchers_are_left_alone(tmp_path: Path, shell: Shell) -> None:
    assert repair.fault(str(shell.telex_home)) == "", "nothing is installed"
    shell.telex("install", "claude")
    before = {path: path.stat().st_mtime_ns for path in (shell.telex_home / "bin").iterdir()}
    assert shell.telex("who").err == "" and repair.fault(str(shell.telex_home)) == ""
    assert {path: path.stat().st_mtime_ns for path in (shell.telex_home / "bin").iterdir()} == before


def test_a_hook_that_a_second_interpreter_runs_mends_the_command(tmp_path: Path, shell: Shell) -> None:
    """The command names the first one in its first line, and is dead with it."""
    real = launchers.this_launch()
    first = tmp_path / NAME
    first.symlink_to(real.python)
    batch = Batch()
    shell.telex("install", "claude")
    home = str(shell.telex_home)
    launchers.stage(batch, home, Launch(**{**real.as_dict(), "python": str(first), "others": (real.python,)}))
    batch.commit()
    command = shell.telex_home / "bin" / "telex"
    assert shell.run([str(command), "who"]).status == 0
    first.unlink()
    with pytest.raises(FileNotFoundError):
        shell.run([str(command), "who"])
    assert not is_deaf(shell)
    until = time.monotonic() + 30
    while str(first) in command.read_text() and time.monotonic() < until:
        time.sleep(0.05)
    assert shell.run([str(command), "who"]).status == 0


def test_a_home_that_is_shared_with_another_machine_serves_both(tmp_path: Path, shell: Shell) -> None:
    """As a container's with the host's home. Would break: the last who installed is the only one listed."""
    shell.telex("install", "claude")
    home = str(shell.telex_home)
    batch = Batch()
    theirs = Launch(python="/opt/of/the/host/python3", import_dirs=["/opt/of/the/host/lib"], machine="the-host")
    launchers.stage(batch, home, theirs)
    batch.commit()
    assert not is_deaf(shell), "ours is kept behind theirs"
    assert shell.run([str(shell.telex_home / "bin" / "telex"), "who"]).status == 0
    shell.telex("install", "claude")
    names = (shell.telex_home / "bin" / "interpreters").read_text().splitlines()
    assert names[0] != theirs.python and theirs.python in names
    assert [one.machine for one in launchers.written(home)] == [os.uname().nodename, "the-host"]


def test_the_same_directory_under_another_name_works(tmp_path: Path, shell: Shell) -> None:
    """As a mount of the home in a container, where the path that was installed is not there."""
    shell.telex("install", "claude")
    other = tmp_path / "root"
    shell.home.rename(other)
    moved = Shell(tmp_path / "unused")
    moved.home, moved.telex_home, moved.work = other, other / ".telex", other
    moved.environment["HOME"] = str(other)
    assert not is_deaf(moved)
    assert moved.run([str(other / ".telex" / "bin" / "telex"), "who"]).status == 0


def test_settings_that_two_machines_share_serve_both(tmp_path: Path) -> None:
    """Dotfiles in one repository, home directories of different names. Would break: absolute paths in the lines."""
    ann, ben = Shell(tmp_path / "home"), Shell(tmp_path / "Users")
    ann.telex("install", "claude")
    shared = (ann.home / ".claude" / "settings.json").read_bytes()
    (ben.home / ".claude").mkdir()
    settings = ben.home / ".claude" / "settings.json"
    settings.write_bytes(shared)
    installed = ben.telex("install", "claude")
    assert installed.status == 0 and "settings.json" not in installed.out and settings.read_bytes() == shared
    for shell in (ann, ben):
        assert not is_deaf(shell)
        states = [one["state"] for one in shell.telex("status", "--json").json["installed"] if one["part"] == "hooks"]
        assert states[0] == "installed"


def test_an_agent_finds_the_launcher_before_a_slower_telex_on_its_path(shell: Shell) -> None:
    shell.telex("install", "claude")
    file = shell.home / "environment"
    shell.environment["CLAUDE_ENV_FILE"] = str(file)
    for _ in range(2):
        hook(shell, "SessionStart")
    found = shell.sh(f". {file}; command -v telex; echo $PATH")
    assert os.path.dirname(TELEX) in found.out.splitlines()[1], "the rest of the path stays"
    assert found.out.splitlines()[0] == str(shell.telex_home / "bin" / "telex")


def test_what_a_broken_list_says_is_no_fault_of_the_command(tmp_path: Path, shell: Shell) -> None:
    shell.telex("install", "claude")
    for junk in (b"", b"\xff\xfe\n", b"\n\n", b"x" * 100_000):
        (shell.telex_home / "bin" / "interpreters").write_bytes(junk)
        (shell.telex_home / "bin" / "packages").write_bytes(junk)
        assert subprocess.run([TELEX, "who"], env=shell.environment, check=False, capture_output=True).returncode == 0
        assert repair.fault(str(shell.telex_home)) == "", "it was mended"
