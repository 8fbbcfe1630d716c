"""Claude Code: which of its hook events telex uses, with which line, its skills and commands, its MCP servers.

Rules kept here:
- the texts that Claude Code shows around a wake-up state facts and give no orders, because its defence
  against injections refuses those;
- a timeout is always written, since the client's own defaults differ by event (1.5 s to 600 s).
"""

from __future__ import annotations

import os

from telex import limits
from telex.clients.hook_points import APPROVAL, END, IDLE, PROMPT, START, STOP, TOOL
from telex.clients.installer import policy
from telex.clients.launcher import gate, launchers
from telex.clients.types import (
    COOP,
    LOCAL,
    MSG,
    PROJECT,
    SKILL,
    USER,
    DenyFile,
    Entry,
    HookFile,
    LineFile,
    Moment,
    OwnFile,
    Policy,
    ServerFile,
    Where,
)
from telex.core import evidence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from telex.clients.types import Client, Piece

_FILES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "files", "claude")
BUILT_IN = ("ListAgents", "SendMessage")  # the model's own tools for other sessions
MONITOR = "mail"  # what the client calls the plugin's monitor
_WAKE = {
    "asyncRewake": True,
    # Both are the same for every message, so neither says whose it is: the text behind them does.
    "rewakeMessage": "Mail for this session, carried by telex and not typed here:",
    "rewakeSummary": "telex: mail for this session",
}
_SEEN = "2.1.330"  # the oldest version that was looked at
_MOMENTS = (
    Moment(when=START, door="SessionStart", since=_SEEN, note="the name only; mail that waited wakes it"),
    Moment(when=PROMPT, door="UserPromptSubmit", since=_SEEN, handing=evidence.PROMPT),
    Moment(when=TOOL, door="PostToolBatch", since=_SEEN, handing=evidence.TOOL),
    Moment(when=STOP, door="Stop", since=_SEEN, note="the turn goes on, once", handing=evidence.STOP),
    Moment(
        when=IDLE,
        door="FileChanged on the bell",
        since=_SEEN,
        note="within 2 s, where a person attends",
        handing=evidence.WOKEN,
    ),
    Moment(
        when=IDLE,
        door="the plugin's monitor",
        since=_SEEN,
        note="within 1 s, installed as a plugin",
        handing=evidence.PROMPT,
    ),
    Moment(when=IDLE, door="the session's inbox socket", since=_SEEN, note="off by default", handing=evidence.PROMPT),
    Moment(when=APPROVAL, door="PermissionRequest", since=_SEEN),
    Moment(when=END, door="StopFailure", since="2.1.332", note="the turn only: a request of it failed"),
    Moment(when=END, door="SessionEnd", since=_SEEN),
)


