"""Claude Code: which of its hook events telex uses, with which line, its skills and commands, its MCP servers.

Rules kept here:
- the texts that Claude Code shows around a wake-up state facts and give no orders, because its defence
  against injections refuses those;
- a timeout is always written, since the client's own defaults differ by event (1.5 s to 600 s).
"""

from __future__ import annotations

import os

from telex import limits
from telex.clients import gate, launchers
from telex.clients.registry import COOP, MSG, PROJECT, SKILL, USER, Entry, HookFile, OwnFile, ServerFile, Where

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from telex.clients.registry import Client, Piece

_FILES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "files", "claude")
_WAKE = {
    "asyncRewake": True,
    "rewakeMessage": "Messages from other sessions, carried by telex; the user did not type this:",
    "rewakeSummary": "telex: messages from other sessions",
}


class Claude:
    """The adapter of Claude Code."""

    name = "claude"
    title = "Claude Code"
    scopes: tuple[str, ...] = (USER, PROJECT)
    config_variable = "CLAUDE_CONFIG_DIR"
    trace = ".claude"

    def pieces(self, where: Where) -> list[Piece]:
        """The settings file with seven events, and the skill."""
        root = _root(where)
        return [
            _own(root, ("skills", "telex", "SKILL.md"), SKILL, "SKILL.md"),
            HookFile(path=os.path.join(root, "settings.json"), entries=_entries(where)),
        ]

    def extras(self, where: Where) -> list[Piece]:
        """The MCP server; for the user also the /coop command and the /msg skill."""
        server = {"type": "stdio", "command": launchers.command_path(where.home), "args": ["mcp"]}
        if where.scope == PROJECT:
            return [ServerFile(path=os.path.join(where.project_dir, ".mcp.json"), server=server)]
        path = os.path.join(where.config_dir or where.user_home, ".claude.json")
        root = _root(where)
        return [
            ServerFile(path=path, server=server, mode=0o600),  # the client keeps secrets in it
            _own(root, ("commands", "coop.md"), COOP, "coop", "SKILL.md"),
            _own(root, ("skills", "msg", "SKILL.md"), MSG, "msg", "SKILL.md"),
        ]

    def is_telex(self, handler: object) -> bool:
        """Ours are told by their command alone, so that an edited timeout does not make them foreign."""
        return isinstance(handler, dict) and gate.written_for(handler.get("command")) == self.name

    def obstacle(self, settings: dict[str, Any]) -> str:
        """Claude Code has one switch for all hooks."""
        return "'disableAllHooks' is set, so no hook runs" if settings.get("disableAllHooks") is True else ""


def _root(where: Where) -> str:
    base = where.project_dir if where.scope == PROJECT else where.user_home
    return (where.scope == USER and where.config_dir) or os.path.join(base, ".claude")


def _own(root: str, place: tuple[str, ...], part: str, *source: str) -> OwnFile:
    with open(os.path.join(_FILES, *source), "rb") as file:
        return OwnFile(path=os.path.join(root, *place), part=part, content=file.read())


def _entries(where: Where) -> list[Entry]:
    line = gate.Gate(
        home=where.home,
        python=where.python,
        hook=where.hook,
        client="claude",
        session_variable="CLAUDE_CODE_SESSION_ID",
    )
    attended = "CLAUDE_CODE_SESSION_ATTENDED"
    return [
        _entry("SessionStart", line.start("SessionStart", attended)),
        _entry("UserPromptSubmit", line.prompt("UserPromptSubmit")),
        _entry("PostToolUse", line.on_bell("PostToolUse"), matcher="*"),
        _entry("Stop", line.stop("Stop")),
        _entry("SessionEnd", line.always("SessionEnd")),
        _entry("CwdChanged", line.watch("CwdChanged")),
        _entry("FileChanged", line.wake("FileChanged", attended), wakes=True),
    ]


def _entry(event: str, command: str, *, matcher: str = "", wakes: bool = False) -> Entry:
    seconds = limits.WAKE_TIMEOUT_SECONDS if wakes else limits.HOOK_TIMEOUT_SECONDS
    handler: dict[str, Any] = {"type": "command", "command": command, "timeout": seconds}
    handler |= _WAKE if wakes else {}
    group = {"matcher": matcher} if matcher else {}
    return Entry(event=event, group={**group, "hooks": [handler]})


CLIENT: Client = Claude()
