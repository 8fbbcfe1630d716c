"""What every client adapter must hold to. A new adapter is added to the registry and passes this as it is."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from tests.support.trust import but_for_trust

from telex import limits
from telex.clients import registry, types
from telex.clients.edit import hook_entries, json_edit
from telex.clients.installer.inspection import inspect
from telex.clients.installer.install import install, ours_in, uninstall
from telex.clients.launcher import gate
from telex.clients.launcher.launchers import Launch, hook_path
from telex.clients.types import Client, HookFile, OwnFile, Where
from telex.errors import ClientUnknown
from telex.errors.settings import SettingsUnreadable

CASES = [(name, scope) for name in registry.names() for scope in registry.client(name).scopes]
LAUNCH = Launch(python="/opt/py thon/bin/python3.11", import_dirs=["/opt/telex"])


@pytest.fixture(params=CASES, ids=["-".join(case) for case in CASES])
def case(request: pytest.FixtureRequest) -> tuple[str, str]:
    found: tuple[str, str] = request.param
    return found


class Machine:
    """A user's home, a project and a telex home, for one client and scope."""

    def __init__(self, root: Path, client: str, scope: str) -> None:
        self.client, self.scope = client, scope
        self.adapter: Client = registry.client(client)
        self.home, self.user, self.project = root / "o'hara" / ".telex", root / "o'hara", root / "a project"
        self.user.mkdir()
        self.project.mkdir()
        self.places = {"home": str(self.home), "user_home": str(self.user), "project_dir": str(self.project)}

    def where(self, **other: str) -> Where:
        places = {**self.places, **other}
        return Where(scope=self.scope, hook=hook_path(places["home"]), **places)

    def hook_files(self) -> list[HookFile]:
        return [piece for piece in self.adapter.pieces(self.where()) if isinstance(piece, HookFile)]

    def install(self) -> dict[str, str]:
        changes = install(self.client, self.scope, launch=LAUNCH, **self.places)  # type: ignore[arg-type]
        return {change.path: change.action for change in changes}

    def uninstall(self) -> dict[str, str]:
        changes = uninstall(self.client, self.scope, **self.places)  # type: ignore[arg-type]
        return {change.path: change.action for change in changes}

    def files(self) -> dict[str, bytes]:
        """Every file of the user and the project, outside telex's own home."""
        found = [path for top in (self.user, self.project) for path in top.rglob("*") if path.is_file()]
        return {str(path): path.read_bytes() for path in found if self.home not in path.parents}


@pytest.fixture
def machine(case: tuple[str, str], tmp_path: Path) -> Machine:
    return Machine(tmp_path, *case)


def commands(piece: HookFile) -> list[str]:
    return [handler["command"] for entry in piece.entries for handler in entry.group["hooks"]]


def test_the_adapter_names_itself(machine: Machine) -> None:
    assert machine.adapter.name == machine.client
    assert machine.adapter.title
    assert isinstance(machine.adapter.config_variable, str)
    assert types.USER in machine.adapter.scopes


def test_pieces_are_the_same_each_time_and_lie_under_the_scope(machine: Machine) -> None:
    pieces = machine.adapter.pieces(machine.where())
    assert pieces == machine.adapter.pieces(machine.where())
    base = machine.project if machine.scope != types.USER else machine.user
    assert pieces and all(Path(piece.path).is_relative_to(base) for piece in pieces)
    assert len({piece.path for piece in pieces}) == len(pieces)


def test_the_clients_own_variable_moves_the_users_scope(machine: Machine) -> None:
    pieces = machine.adapter.pieces(machine.where(config_dir="/elsewhere"))
    moved = bool(machine.adapter.config_variable) and machine.scope == types.USER
    assert all(piece.path.startswith("/elsewhere/") == moved for piece in pieces)


def test_every_line_is_a_shell_line_that_is_known_again(machine: Machine) -> None:
    for piece in machine.hook_files():
        for entry in piece.entries:
            [handler] = entry.group["hooks"]
            assert machine.adapter.is_telex(handler)
            assert machine.adapter.is_telex({**handler, "timeout": 1}), "an edited timeout does not make it foreign"
            assert gate.written_for(handler["command"]) == machine.client
            assert f" {machine.client} {entry.event}" in handler["command"]
            assert 0 < handler["timeout"] <= max(limits.HOOK_TIMEOUT_SECONDS, limits.WAKE_TIMEOUT_SECONDS) * 1000
            checked = subprocess.run(["sh", "-n", "-c", handler["command"]], capture_output=True, check=False)
            assert (checked.returncode, checked.stderr) == (0, b"")


def test_what_is_not_a_telex_handler_is_not_taken_for_one(machine: Machine) -> None:
    strangers: list[object] = [None, 7, "telex", [], {}, {"command": None}, {"command": "telex hook"}]
    for foreign in strangers:
        assert not machine.adapter.is_telex(foreign)


def test_another_homes_handlers_are_telexs_but_not_ours(machine: Machine) -> None:
    ours = ours_in(machine.adapter, machine.where(home="/another/.telex"))
    for piece in machine.hook_files():
        for entry in piece.entries:
            assert not ours(entry.group["hooks"][0])


