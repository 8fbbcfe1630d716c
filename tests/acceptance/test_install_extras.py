"""`telex install claude --mcp` and the other extras, on a real file system."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.acceptance.installing import Machine, actions
from tests.support.cli import Shell

from telex.clients.installer import transaction
from telex.clients.installer.inspection import inspect
from telex.clients.launcher import launchers
from telex.clients.types import COOP, HOOKS, MSG, SERVER, SKILL
from telex.errors import Usage
from telex.errors.settings import SettingsUnreadable, SettingsUnwritable

MCP = (SERVER,)
# As Claude Code keeps it: long, rewritten all the time, with secrets.
CLAUDES = (
    '{\n  "numStartups": 41,\n  "oauthAccount": {"emailAddress": "dana@example.com"},\n'
    '  "mcpServers": {\n    "db": {\n      "command": "db-mcp",\n      "env": {"TOKEN": "sécret"}\n    }\n  },\n'
    '  "projects": {}\n}'
)


class Servers(Machine):
    """A machine, its client's list of MCP servers, and what is in it."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.claude_json = self.user / ".claude.json"
        self.ours = {"type": "stdio", "command": str(self.home / "bin" / "telex"), "args": ["mcp"]}

    def keep(self, text: str) -> bytes:
        self.claude_json.write_text(text)
        return self.claude_json.read_bytes()

    def listed(self, path: Path | None = None) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((path or self.claude_json).read_text("utf-8-sig"))["mcpServers"]
        return found

    def rewrite(self, change: Callable[[dict[str, Any]], object]) -> None:
        """What a running client does: reads it, changes it, writes all of it anew."""
        value = json.loads(self.claude_json.read_text())
        change(value)
        self.claude_json.write_text(json.dumps(value, indent=2, ensure_ascii=False))


@pytest.fixture
def machine(tmp_path: Path) -> Servers:
    return Servers(tmp_path)


def test_the_server_is_written_where_each_scope_has_its_servers(machine: Servers) -> None:
    machine.install(also=MCP)
    machine.install("project", also=MCP)
    machine.install(also=MCP, config_dir=str(machine.root / "profile"))
    for path in (machine.claude_json, machine.project / ".mcp.json", machine.root / "profile" / ".claude.json"):
        assert machine.listed(path) == {"telex": machine.ours}, path
    assert stat.S_IMODE(machine.claude_json.stat().st_mode) == 0o600
    assert machine.inspect()["mcp server"].state == "installed"


def test_without_the_word_no_server_is_written(machine: Servers) -> None:
    machine.install()
    assert not machine.claude_json.exists() and "mcp server" not in machine.inspect()


@pytest.mark.parametrize(
    "text",
    [
        CLAUDES,
        "{}",
        "{ }\n",
        "",
        " \n",
        "\ufeff{}\r\n",
        '{"mcpServers":{}}',
        '{"mcpServers": { }, "a": 1.50}',
        '{"mcpServers":{"a":{"command":"x"}},"n":1e3}',
        '{\n\t"a": [ ],\n\t"mcpServers": {\n\t}\n}\n',
        '{\r\n  "a": "\\u00fc"\r\n}\r\n',
        "{\n\n}",
    ],
)
def test_the_entry_comes_and_goes_and_every_other_byte_stays(machine: Servers, text: str) -> None:
    before = machine.keep(text)
    machine.claude_json.chmod(0o640)
    assert actions(machine.install(also=MCP))[".claude.json"] == "update"
    assert machine.listed()["telex"] == machine.ours
    once = machine.claude_json.read_bytes()
    assert actions(machine.install(also=MCP))[".claude.json"] == "unchanged"
    assert machine.claude_json.read_bytes() == once
    assert actions(machine.uninstall(only=MCP))[".claude.json"] == "restore"
    assert machine.claude_json.read_bytes() == before
    assert stat.S_IMODE(machine.claude_json.stat().st_mode) == 0o640


