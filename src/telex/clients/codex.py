"""Codex CLI: which of its hook events telex uses, with which line.

Rules kept here:
- Codex runs a hook only after its person has reviewed and trusted it there; telex never writes that trust itself;
- its hooks have no session id in their environment, and all sessions may run in one process, Codex's own daemon: so
  the lines take the id from the head of the payload, and leave at once where it names a subagent;
- two of its events have at most three seconds, and Codex warns of a longer timeout.
"""

from __future__ import annotations

import os

from telex import limits
from telex.clients import gate
from telex.clients.registry import PROJECT, USER, Entry, HookFile, Piece, Where

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from telex.clients.registry import Client


class Codex:
    """The adapter of Codex CLI."""

    name = "codex"
    title = "Codex CLI"
    scopes: tuple[str, ...] = (USER, PROJECT)
    config_variable = "CODEX_HOME"
    trace = ".codex"
    advice = "Codex runs no hook that you have not trusted: start codex, type /hooks, look at telex's, trust them"

    def pieces(self, where: Where) -> list[Piece]:
        """The hooks file with six events."""
        base = where.project_dir if where.scope == PROJECT else where.user_home
        root = (where.scope == USER and where.config_dir) or os.path.join(base, ".codex")
        return [HookFile(path=os.path.join(root, "hooks.json"), entries=_entries(where))]

    def extras(self, where: Where) -> list[Piece]:
        """None: its MCP servers stand in a TOML file, which `codex mcp add` edits."""
        return []

    def is_telex(self, handler: object) -> bool:
        """Ours are told by their command alone, so that an edited timeout does not make them foreign."""
        return isinstance(handler, dict) and gate.written_for(handler.get("command")) == self.name

    def obstacle(self, settings: dict[str, Any]) -> str:
        """What can be in the way stands in another file, config.toml."""
        return ""


def _entries(where: Where) -> list[Entry]:
    line = gate.Gate(
        home=where.home,
        python=where.python,
        hook=where.hook,
        client="codex",
        session_variable="",
        subagent_key="agent_id",
        session_key="session_id",
    )
    return [
        _entry("SessionStart", line.always("SessionStart")),
        _entry("UserPromptSubmit", line.prompt("UserPromptSubmit", called=True)),
        _entry("PostToolUse", line.on_bell("PostToolUse")),
        _entry("Stop", line.stop("Stop")),
        _entry("Interrupt", line.stop("Interrupt"), limits.CODEX_LAST_SECONDS),
        _entry("SessionEnd", line.always("SessionEnd"), limits.CODEX_LAST_SECONDS),
    ]


def _entry(event: str, command: str, seconds: int = limits.HOOK_TIMEOUT_SECONDS) -> Entry:
    return Entry(event=event, group={"hooks": [{"type": "command", "command": command, "timeout": seconds}]})


CLIENT: Client = Codex()
