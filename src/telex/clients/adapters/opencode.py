"""OpenCode: telex's plugin, and the command /telex.

Rules kept here:
- the plugin is one file, written whole; what it must know of this machine is put into it as JavaScript strings;
- its settings file is not touched but for the MCP server: OpenCode loads every file of its plugin directories.
"""

from __future__ import annotations

import json
import os
import re

from telex import limits
from telex.clients.edit.json_edit import JSONC
from telex.clients.hook_points import APPROVAL, END, IDLE, PROMPT, START, STOP, TOOL
from telex.clients.launcher import launchers
from telex.clients.types import PROJECT, USER, Moment, OwnFile, Piece, Policy, ServerFile, Where
from telex.core import evidence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from telex.clients.types import Client

_FILES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "files", "opencode")
_SEEN = "1.18.33"  # the oldest version that was looked at
_MOMENTS = (
    Moment(when=START, door="chat.message", since=_SEEN, note="with a session's first prompt", handing=evidence.START),
    Moment(when=PROMPT, door="chat.message", since=_SEEN, handing=evidence.PROMPT),
    Moment(when=TOOL, door="tool.execute.after", since=_SEEN, handing=evidence.TOOL),
    Moment(
        when=STOP,
        door="experimental.text.complete",
        since=_SEEN,
        note="the turn goes on",
        handing=evidence.ANSWER,
    ),
    Moment(when=STOP, door="session.idle", since=_SEEN, note="a turn begins, once", handing=evidence.STOP),
    Moment(when=IDLE, door="session.promptAsync", since=_SEEN, note="within 1 s", handing=evidence.WOKEN),
    Moment(when=APPROVAL, door="permission.asked, permission.replied", since=_SEEN),
    Moment(when=END, door="dispose", since=_SEEN),
)


class OpenCode:
    """The adapter of OpenCode."""

    name = "opencode"
    title = "OpenCode"
    scopes: tuple[str, ...] = (USER, PROJECT)
    config_variable = "XDG_CONFIG_HOME"  # stands in for `~/.config`
    trace = ".config/opencode"
    moments: tuple[Moment, ...] = _MOMENTS

    def pieces(self, where: Where) -> list[Piece]:
        """The plugin and the command."""
        root = _root(where)
        return [
            OwnFile(
                path=os.path.join(root, "plugin", "telex.js"), part="plugin", content=_plugin(where), starts_hook=True
            ),
            OwnFile(path=os.path.join(root, "command", "telex.md"), part="command", content=_file("SKILL.md")),
        ]

    def extras(self, where: Where) -> list[Piece]:
        """The MCP server, in the file beside the plugins."""
        command = [launchers.command_path(where.home), "mcp"]
        server = {"type": "local", "command": command, "enabled": True}
        path, beside = (os.path.join(_root(where), f"opencode.{end}") for end in ("json", "jsonc"))
        return [ServerFile(path=path, instead=(beside,), server=server, member="mcp", form=JSONC)]

    def is_telex(self, handler: object) -> bool:
        """OpenCode's settings hold no handlers."""
        return False

    def obstacle(self, settings: dict[str, Any]) -> str:
        """None that stands in settings; `opencode --pure` runs without plugins."""
        return ""

    def policies(self, where: Where, system: str, directory: str) -> list[Policy]:
        """None: no setting keeps a plugin of its directories from being loaded."""
        return []


def _root(where: Where) -> str:
    if where.scope == PROJECT:
        return os.path.join(where.project_dir, ".opencode")
    return os.path.join(where.config_dir or os.path.join(where.user_home, ".config"), "opencode")


def _plugin(where: Where) -> bytes:
    values = {
        "PATIENCE_MS": limits.HOOK_TIMEOUT_SECONDS * 1000,
        "STORED_MS": limits.STORED_SECONDS * 1000,
        "BURST_MS": limits.BURST_MS,
    }
    root = where.user_home.rstrip("/") + "/"
    below = where.home.startswith(root)  # then the same bytes do on every machine
    home = json.dumps(where.home.removeprefix(root[:-1]) if below else where.home)  # JSON's strings are JavaScript's
    words = {name: json.dumps(value) for name, value in values.items()}
    words["HOME"] = f"process.env.HOME + {home}" if below else home
    return re.sub(r"__([A-Z_]+)__", lambda found: words[found[1]], _file("telex.js").decode()).encode()


def _file(name: str) -> bytes:
    with open(os.path.join(_FILES, name), "rb") as file:
        return file.read()


CLIENT: Client = OpenCode()