def test_order_and_neighbours_stay(machine: Servers) -> None:
    machine.keep(CLAUDES)
    machine.install(also=MCP)
    text = machine.claude_json.read_text()
    assert list(json.loads(text)) == ["numStartups", "oauthAccount", "mcpServers", "projects"]
    assert list(machine.listed()) == ["db", "telex"] and '"env": {"TOKEN": "sécret"}\n    },\n' in text


def test_the_clients_file_is_not_copied_into_telexs_home(machine: Servers) -> None:
    """It is large and full of secrets, and stale as soon as the client has written it anew."""
    machine.keep(CLAUDES)
    machine.install(also=MCP)
    kept = b"".join(path.read_bytes() for path in (machine.home / "installed").iterdir())
    assert b"dana@example.com" not in kept and "sécret".encode() not in kept and b"TOKEN" not in kept


def test_a_plain_uninstall_takes_the_server_too(machine: Servers) -> None:
    before = machine.clients_tree()
    machine.install(also=MCP)
    assert actions(machine.uninstall())[".claude.json"] == "remove"
    assert machine.clients_tree() == before


def test_only_the_server_goes_and_hooks_and_skill_stay(machine: Servers) -> None:
    machine.install()
    before = machine.clients_tree()
    machine.install(also=MCP)
    assert actions(machine.uninstall(only=MCP)) == {".claude.json": "remove"}
    assert machine.clients_tree() == before
    assert {one.state for one in machine.inspect().values()} >= {"installed"} and (
        machine.home / "bin/hook.py"
    ).exists()
    assert set(actions(machine.uninstall(only=MCP)).values()) == {"unchanged"}


def test_only_the_hooks_go_and_the_server_stays(machine: Servers) -> None:
    machine.launch = launchers.this_launch()
    machine.install(also=MCP)
    machine.uninstall(only=(HOOKS, SKILL))
    assert not machine.settings.exists() and machine.listed() == {"telex": machine.ours}
    assert not (machine.home / "bin" / "hook.py").exists(), "a client that has not read its settings again runs nothing"
    found = machine.inspect()
    assert (found["mcp server"].state, found["launchers"].state) == ("installed", "installed")
    assert set(actions(machine.uninstall()).values()) == {"remove", "unchanged"}


def test_a_later_install_keeps_the_server_up_to_date(machine: Servers) -> None:
    machine.keep(CLAUDES)
    machine.install(also=MCP)
    machine.rewrite(lambda value: value["mcpServers"].pop("telex"))
    assert machine.inspect()["mcp server"].state == "drifted"
    assert actions(machine.install())[".claude.json"] == "update"
    assert machine.inspect()["mcp server"].state == "installed"


def test_after_the_client_has_written_its_file_anew_only_telexs_entry_goes(machine: Servers) -> None:
    machine.keep("{}")
    machine.install(also=MCP)
    machine.rewrite(lambda value: value.update(numStartups=42))
    assert actions(machine.uninstall(only=MCP))[".claude.json"] == "update"
    assert json.loads(machine.claude_json.read_text()) == {"numStartups": 42}


def test_a_container_with_others_in_it_stays(machine: Servers) -> None:
    machine.install(also=MCP)
    machine.rewrite(lambda value: value["mcpServers"].update(db={"command": "db"}))
    machine.uninstall()
    assert machine.listed() == {"db": {"command": "db"}}


def test_a_file_of_telexs_own_making_goes_even_if_laid_out_anew(machine: Servers) -> None:
    machine.install(also=MCP)
    machine.rewrite(lambda value: None)
    machine.install()
    assert actions(machine.uninstall())[".claude.json"] == "remove"


def test_an_edited_entry_is_its_owners_but_goes_with_telex(machine: Servers) -> None:
    machine.install(also=MCP)
    machine.rewrite(lambda value: value["mcpServers"]["telex"].update(args=["mcp", "--tools", "all"]))
    assert actions(machine.install(also=MCP))[".claude.json"] == "keep"
    assert machine.listed()["telex"]["args"] == ["mcp", "--tools", "all"]
    assert "edited" in machine.inspect()["mcp server"].detail
    machine.uninstall()
    assert not machine.claude_json.exists()


