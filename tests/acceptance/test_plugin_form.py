"""Claude Code's two forms of telex, settings and plugin: one at a time, and every byte of the owner's stays."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.support.cli import Shell

from telex import __version__
from telex.clients.launcher import gate

OWNERS = [
    b"",
    b"{}",
    b'{ "model":  "opus",\n\t"enabledPlugins": {"other@place": false},\n  "env": {"A": "b\\u00e9"} }',
    b'{"extraKnownMarketplaces": {},\n "enabledPlugins": {}}',
    b'{\r\n    "hooks": {"Stop": [{"hooks": [{"type": "command", "command": "true"}]}]},\r\n    "n": 1.0e5\r\n}\r\n',
]


class Claude:
    """A person's shell, and Claude Code's files in their home."""

    def __init__(self, shell: Shell) -> None:
        self.shell = shell
        self.directory = shell.home / ".claude"
        self.settings = self.directory / "settings.json"
        self.plugin = shell.telex_home / "plugin"
        self.directory.mkdir()

    def install(self, *words: str) -> list[str]:
        """What was done to which file."""
        return self._changes("install", "claude", *words)

    def uninstall(self, *words: str) -> list[str]:
        return self._changes("uninstall", "claude", *words)

    def _changes(self, *words: str) -> list[str]:
        done = self.shell.telex(*words, "--json")
        assert done.status == 0, done
        return [f"{one['action']} {Path(one['path']).name}" for one in done.json["changes"]]

    def value(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.settings.read_bytes())
        return found

    def document(self, *place: str) -> Any:
        return json.loads(self.plugin.joinpath(*place).read_text())

    def said(self, *words: str) -> str:
        done = self.shell.telex(*words)
        return f"{done.status}\n{done.out}{done.err}"


@pytest.fixture
def claude(shell: Shell) -> Claude:
    return Claude(shell)


def test_the_plugin_is_made_of_what_the_settings_have(claude: Claude) -> None:
    claude.install("--mcp")
    settings, skill = claude.value()["hooks"], (claude.directory / "skills" / "telex" / "SKILL.md").read_bytes()
    server = json.loads((claude.shell.home / ".claude.json").read_text())["mcpServers"]
    claude.install("--as-plugin")
    assert claude.document("telex", "hooks", "hooks.json") == {"hooks": settings}
    assert claude.document("telex", ".mcp.json") == {"mcpServers": server}, "what was asked for comes along"
    assert (claude.plugin / "telex" / "skills" / "telex" / "SKILL.md").read_bytes() == skill
    assert claude.document("telex", ".claude-plugin", "plugin.json")["version"] == __version__
    [monitor] = claude.document("telex", "monitors", "monitors.json")
    assert gate.written_for(monitor["command"]) == "claude"
    [listed] = claude.document(".claude-plugin", "marketplace.json")["plugins"]
    assert (claude.plugin / listed["source"] / ".claude-plugin" / "plugin.json").exists()
    assert not (claude.shell.home / ".claude.json").exists()


def test_the_settings_name_the_plugin_and_nothing_else(claude: Claude) -> None:
    claude.install("--as-plugin")
    source = {"source": {"source": "directory", "path": str(claude.plugin)}}
    assert claude.value() == {"extraKnownMarketplaces": {"telex": source}, "enabledPlugins": {"telex@telex": True}}


def test_the_server_is_in_the_plugin_where_it_is_asked_for(claude: Claude) -> None:
    claude.install("--as-plugin")
    there = claude.plugin / "telex" / ".mcp.json"
    assert not there.exists()
    claude.install("--mcp")
    assert there.exists() and not (claude.shell.home / ".claude.json").exists()
    assert "unchanged .mcp.json" in claude.install()
    claude.uninstall("--mcp")
    assert not there.exists() and claude.value()["enabledPlugins"] == {"telex@telex": True}


@pytest.mark.parametrize("owners", OWNERS)
@pytest.mark.parametrize("first", [(), ("--mcp",)], ids=["at-once", "after-the-settings"])
def test_every_byte_of_the_owner_stays(claude: Claude, owners: bytes, first: tuple[str, ...]) -> None:
    if owners:
        claude.settings.write_bytes(owners)
    before = {path: path.read_bytes() for path in claude.shell.home.rglob("*") if path.is_file()}
    if first:
        claude.install(*first)
    claude.install("--as-plugin")
    again = claude.install("--as-plugin")
    assert {one.split()[0] for one in again} == {"unchanged"}
    if owners:
        assert claude.value()["enabledPlugins"]["telex@telex"] is True
    claude.uninstall()
    mail = claude.shell.telex_home
    after = {
        path: path.read_bytes() for path in claude.shell.home.rglob("*") if path.is_file() and mail not in path.parents
    }
    assert after == before
    assert not claude.plugin.exists() and not (mail / "bin" / "hook.py").exists()
    assert [one.name for one in (mail / "installed").iterdir()] == ["lock"]


def test_a_dry_run_writes_nothing(claude: Claude) -> None:
    claude.install()
    before = {path: path.read_bytes() for path in claude.shell.home.rglob("*") if path.is_file()}
    said = claude.said("install", "claude", "--as-plugin", "--dry-run")
    assert "+enabledPlugins.telex@telex: true" in said and f"remove {claude.settings}" in said
    assert {path: path.read_bytes() for path in claude.shell.home.rglob("*") if path.is_file()} == before


def test_a_later_install_keeps_the_form(claude: Claude) -> None:
    claude.install("--as-plugin")
    (claude.plugin / "telex" / "hooks" / "hooks.json").unlink()
    assert "create hooks.json" in claude.install()
    assert "hooks" not in claude.value()
    claude.uninstall()
    claude.install()
    assert set(claude.value()) == {"hooks"} and not claude.plugin.exists()


def test_the_plugin_and_a_project_refuse_each_other(claude: Claude) -> None:
    claude.install("--scope", "project")
    refused = claude.said("install", "claude", "--as-plugin")
    assert refused.startswith("3\n") and str(claude.shell.work) in refused
    claude.uninstall("--scope", "project")
    claude.install("--as-plugin")
    refused = claude.said("install", "claude", "--scope", "project")
    assert refused.startswith("3\n") and "every line would run twice" in refused
    assert claude.said("install", "claude", "--as-plugin", "--scope", "project").startswith("2\n")
    assert claude.said("install", "codex", "--as-plugin").startswith("2\n")
    assert list(claude.shell.work.iterdir()) == []


def test_status_says_which_form_and_what_is_wrong(claude: Claude) -> None:
    claude.install("--as-plugin")
    status = claude.shell.telex("status", "--json").json
    found = {one["path"]: (one["part"], one["state"]) for one in status["installed"]}
    assert found[str(claude.plugin)] == found[str(claude.settings)] == ("plugin", "installed")
    assert status["well"]
    written = claude.value()
    claude.settings.write_text(json.dumps({**written, "enabledPlugins": {"telex@telex": False}}))
    assert "switched off" in claude.said("status")
    claude.install()
    assert claude.value()["enabledPlugins"] == {"telex@telex": False}, "its owner's choice stays"
    hooks = {"hooks": claude.document("telex", "hooks", "hooks.json")["hooks"]}
    claude.settings.write_text(json.dumps({**written, **hooks}))
    assert "every line runs twice" in claude.said("status")
    claude.install()
    assert claude.value() == written


def test_another_marketplace_of_the_name_is_left_alone(claude: Claude) -> None:
    text = b'{"extraKnownMarketplaces": {"telex": {"source": {"source": "github", "repo": "dana/telex"}}}}'
    claude.settings.write_bytes(text)
    assert "keep settings.json" in claude.install("--as-plugin")
    assert claude.settings.read_bytes() == text
    claude.uninstall()
    assert claude.settings.read_bytes() == text


def test_another_home_takes_over_and_the_first_leaves_it_alone(claude: Claude) -> None:
    claude.install("--as-plugin")
    other = str(claude.shell.home / "other")
    done = claude.shell.telex("install", "claude", "--as-plugin", TELEX_HOME=other)
    assert done.status == 0 and "telex's plugin" in done.out
    there = claude.settings.read_bytes()
    assert f"{other}/plugin" in there.decode()
    claude.uninstall()
    assert claude.settings.read_bytes() == there
    assert claude.shell.telex("uninstall", "claude", TELEX_HOME=other).status == 0
    assert "telex" not in (claude.settings.read_text() if claude.settings.exists() else "")


@pytest.mark.parametrize("broken", [b"{", b'{"enabledPlugins": []}', b'{"extraKnownMarketplaces": 7}'])
def test_settings_that_cannot_be_read_are_not_touched(claude: Claude, broken: bytes) -> None:
    claude.settings.write_bytes(broken)
    assert claude.said("install", "claude", "--as-plugin").startswith("1\n")
    assert claude.settings.read_bytes() == broken and not claude.plugin.exists()


@pytest.mark.parametrize("plugin", [("claude", "--as-plugin"), ("opencode",)], ids=["claude", "opencode"])
def test_a_plugin_alone_keeps_what_it_starts(claude: Claude, plugin: tuple[str, ...]) -> None:
    """Would break: taking out another client removes the hook that the plugin starts."""
    assert claude.shell.telex("install", *plugin).status == 0
    claude.shell.telex("install", "codex")
    claude.shell.telex("uninstall", "codex")
    assert (claude.shell.telex_home / "bin" / "hook.py").exists()
