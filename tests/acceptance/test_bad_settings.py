"""What installing meets on other people's machines, for every client: settings that are broken, locked, links, or not
the person's own; an administrator's switches; another version of the client; a second telex.

The same holds for each: nothing is damaged, the words say what is wrong with which file, and what can be done is done.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.acceptance.test_install import as_nobody
from tests.support.cli import Shell
from tests.support.files import held
from tests.support.trust import but_for_trust

from telex import limits
from telex.clients import registry, versions
from telex.clients.installer.inspection import Finding, inspect
from telex.clients.installer.install import by_path, install, uninstall
from telex.clients.installer.plan import Change
from telex.clients.launcher import launchers
from telex.clients.launcher.launchers import Launch
from telex.clients.types import PROJECT, SERVER, USER, OwnFile, Piece, Where
from telex.errors.settings import SettingsReadOnly, SettingsUnreadable, SettingsUnwritable

CASES = [(name, scope) for name in registry.names() for scope in registry.client(name).scopes]
SHARING = [case for case in CASES if case != ("copilot", PROJECT)]  # there all files are telex's own
LAUNCH = Launch(python="/opt/python3.11", import_dirs=["/opt/telex"])


class Machine:
    """A person's home and a project, for one client and scope."""

    def __init__(self, root: Path, client: str, scope: str) -> None:
        self.root, self.client, self.scope = root, client, scope
        self.user, self.project, self.system = root / "user", root / "project", root / "system"
        self.home = self.user / ".telex"
        for path in (self.user, self.project, self.system):
            path.mkdir()

    def _places(self, home: Path | None) -> dict[str, str]:
        return {"home": str(home or self.home), "user_home": str(self.user), "project_dir": str(self.project)}

    def pieces(self) -> list[Piece]:
        """All that may be installed."""
        adapter, places = registry.client(self.client), self._places(None)
        if self.scope == USER:
            places["project_dir"] = ""
        where = Where(scope=self.scope, hook=launchers.hook_path(places["home"]), **places)
        return [*adapter.pieces(where), *(one for one in adapter.extras(where) if one.part == SERVER)]

    def shared(self) -> list[Path]:
        """The files that telex shares with their owner."""
        return [Path(path) for path, pieces in by_path(self.pieces()) if not isinstance(pieces[0], OwnFile)]

    def install(self, home: Path | None = None) -> dict[str, Change]:
        also = (SERVER,) if any(one.part == SERVER for one in self.pieces()) else ()
        places: Any = self._places(home)
        return {one.path: one for one in install(self.client, self.scope, launch=LAUNCH, also=also, **places)}

    def uninstall(self, home: Path | None = None) -> dict[str, Change]:
        places: Any = self._places(home)
        return {one.path: one for one in uninstall(self.client, self.scope, **places)}

    def inspect(self, home: Path | None = None) -> list[Finding]:
        places: Any = self._places(home)
        return inspect(self.client, self.scope, system=str(self.system), **places)

    def tree(self) -> dict[str, object]:
        """Everything outside of telex's own homes: kind, mode and bytes."""
        found: dict[str, object] = {}
        for path in sorted(self.root.rglob("*")):
            if ".telex" not in path.parts and "second" not in path.parts:
                found[str(path)] = (path.lstat().st_mode, held(path))
        return found


@pytest.fixture(params=CASES, ids=["-".join(case) for case in CASES])
def machine(request: pytest.FixtureRequest, tmp_path: Path) -> Machine:
    return Machine(tmp_path, *request.param)


@pytest.fixture(params=SHARING, ids=["-".join(case) for case in SHARING])
def sharing(request: pytest.FixtureRequest, tmp_path: Path) -> Machine:
    """A machine on which telex shares files with the client; their directories are there."""
    made = Machine(tmp_path, *request.param)
    for path in made.shared():
        path.parent.mkdir(parents=True, exist_ok=True)
    return made


