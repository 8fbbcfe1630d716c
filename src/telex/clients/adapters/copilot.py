"""GitHub Copilot CLI: which of its hook events telex uses, with which line.

Rules kept here:
- the client reads every file of its hooks directory, so telex has one of its own and shares none;
- events are written in camelCase: only in this form does what a hook says reach the model;
- what a subagent does comes by the same events, so their lines look at the payload before they note anything;
- the client offers nothing that wakes an idle session, and nothing here pretends to.
"""

from __future__ import annotations

import json
import os

from telex import limits
from telex.clients.hook_points import APPROVAL, END, IDLE, PROMPT, START, STOP, TOOL
from telex.clients.launcher import gate, launchers
from telex.clients.types import PROJECT, USER, Moment, OwnFile, Piece, Policy, ServerFile, Where
from telex.core import evidence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from telex.clients.types import Client

_FORMAT_VERSION = 1  # of the client's hook files
_SEEN = "1.0.102"  # the oldest version that was looked at
_MOMENTS = (
    Moment(
        when=START,
        door="sessionStart",
        since=_SEEN,
        note="with the first prompt, not before",
        handing=evidence.START,
    ),
    Moment(when=PROMPT, door="userPromptSubmitted", since=_SEEN, handing=evidence.PROMPT),
    Moment(when=TOOL, door="postToolUse", since=_SEEN, handing=evidence.TOOL),
    Moment(when=STOP, door="agentStop", since=_SEEN, note="the agent goes on, once", handing=evidence.STOP),
    Moment(when=IDLE, door="", since=_SEEN, note="nothing wakes it: the mail waits for the next prompt"),
    Moment(when=APPROVAL, door="permissionRequest", since=_SEEN),
    Moment(when=END, door="sessionEnd", since=_SEEN),
)


class Copilot:
    """The adapter of GitHub Copilot CLI."""

    name = "copilot"
    title = "GitHub Copilot CLI"
    scopes: tuple[str, ...] = (USER, PROJECT)
    config_variable = "COPILOT_HOME"
    trace = ".copilot"
    moments: tuple[Moment, ...] = _MOMENTS

    def pieces(self, where: Where) -> list[Piece]:
        """One hook file with five events."""
        root = os.path.join(where.project_dir, ".github") if where.scope == PROJECT else _user_root(where)
        text = json.dumps({"version": _FORMAT_VERSION, "hooks": _hooks(where)}, indent=2, ensure_ascii=False)
        path = os.path.join(root, "hooks", "telex.json")
        return [OwnFile(path=path, part="hooks", content=f"{text}\n".encode())]

    def extras(self, where: Where) -> list[Piece]:
        """The MCP server, which is the user's: the client lists a project's elsewhere."""
        if where.scope == PROJECT:
            return []
        command = launchers.command_path(where.home)
        server = {"type": "local", "command": command, "args": ["mcp"], "tools": ["*"]}
        return [ServerFile(path=os.path.join(_user_root(where), "mcp-config.json"), server=server)]

    def is_telex(self, handler: object) -> bool:
        """Ours are told by their command alone."""
        return isinstance(handler, dict) and gate.written_for(handler.get("bash")) == self.name

    def obstacle(self, settings: dict[str, Any]) -> str:
        """Its hook file is telex's own; what can be in the way stands in others."""
        return ""

    def policies(self, where: Where, system: str, directory: str) -> list[Policy]:
        """None: its `disableAllHooks` was seen not to keep these hooks from running."""
        return []


def _user_root(where: Where) -> str:
    return where.config_dir or os.path.join(where.user_home, ".copilot")


def _hooks(where: Where) -> dict[str, list[dict[str, Any]]]:
    line = gate.Gate(
        home=where.home,
        user_home=where.user_home,
        client="copilot",
        session_variable="",
        subagent_key="agentId",
    )
    lines = {
        "sessionStart": line.always("sessionStart"),
        "userPromptSubmitted": line.prompt("userPromptSubmitted"),
        "postToolUse": line.on_bell("postToolUse"),
        "permissionRequest": line.asks("permissionRequest"),
        "agentStop": line.stop("agentStop", subagents=True),
        "sessionEnd": line.always("sessionEnd"),
    }
    return {event: [_handler(command)] for event, command in lines.items()}


def _handler(command: str) -> dict[str, Any]:
    return {"type": "command", "bash": command, "timeoutSec": limits.HOOK_TIMEOUT_SECONDS}


CLIENT: Client = Copilot()
