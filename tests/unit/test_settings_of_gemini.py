"""What the adapter of Gemini CLI writes, in that client's own terms."""

from __future__ import annotations

import tomllib

import pytest

from telex import limits
from telex.clients.adapters.gemini import CLIENT, NAME, Gemini
from telex.clients.types import HookFile, OwnFile, Where

WHERE = Where(scope="user", user_home="/u", project_dir="", home="/u/.telex", hook="/u/.telex/bin/hook.py")


def test_timeouts_are_milliseconds_and_every_hook_has_one_name() -> None:
    [settings] = [piece for piece in CLIENT.pieces(WHERE) if isinstance(piece, HookFile)]
    handlers = [entry.group["hooks"][0] for entry in settings.entries]
    assert {one["timeout"] for one in handlers} == {limits.HOOK_TIMEOUT_SECONDS * 1000}
    assert {one["name"] for one in handlers} == {NAME}
    assert [entry.event for entry in settings.entries] == [
        "SessionStart",
        "BeforeAgent",
        "AfterTool",
        "Notification",
        "AfterAgent",
        "SessionEnd",
    ]


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"hooksConfig": {"enabled": False}}, "hooksConfig.enabled"),
        ({"hooksConfig": {"disabled": ["other", NAME]}}, "hooksConfig.disabled"),
    ],
)
def test_hooks_that_do_not_run_are_told(settings: dict[str, object], word: str) -> None:
    assert word in CLIENT.obstacle(settings)


@pytest.mark.parametrize(
    "settings", [{}, {"hooksConfig": {"enabled": True}}, {"hooksConfig": {"disabled": ["other"]}}, {"hooksConfig": 7}]
)
def test_hooks_that_run_have_no_obstacle(settings: dict[str, object]) -> None:
    assert CLIENT.obstacle(settings) == ""


def test_the_commands_are_toml_and_run_nothing_by_themselves() -> None:
    adapter = Gemini()
    files = [piece for piece in (*adapter.pieces(WHERE), *adapter.extras(WHERE)) if isinstance(piece, OwnFile)]
    assert [piece.path for piece in files] == ["/u/.gemini/commands/telex.toml", "/u/.gemini/commands/msg.toml"]
    for piece in files:
        command = tomllib.loads(piece.content.decode())
        assert set(command) == {"description", "prompt"}
        assert command["prompt"].count("{{args}}") == 1
        assert "!{" not in command["prompt"] and "@{" not in command["prompt"]
