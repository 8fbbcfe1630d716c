"""`telex install claude` and `telex uninstall claude` on a real file system."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import stat
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.acceptance.installing import Machine, actions
from tests.support import other_user

from telex.clients.installer import manifest, transaction
from telex.clients.installer.inspection import inspect
from telex.clients.launcher import launchers
from telex.clients.launcher.launchers import Launch
from telex.errors import HomeUnsafe, Usage
from telex.errors.settings import SettingsChanged, SettingsUnreadable, SettingsUnwritable

EVENTS = [
    "SessionStart",
    "UserPromptSubmit",
    "PostToolBatch",
    "PostToolUse",
    "PermissionRequest",
    "Stop",
    "StopFailure",
    "SessionEnd",
    "CwdChanged",
    "FileChanged",
]
MINE = (
    '{\n    "env": {"TOKEN": "sécret"},\n    "hooks": {\n'
    '        "Stop": [{"hooks": [{"type": "command", "command": "say done"}]}]\n    },\n    "n": 1.50\n}'
)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_a_fresh_install_makes_all_and_uninstall_leaves_nothing(machine: Machine) -> None:
    before = machine.clients_tree()
    made = actions(machine.install())
    assert made == dict.fromkeys(["bin", "SKILL.md", "settings.json"], "create")
    assert list(machine.hooks()) == EVENTS
    assert machine.settings.read_text().endswith("}\n")
    assert actions(machine.uninstall()) == dict.fromkeys(["bin", "SKILL.md", "settings.json"], "remove")
    assert machine.clients_tree() == before
    assert not (machine.home / "bin").exists() and os.listdir(machine.home / "installed") == ["lock"]


def test_what_is_installed_is_what_claude_code_expects(machine: Machine) -> None:
    machine.install()
    for event, groups in machine.hooks().items():
        [group] = groups
        [handler] = group["hooks"]
        assert handler["type"] == "command" and handler["timeout"] == (20 if event == "FileChanged" else 10)
        assert group.get("matcher") == ("SendMessage" if event == "PostToolUse" else None)
        assert ("asyncRewake" in handler) == (event == "FileChanged")
    [wake] = machine.hooks()["FileChanged"][0]["hooks"]
    assert wake["asyncRewake"] is True and wake["rewakeSummary"]
    assert "not typed here" in str(wake["rewakeMessage"])


# What a skill lets an agent run unasked: words of messages, nothing that deletes, configures or belongs to the person.
HARMLESS = {"send", "reply", "ask", "inbox", "read", "who", "show", "log", "search", "done", "wait", "channels"}


def test_the_skill_is_short_and_bound_to_telex(machine: Machine) -> None:
    machine.install()
    text = machine.skill.read_text()
    _, front, body = text.split("---\n", 2)
    keys = dict(line.split(": ", 1) for line in front.splitlines())
    assert keys["name"] == "telex" and "disable-model-invocation" not in keys
    allowed = re.findall(r"Bash\(telex ([a-z]+):\*\)", keys["allowed-tools"])
    assert len(allowed) == keys["allowed-tools"].count("(") and set(allowed) == HARMLESS
    for client in ("Claude Code", "Codex", "Gemini CLI", "OpenCode", "Copilot CLI"):
        assert client in keys["description"]
    assert len(keys["description"]) < 4 * 65  # characters of about 65 tokens, which each session pays
    assert keys["description"] and keys["argument-hint"]
    for verb in ("send", "ask", "reply", "inbox", "read", "done", "who", "wait"):
        assert f"`telex {verb}" in body
    assert "--kind request" in body and "--stdin <<'EOF'" in body
    assert "not an instruction" in body and len(text) <= 2_500


def test_everything_private_is_private(machine: Machine) -> None:
    machine.install()
    for path in [machine.home, *machine.home.rglob("*")]:
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() or path.name == "telex" else 0o600), path


def test_installing_twice_changes_not_one_byte(machine: Machine) -> None:
    machine.write(MINE)
    machine.install()
    before = machine.tree()
    assert set(actions(machine.install()).values()) == {"unchanged"}
    assert machine.tree() == before


def test_uninstall_puts_back_the_exact_bytes(machine: Machine) -> None:
    for text in (MINE, "", " \n", "{}", "\ufeff{}\r\n", '{"hooks":{ }}', '{"a" : [ ]}\n\n'):
        before = machine.write(text)
        machine.settings.chmod(0o640)
        changed = {change.path: change for change in machine.install()}[str(machine.settings)]
        assert changed.action == "update" and "+" in changed.diff
        assert machine.settings.read_bytes() != before
        assert stat.S_IMODE(machine.settings.stat().st_mode) == 0o640
        assert actions(machine.uninstall())["settings.json"] == "restore"
        assert machine.settings.read_bytes() == before
        assert stat.S_IMODE(machine.settings.stat().st_mode) == 0o640


def test_after_an_edit_only_telexs_entries_go(machine: Machine) -> None:
    machine.write(MINE)
    machine.install()
    machine.edit(lambda value: value.update(model="new"))
    assert actions(machine.uninstall())["settings.json"] == "update"
    assert machine.settings.read_text() == json.dumps({**json.loads(MINE), "model": "new"}, indent=2)


def test_a_file_of_telexs_own_making_goes_even_if_laid_out_anew(machine: Machine) -> None:
    machine.install()
    machine.edit(lambda value: None)
    machine.uninstall()
    assert not machine.claude.exists()


def test_a_file_of_telexs_own_making_stays_for_what_was_added(machine: Machine) -> None:
    machine.install()
    machine.edit(lambda value: value.update(model="new"))
    machine.install()
    machine.uninstall()
    assert json.loads(machine.settings.read_text()) == {"model": "new"}


def test_an_edit_between_two_installs_is_part_of_what_comes_back(machine: Machine) -> None:
    machine.write(MINE)
    machine.install()
    machine.edit(lambda value: value.update(model="new"))
    edited = json.dumps({**json.loads(MINE), "model": "new"}, indent=2)
    machine.install()
    assert actions(machine.uninstall())["settings.json"] == "restore"
    assert machine.settings.read_text() == edited


def test_the_settings_of_an_older_telex_are_brought_up_to_date(machine: Machine) -> None:
    machine.write(MINE)
    machine.install()
    older = machine.settings.read_text().replace("; [ -x ", "; [ -f ")
    machine.settings.write_text(older)
    path = machine.home / "installed" / "claude-user.json"
    kept = json.loads(path.read_text())
    for file in kept["files"]:
        file["commands"] = [line.replace("; [ -x ", "; [ -f ") for line in file["commands"]]
        if file["path"] == str(machine.settings):
            file["after"] = manifest.hash_of(older.encode())
    path.write_text(json.dumps(kept))
    assert machine.inspect()["hooks"].state == "installed"
    assert "another version" in machine.inspect()["hooks"].detail
    assert actions(machine.install())["settings.json"] == "update"
    assert "[ -f " not in machine.settings.read_text()
    assert machine.inspect()["hooks"].detail == ""
    machine.uninstall()
    assert machine.settings.read_text() == MINE


def test_without_its_manifest_telex_still_knows_its_own(machine: Machine) -> None:
    before = machine.write(MINE)
    machine.install()
    shutil.rmtree(machine.home)
    assert actions(machine.uninstall()) == {"SKILL.md": "remove", "settings.json": "update"}
    assert machine.settings.read_bytes() == before


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"files": 7}', '{"files": [{}], "where": {}}'])
def test_a_damaged_manifest_counts_as_none(machine: Machine, damage: str) -> None:
    before = machine.write(MINE)
    machine.install()
    (machine.home / "installed" / "claude-user.json").write_text(damage)
    assert actions(machine.install())["settings.json"] == "unchanged"
    machine.uninstall()
    assert machine.settings.read_bytes() == before


def test_an_edited_skill_is_kept_and_said_so(machine: Machine) -> None:
    machine.install()
    machine.skill.write_text("mine now")
    assert machine.inspect()["skill"].state == "drifted"
    assert actions(machine.install())["SKILL.md"] == "keep"
    [kept] = [change for change in machine.uninstall() if change.action == "keep"]
    assert "edited" in kept.detail
    assert machine.skill.read_text() == "mine now"


def test_another_skill_of_that_name_is_left_alone(machine: Machine) -> None:
    machine.skill.parent.mkdir(parents=True)
    machine.skill.write_text("a skill about telegraphy")
    assert actions(machine.install())["SKILL.md"] == "keep"
    assert machine.inspect()["skill"].state == "not installed"
    assert actions(machine.uninstall())["SKILL.md"] == "keep"
    assert machine.skill.read_text() == "a skill about telegraphy"


def test_a_dry_run_tells_the_same_and_writes_nothing(machine: Machine) -> None:
    machine.write(MINE)
    before = machine.tree()
    planned = machine.install(dry_run=True)
    assert machine.tree() == before
    assert planned == machine.install()
    assert all("sécret" not in change.diff for change in planned), "a diff shows no more than it must"
    before = machine.tree()
    planned = machine.uninstall(dry_run=True)
    assert machine.tree() == before
    assert planned == machine.uninstall()


def test_a_link_stays_a_link_and_its_target_is_written(machine: Machine) -> None:
    real = machine.root / "dotfiles" / "claude.json"
    real.parent.mkdir()
    real.write_text(MINE)
    machine.claude.mkdir()
    machine.settings.symlink_to(real)
    machine.install()
    assert machine.settings.is_symlink() and "hook.py" in real.read_text()
    machine.uninstall()
    assert machine.settings.is_symlink() and real.read_text() == MINE


def test_a_link_to_nothing_yet_is_written_through(machine: Machine) -> None:
    machine.claude.mkdir()
    machine.settings.symlink_to(machine.root / "dotfiles" / "claude.json")
    before = machine.clients_tree()
    machine.install()
    assert machine.settings.is_symlink() and list(machine.hooks()) == EVENTS
    machine.uninstall()
    assert machine.clients_tree() == before


@pytest.mark.parametrize("thing", ["fifo", "directory", "device", "loop"])
def test_what_is_no_file_is_refused(machine: Machine, thing: str) -> None:
    machine.claude.mkdir()
    make: dict[str, Callable[[], None]] = {
        "fifo": lambda: os.mkfifo(machine.settings),
        "directory": machine.settings.mkdir,
        "device": lambda: machine.settings.symlink_to("/dev/zero"),
        "loop": lambda: machine.settings.symlink_to(machine.settings),
    }
    make[thing]()
    with pytest.raises(SettingsUnreadable):
        machine.install()
    assert machine.inspect()["hooks"].state == "broken"
    assert not machine.skill.exists()


def as_nobody(action: Callable[[], object]) -> str:
    """Runs the action as a user to whom permissions apply, and returns the words of the error it raised."""
    if os.getuid() != 0:
        return _words(action)
    read, write = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # later Pythons warn of a fork beside threads; this child runs but one
        child = os.fork()
    if child == 0:
        os.write(write, _words(action, other_user.NOBODY).encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        words = pipe.read()
    os.waitpid(child, 0)
    return words


def _words(action: Callable[[], object], uid: int | None = None) -> str:
    try:
        other_user.become(uid) if uid else None
        action()
    except (SettingsUnwritable, SettingsUnreadable) as problem:
        return f"{problem.code}: {problem.message}"
    except BaseException as problem:
        return repr(problem)
    return "done"


@pytest.mark.parametrize("locked", ["directory", "file", "unreadable"])
def test_where_telex_may_not_write_nothing_changes(machine: Machine, locked: str) -> None:
    machine.write(MINE)
    for top in [machine.root, *machine.root.parents]:
        if top.stat().st_uid == os.getuid() and top != Path(tempfile.gettempdir()):
            top.chmod(top.stat().st_mode | 0o055)
    if os.getuid() == 0:
        for path in [machine.user, machine.claude, machine.settings]:
            os.chown(path, 65534, 65534)
    target, mode = {
        "directory": (machine.claude, 0o555),
        "file": (machine.settings, 0o444),
        "unreadable": (machine.settings, 0o000),
    }[locked]
    target.chmod(mode)
    before = machine.clients_tree()
    words = as_nobody(machine.install)
    assert words.startswith(
        {
            "directory": "settings-unwritable",
            "file": "settings-read-only",
            "unreadable": "settings-unreadable",
        }[locked]
    ), words
    assert as_nobody(lambda: machine.install(dry_run=True)) == words
    target.chmod(0o755)
    assert str(machine.claude) in words
    target.chmod(mode)
    assert machine.clients_tree() == before
    assert not list((machine.home / "bin").glob("*"))
    target.chmod(0o755)


def test_a_rename_that_fails_puts_everything_back(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.write(MINE)
    before = machine.clients_tree()
    rename = os.rename

    def refuse(source: str, target: str) -> None:
        if target == str(machine.settings):
            raise OSError(16, "Device or resource busy")
        rename(source, target)

    monkeypatch.setattr(os, "rename", refuse)
    with pytest.raises(SettingsUnwritable, match="busy"):
        machine.install()
    monkeypatch.undo()
    assert machine.clients_tree() == before
    assert os.listdir(machine.home / "installed") == ["lock"] and not list((machine.home / "bin").glob("*"))
    assert machine.inspect()["hooks"].state == "not installed"


class Rival:
    """Another program that changes the settings whenever telex is about to replace them."""

    def __init__(self, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path, self.edits, self.edits_most = machine.settings, 0, sys.maxsize
        prepare = transaction._Step.prepare

        def meanwhile(step: transaction._Step) -> None:
            prepare(step)
            if step.path == str(self.path) and self.edits < self.edits_most:
                self.edits += 1
                self.path.write_text(json.dumps({"model": f"chosen just now, {self.edits}"}))

        monkeypatch.setattr(transaction._Step, "prepare", meanwhile)


def test_an_edit_while_telex_is_at_work_is_not_lost(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.write(MINE)
    rival = Rival(machine, monkeypatch)
    with pytest.raises(SettingsChanged, match="another program changed it"):
        machine.install()
    assert machine.settings.read_text() == f'{{"model": "chosen just now, {rival.edits}"}}'
    assert 1 < rival.edits < 20, "it is planned again, and not for ever"
    assert sorted(os.listdir(machine.claude)) == ["settings.json"]


@pytest.mark.parametrize("edits", [1, 2, 4])
def test_what_another_program_changed_is_planned_again(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, edits: int
) -> None:
    """Would break: whoever runs a client beside the install has to run it until the two do not meet."""
    machine.write(MINE)
    rival = Rival(machine, monkeypatch)
    rival.edits_most = edits
    machine.install()
    assert json.loads(machine.settings.read_text())["model"] == f"chosen just now, {edits}"
    assert "Stop" in machine.hooks()
    machine.edit(lambda value: value.update(model="later"))
    rival.edits_most = edits * 2
    machine.uninstall()
    assert "hooks" not in json.loads(machine.settings.read_text())


def test_two_installs_at_once_come_one_after_the_other(machine: Machine) -> None:
    machine.write(MINE)
    machine.install()
    with (machine.home / "installed" / "lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        other = threading.Thread(target=machine.uninstall)
        other.start()
        time.sleep(0.2)
        assert other.is_alive() and machine.settings.read_text() != MINE
    other.join(10)
    assert machine.settings.read_text() == MINE


def test_sixteen_installs_at_once_leave_one(machine: Machine) -> None:
    machine.write(MINE)
    threads = [threading.Thread(target=machine.install) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert machine.inspect()["hooks"].state == "installed"
    machine.uninstall()
    assert machine.settings.read_text() == MINE


def test_scopes_and_config_directories_do_not_know_of_each_other(machine: Machine) -> None:
    other, third = machine.root / "work profile", machine.root / "third"
    before = machine.clients_tree()
    machine.install()
    machine.install("project")
    machine.install(config_dir=str(other))
    assert (machine.project / ".claude" / "settings.json").exists() and (other / "settings.json").exists()
    machine.install(config_dir=str(third))
    assert len(manifest.all_of(str(machine.home))) == 4
    machine.uninstall("project")
    assert (machine.home / "bin" / "hook.py").exists(), "others still need it"
    assert {finding.state for finding in machine.inspect().values()} >= {"installed"}
    machine.uninstall(config_dir=str(other))
    machine.uninstall(config_dir=str(third))
    machine.uninstall()
    assert machine.clients_tree() == before
    assert not (machine.home / "bin").exists()


def test_another_home_takes_the_hooks_over_and_the_first_one_says_so(machine: Machine) -> None:
    second = str(machine.root / "second")
    machine.install()
    machine.install(home=second)
    assert [len(groups) for groups in machine.hooks().values()] == [1] * len(EVENTS)
    assert "another telex home" in machine.inspect()["hooks"].detail
    [settings] = [change for change in machine.uninstall() if change.path == str(machine.settings)]
    assert settings.action == "keep" and machine.inspect(home=second)["hooks"].state == "installed"


def test_wrong_words_are_refused_before_anything_is_read(machine: Machine) -> None:
    before = machine.tree()
    with pytest.raises(Usage, match="no scope 'planet'"):
        machine.install("planet")
    with pytest.raises(Usage, match="which project"):
        machine.install("project", project_dir="")
    with pytest.raises(Usage, match="use --scope user"):
        machine.install("project", project_dir=str(machine.user))
    with pytest.raises(HomeUnsafe, match="JSON cannot hold"):
        machine.install(home=os.fsdecode(b"/x/\xff/.telex"))
    assert machine.tree() == before and sorted(before) == ["project", "user"]


def test_inspect_says_what_is_wrong(machine: Machine) -> None:
    assert {finding.state for finding in machine.inspect().values()} == {"not installed"}
    machine.launch = launchers.this_launch()
    machine.install()
    assert {finding.state for finding in machine.inspect().values()} == {"installed"}
    machine.edit(lambda value: value["hooks"].pop("Stop"))
    assert "Stop is missing" in machine.inspect()["hooks"].detail
    machine.install()
    machine.edit(lambda value: value.update(disableAllHooks=True))
    assert machine.inspect()["hooks"].state == "broken"
    assert "disableAllHooks" in machine.inspect()["hooks"].detail
    machine.settings.write_text("{")
    assert machine.inspect()["hooks"].state == "broken"
    machine.settings.unlink()
    assert machine.inspect()["hooks"].state == "drifted"
    damages: list[tuple[str, Callable[[Path], object], str]] = [
        ("hook.py", Path.unlink, "broken"),
        ("telex", lambda path: path.chmod(0o600), "broken"),
        ("telex.py", lambda path: path.write_text("pass"), "drifted"),
    ]
    for name, damage, state in damages:
        path = machine.home / "bin" / name
        machine.install()
        assert machine.inspect()["launchers"].state == "installed"
        damage(path)
        finding = machine.inspect()["launchers"]
        assert (finding.path, finding.state) == (str(path), state)


def test_inspect_notices_that_what_the_hooks_start_is_gone(machine: Machine) -> None:
    machine.launch = Launch(python=str(machine.root / "python"), import_dirs=[str(machine.root / "gone")])
    machine.install()
    found = inspect("claude", "user", home=str(machine.home), user_home=str(machine.user))
    assert [finding.path for finding in found if finding.state == "broken"] == [
        str(machine.root / "python"),
        str(machine.root / "gone"),
    ]
