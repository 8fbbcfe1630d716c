"""A client's sandbox that keeps its agent from sending is named by install and status, with what lets it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.support.cli import Shell

from telex.clients.installer import sandbox

CODEX = "Codex CLI: in its sandbox an agent is shown mail and cannot send"
CLAUDE = "Claude Code: 'sandbox' is on in "


@pytest.fixture
def connected(shell: Shell) -> Shell:
    for name in (".claude", ".codex"):
        (shell.home / name).mkdir()
    return shell


def settings(shell: Shell, where: str, value: object) -> None:
    path = shell.home / where
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))


def said(shell: Shell) -> str:
    """What status says of sandboxes."""
    lines = shell.telex("status").out.splitlines()
    return "\n".join(line for line in lines if line.startswith((CODEX, CLAUDE)))


def test_install_says_what_an_agent_of_codex_cannot_do_and_what_lets_it(connected: Shell) -> None:
    """Would break: an agent that got a request tries to answer, and is refused by its sandbox."""
    out = connected.telex("install", "codex").out
    assert CODEX in out and "'telex install codex --mcp'" in out
    assert said(connected).startswith(CODEX)
    assert CODEX not in connected.telex("install", "codex", "--mcp").out
    assert said(connected) == ""


def test_a_client_that_is_not_connected_is_not_spoken_of(connected: Shell) -> None:
    settings(connected, ".claude/settings.json", {"sandbox": {"enabled": True}})
    assert said(connected) == ""


@pytest.mark.parametrize(
    ("toml", "told"),
    [
        ("", True),
        ('sandbox_mode = "workspace-write"\n', True),
        ('sandbox_mode = "read-only"\n', True),
        ('sandbox_mode = "danger-full-access"\n', False),
        ('[sandbox_workspace_write]\nwritable_roots = ["/elsewhere"]\n', True),
        ('[sandbox_workspace_write]\nwritable_roots = ["{home}/.telex"]\n', False),
        ('[sandbox_workspace_write]\nwritable_roots = ["{home}"]\n', False),
        ('[sandbox_workspace_write]\nwritable_roots = ["{home}/.tel"]\n', True),
        ('[sandbox_workspace_write]\nwritable_roots = [1, ""]\n', True),
        ("this is no TOML", True),
    ],
)
def test_codex_is_told_of_where_its_sandbox_is_shut(connected: Shell, toml: str, told: bool) -> None:
    connected.telex("install", "codex")
    (connected.home / ".codex" / "config.toml").write_text(toml.replace("{home}", str(connected.home)))
    assert bool(said(connected)) is told


@pytest.mark.parametrize(
    ("where", "value", "told"),
    [
        (".claude/settings.local.json", {}, False),
        ("projects/shop/.claude/settings.json", {"sandbox": {"enabled": True}}, True),
        ("projects/shop/.claude/settings.local.json", {"sandbox": {"enabled": True}}, True),
        ("projects/shop/.claude/settings.json", {"sandbox": {"enabled": False}}, False),
        ("projects/shop/.claude/settings.json", {"sandbox": "on"}, False),
        (
            "projects/shop/.claude/settings.json",
            {"sandbox": {"enabled": True, "filesystem": {"allowWrite": ["~/.telex"]}}},
            False,
        ),
        (
            "projects/shop/.claude/settings.json",
            {"sandbox": {"enabled": True, "filesystem": {"allowWrite": ["~/.telexes"]}}},
            True,
        ),
    ],
)
def test_claude_code_is_told_of_where_its_sandbox_is_on(
    connected: Shell, where: str, value: object, told: bool
) -> None:
    connected.telex("install", "claude")
    settings(connected, where, value)
    assert bool(said(connected)) is told


def test_the_switch_in_the_users_settings_is_found_by_install(connected: Shell) -> None:
    settings(connected, ".claude/settings.json", {"sandbox": {"enabled": True}})
    out = connected.telex("install", "claude").out
    assert f"{CLAUDE}{connected.home}/.claude/settings.json" in out and str(connected.telex_home) in out
    assert CLAUDE not in connected.telex("install", "claude", "--mcp").out


def test_other_clients_have_nothing_to_say(tmp_path: Path) -> None:
    place = {"home": str(tmp_path), "user_home": str(tmp_path), "project_dir": str(tmp_path), "config_dir": ""}
    for client in ("gemini", "opencode", "copilot"):
        assert sandbox.remark(client, place) == ""  # type: ignore[arg-type]
