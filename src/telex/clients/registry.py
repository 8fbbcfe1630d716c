"""The clients telex knows, and what an adapter has to say about its own.

Rules kept here:
- an adapter only describes: which files, which entries, which lines. `install` alone reads and writes;
- a piece is a `HookFile` or a `ServerFile`, shared with its owner, or an `OwnFile`, which is telex's;
- an extra is a piece that is put in only where it was asked for, and is brought up to date with the others then;
- one adapter is one module with a `CLIENT`; adding one is that file and a line in `_MODULES`. Every adapter
  passes tests/contract/test_clients.py.
"""

from __future__ import annotations

from telex.clients.edit.json_edit import STRICT
from telex.core.record import Record
from telex.errors import ClientUnknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Protocol

    from telex.clients.hook_points import Moment
    from telex.clients.installer.policy import Policy
else:
    Protocol = object

_MODULES = {
    "claude": "telex.clients.adapters.claude",
    "codex": "telex.clients.adapters.codex",
    "gemini": "telex.clients.adapters.gemini",
    "opencode": "telex.clients.adapters.opencode",
    "copilot": "telex.clients.adapters.copilot",
}

USER, PROJECT = "user", "project"
LOCAL = "local"  # one person's in a project: the file is not shared
HOOKS, SKILL, PLUGIN = "hooks", "skill", "plugin"  # the parts that every installation has
# the parts that are extras
SERVER, LINE, COOP, MSG, MSG_COMMAND = "mcp server", "status line", "coop command", "msg skill", "msg command"
DENIED = "denied tools"


class Where(Record):
    """For whom to install: one scope of one client, and the telex that its lines start; absolute paths."""

    scope: str
    user_home: str
    project_dir: str  # empty for the user's scope
    config_dir: str = ""  # the client's own directory where its environment names one; only for the user's scope
    home: str
    hook: str  # the script in the home that the lines start


class Entry(Record):
    """One group of a hook event, with the single handler that is telex's."""

    event: str
    group: dict[str, Any]


class HookFile(Record):
    """A JSON settings file that has telex's entries among those of its owner, under `hooks`."""

    path: str
    entries: list[Entry]
    part: str = HOOKS
    form: str = STRICT  # of JSON, that its client reads
    trust: str = ""  # where the client notes which hooks, by their place, it may run; empty if it asks nobody


class ServerFile(Record):
    """A JSON or TOML file in which a client lists its MCP servers, with telex's entry among those of its owner.

    It may be the very file that a `HookFile` names.
    """

    path: str
    server: dict[str, Any]  # the entry, under the name `telex`
    member: str = "mcpServers"  # of the file, that lists the servers
    part: str = SERVER
    mode: int | None = None  # of a file that telex makes
    form: str = STRICT  # of JSON, that its client reads
    instead: tuple[str, ...] = ()  # other files that the client reads the same from: the one that is there is taken


class PluginFile(Record):
    """A client's settings file that names a marketplace of telex's and enables the plugin in it."""

    path: str
    directory: str  # the marketplace
    part: str = "plugin"


class LineFile(Record):
    """A client's settings file whose status line has telex's segment after what its owner shows there."""

    path: str
    line: str  # of shell
    where: Where
    part: str = LINE


class DenyFile(Record):
    """A client's settings file that denies the client's own tools for messages, besides what its owner denies."""

    path: str
    tools: tuple[str, ...]
    part: str = DENIED


class OwnFile(Record):
    """A file that is telex's from the first byte to the last, until its owner edits it."""

    path: str
    part: str  # what to call it: skill, plugin, …
    content: bytes
    mode: int | None = None  # of the file; the usual one without it
    starts_hook: bool = False  # what is in it starts the hook, which therefore has to stay


Piece = DenyFile | HookFile | LineFile | OwnFile | PluginFile | ServerFile


class Client(Protocol):
    """What every adapter answers."""

    name: str  # the word in commands and in the lines
    title: str  # the name its maker gives it
    scopes: tuple[str, ...]
    config_variable: str  # the environment variable that moves its user directory; empty if it has none

    trace: str  # the directory that it makes in its user's home
    moments: tuple[Moment, ...]  # what it offers

    def pieces(self, where: Where) -> list[Piece]:
        """What belongs where. Pure: reads nothing but files of this package."""

    def extras(self, where: Where) -> list[Piece]:
        """What may be asked for besides, each a part of its own. Pure as well."""

    def is_telex(self, handler: object) -> bool:
        """Whether a handler found in a settings file was written by any telex, of any version or home."""

    def obstacle(self, settings: dict[str, Any]) -> str:
        """Why the client would not run the entries although they are there; empty if it would."""

    def policies(self, where: Where, system: str, directory: str) -> list[Policy]:
        """Other files that may say so, by rank: an administrator's are under the directory `system`; `directory` is
        where a session would work."""


def names() -> list[str]:
    """All clients telex knows."""
    return list(_MODULES)


def present(user_home: str, environment: Mapping[str, str]) -> list[str]:
    """The clients that are on this machine: on the path, or known by what they left in the home directory; where none
    is, the one that telex knows best."""
    import os
    from shutil import which

    found = []
    for name in _MODULES:
        one = client(name)
        if which(name, path=environment.get("PATH")) or os.path.isdir(os.path.join(user_home, one.trace)):
            found.append(name)
    return found or [next(iter(_MODULES))]


def client(name: str) -> Client:
    """The adapter of that client. Raises ClientUnknown."""
    from importlib import import_module

    if name not in _MODULES:
        raise ClientUnknown(name=name, known=", ".join(_MODULES))
    adapter: Client = import_module(_MODULES[name]).CLIENT
    return adapter