@pytest.mark.parametrize("foreign", [{"command": "telegraph"}, {"url": "https://telex.example.com"}, "x", 7])
def test_another_server_of_that_name_is_left_alone(machine: Servers, foreign: object) -> None:
    before = machine.keep(json.dumps({"mcpServers": {"telex": foreign}}))
    changes = {Path(one.path).name: one for one in machine.install(also=MCP)}
    assert changes[".claude.json"].action == "keep" and "another server" in changes[".claude.json"].detail
    assert actions(machine.uninstall(only=MCP))[".claude.json"] == "keep"
    assert machine.claude_json.read_bytes() == before


def test_the_server_of_another_home_is_taken_over_and_not_taken_out(machine: Servers) -> None:
    second = str(machine.root / "second")
    machine.install(also=MCP)
    machine.install(also=MCP, home=second)
    assert machine.listed()["telex"]["command"] == f"{second}/bin/telex"
    assert actions(machine.uninstall())[".claude.json"] == "keep"
    assert machine.inspect(home=second)["mcp server"].state == "installed"


def test_without_its_manifest_telex_still_knows_its_server(machine: Servers) -> None:
    machine.keep(CLAUDES)
    machine.install(also=MCP)
    shutil.rmtree(machine.home)
    assert actions(machine.uninstall())[".claude.json"] == "update"
    assert machine.claude_json.read_text() == CLAUDES


@pytest.mark.parametrize(
    "text", ["{", '{"mcpServers": []}', '{"a": 1, "a": 2}', "[]", '{"mcpServers": {"telex": NaN}}']
)
def test_what_cannot_be_read_is_refused_and_nothing_else_is_written(machine: Servers, text: str) -> None:
    before = machine.keep(text)
    with pytest.raises(SettingsUnreadable):
        machine.install(also=MCP)
    assert machine.claude_json.read_bytes() == before and not machine.settings.exists()
    machine.install()
    assert set(actions(machine.uninstall()).values()) == {"remove"}, "a file telex is not in hinders nobody"
    with pytest.raises(SettingsUnreadable):
        machine.uninstall(only=MCP)


def test_a_change_in_between_is_not_lost(machine: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    """A running client rewrites its file at any time. Would break: read, then write, without another look."""
    machine.keep(CLAUDES)
    prepare, written = transaction._Step.prepare, [""]

    def meanwhile(step: transaction._Step) -> None:
        prepare(step)
        if step.path == str(machine.claude_json):
            written.append(json.dumps({"numStartups": 41 + len(written)}))
            machine.claude_json.write_text(written[-1])

    monkeypatch.setattr(transaction._Step, "prepare", meanwhile)
    with pytest.raises(SettingsUnwritable, match="another program changed it"):
        machine.install(also=MCP)
    assert machine.claude_json.read_text() == written[-1] and not machine.settings.exists()


def test_a_dry_run_tells_the_same_and_writes_nothing(machine: Servers) -> None:
    machine.keep(CLAUDES)
    before = machine.tree()
    planned = machine.install(dry_run=True, also=MCP)
    assert machine.tree() == before and planned == machine.install(also=MCP)
    assert all("sécret" not in change.diff and "dana" not in change.diff for change in planned)
    assert any("+mcpServers.telex: " in change.diff for change in planned)
    assert machine.uninstall(dry_run=True, only=MCP) == machine.uninstall(only=MCP)


def test_a_part_that_a_scope_has_not_is_refused(machine: Servers) -> None:
    with pytest.raises(Usage, match="no coop command for Claude Code in the scope 'project'"):
        machine.install("project", also=(COOP,))


@pytest.mark.parametrize(("part", "place"), [(COOP, "commands/coop.md"), (MSG, "skills/msg/SKILL.md")])
def test_a_command_or_skill_comes_alone_and_goes_alone(machine: Servers, part: str, place: str) -> None:
    before = machine.clients_tree()
    path = machine.claude / place
    machine.install(only=(part,))
    assert path.exists() and not machine.settings.exists()
    assert machine.inspect()[part].state == "installed"
    machine.install()
    path.write_text("mine now")
    assert actions(machine.install())[path.name] in ("keep", "unchanged")
    assert machine.inspect()[part].state == "drifted"
    assert actions(machine.uninstall(only=(part,)))[path.name] == "keep"
    assert path.read_text() == "mine now"
    path.unlink()
    machine.install(only=(part,))
    machine.uninstall()
    assert machine.clients_tree() == before


def test_the_client_is_handed_a_server_that_starts(shell: Shell) -> None:
    """The launcher runs without site directories: the SDK and all it needs must be found all the same."""
    assert shell.telex("install", "claude", "--mcp").status == 0
    server = json.loads((shell.home / ".claude.json").read_text())["mcpServers"]["telex"]
    hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    line = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello}) + "\n"
    process = subprocess.Popen(
        [server["command"], *server["args"]],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={"HOME": str(shell.home), "PATH": "/usr/bin:/bin"},
        cwd=shell.work,
    )
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(line.encode())
    process.stdin.flush()
    assert json.loads(process.stdout.readline())["result"]["serverInfo"]["name"] == "telex"
    process.stdin.close()
    process.wait(60)
    process.stdout.close()


