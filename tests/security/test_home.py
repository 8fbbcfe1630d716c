"""The state directory is its owner's alone, whatever makes it first and whatever the umask.

What would break: a home that others may enter, which every later command then refuses.
"""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest
from tests.support.cli import Shell

from telex.private import make_directory

UMASKS = ("000", "022", "077", "277")
FIRST = {
    "inbox": "telex inbox",
    "install": "telex install claude --yes",
    "relay team create": "telex relay team create acme",
    "relay restore": "telex relay restore none.db",
    "doctor": "telex doctor",
    "import": "telex import /dev/null",
}


def open_ones(root: Path) -> list[str]:
    """The directories under a home, and the home, that anybody but their owner may enter."""
    found = [root, *[path for path in root.rglob("*") if path.is_dir()]]
    return [str(path) for path in found if stat.S_IMODE(path.stat().st_mode) != 0o700]


@pytest.mark.parametrize("umask", UMASKS)
@pytest.mark.parametrize("command", FIRST.values(), ids=FIRST)
def test_whatever_runs_first_leaves_a_private_home(shell: Shell, command: str, umask: str) -> None:
    (shell.home / ".claude").mkdir()
    shell.sh(f"umask {umask}; {command}; exit $?")
    if shell.telex_home.exists():
        assert open_ones(shell.telex_home) == []
    assert shell.telex("inbox").status == 0


@pytest.mark.parametrize("umask", ["000", "022"])
def test_a_relay_that_serves_first_leaves_a_private_home(shell: Shell, umask: str) -> None:
    """README's own order on a host that is a member too."""
    line = f"umask {umask}; exec telex relay serve --listen 127.0.0.1:0"
    with subprocess.Popen(["sh", "-c", line], env=shell.environment, cwd=shell.work, stdout=subprocess.PIPE) as served:
        assert served.stdout is not None
        assert b"serving" in served.stdout.readline()
        served.terminate()
    assert open_ones(shell.telex_home) == []
    assert shell.telex("inbox").status == 0


def test_what_the_leafs_mode_leaves_open_is_noticed(tmp_path: Path) -> None:
    """Would break: the tests above, if they saw nothing."""
    old = os.umask(0o022)
    try:
        os.makedirs(tmp_path / "home" / "relay", mode=0o700)
    finally:
        os.umask(old)
    assert open_ones(tmp_path / "home") == [str(tmp_path / "home")]


def test_install_says_that_a_home_is_open(shell: Shell) -> None:
    (shell.home / ".claude").mkdir()
    shell.telex_home.mkdir(mode=0o755)
    shell.telex_home.chmod(0o755)
    done = shell.telex("install", "claude", "--yes", "--json")
    assert (done.status, done.error["code"]) == (1, "home-unsafe")
    assert not (shell.home / ".claude" / "settings.json").exists()


def test_a_directory_that_is_there_is_left_as_it_is(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    make_directory(f"{tmp_path}/a/b")
    make_directory(f"{tmp_path}/a/b")
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755
    assert open_ones(tmp_path / "a") == []