def test_each_extra_is_a_part_of_its_own_and_only_a_server_may_share_a_file(machine: Machine) -> None:
    usual, extras = machine.adapter.pieces(machine.where()), machine.adapter.extras(machine.where())
    assert extras == machine.adapter.extras(machine.where())
    base = machine.project if machine.scope != types.USER else machine.user
    assert all(Path(piece.path).is_relative_to(base) for piece in extras)
    paths = [piece.path for piece in (*usual, *extras) if isinstance(piece, HookFile | OwnFile)]
    parts = [piece.part for piece in extras]
    assert len(set(paths)) == len(paths) and len(set(parts)) == len(parts)
    assert not set(parts) & {piece.part for piece in usual}
    moved = bool(machine.adapter.config_variable) and machine.scope == types.USER
    for piece in machine.adapter.extras(machine.where(config_dir="/elsewhere")):
        assert piece.path.startswith("/elsewhere/") == moved


def test_every_extra_comes_with_the_rest_or_alone_and_leaves_nothing_behind(machine: Machine) -> None:
    before = machine.files()
    for piece in machine.adapter.extras(machine.where()):
        for also, only in (((piece.part,), ()), ((), (piece.part,))):
            places: dict[str, str] = machine.places
            if also:
                machine.install()
            without = machine.files()
            install(machine.client, machine.scope, launch=LAUNCH, also=also, only=only, **places)  # type: ignore[arg-type]
            assert {path for path, held in machine.files().items() if without.get(path) != held} == {piece.path}
            found = inspect(machine.client, machine.scope, **places)
            assert {one.state for one in found if one.part == piece.part} == {"installed"}
            uninstall(machine.client, machine.scope, only=(piece.part,), **places)  # type: ignore[arg-type]
            assert machine.files() == without
            machine.uninstall()
            assert machine.files() == before


def test_own_files_are_text_and_say_what_they_are(machine: Machine) -> None:
    for piece in (*machine.adapter.pieces(machine.where()), *machine.adapter.extras(machine.where())):
        if isinstance(piece, OwnFile):
            assert piece.part and b"telex" in piece.content
            assert piece.content.decode().endswith("\n")


def test_install_twice_and_uninstall_leave_nothing_behind(machine: Machine) -> None:
    before = machine.files()
    assert set(machine.install().values()) == {"create"}
    after = machine.files()
    assert set(machine.install().values()) == {"unchanged"}
    assert machine.files() == after
    assert set(machine.uninstall().values()) == {"remove"}
    assert machine.files() == before
    assert os.listdir(machine.user) == [".telex"] and os.listdir(machine.project) == []
    assert set(machine.uninstall().values()) == {"unchanged"}


def test_foreign_settings_keep_their_bytes(machine: Machine) -> None:
    for piece in machine.hook_files():
        event = piece.entries[0].event
        text = f'{{\n\t"hooks": {{"{event}": [{{"hooks": []}}]}},\n\t"n": 1.0e5, "ü": "\\u00fc"\n}}'
        Path(piece.path).parent.mkdir(parents=True)
        Path(piece.path).write_text(text)
    before = machine.files()
    machine.install()
    for piece in machine.hook_files():
        after = Path(piece.path).read_text()
        assert '"n": 1.0e5, "ü": "\\u00fc"' in after
        assert hook_entries.is_current(after, piece.entries, machine.adapter.is_telex)
    machine.uninstall()
    assert machine.files() == before


def test_what_telex_cannot_read_it_does_not_touch(machine: Machine) -> None:
    for piece in machine.hook_files():
        Path(piece.path).parent.mkdir(parents=True)
        strict = piece.form == json_edit.STRICT
        Path(piece.path).write_text('{\n  // a comment\n  "a": 1\n}' if strict else '{\n  // a comment\n  "a": 1,\n}')
        before = machine.files()
        for verb in (machine.install, machine.uninstall):
            with pytest.raises(SettingsUnreadable):
                verb()
            assert machine.files() == before


def test_inspect_says_installed_only_of_what_is(machine: Machine) -> None:
    def states() -> set[str]:
        found = inspect(machine.client, machine.scope, **machine.places)
        return {but_for_trust(finding) for finding in found if finding.part != "launchers"}

    assert states() == {"not installed"}
    machine.install()
    assert states() == {"installed"}
    for piece in machine.adapter.pieces(machine.where()):
        Path(piece.path).unlink()
    assert states() == {"drifted"}
    machine.install()
    assert states() == {"installed"}
    machine.uninstall()
    assert states() == {"not installed"}


def test_settings_without_an_obstacle_have_none(machine: Machine) -> None:
    assert machine.adapter.obstacle({}) == ""
    for piece in machine.hook_files():
        text = hook_entries.merged("{}", piece.entries, machine.adapter.is_telex)
        assert machine.adapter.obstacle(json_edit.value_of(text)) == ""
        assert json.loads(text)


def test_an_unknown_client_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ClientUnknown) as refusal:
        registry.client("emacs")
    assert all(name in refusal.value.advice for name in registry.names())
