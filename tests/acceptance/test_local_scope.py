"""`--scope local`: Claude Code's own settings of one person in one project, which are not shared with the others."""

from __future__ import annotations

import json
import os

import pytest
from tests.support.cli import Shell

MINE = '{"permissions": {"allow": ["Bash(make:*)"]}, "hooks": {}}\n'


def files(shell: Shell) -> list[str]:
    return sorted(str(path.relative_to(shell.work)) for path in shell.work.rglob("*") if path.is_file())


def states(shell: Shell, path: str) -> dict[str, str]:
    found = shell.telex("status", "--json", cwd=shell.work).json["installed"]
    return {one["part"]: one["state"] for one in found if one["path"] == str(shell.work / path)}


@pytest.mark.parametrize("there", [None, MINE, "{}"])
def test_only_the_local_settings_are_written_and_come_back_byte_for_byte(shell: Shell, there: str | None) -> None:
    path = shell.work / ".claude" / "settings.local.json"
    if there is not None:
        path.parent.mkdir()
        path.write_text(there)
    before = files(shell)
    ran = shell.telex("install", "claude", "--scope", "local", "--yes", cwd=shell.work)
    assert ran.status == 0, ran.err
    assert files(shell) == [".claude/settings.local.json"], "no skill for the others who have the project"
    hooks = json.loads(path.read_text())["hooks"]
    assert {"SessionStart", "UserPromptSubmit", "Stop"} <= set(hooks)
    assert states(shell, ".claude/settings.local.json") == {"hooks": "installed"}
    again = shell.telex("install", "claude", "--scope", "local", "--json", cwd=shell.work)
    assert {one["action"] for one in again.json["changes"]} == {"unchanged"}
    assert shell.telex("uninstall", "claude", "--scope", "local", cwd=shell.work).status == 0
    assert files(shell) == before and (path.read_text() if there is not None else None) == there
    assert not (shell.telex_home / "bin").exists()


def test_the_scopes_of_one_project_do_not_know_of_each_other(shell: Shell) -> None:
    for scope in ("project", "local", "user"):
        assert shell.telex("install", "claude", "--scope", scope, cwd=shell.work).status == 0
    ran = shell.telex("uninstall", cwd=shell.work)
    assert "--scope project or local" in ran.out, ran
    assert shell.telex("uninstall", "claude", "--scope", "project", cwd=shell.work).status == 0
    assert files(shell) == [".claude/settings.local.json"]
    assert states(shell, ".claude/settings.local.json") == {"hooks": "installed"}
    assert shell.telex("uninstall", "--scope", "local", cwd=shell.work).status == 0
    assert files(shell) == []


def test_clients_without_it_are_passed_over_unless_they_are_named(shell: Shell) -> None:
    for name in (".claude", ".codex"):
        (shell.home / name).mkdir()
    ran = shell.telex("install", "--scope", "local", "--yes", "--json", cwd=shell.work)
    assert ran.status == 0 and {one["client"] for one in ran.json["changes"]} == {"claude"}, ran
    named = shell.telex("install", "codex", "--scope", "local", cwd=shell.work)
    assert named.status == 2 and "no scope 'local', only user and project" in named.err


@pytest.mark.parametrize("words", [("--mcp",), ("--status-line",), ("--only",), ("--as-plugin",)], ids=" ".join)
def test_what_it_cannot_have_is_refused_with_nothing_written(shell: Shell, words: tuple[str, ...]) -> None:
    ran = shell.telex("install", "claude", "--scope", "local", "--yes", *words, cwd=shell.work)
    assert ran.status == 2 and "local" in ran.err
    assert files(shell) == []


def test_a_link_out_of_the_project_is_not_followed(shell: Shell) -> None:
    (shell.work / ".claude").mkdir()
    outside = shell.home / "outside.json"
    outside.write_text(MINE)
    os.symlink(outside, shell.work / ".claude" / "settings.local.json")
    ran = shell.telex("install", "claude", "--scope", "local", cwd=shell.work)
    assert ran.status == 1 and "leads out of the project" in ran.err
    assert outside.read_text() == MINE


def test_beside_the_plugin_it_is_refused(shell: Shell) -> None:
    assert shell.telex("install", "claude", "--as-plugin", "--yes").status == 0
    ran = shell.telex("install", "claude", "--scope", "local", cwd=shell.work)
    assert ran.status == 3 and "every line would run twice" in ran.err
