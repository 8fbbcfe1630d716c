"""Acceptance: the switches that `telex status` names do keep each real client from running telex's hooks.

Would break: a warning about a switch that this client does not have, or no longer. Copilot CLI 1.0.102 has one,
`disableAllHooks`, and ran the hooks of ~/.copilot/hooks all the same, so telex says nothing of it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.clients import codex_lab, gemini_lab
from tests.clients.codex_lab import CodexLab
from tests.clients.conftest import claude_program
from tests.clients.gemini_lab import GeminiLab
from tests.clients.lab import Lab, install_telex, marker

from telex.clients.installer.inspection import Finding, inspect

pytestmark = pytest.mark.real_client


def put(path: Path, value: object) -> None:
    """The file with this in it, beside what is there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    there = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps({**there, **value}))  # type: ignore[dict-item]


def claudes(root: Path) -> Lab:
    lab = Lab(root, claude_program())
    put(lab.settings, {"disableAllHooks": True})
    return lab


def claudes_project(root: Path) -> Lab:
    lab = Lab(root, claude_program())
    put(lab.directory("frontend") / ".claude" / "settings.json", {"disableAllHooks": True})
    return lab


def claudes_local(root: Path) -> Lab:
    lab = claudes_project(root)
    put(lab.directory("frontend") / ".claude" / "settings.json", {"disableAllHooks": False})
    put(lab.directory("frontend") / ".claude" / "settings.local.json", {"disableAllHooks": True})
    return lab


def codexs(root: Path) -> Lab:
    lab = CodexLab(root, codex_lab.program())
    lab.more = "[features]\nhooks = false\n"
    return lab


def geminis(root: Path) -> Lab:
    lab = GeminiLab(root, gemini_lab.program())
    put(lab.settings, {"hooksConfig": {"enabled": False}})
    return lab


def geminis_one(root: Path) -> Lab:
    lab = GeminiLab(root, gemini_lab.program())
    put(lab.settings, {"hooksConfig": {"disabled": ["telex"]}})
    return lab


def geminis_project(root: Path) -> Lab:
    lab = GeminiLab(root, gemini_lab.program())
    put(lab.directory("frontend") / ".gemini" / "settings.json", {"hooksConfig": {"enabled": False}})
    return lab


def state(client: str, lab: Lab) -> Finding:
    """What status says of the hooks."""
    places = {"home": str(lab.telex_home), "user_home": str(lab.home), "project_dir": str(lab.directory("frontend"))}
    found = inspect(client, "user", system=str(lab.root), **places)
    return next(one for one in found if one.part == "hooks")


@pytest.mark.parametrize(
    ("client", "made", "word"),
    [
        ("claude", claudes, "disableAllHooks"),
        ("claude", claudes_project, "disableAllHooks"),
        ("claude", claudes_local, "disableAllHooks"),
        ("codex", codexs, "features.hooks"),
        ("gemini", geminis, "hooksConfig.enabled"),
        ("gemini", geminis_one, "hooksConfig.disabled"),
        ("gemini", geminis_project, "hooksConfig.enabled"),
    ],
    ids=["claude", "claude-project", "claude-local", "codex", "gemini", "gemini-one-name", "gemini-project"],
)
def test_a_switched_off_hook_does_not_run_and_status_says_so(
    tmp_path_factory: pytest.TempPathFactory, offline: None, client: str, made: Callable[[Path], Lab], word: str
) -> None:
    lab = made(tmp_path_factory.mktemp("machine"))
    try:
        install_telex(lab, client=client)
        project, model, mark = lab.directory("frontend"), lab.model(), marker()
        lab.send("@frontend", mark)
        lab.headless(model, "hello", project)
        assert model.requests and model.last.count(mark) == 0
        found = state(client, lab)
        assert found.state == "broken" and word in found.detail, found
    finally:
        lab.close()
