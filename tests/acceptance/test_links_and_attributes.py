"""Settings that have several names, and attributes beside their bytes: they keep both through install and uninstall."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from tests.acceptance.installing import Machine
from tests.support.capability import lacking

from telex.clients.installer import transaction
from telex.clients.installer.transaction import Batch
from telex.errors.settings import SettingsUnwritable

MINE = '{\n  "model": "x",\n  "hooks": {"Stop": [{"hooks": [{"type": "command", "command": "mine"}]}]}\n}\n'
SERVERS = '{"mcpServers": {"mine": {"command": "x"}}}'


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def linked(machine: Machine) -> Path:
    """The settings under a second name, as a repository of dotfiles keeps them."""
    machine.write(MINE)
    other = machine.root / "dotfiles.json"
    os.link(machine.settings, other)
    return other


def test_every_name_of_a_file_has_what_install_writes_and_what_uninstall_puts_back(machine: Machine) -> None:
    """Would break: the rename makes a new file, and the dotfiles keep the old one, unsaid."""
    other = linked(machine)
    machine.install()
    assert other.samefile(machine.settings) and "telex" in other.read_text()
    machine.install(also=("status line",))
    assert other.samefile(machine.settings)
    machine.uninstall()
    assert other.samefile(machine.settings) and other.read_text() == MINE
    assert sorted(os.listdir(machine.claude)) == ["settings.json"]


def test_a_link_to_a_file_with_several_names_keeps_both(machine: Machine) -> None:
    other = linked(machine)
    kept = machine.root / "kept.json"
    machine.settings.rename(kept)
    machine.settings.symlink_to(kept)
    machine.install()
    assert machine.settings.is_symlink() and kept.samefile(other) and "telex" in other.read_text()
    machine.uninstall()
    assert machine.settings.is_symlink() and kept.samefile(other) and other.read_text() == MINE


def test_a_file_of_servers_with_several_names_keeps_them(machine: Machine) -> None:
    path, other = machine.user / ".claude.json", machine.root / "servers"
    path.write_text(SERVERS)
    os.link(path, other)
    machine.install(also=("mcp server",))
    assert path.samefile(other) and '"telex"' in other.read_text()
    machine.uninstall()
    assert path.samefile(other) and other.read_text() == SERVERS


@pytest.mark.parametrize("written", [0, 7], ids=["nothing", "a part"])
def test_a_write_in_place_that_fails_puts_the_old_bytes_back(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, written: int
) -> None:
    other = linked(machine)
    overwrite = transaction._overwrite

    def full(path: str, data: bytes) -> None:
        if b"telex" in data:
            with open(path, "r+b") as file:
                file.write(data[:written])
            raise OSError(errno.ENOSPC, "No space left on device")
        overwrite(path, data)

    monkeypatch.setattr(transaction, "_overwrite", full)
    with pytest.raises(SettingsUnwritable, match="no space left"):
        machine.install()
    assert other.samefile(machine.settings) and other.read_text() == MINE
    assert sorted(os.listdir(machine.claude)) == ["settings.json"]


def test_a_copy_of_the_old_bytes_lies_beside_a_file_while_it_is_written_in_place(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is what remains if the machine stops there; and it stays where the old bytes could not be put back."""
    linked(machine)

    def stops(path: str, data: bytes) -> None:
        Path(path).write_bytes(data[:5])
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(transaction, "_overwrite", stops)
    with pytest.raises(SettingsUnwritable):
        machine.install()
    [copy] = machine.claude.glob(".settings.json.telex-*")
    assert copy.read_text() == MINE
    assert copy.stat().st_mode == machine.settings.stat().st_mode


def test_telexs_own_files_are_replaced_and_a_snapshot_of_them_stays_as_it_was(tmp_path: Path) -> None:
    """A backup made of hard links holds what was there, not what is there now."""
    file, snapshot = tmp_path / "hook.py", tmp_path / "snapshot"
    file.write_text("old")
    os.link(file, snapshot)
    batch = Batch()
    batch.put(str(file), b"new", old=b"old", mode=0o600)
    batch.commit()
    assert (file.read_text(), snapshot.read_text()) == ("new", "old")


@pytest.mark.parametrize("several_names", [False, True])
def test_extended_attributes_stay(machine: Machine, several_names: bool) -> None:
    machine.write(MINE)
    try:
        os.setxattr(machine.settings, "user.origin", b"chezmoi\0\xff")
    except OSError:
        lacking("extended attributes of a user's own")
    if several_names:
        os.link(machine.settings, machine.root / "other")
    for act in (machine.install, machine.uninstall):
        act()
        assert os.getxattr(machine.settings, "user.origin") == b"chezmoi\0\xff"
    assert machine.settings.read_text() == MINE


def test_attributes_that_may_not_be_set_keep_nothing_from_being_installed(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.write(MINE)

    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "listxattr", lambda _: ["security.selinux", "user.x"])
    monkeypatch.setattr(os, "getxattr", lambda *_: b"label")
    monkeypatch.setattr(os, "setxattr", refuse)
    machine.install()
    machine.uninstall()
    assert machine.settings.read_text() == MINE