class Claude:
    """The adapter of Claude Code."""

    name = "claude"
    title = "Claude Code"
    scopes: tuple[str, ...] = (USER, PROJECT, LOCAL)
    config_variable = "CLAUDE_CONFIG_DIR"
    trace = ".claude"
    moments: tuple[Moment, ...] = _MOMENTS

    def pieces(self, where: Where) -> list[Piece]:
        """The settings file with the entries of its events, and the skill. In the local scope only the settings: a
        skill is a file that others who have the project would get."""
        root = _root(where)
        if where.scope == LOCAL:
            return [HookFile(path=os.path.join(root, "settings.local.json"), entries=_entries(where))]
        return [
            _own(root, ("skills", "telex", "SKILL.md"), SKILL, "SKILL.md"),
            HookFile(path=os.path.join(root, "settings.json"), entries=_entries(where)),
        ]

    def extras(self, where: Where) -> list[Piece]:
        """The MCP server; for the user also the status line, the denial of the built-in tools, the /coop command and
        the /msg skill. (A project's status line would hide its user's own.)"""
        if where.scope == LOCAL:
            return []
        server = {"type": "stdio", "command": launchers.command_path(where.home), "args": ["mcp"]}
        if where.scope == PROJECT:
            return [ServerFile(path=os.path.join(where.project_dir, ".mcp.json"), server=server)]
        path = os.path.join(where.config_dir or where.user_home, ".claude.json")
        root = _root(where)
        return [
            ServerFile(path=path, server=server, mode=0o600),  # the client keeps secrets in it
            LineFile(path=os.path.join(root, "settings.json"), line=_gate(where).line("StatusLine"), where=where),
            DenyFile(path=os.path.join(root, "settings.json"), tools=BUILT_IN),
            _own(root, ("commands", "coop.md"), COOP, "coop", "SKILL.md"),
            _own(root, ("skills", "msg", "SKILL.md"), MSG, "msg", "SKILL.md"),
        ]

    def is_telex(self, handler: object) -> bool:
        """Ours are told by their command alone, so that an edited timeout does not make them foreign."""
        return isinstance(handler, dict) and gate.written_for(handler.get("command")) == self.name

    def obstacle(self, settings: dict[str, Any]) -> str:
        """Claude Code has one switch for all hooks."""
        return "'disableAllHooks' is set, so no hook runs" if settings.get("disableAllHooks") is True else ""

    def policies(self, where: Where, system: str, directory: str) -> list[Policy]:
        """An administrator can switch hooks off, or allow only those of the managed settings. Then the first file that
        has the switch counts: the project's local one, the project's shared one, the user's."""
        found = policy.beneath(system, "etc", "claude-code")
        files = [os.path.join(found, "managed-settings.json"), os.path.join(found, "managed-settings.d", "*.json")]
        managed = [Policy(path=path, why=self._managed) for path in files]
        project = os.path.join(directory, ".claude")
        ranked = [os.path.join(project, "settings.local.json"), os.path.join(project, "settings.json")]
        ranked.append(os.path.join(where.config_dir or os.path.join(where.user_home, ".claude"), "settings.json"))
        return [*managed, *(Policy(path=path, why=self.obstacle, settles=_has_switch) for path in ranked)]

    def _managed(self, settings: dict[str, Any]) -> str:
        only = policy.said(settings, "allowManagedHooksOnly", True, "only your administrator's hooks run")
        return self.obstacle(settings) or only


def _has_switch(settings: dict[str, Any]) -> bool:
    return isinstance(settings.get("disableAllHooks"), bool)


def _root(where: Where) -> str:
    base = where.user_home if where.scope == USER else where.project_dir
    return (where.scope == USER and where.config_dir) or os.path.join(base, ".claude")


def _own(root: str, place: tuple[str, ...], part: str, *source: str) -> OwnFile:
    with open(os.path.join(_FILES, *source), "rb") as file:
        return OwnFile(path=os.path.join(root, *place), part=part, content=file.read())


def monitor(where: Where) -> str:
    """The command of the plugin's monitor."""
    return _gate(where).monitor("Monitor", "CLAUDE_PID")


def _gate(where: Where) -> gate.Gate:
    return gate.Gate(
        home=where.home,
        user_home=where.user_home,
        client="claude",
        session_variable="CLAUDE_CODE_SESSION_ID",
    )


def _entries(where: Where) -> list[Entry]:
    line = _gate(where)
    attended = "CLAUDE_CODE_SESSION_ATTENDED"
    return [
        _entry("SessionStart", line.start("SessionStart", attended)),
        _entry("UserPromptSubmit", line.prompt("UserPromptSubmit", called=True)),
        _entry("PostToolBatch", line.on_bell("PostToolBatch")),
        _entry("PostToolUse", line.always(f"PostToolUse{BUILT_IN[1]}"), matcher=BUILT_IN[1]),
        _entry("PermissionRequest", line.asks("PermissionRequest", attended)),
        _entry("Stop", line.stop("Stop")),
        _entry("StopFailure", line.stop("StopFailure")),
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
