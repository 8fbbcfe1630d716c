"""Codex runs a hook only where its person has trusted it, at its place in the file: status says where that is missing,
and uninstall leaves the hooks of others in their places."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.support.cli import Shell
from tests.support.trust import Change, trust

from telex.clients import types
from telex.clients.adapters import codex
from telex.clients.installer.codex_trust import fingerprint
from telex.clients.installer.inspection import Finding, inspect
from telex.clients.installer.install import install, uninstall
from telex.clients.installer.plan import Change as Done
from telex.clients.launcher.launchers import Launch
from telex.clients.types import Piece, Where

LAUNCH = Launch(python="/opt/python3.11", import_dirs=["/opt/telex"])
MINE = {"hooks": [{"type": "command", "command": "first.sh"}]}
LATER = {"hooks": [{"type": "command", "command": "second.sh", "timeout": 5}]}
LISTED = [  # by hooks/list of Codex 0.171.0
    ("echo mine", 3, "852f1c6eddcd3a52d588c5ba53c44bcf88d04a06016814ae5de77bec46f403a4"),
    ('echo é "x" </a>', 10, "163b943c5dfdc3fc20aab2e7b7e04bef17bca311d4aa50c57814573912c80a22"),
]


class Machine:
    """A person with Codex."""

    def __init__(self, root: Path, scope: str) -> None:
        self.scope, self.user, self.project = scope, root / "user", root / "project"
        self.hooks = (self.project if scope == types.PROJECT else self.user) / ".codex" / "hooks.json"
        self.config = self.user / ".codex" / "config.toml"
        for directory in (self.hooks.parent, self.config.parent):
            directory.mkdir(parents=True, exist_ok=True)
        self._places: Any = {
            "home": str(self.user / ".telex"),
            "user_home": str(self.user),
            "project_dir": str(self.project),
        }

    def install(self) -> None:
        install("codex", self.scope, launch=LAUNCH, **self._places)

    def uninstall(self) -> Done:
        return next(one for one in uninstall("codex", self.scope, **self._places) if one.path == str(self.hooks))

    def finding(self) -> Finding:
        return next(one for one in inspect("codex", self.scope, **self._places) if one.part == "hooks")

    def groups(self, event: str = "Stop") -> list[Any]:
        found: list[Any] = json.loads(self.hooks.read_text())["hooks"].get(event, [])
        return found

    def write(self, event: str, groups: list[Any]) -> None:
        value = json.loads(self.hooks.read_text()) if self.hooks.exists() else {"hooks": {}}
        value["hooks"][event] = groups
        self.hooks.write_text(json.dumps(value, indent=2))


@pytest.fixture(params=[types.USER, types.PROJECT])
def machine(request: pytest.FixtureRequest, tmp_path: Path) -> Machine:
    return Machine(tmp_path, request.param)


@pytest.mark.parametrize(("command", "timeout", "listed"), LISTED)
def test_the_hash_is_the_one_that_codex_lists(command: str, timeout: int, listed: str) -> None:
    """Would break: another order, another form of JSON, escapes of what is not ASCII."""
    handler = {"type": "command", "command": command, "timeout": timeout}
    assert fingerprint("SessionStart", handler) == f"sha256:{listed}"
    assert fingerprint("SessionEnd", handler) != f"sha256:{listed}"


def test_hooks_that_nobody_trusted_are_named_and_trusted_ones_are_installed(machine: Machine) -> None:
    machine.install()
    found = machine.finding()
    assert (
        found.state == "not trusted" and "telex's hooks: not trusted yet" in found.detail and "/hooks" in found.detail
    )
    trust(machine.hooks, machine.config)
    assert machine.finding().state == "installed"


@pytest.mark.parametrize("form", ["the directory", "the file"])
def test_a_record_counts_by_the_files_own_name_and_by_the_one_behind_a_link(tmp_path: Path, form: str) -> None:
    machine = Machine(tmp_path, types.USER)
    dotfiles = tmp_path / "dotfiles"
    if form == "the directory":
        machine.hooks.parent.rename(dotfiles)
        machine.hooks.parent.symlink_to(dotfiles)
    else:
        dotfiles.mkdir()
        machine.hooks.symlink_to(dotfiles / "hooks.json")
    machine.install()
    for name in (machine.hooks, dotfiles / "hooks.json"):
        machine.config.write_text("")
        assert machine.finding().state == "not trusted"
        trust(machine.hooks, machine.config, named=name)
        assert machine.finding().state == "installed"


WRONG: dict[str, Change] = {
    "another hash": lambda event, key, record: (event, key, record.replace("sha256:", "sha256:0")),
    "switched off": lambda event, key, record: (event, key, f"{record}\nenabled = false"),
    "no hash": lambda event, key, record: (event, key, "enabled = true"),
    "a hash that is no text": lambda event, key, record: (event, key, "trusted_hash = 7"),
    "another file": lambda event, key, record: (event, f"/other{key}", record),
    "another place": lambda event, key, record: (event, f"{key[:-1]}1", record),
    "another event": lambda event, key, record: (event, key.replace(":stop:", ":stopped:"), record),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_record_that_codex_does_not_accept_is_no_trust(machine: Machine, wrong: str) -> None:
    machine.install()

    def only_stop(event: str, key: str, record: str) -> tuple[str, str, str]:
        return WRONG[wrong](event, key, record) if event == "Stop" else (event, key, record)

    trust(machine.hooks, machine.config, only_stop)
    found = machine.finding()
    assert found.state == "not trusted" and "telex's Stop: not trusted yet" in found.detail, found


@pytest.mark.parametrize("text", ["[hooks", "hooks = 1", "[hooks]\nstate = 1", "\xff", "hooks = {state = []}"])
def test_a_config_that_cannot_be_understood_has_no_trust(machine: Machine, text: str) -> None:
    machine.install()
    machine.config.write_bytes(text.encode("latin-1"))
    assert machine.finding().state == "not trusted"


def test_a_switch_is_named_before_trust(machine: Machine) -> None:
    machine.config.write_text("[features]\nhooks = false\n")
    machine.install()
    assert "features.hooks" in machine.finding().detail


def test_install_status_and_doctor_say_it(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    (shell.home / ".codex").mkdir(parents=True)
    for words in (("install", "codex"), ("status",), ("doctor",)):
        ran = shell.telex(*words)
        assert "not trusted yet" in ran.out, ran
        assert ran.status == (0 if words[0] == "install" else 1)
    trust(shell.home / ".codex" / "hooks.json", shell.home / ".codex" / "config.toml")
    for words in (("status",), ("doctor",)):
        ran = shell.telex(*words)
        assert "not trusted yet" not in ran.out and ran.status == 0, ran


# --- the places of others --------------------------------------------------------------------------------------


def place_of_later(machine: Machine) -> int:
    return machine.groups().index(LATER)


def taken_out_with_one_after(machine: Machine, *, again: bool) -> tuple[int, int]:
    """Where the owner's second hook stands before and after uninstall."""
    machine.write("Stop", [MINE])
    machine.install()
    machine.write("Stop", [*machine.groups(), LATER])
    if again:
        machine.install()
    before = place_of_later(machine)
    machine.uninstall()
    assert "hook.py" not in machine.hooks.read_text() and machine.groups()[0] == MINE
    return before, place_of_later(machine)


