"""Gemini CLI: which of its hook events telex uses, with which line, and the commands /telex and /msg.

Rules kept here:
- a timeout is written in milliseconds, which is what this client counts in;
- every hook has the same name, so that the person can switch telex off and on by it (`hooksConfig.disabled`);
- Gemini CLI offers nothing that wakes an idle session, and nothing here pretends to.
"""

from __future__ import annotations

import os

from telex import limits
from telex.clients.edit.json_edit import COMMENTS
from telex.clients.hook_points import APPROVAL, END, IDLE, PROMPT, START, STOP, TOOL
from telex.clients.installer import policy
from telex.clients.launcher import gate, launchers
from telex.clients.types import (
    MSG_COMMAND,
    PROJECT,
    USER,
    Entry,
    HookFile,
    Moment,
    OwnFile,
    Piece,
    Policy,
    ServerFile,
    Where,
)
from telex.core import evidence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from telex.clients.types import Client

NAME = "telex"  # of the hooks, in the client's own list of them
_FILES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "files", "gemini")
_SEEN = "0.61.0"  # the oldest version that was looked at
_MOMENTS = (
    Moment(when=START, door="SessionStart", since=_SEEN, note="the name only; the mail comes with the prompt"),
    Moment(when=PROMPT, door="BeforeAgent", since=_SEEN, handing=evidence.PROMPT),
    Moment(when=TOOL, door="AfterTool", since=_SEEN, handing=evidence.TOOL),
    Moment(when=STOP, door="AfterAgent", since=_SEEN, note="the agent goes on, once", handing=evidence.STOP),
    Moment(when=IDLE, door="", since=_SEEN, note="nothing wakes it: the mail waits for the next prompt"),
    Moment(when=APPROVAL, door="Notification", since=_SEEN),
    Moment(when=END, door="SessionEnd", since=_SEEN),
)


class Gemini:
    """The adapter of Gemini CLI."""

    name = "gemini"
    title = "Gemini CLI"
    scopes: tuple[str, ...] = (USER, PROJECT)
    config_variable = "GEMINI_CLI_HOME"  # stands in for the home directory that `.gemini` lies in
    trace = ".gemini"
    moments: tuple[Moment, ...] = _MOMENTS

    def pieces(self, where: Where) -> list[Piece]:
        """The settings file with five events, and the /telex command."""
        return [
            _command(where, "telex"),
            HookFile(path=os.path.join(_root(where), "settings.json"), entries=_entries(where), form=COMMENTS),
        ]

    def extras(self, where: Where) -> list[Piece]:
        """The MCP server, in the settings file as well; the /msg command, in the words of an older system."""
        server = {"command": launchers.command_path(where.home), "args": ["mcp"]}
        path = os.path.join(_root(where), "settings.json")
        return [ServerFile(path=path, server=server, form=COMMENTS), _command(where, "msg")]

    def is_telex(self, handler: object) -> bool:
        """Ours are told by their command alone, so that an edited timeout does not make them foreign."""
        return isinstance(handler, dict) and gate.written_for(handler.get("command")) == self.name

    def obstacle(self, settings: dict[str, Any]) -> str:
        """Gemini CLI has a switch for all hooks, and a list of names that do not run."""
        config = settings.get("hooksConfig")
        if not isinstance(config, dict):
            return ""
        if config.get("enabled") is False:
            return "'hooksConfig.enabled' is false, so no hook runs"
        disabled = config.get("disabled")
        if isinstance(disabled, list) and NAME in disabled:
            return f"'hooksConfig.disabled' names {NAME}; '/hooks enable {NAME}' in Gemini CLI takes it out"
        return ""

    def policies(self, where: Where, system: str, directory: str) -> list[Policy]:
        """The settings of the machine count more than the person's; a project's are read besides theirs."""
        etc = policy.beneath(system, "etc", "gemini-cli")
        files = [os.path.join(etc, "settings.json"), os.path.join(directory, ".gemini", "settings.json")]
        if where.scope == PROJECT:
            files.append(os.path.join(where.user_home, ".gemini", "settings.json"))
        return [Policy(path=path, why=self.obstacle) for path in files]


def _root(where: Where) -> str:
    base = where.project_dir if where.scope == PROJECT else where.config_dir or where.user_home
    return os.path.join(base, ".gemini")


def _command(where: Where, name: str) -> OwnFile:
    with open(os.path.join(_FILES, f"{name}.toml"), "rb") as file:
        content = file.read()
    part = MSG_COMMAND if name == "msg" else "telex command"
    return OwnFile(path=os.path.join(_root(where), "commands", f"{name}.toml"), part=part, content=content)


def _entries(where: Where) -> list[Entry]:
    line = gate.Gate(
        home=where.home,
        user_home=where.user_home,
        client="gemini",
        session_variable="GEMINI_SESSION_ID",
    )
    return [
        _entry("SessionStart", line.always("SessionStart")),
        _entry("BeforeAgent", line.prompt("BeforeAgent")),
        _entry("AfterTool", line.on_bell("AfterTool"), matcher="*"),
        _entry("Notification", line.asks("Notification"), matcher="ToolPermission"),
        _entry("AfterAgent", line.stop("AfterAgent")),
        _entry("SessionEnd", line.always("SessionEnd")),
    ]


def _entry(event: str, command: str, *, matcher: str = "") -> Entry:
    timeout_ms = limits.HOOK_TIMEOUT_SECONDS * 1000
    handler: dict[str, Any] = {"type": "command", "name": NAME, "command": command, "timeout": timeout_ms}
    group = {"matcher": matcher} if matcher else {}
    return Entry(event=event, group={**group, "hooks": [handler]})


CLIENT: Client = Gemini()
