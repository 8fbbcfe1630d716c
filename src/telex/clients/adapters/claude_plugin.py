"""telex as a plugin of Claude Code: hooks, skill, a monitor, which wakes an idle session quickest, and the MCP server.

Rules kept here:
- it is put together from what the adapter writes into settings (`claude.CLIENT`): the same lines, the same skill, the
  same server. Only the monitor is the plugin's own;
- the server is in it where it is asked for, as in settings: with it the model is told of telex in a session that is
  alone, and pays some 100 tokens for that;
- it lies in telex's home, as a marketplace with one plugin. Claude Code reads it there at each start, so that what
  `telex install` writes anew holds for the next session, and what is removed is gone;
- settings and plugin are never both in one place: Claude Code would run every line twice (seen with 2.1.330: equal
  lines run once among settings, not across a plugin).
"""

from __future__ import annotations

import json
import os

from telex import __version__
from telex.clients.adapters.claude import CLIENT as SETTINGS
from telex.clients.adapters.claude import MONITOR, monitor
from telex.clients.edit.marketplace import NAME
from telex.clients.types import HOOKS, PLUGIN, SERVER, USER, HookFile, OwnFile, PluginFile, ServerFile, Where

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from telex.clients.types import Client, Piece, Policy

_SUMMARY = "Messages between coding-agent sessions"
_HOOKS = "telex/hooks/hooks.json"
_OWNER = {"name": "telex"}
_README = f"""\
# telex

{_SUMMARY}: the hooks, the skill, the monitor and (where it was asked
for) the MCP server by which Claude Code sessions write to each other and to sessions of other
agents on this machine, and are shown what came.

`telex install claude --as-plugin` wrote it; any later `telex install` writes it anew, and
`telex uninstall claude` takes it out. Only the server names a path of this machine.
"""


class Plugin:
    """The plugin, as something to install."""

    name = "claude-plugin"
    title = "Claude Code's plugin"
    scopes: tuple[str, ...] = (USER,)
    config_variable = SETTINGS.config_variable
    trace = SETTINGS.trace
    moments = SETTINGS.moments

    def pieces(self, where: Where) -> list[Piece]:
        """The marketplace, and the two entries that name it."""
        files = {path: _json(value) for path, value in _documents(where).items()}
        files["telex/README.md"] = _README.encode()
        files |= {f"telex/{place}": content for place, content in _skills(where).items()}
        root = directory(where.home)
        own = [_own(root, path, HOOKS if path == _HOOKS else PLUGIN, content) for path, content in files.items()]
        return [*own, PluginFile(path=_settings(where).path, directory=root)]

    def extras(self, where: Where) -> list[Piece]:
        """The MCP server."""
        pieces = SETTINGS.extras(where)
        server = next(one.server for one in pieces if isinstance(one, ServerFile) and one.part == SERVER)
        return [_own(directory(where.home), "telex/.mcp.json", SERVER, _json({"mcpServers": {NAME: server}}))]

    def is_telex(self, handler: object) -> bool:
        """The same lines."""
        return SETTINGS.is_telex(handler)

    def policies(self, where: Where, system: str, directory: str) -> list[Policy]:
        """The same."""
        return SETTINGS.policies(where, system, directory)

    def obstacle(self, settings: dict[str, Any]) -> str:
        """The same switch."""
        return SETTINGS.obstacle(settings)


def directory(home: str) -> str:
    """Where the marketplace lies."""
    return os.path.join(home, "plugin")


def _own(root: str, path: str, part: str, content: bytes) -> OwnFile:
    return OwnFile(path=os.path.join(root, path), part=part, content=content, mode=0o600, starts_hook=path == _HOOKS)


def _settings(where: Where) -> HookFile:
    return next(piece for piece in SETTINGS.pieces(where) if isinstance(piece, HookFile))


def _documents(where: Where) -> dict[str, Any]:
    """What the marketplace holds as JSON, by its place in it."""
    entries = _settings(where).entries
    plugin = {"name": NAME, "version": __version__, "description": _SUMMARY, "author": _OWNER, "license": "MIT"}
    listed = {"name": NAME, "source": "./telex", "description": _SUMMARY}
    return {
        ".claude-plugin/marketplace.json": {
            "name": NAME,
            "owner": _OWNER,
            "metadata": {"description": "telex of this machine"},
            "plugins": [listed],
        },
        "telex/.claude-plugin/plugin.json": plugin,
        _HOOKS: {"hooks": {entry.event: [entry.group] for entry in entries}},
        "telex/monitors/monitors.json": [{"name": MONITOR, "command": monitor(where), "description": _SUMMARY}],
    }


def _skills(where: Where) -> dict[str, bytes]:
    """Each skill of the settings install, by its place in the plugin."""
    found = [piece for piece in SETTINGS.pieces(where) if isinstance(piece, OwnFile)]
    return {os.path.join("skills", *piece.path.split(os.sep)[-2:]): piece.content for piece in found}


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()


CLIENT: Client = Plugin()