def mine(path: Path) -> bytes:
    """Settings with a person's own things in them, in the form of that file."""
    if path.suffix == ".toml":
        text = '# mine\nmodel = "x"  # why\n\n[mcp_servers.db]\ncommand = "db"\nn = nan\n\n[tui]\ntheme = "déjà"'
        return text.encode()
    return b'{\n\t"env": {"TOKEN": "s\xc3\xa9cret"}, "n": 1.50,\n\t"hooks": { }, "mcp": { },\n\t"mcpServers": { }\n}'


# --- broken ------------------------------------------------------------------------------------------------

BROKEN: dict[str, tuple[bytes, bytes]] = {  # as JSON, as TOML
    "cut short": (b'{"a": 1,', b'[a\nb = "'),
    "another form": (b"a = 1\n", b'{"a": 1}'),
    "no text": (b"\xff\xfe{\x00", b"a = '\xff'"),
    "a key twice": (b'{"a": 1, "a": 2}', b"a = 1\na = 2\n"),
    "a list in the place of servers": (
        b'{"mcpServers": [], "mcp": [], "hooks": []}',
        b"mcp_servers = [1]\n",
    ),
    "nested without end": (b'{"a": ' + b"[" * 20_000, b"a = " + b"[" * 20_000),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_broken_settings_are_refused_by_name_and_stay(sharing: Machine, fault: str) -> None:
    machine, shared = sharing, sharing.shared()
    for path in shared:
        path.write_bytes(BROKEN[fault][path.suffix == ".toml"])
        before = machine.tree()
        with pytest.raises(SettingsUnreadable) as refusal:
            machine.install()
        assert str(path) in refusal.value.message and "leaves it as it is" in refusal.value.advice
        assert "\n" not in refusal.value.message
        uninstalled_or_refused(machine, path)
        assert machine.tree() == before
        path.unlink()


def uninstalled_or_refused(machine: Machine, path: Path) -> None:
    """Where telex put nothing in, a file that cannot be read hinders nobody; else it is named."""
    try:
        machine.uninstall()
    except SettingsUnreadable as refusal:
        assert str(path) in refusal.message


def test_what_is_broken_after_the_installation_is_said_by_status(sharing: Machine) -> None:
    machine, shared = sharing, sharing.shared()
    machine.install()
    for path in shared:
        path.write_bytes(BROKEN["cut short"][path.suffix == ".toml"])
        told = [one for one in machine.inspect() if one.path == str(path)]
        assert told and {one.state for one in told} == {"broken"} and all(one.detail for one in told)


@pytest.mark.parametrize("thing", ["a directory", "a fifo", "a link to itself", "a device"])
def test_what_is_no_file_is_refused_by_name_and_stays(sharing: Machine, thing: str) -> None:
    machine, shared = sharing, sharing.shared()
    make: dict[str, Callable[[Path], None]] = {
        "a directory": Path.mkdir,
        "a fifo": os.mkfifo,
        "a link to itself": lambda path: path.symlink_to(path),
        "a device": lambda path: path.symlink_to("/dev/zero"),
    }
    for path in shared:
        make[thing](path)
        before = machine.tree()
        with pytest.raises(SettingsUnreadable) as refusal:
            machine.install()
        assert str(path) in refusal.value.message
        uninstalled_or_refused(machine, path)
        assert machine.tree() == before
        assert {one.state for one in machine.inspect() if one.path == str(path)} <= {"broken"}
        path.rmdir() if path.is_dir() else path.unlink()


# --- locked ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("locked", ["the file", "its directory", "unreadable"])
def test_what_is_locked_is_said_and_nothing_changes(sharing: Machine, locked: str) -> None:
    machine, shared = sharing, sharing.shared()
    for path in shared:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(mine(path))
    for top in [machine.root, *machine.root.parents]:
        if top.stat().st_uid == os.getuid() and top != Path(tempfile.gettempdir()):
            top.chmod(top.stat().st_mode | 0o055)
    for path in [machine.user, machine.project, *machine.user.rglob("*"), *machine.project.rglob("*")]:
        os.chown(path, 65534, 65534) if os.getuid() == 0 else None
    target, mode = {
        "the file": (shared[0], 0o444),
        "its directory": (shared[0].parent, 0o555),
        "unreadable": (shared[0], 0o000),
    }[locked]
    target.chmod(mode)
    before = machine.tree()
    words = as_nobody(machine.install)
    assert machine.tree() == before
    kinds = {"the file": SettingsReadOnly, "its directory": SettingsUnwritable, "unreadable": SettingsUnreadable}
    assert words.startswith(kinds[locked].code) and str(shared[0].parent) in words, words
    target.chmod(0o755)


# --- links -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["the file", "a chain", "its directory", "not there yet"])
def test_a_persons_link_stays_and_what_it_leads_to_is_edited_and_undone(tmp_path: Path, how: str) -> None:
    for number, client in enumerate(registry.names()):
        (tmp_path / str(number)).mkdir()
        machine = Machine(tmp_path / str(number), client, USER)
        dotfiles = machine.root / "dotfiles"
        dotfiles.mkdir()
        for path in machine.shared():
            _link(path, dotfiles, how)
        before = machine.tree()
        machine.install()
        for path in machine.shared():
            link = path.parent if how == "its directory" and path.parent != machine.user else path
            assert link.is_symlink() and b"telex" in path.read_bytes()
        assert {but_for_trust(one) for one in machine.inspect() if one.part != "launchers"} == {"installed"}
        machine.uninstall()
        assert machine.tree() == before


def _link(path: Path, dotfiles: Path, how: str) -> None:
    home = next(parent for parent in path.parents if parent.name == "user")
    if how == "its directory" and path.parent != home:
        if not path.parent.exists():
            path.parent.parent.mkdir(parents=True, exist_ok=True)
            path.parent.symlink_to(dotfiles)
        path.write_bytes(mine(path))
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    target = dotfiles / f"kept{path.suffix}-{path.name}"
    if how != "not there yet":
        target.write_bytes(mine(path))
    between = dotfiles / f"between-{path.name}"
    if how == "a chain":
        between.symlink_to(target)
    path.symlink_to(between if how == "a chain" else target)


@pytest.mark.parametrize("how", ["the file", "its directory"])
def test_a_link_out_of_a_project_is_not_followed(machine: Machine, how: str) -> None:
    """Would break: a checkout whose settings are a link to the person's own settings, or to any file of theirs."""
    if machine.scope == USER:
        return
    path = Path(machine.pieces()[0].path)
    outside = machine.user / "outside"
    outside.mkdir()
    if how == "the file":
        path.parent.mkdir(parents=True)
        path.symlink_to(outside / path.name)
    else:
        path.parent.parent.mkdir(parents=True, exist_ok=True)
        path.parent.symlink_to(outside)
    before = machine.tree()
    for verb in (machine.install, machine.uninstall):
        with pytest.raises(SettingsUnreadable, match="leads out of the project, to ") as refusal:
            verb()
        assert str(path) in refusal.value.message and machine.tree() == before


# --- an administrator's switches, and the person's own -------------------------------------------------------

SWITCHES: dict[str, list[tuple[str, object, str]]] = {
    "claude": [
        ("system/etc/claude-code/managed-settings.json", {"allowManagedHooksOnly": True}, "administrator"),
        ("system/etc/claude-code/managed-settings.json", {"disableAllHooks": True}, "disableAllHooks"),
        ("system/etc/claude-code/managed-settings.d/10-hooks.json", {"allowManagedHooksOnly": True}, "administrator"),
        ("project/.claude/settings.json", {"disableAllHooks": True}, "disableAllHooks"),
        ("project/.claude/settings.local.json", {"disableAllHooks": True}, "disableAllHooks"),
        ("user/.claude/settings.json", {"disableAllHooks": True}, "disableAllHooks"),
    ],
    "codex": [
        ("project/.codex/config.toml", "[features]\nhooks = false", "features.hooks"),
        ("system/etc/codex/requirements.toml", "allow_managed_hooks_only = true", "administrator"),
        ("system/etc/codex/requirements.toml", "[features]\nhooks = false", "features.hooks"),
        ("system/etc/codex/managed_config.toml", "[features]\nhooks = false", "features.hooks"),
        ("user/.codex/config.toml", "[features]\nhooks = false", "features.hooks"),
    ],
    "gemini": [
        ("system/etc/gemini-cli/settings.json", {"hooksConfig": {"enabled": False}}, "hooksConfig.enabled"),
        ("system/etc/gemini-cli/settings.json", {"hooksConfig": {"disabled": ["telex"]}}, "hooksConfig.disabled"),
        ("user/.gemini/settings.json", {"hooksConfig": {"enabled": False}}, "hooksConfig.enabled"),
        ("project/.gemini/settings.json", {"hooksConfig": {"enabled": False}}, "hooksConfig.enabled"),
        ("project/.gemini/settings.json", {"hooksConfig": {"disabled": ["telex"]}}, "hooksConfig.disabled"),
    ],
}
SWITCH_CASES = [(client, *switch) for client, found in SWITCHES.items() for switch in found]


@pytest.mark.parametrize(("client", "place", "value", "word"), SWITCH_CASES)
def test_a_switch_that_keeps_hooks_from_running_is_said_with_its_file(
    tmp_path: Path, client: str, place: str, value: object, word: str
) -> None:
    for scope in registry.client(client).scopes:
        (tmp_path / scope).mkdir()
        machine = Machine(tmp_path / scope, client, scope)
        path = machine.root / place
        path.parent.mkdir(parents=True, exist_ok=True)
        text = value if isinstance(value, str) else json.dumps(value)
        path.write_text(text)
        machine.install()
        [hooks] = [one for one in machine.inspect() if one.part == "hooks"]
        assert hooks.state == "broken" and word in hooks.detail, hooks
        assert str(path) in hooks.detail or str(path) == hooks.path
        machine.uninstall()
        assert path.read_text() == text


@pytest.mark.parametrize(
    ("local", "shared", "state"),
    [(False, True, "installed"), (None, True, "broken"), (True, False, "broken"), ("true", True, "broken")],
)
def test_the_switch_of_the_file_that_counts_most_decides(
    tmp_path: Path, local: object, shared: object, state: str
) -> None:
    """As Claude Code has it: a project's local settings, then its shared ones, then the user's."""
    machine = Machine(tmp_path, "claude", USER)
    folder = machine.project / ".claude"
    folder.mkdir()
    for name, value in (("settings.local.json", local), ("settings.json", shared)):
        (folder / name).write_text(json.dumps({} if value is None else {"disableAllHooks": value}))
    machine.install()
    assert [one.state for one in machine.inspect() if one.part == "hooks"] == [state]
    elsewhere = inspect("claude", USER, home=str(machine.home), user_home=str(machine.user), project_dir="/")
    assert {one.state for one in elsewhere if one.part == "hooks"} == {"installed"}, "another directory has its own"


@pytest.mark.parametrize("client", SWITCHES)
@pytest.mark.parametrize("text", ["", "{", "\xff", "[]", "disableAllHooks = 1", '{"disableAllHooks": "true"}'])
def test_a_policy_that_cannot_be_understood_says_nothing(tmp_path: Path, client: str, text: str) -> None:
    machine = Machine(tmp_path, client, USER)
    for one in registry.client(client).policies(_where(machine), str(machine.system), str(machine.project)):
        path = Path(one.path.replace("*", "10"))
        if path.is_relative_to(machine.system) or path.is_relative_to(machine.project):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    machine.install()
    assert {but_for_trust(one) for one in machine.inspect() if one.part == "hooks"} == {"installed"}


def _where(machine: Machine) -> Where:
    return Where(scope=USER, user_home=str(machine.user), project_dir="", home="/h", hook="/h/bin/hook.py")


# --- a second telex ------------------------------------------------------------------------------------------


def test_a_second_telex_takes_over_with_words_and_the_first_leaves_it(machine: Machine) -> None:
    before, second = machine.tree(), machine.root / "second" / ".telex"
    machine.install()
    for path, change in machine.install(second).items():
        if "second" not in Path(path).parts and change.action != "unchanged":
            assert change.action == "update" and "in the place of another telex home's" in change.detail, change
    taken = machine.tree()
    told = {one.detail for one in machine.inspect() if one.state != "installed" and one.part != "launchers"}
    assert told and all("another telex home" in words for words in told)
    kept = [one for one in machine.uninstall().values() if one.action == "keep"]
    assert kept and all("another telex" in one.detail or "is not this telex" in one.detail for one in kept)
    assert {
        path: held for path, held in taken.items() if b"second" in str(held).encode()
    }.items() <= machine.tree().items()
    machine.install(second)
    assert {but_for_trust(one) for one in machine.inspect(second) if one.part != "launchers"} == {"installed"}
    machine.uninstall(second)
    assert machine.tree() == before


def test_what_the_owner_had_comes_back_after_two_telexes(sharing: Machine) -> None:
    machine, shared = sharing, sharing.shared()
    for path in shared:
        path.write_bytes(mine(path))
    before, second = machine.tree(), machine.root / "second" / ".telex"
    machine.install()
    machine.install(second)
    machine.uninstall(second)
    machine.uninstall()
    assert machine.tree() == before


def test_an_edited_file_of_another_telex_is_not_taken_over(machine: Machine) -> None:
    own = [Path(one.path) for one in machine.pieces() if isinstance(one, OwnFile)]
    machine.install()
    for path in own:
        path.write_bytes(path.read_bytes() + b"\n// mine\n")
    held = {path: path.read_bytes() for path in own}
    machine.install(machine.root / "second" / ".telex")
    assert {path: path.read_bytes() for path in own} == held


def test_lines_of_other_versions_are_replaced_each_by_one(sharing: Machine) -> None:
    """Older and newer lines beside each other, and a record with more in it than this telex knows."""
    machine, shared = sharing, sharing.shared()
    before = machine.tree()
    machine.install()
    current = machine.tree()
    for path in shared:
        if path.suffix == ".json" and "hooks" in (value := json.loads(path.read_text())):
            for groups in value["hooks"].values():
                groups += json.loads(json.dumps(groups).replace("[ -x", "[ -f"))
                groups.append({**groups[0], "matcher": "newer"})
            path.write_text(json.dumps(value, indent=2) + "\n")
    record = next((machine.home / "installed").glob(f"{machine.client}-*.json"))
    told = json.loads(record.read_text())
    record.write_text(json.dumps({**told, "version": "99.0", "invented": {"by": "a newer one"}}))
    machine.install()
    assert machine.tree() == current
    machine.uninstall()
    assert machine.tree() == before


@pytest.fixture
def real(shell: Shell) -> Iterator[Shell]:
    for client in registry.names():
        assert shell.telex("install", client).status == 0
    yield shell


@pytest.mark.parametrize("client", registry.names())
def test_an_older_telex_is_silent_in_hooks_before_a_newer_store_and_its_command_says_so(
    real: Shell, client: str
) -> None:
    import apsw

    assert real.telex("send", "@later", "waits").status == 0
    con = apsw.Connection(str(real.telex_home / "telex.db"))
    con.execute(f"PRAGMA user_version = {limits.SCHEMA_VERSION + 1}")
    con.close()
    store = (real.telex_home / "telex.db").read_bytes()
    for event in ("SessionStart", "sessionStart", "UserPromptSubmit", "BeforeAgent", "Prompt", "Stop", "SessionEnd"):
        payload = json.dumps({"session_id": "s1", "sessionId": "s1", "cwd": str(real.work), "hook_event_name": event})
        done = subprocess.run(
            [sys.executable, "-I", "-S", str(real.telex_home / "bin" / "hook.py"), client, event, str(os.getpid())],
            input=payload.encode() + b"\n",
            capture_output=True,
            env=real.environment,
            timeout=60,
            check=False,
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b""), event
    assert (real.telex_home / "telex.db").read_bytes() == store
    refused = real.telex("inbox", "--json")
    assert (refused.status, refused.error["code"]) == (1, "store-newer")


# --- another version of the client -----------------------------------------------------------------------------


def program(directory: Path, client: str, *, package: str = "", says: str = "") -> dict[str, str]:
    """A client on the path: a program in a package that names its version, or one that says it when asked."""
    names = {"claude": "@anthropic-ai/claude-code", "codex": "@openai/codex-linux-x64", "gemini": "@google/gemini-cli"}
    names |= {"opencode": "opencode-ai", "copilot": "@github/copilot"}
    place = directory / "node_modules" / names[client]
    (place / "bin").mkdir(parents=True)
    script = place / "bin" / client
    script.write_text(f"#!/bin/sh\ntouch '{directory}/was-started'\n{says}\n")
    script.chmod(0o755)
    if package:
        (place / "package.json").write_text(json.dumps({"name": names[client], "version": package}))
    (directory / "bin").mkdir()
    (directory / "bin" / client).symlink_to(script)
    return {"PATH": f"{directory / 'bin'}:/usr/bin:/bin", "HOME": str(directory)}


@pytest.mark.parametrize("client", registry.names())
def test_a_newer_version_is_no_warning_and_the_program_is_not_started_for_it(tmp_path: Path, client: str) -> None:
    environment = program(tmp_path, client, package="99.0.1-linux-x64")
    assert versions.found(client, environment) == "99.0.1"
    assert versions.remark(client, environment, ask=True) == ""
    assert not (tmp_path / "was-started").exists()


@pytest.mark.parametrize("client", registry.names())
def test_a_version_older_than_a_moment_was_seen_with_is_said(tmp_path: Path, client: str) -> None:
    environment = program(tmp_path, client, package="0.0.1")
    words = versions.remark(client, environment)
    assert "this is 0.0.1, in which nobody has seen: " in words
    assert all(one.when in words for one in registry.client(client).moments if one.door)
    assert not (tmp_path / "was-started").exists()


@pytest.mark.parametrize("client", registry.names())
def test_the_tested_version_and_no_version_are_no_warning(tmp_path: Path, client: str) -> None:
    environment = program(tmp_path, client, package=versions.tested(client))
    assert versions.remark(client, environment) == ""
    assert versions.remark(client, {"PATH": str(tmp_path / "nowhere")}) == ""


@pytest.mark.parametrize("client", registry.names())
def test_only_whoever_may_take_time_asks_the_program(tmp_path: Path, client: str) -> None:
    environment = program(tmp_path, client, says=f"echo '{client}-cli 99.0.1 (of today)'")
    assert "version of this one is unknown" in versions.remark(client, environment)
    assert not (tmp_path / "was-started").exists()
    assert versions.remark(client, environment, ask=True) == ""


@pytest.mark.parametrize("says", ["exit 3", "echo no version here", "echo 1.2.3; exit 1", "printf '\\377\\376'"])
def test_a_version_that_cannot_be_told_is_unknown_and_not_guessed(tmp_path: Path, says: str) -> None:
    environment = program(tmp_path, "codex", says=says)
    assert "version of this one is unknown" in versions.remark("codex", environment, ask=True)


def test_install_and_status_say_it(shell: Shell, tmp_path: Path) -> None:
    environment = program(tmp_path, "gemini", package="0.0.1")
    path = f"{tmp_path / 'bin'}:{shell.environment['PATH']}"
    assert environment
    for words in (("install", "gemini"), ("status",)):
        told = shell.telex(*words, PATH=path)
        assert told.status == 0 and "Gemini CLI: this is 0.0.1, in which" in told.out