@pytest.mark.parametrize("again", [False, True], ids=["once", "installed again"])
def test_uninstall_leaves_a_hook_after_telexs_in_its_place(machine: Machine, again: bool) -> None:
    before, after = taken_out_with_one_after(machine, again=again)
    assert before == after == 2


@pytest.mark.parametrize("again", [False, True], ids=["once", "installed again"])
def test_the_planted_twin_that_holds_no_place_moves_it(
    machine: Machine, again: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = codex.Codex.pieces

    def without(self: codex.Codex, where: Where) -> list[Piece]:
        [piece] = whole(self, where)
        return [type(piece)(**{**vars(piece), "trust": ""})]

    monkeypatch.setattr(codex.Codex, "pieces", without)
    before, after = taken_out_with_one_after(machine, again=again)
    assert (before, after) == (2, 1)


def test_nothing_is_held_where_nobody_stands_after(machine: Machine) -> None:
    machine.write("Stop", [MINE])
    before = machine.hooks.read_bytes()
    machine.install()
    machine.uninstall()
    assert machine.hooks.read_bytes() == before


def test_a_round_after_a_held_place_adds_no_second_one(machine: Machine) -> None:
    taken_out_with_one_after(machine, again=False)
    held = machine.hooks.read_bytes()
    machine.install()
    machine.uninstall()
    assert machine.hooks.read_bytes() == held


def test_a_hook_of_the_owner_in_telexs_own_group_moves_and_uninstall_says_so(machine: Machine) -> None:
    machine.install()
    [group] = machine.groups()
    machine.write("Stop", [{"hooks": [*group["hooks"], *LATER["hooks"]]}])
    done = machine.uninstall()
    assert "asks you once more to trust it" in done.detail and machine.groups() == [LATER]
