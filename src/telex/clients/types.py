"""What an adapter says of its client, as plain types: files and what telex has in them, hook points, policies.

Rules kept here: types only, so that adapters, edits and the installer meet here and do not import each other.
"""

from __future__ import annotations

from telex.clients.edit.json_edit import STRICT
from telex.core.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol
else:
    Protocol = object

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


class Moment(Record):
    """One row of a client's table."""

    when: str  # the moment
    door: str  # what the client calls it: a hook, an event, a command; empty where it has none
    since: str  # the oldest version with which it was seen
    note: str = ""
    handing: str = ""  # the hook point in core/evidence.py, whose rule says what proves that a model was given it


class Policy(Record):
    """A file, or all that match a pattern, and what in it stands in the way: words, or empty."""

    path: str
    why: Callable[[dict[str, Any]], str]
    settles: Callable[[dict[str, Any]], bool] | None = None  # whether the files behind it do not count then


class Kept(Record):
    """One file as install left it."""

    path: str
    after: str  # the hash of the bytes that install left
    before: str | None  # the text that was there, whole; None if there was no file
    made: list[str]  # the JSON containers, and the denied tools, that telex added
    commands: list[str]  # the lines that telex put in
    entry: str = ""  # the MCP server that telex put in, as JSON
    member: str = "mcpServers"  # of the file, under which the server stands
    line: str = ""  # of the status line, that telex put in
    plugin: str = ""  # the marketplace that telex put in, as JSON
    starts_hook: bool = False  # a file of telex's own that does
    inverse: bool = False  # to take telex out gives the bytes from before, so that they need not be kept

    def holds(self, piece: Piece) -> bool:
        """Whether that part of telex is in the file: it may hold several."""
        if isinstance(piece, HookFile):
            return bool(self.commands)
        if isinstance(piece, LineFile):
            return bool(self.line)
        if isinstance(piece, DenyFile):
            return any(denied_entry(tool) in self.made for tool in piece.tools)
        return bool(self.entry) if isinstance(piece, ServerFile) else True


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


def denied_entry(tool: str) -> str:
    """How the record's `made` names an entry."""
    return f"permissions.deny.{tool}"
