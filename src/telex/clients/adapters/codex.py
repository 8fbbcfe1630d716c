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
from telex.clients.hook_points import APPROVAL, END, IDLE, PROMPT, START, STOP, TOOL
from telex.clients.installer import policy
from telex.clients.launcher import gate, launchers
from telex.clients.types import PROJECT, USER, Entry, HookFile, Moment, Piece, Policy, ServerFile, Where
from telex.core import evidence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from telex.clients.types import Client
_SEEN = "0.169.0"  # the oldest version that was looked at
_MOMENTS = (
    Moment(when=START, door="SessionStart", since=_SEEN, note="the name only, with the first prompt"),
    Moment(when=PROMPT, door="UserPromptSubmit", since=_SEEN, handing=evidence.PROMPT),
    Moment(when=TOOL, door="PostToolUse", since=_SEEN, handing=evidence.TOOL),
    Moment(when=STOP, door="Stop", since=_SEEN, note="the turn goes on, once", handing=evidence.STOP),
    Moment(
        when=IDLE,
        door="codex queue",
        since=_SEEN,
        note="within 3 s in its daemon; up to 10 s without",
        handing=evidence.PROMPT,
    ),
    Moment(when=APPROVAL, door="PermissionRequest", since=_SEEN),
    Moment(when=END, door="Interrupt", since=_SEEN, note="the session counts as idle"),
    Moment(when=END, door="SessionEnd", since=_SEEN),
)


class Codex:
    """The adapter of Codex CLI."""

    name = "codex"
    title = "Codex CLI"
    scopes: tuple[str, ...] = (USER, PROJECT)
    config_variable = "CODEX_HOME"
    trace = ".codex"
    moments: tuple[Moment, ...] = _MOMENTS

    def pieces(self, where: Where) -> list[Piece]:
        """The hooks file with six events."""
        root = os.path.join(where.project_dir, ".codex") if where.scope == PROJECT else _user_root(where)
        trust = os.path.join(_user_root(where), "config.toml")
        return [HookFile(path=os.path.join(root, "hooks.json"), entries=_entries(where), trust=trust)]

    def extras(self, where: Where) -> list[Piece]:
        """The MCP server, which is the user's: it sends where the sandbox forbids the agent's shell to."""
        if where.scope == PROJECT:
            return []
        server = {"command": launchers.command_path(where.home), "args": ["mcp"]}
        return [ServerFile(path=os.path.join(_user_root(where), "config.toml"), server=server, member="mcp_servers")]

    def is_telex(self, handler: object) -> bool:
        """Ours are told by their command alone, so that an edited timeout does not make them foreign."""
        return isinstance(handler, dict) and gate.written_for(handler.get("command")) == self.name

    def obstacle(self, settings: dict[str, Any]) -> str:
        """What can be in the way stands in another file, config.toml."""
        return ""

    def policies(self, where: Where, system: str, directory: str) -> list[Policy]:
        """Hooks are a feature that can be off; an administrator can also allow only hooks of their own."""
        etc = policy.beneath(system, "etc", "codex")
        return [
            Policy(path=os.path.join(etc, "requirements.toml"), why=_required),
            Policy(path=os.path.join(etc, "managed_config.toml"), why=_feature_off),
            Policy(path=os.path.join(directory, ".codex", "config.toml"), why=_feature_off_here),
            Policy(path=os.path.join(_user_root(where), "config.toml"), why=_feature_off),
        ]


def _user_root(where: Where) -> str:
    return where.config_dir or os.path.join(where.user_home, ".codex")


def _feature_off(settings: dict[str, Any]) -> str:
    return policy.said(settings, "features.hooks", False, "no hook runs")


def _feature_off_here(settings: dict[str, Any]) -> str:
    return policy.said(settings, "features.hooks", False, "no hook runs here once Codex trusts this project")


def _required(settings: dict[str, Any]) -> str:
    only = policy.said(settings, "allow_managed_hooks_only", True, "only your administrator's hooks run")
    return only or _feature_off(settings)


def _entries(where: Where) -> list[Entry]:
    line = gate.Gate(
        home=where.home,
        user_home=where.user_home,
        client="codex",
        session_variable="",
        subagent_key="agent_id",
        session_key="session_id",
    )
    return [
        _entry("SessionStart", line.always("SessionStart")),
        _entry("UserPromptSubmit", line.prompt("UserPromptSubmit", called=True)),
        _entry("PostToolUse", line.on_bell("PostToolUse")),
        _entry("PermissionRequest", line.asks("PermissionRequest")),
        _entry("Stop", line.stop("Stop")),
        _entry("Interrupt", line.stop("Interrupt"), limits.CODEX_LAST_SECONDS),
        _entry("SessionEnd", line.always("SessionEnd"), limits.CODEX_LAST_SECONDS),
    ]


def _entry(event: str, command: str, seconds: int = limits.HOOK_TIMEOUT_SECONDS) -> Entry:
    return Entry(event=event, group={"hooks": [{"type": "command", "command": command, "timeout": seconds}]})


CLIENT: Client = Codex()