def test_the_launchers_find_everything_that_telex_depends_on() -> None:
    """Each distribution's directory is in the list, wherever the installer of the machine has put it."""
    launch = launchers.this_launch()
    code = "import sys; sys.path += sys.argv[1:]; import mcp.server, pydantic, anyio, rich, apsw, telex"
    done = subprocess.run(
        [launch.python, "-I", "-S", "-c", code, *launch.import_dirs], capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_library_in_a_directory_of_its_own_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some installers spread libraries over directories. Would break: the directories of three libraries alone."""
    needs = {"mcp": "Requires-Dist: Left_Over.lib>=1; python_version > '3'", "left_over_lib": "Requires-Dist: not-here"}
    for name, line in needs.items():
        told = tmp_path / name / f"{name}-9.dist-info"
        told.mkdir(parents=True)
        (told / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 9\n{line}\n")
        monkeypatch.syspath_prepend(str(tmp_path / name))
    found = launchers.import_dirs()
    assert {str(tmp_path / name) for name in needs} <= set(found)
    assert found[0] == launchers.this_launch().import_dirs[0]


def test_status_shows_the_server_and_the_commands(shell: Shell) -> None:
    shell.telex("install", "claude", "--mcp")
    shell.telex("alias", "coop")
    found = {one["part"]: one["state"] for one in shell.telex("status", "--json").json["installed"]}
    assert found == dict.fromkeys(["hooks", "skill", "mcp server", "coop command", "command", "launchers"], "installed")
    (shell.home / ".local" / "bin" / "coop").unlink()
    status = shell.telex("status", "--json")
    assert status.status == 1
    assert [one["part"] for one in status.json["installed"] if one["state"] == "drifted"] == ["command"]


def test_after_a_plain_uninstall_the_commands_of_older_systems_still_run(shell: Shell) -> None:
    shell.telex("install", "claude")
    shell.telex("alias", "coop")
    assert shell.telex("uninstall").status == 0
    assert not (shell.telex_home / "bin" / "hook.py").exists()
    assert shell.run([f"{shell.home}/.local/bin/coop", "login"]).status == 0
    assert inspect("claude", "user", home=str(shell.telex_home), user_home=str(shell.home))[0].state == "not installed"
    assert shell.telex("status").status == 0
    assert os.access(shell.telex_home / "bin" / "telex", os.X_OK)


def test_keis_command_brings_msg_to_every_client_that_is_here(shell: Shell) -> None:
    """Would break: /msg in Gemini CLI, whose part no option of `install` names."""
    commands = shell.home / ".gemini" / "commands"
    shell.telex("alias", "kei")
    assert not commands.exists()
    (shell.home / ".gemini").mkdir()
    shell.telex("alias", "kei")
    assert [one.name for one in commands.iterdir()] == ["msg.toml"]
    assert (shell.home / ".claude" / "skills" / "msg" / "SKILL.md").exists()
    assert shell.telex("alias", "kei", "--remove").status == 0
    assert list(shell.home.rglob("msg*")) == []
