"""Key files: whole or not there, for this user alone, shown to nobody."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from telex.errors.between import KeysUnusable, TeamKeyMissing
from telex.link import keys


@pytest.fixture
def home(tmp_path: Path) -> str:
    """A home with a link's directory in it."""
    keys.directory(str(tmp_path))
    return str(tmp_path)


def files(home: str) -> list[Path]:
    return sorted(Path(home, keys.DIRECTORY).iterdir())


def test_a_machines_keys_come_back_as_they_were(home: str) -> None:
    own = keys.new_machine()
    keys.keep_machine(home, own)
    again = keys.machine(home)
    assert (again.machine, again.sign_public, again.seal_public) == (own.machine, own.sign_public, own.seal_public)
    assert again.sign(b"x") == own.sign(b"x")


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_key_files_are_for_this_user_alone_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        keys.keep_machine(str(tmp_path), keys.new_machine())
        keys.keep_team(str(tmp_path), 1, keys.new_team_key())
    finally:
        os.umask(before)
    assert [stat.S_IMODE(path.stat().st_mode) for path in files(str(tmp_path))] == [0o600, 0o600]
    assert stat.S_IMODE((tmp_path / keys.DIRECTORY).stat().st_mode) == 0o700


def test_keys_are_never_replaced(home: str) -> None:
    keys.keep_machine(home, keys.new_machine())
    keys.keep_team(home, 1, b"k" * 32)
    before = [path.read_bytes() for path in files(home)]
    with pytest.raises(KeysUnusable):
        keys.keep_machine(home, keys.new_machine())
    with pytest.raises(KeysUnusable):
        keys.keep_team(home, 1, b"l" * 32)
    keys.keep_team(home, 1, b"k" * 32)
    assert [path.read_bytes() for path in files(home)] == before


def test_a_write_that_is_cut_short_leaves_no_half_key(home: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Would break: a machine that finds half a key after a crash, and can neither use nor replace it."""

    def fails(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "link", fails)
    with pytest.raises(KeysUnusable, match="No space"):
        keys.keep_machine(home, keys.new_machine())
    assert files(home) == []


def test_a_key_file_behind_a_symbolic_link_is_refused(home: str, tmp_path: Path) -> None:
    keys.keep_machine(home, keys.new_machine())
    real = Path(home, keys.DIRECTORY, "machine.key")
    real.rename(tmp_path / "elsewhere")
    real.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(KeysUnusable):
        keys.machine(home)


def test_a_link_directory_that_is_a_symbolic_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    (tmp_path / keys.DIRECTORY).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(KeysUnusable, match="not a directory"):
        keys.keep_machine(str(tmp_path), keys.new_machine())


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o660, 0o602])
def test_a_key_file_that_others_may_read_or_write_is_refused(home: str, mode: int) -> None:
    keys.keep_machine(home, keys.new_machine())
    Path(home, keys.DIRECTORY, "machine.key").chmod(mode)
    with pytest.raises(KeysUnusable, match="other users") as raised:
        keys.machine(home)
    assert "chmod 600" in raised.value.advice


@pytest.mark.parametrize("mode", [0o755, 0o710, 0o707])
def test_a_link_directory_that_others_may_enter_is_refused(home: str, mode: int) -> None:
    keys.keep_machine(home, keys.new_machine())
    Path(home, keys.DIRECTORY).chmod(mode)
    with pytest.raises(KeysUnusable, match="other users"):
        keys.machine(home)


@pytest.mark.needs_root("only root gives a file away")
def test_a_key_file_of_another_user_is_refused(home: str) -> None:
    keys.keep_machine(home, keys.new_machine())
    os.chown(Path(home, keys.DIRECTORY, "machine.key"), 12345, 12345)
    with pytest.raises(KeysUnusable, match="another user"):
        keys.machine(home)


@pytest.mark.parametrize(
    "text", ["", "x", "telex-machine-key-1", "telex-machine-key-1 a b c", "telex-machine-key-2 a b c"]
)
def test_a_damaged_key_file_is_said_to_be_one(home: str, text: str) -> None:
    keys.keep_machine(home, keys.new_machine())
    Path(home, keys.DIRECTORY, "machine.key").write_text(text)
    with pytest.raises(KeysUnusable, match="damaged"):
        keys.machine(home)


def test_a_key_file_that_is_a_pipe_is_refused(home: str) -> None:
    os.mkfifo(Path(home, keys.DIRECTORY, "machine.key"), 0o600)
    with pytest.raises(KeysUnusable):
        keys.machine(home)


def test_a_key_that_was_not_given_is_said_to_be_missing(home: str) -> None:
    with pytest.raises(TeamKeyMissing):
        keys.team(home, 3)
    with pytest.raises(KeysUnusable, match="not there"):
        keys.machine(home)


def test_keys_do_not_show_themselves(home: str) -> None:
    own = keys.new_machine()
    keys.keep_machine(home, own)
    secrets = Path(home, keys.DIRECTORY, "machine.key").read_text().split()[2:]
    for shown in (repr(own), str(own), f"{own}"):
        assert not any(secret in shown for secret in secrets)


def test_nothing_is_left_of_the_keys_after_they_were_forgotten(home: str) -> None:
    keys.keep_machine(home, keys.new_machine())
    keys.keep_team(home, 1, keys.new_team_key())
    Path(home, keys.DIRECTORY, "lock").touch()
    keys.forget(home)
    assert [path.name for path in files(home)] == ["lock"]
    keys.forget(home)


def test_the_same_words_give_the_same_key_and_others_another(home: str) -> None:
    own, other = keys.new_machine(), keys.new_machine()
    assert own.derived(b"a") == own.derived(b"a")
    assert len({own.derived(b"a"), own.derived(b"b"), other.derived(b"a")}) == 3


def test_two_processes_that_learn_a_key_at_once_both_have_it(home: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Would break: a link that ends because a command of the same machine kept the new key a moment earlier."""
    link = os.link

    def late(draft: str, path: str) -> None:
        if path.endswith("team-2.key") and not os.path.exists(path):
            monkeypatch.setattr(os, "link", link)
            keys.keep_team(home, 2, b"k" * 32)
        link(draft, path)

    monkeypatch.setattr(os, "link", late)
    keys.keep_team(home, 2, b"k" * 32)
    assert keys.team(home, 2) == b"k" * 32
    assert [path.name for path in files(home)] == ["team-2.key"]


def test_two_processes_that_write_at_once_leave_one_key(home: str) -> None:
    code = "import sys; from telex.link import keys; keys.keep_machine(sys.argv[1], keys.new_machine())"
    started = [subprocess.Popen([sys.executable, "-c", code, home], stderr=subprocess.DEVNULL) for _ in range(2)]
    assert sorted(one.wait() for one in started) == [0, 1]
    assert keys.machine(home).machine
    assert [path.name for path in files(home)] == ["machine.key"]
