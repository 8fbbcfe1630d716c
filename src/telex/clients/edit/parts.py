"""What telex has in a file that belongs to a client: its hooks, its MCP server, or both in one file.

Rules kept here:
- nothing is read or written; each part turns a text into another one;
- a part of telex is known by what stands in the file: by `present` as any telex's, by `mine` as this home's;
- what its owner has edited, or put there under telex's name, is the owner's: `refusal` says so in words.
"""

from __future__ import annotations

import json

from telex.clients.edit import hook_entries, json_edit, mcp_json
from telex.clients.edit.mcp_json import JsonServers
from telex.clients.types import HookFile, ServerFile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Protocol

    from telex.clients.edit.hook_entries import Ours
    from telex.clients.edit.mcp_toml import TomlServers
    from telex.clients.types import Kept
else:
    Protocol = object

ANOTHER = "another server of that name is there"
EDITED = "it was edited since"


class Part(Protocol):
    """One of telex's parts in a shared file."""

    words: str  # what to call it

    def check(self, raw: bytes) -> str:
        """The text of a file that telex can edit. Raises SettingsUnreadable."""

    def present(self, text: str, kept: Kept | None) -> bool:
        """Whether some telex's part is there, of any home."""

    def mine(self, text: str) -> bool:
        """Whether this home's part is there."""

    def foreign(self, text: str) -> str:
        """In words: what is there in its place and not this home's; empty where nothing is."""

    def refusal(self, text: str, kept: Kept | None) -> str:
        """Why it may not be put in; empty where it may."""

    def put(self, text: str) -> str:
        """The text with it, and nothing else of telex's in its place."""

    def bare(self, text: str, made: list[str] | None) -> str:
        """The text without any telex's part, and without the containers in `made` (None: any) left empty."""

    def taken(self, text: str, made: list[str] | None) -> str:
        """The text without this home's part; the same of the containers."""

    def containers(self, text: str) -> list[str]:
        """The containers that it needs, as far as they are there."""

    def is_empty(self, text: str) -> bool:
        """Whether nothing at all stands in the file."""

    def record(self, kept: Kept) -> None:
        """Note in the record of the file that it is there."""

    def keep(self, last: Kept, kept: Kept) -> None:
        """Note in a new record of the file that it is still there as the last one says."""

    def is_in(self, kept: Kept) -> bool:
        """Whether the record says that it is there."""

    def warning(self, before: str, after: str) -> str:
        """What taking it out changes for the owner's own entries; empty where nothing does."""

    def shown(self, sign: str) -> str:
        """What changes, for people; empty where the difference of the two texts will do."""


class Hooks:
    """telex's entries under `hooks`."""

    words = "telex's hooks"

    def __init__(self, piece: HookFile, is_telex: Ours, ours: Ours) -> None:
        self._piece, self._is_telex, self._ours = piece, is_telex, ours

    def check(self, raw: bytes) -> str:
        """Raises SettingsUnreadable."""
        return hook_entries.check(self._piece.path, raw, self._piece.form)

    def present(self, text: str, kept: Kept | None) -> bool:
        """A line shows itself which telex wrote it."""
        return bool(hook_entries.groups_with(text, self._is_telex))

    def mine(self, text: str) -> bool:
        """The line starts this home's hook."""
        return bool(hook_entries.groups_with(text, self._ours))

    def foreign(self, text: str) -> str:
        """Another home's lines."""
        return "its hooks are of another telex home" if self.present(text, None) and not self.mine(text) else ""

    def refusal(self, text: str, kept: Kept | None) -> str:
        """Lines are never refused: those of an owner stand beside telex's."""
        return ""

    def put(self, text: str) -> str:
        """Every entry once."""
        return hook_entries.merged(text, self._piece.entries, self._is_telex)

    def bare(self, text: str, made: list[str] | None) -> str:
        """Without the lines of any telex; as `taken` otherwise."""
        return hook_entries.stripped(text, self._is_telex, made, hold_places=bool(self._piece.trust))

    def taken(self, text: str, made: list[str] | None) -> str:
        """Without the lines of this home; where the client knows hooks by their place, those of others keep theirs."""
        return hook_entries.stripped(text, self._ours, made, hold_places=bool(self._piece.trust))

    def containers(self, text: str) -> list[str]:
        """`hooks` and the events under it."""
        return hook_entries.containers(text)

    def is_empty(self, text: str) -> bool:
        """An empty object."""
        return not json_edit.value_of(text)

    def record(self, kept: Kept) -> None:
        """Its lines, word for word."""
        kept.commands = [line["command"] for entry in self._piece.entries for line in entry.group["hooks"]]

    def keep(self, last: Kept, kept: Kept) -> None:
        """Its lines."""
        kept.commands = last.commands

    def is_in(self, kept: Kept) -> bool:
        """Told by its lines."""
        return bool(kept.commands)

    def warning(self, before: str, after: str) -> str:
        """An owner's hook beside telex's in one group moves up, and trust that goes by the place is lost."""
        moved = self._piece.trust and hook_entries.places(before, self._ours) != hook_entries.places(after, self._ours)
        return "a hook of yours has another place now, so the client asks you once more to trust it" if moved else ""

    def shown(self, sign: str) -> str:
        """The lines stand in full in the difference."""
        return ""


class Server:
    """telex's entry among the MCP servers."""

    words = "telex's MCP server"

    def __init__(self, piece: ServerFile) -> None:
        self._piece, self._file = piece, editor(piece)

    def check(self, raw: bytes) -> str:
        """Raises SettingsUnreadable."""
        return self._file.check(raw)

    def present(self, text: str, kept: Kept | None) -> bool:
        """An entry that telex may write anew."""
        return self._file.entry(text) is not None and not self.refusal(text, kept)

    def mine(self, text: str) -> bool:
        """The entry starts this home's telex."""
        return mcp_json.starts(self._file.entry(text), self._piece.server)

    def foreign(self, text: str) -> str:
        """Another server of the name."""
        there = self._file.entry(text) is not None
        return "its server is not this telex" if there and not self.mine(text) else ""

    def refusal(self, text: str, kept: Kept | None) -> str:
        """An owner's own entry, or an edited one."""
        there = self._file.entry(text)
        written = kept is not None and json.dumps(there) == kept.entry
        if there is None or there == self._piece.server or written or mcp_json.is_plain(there):
            return ""
        return EDITED if mcp_json.starts(there, self._piece.server) else ANOTHER

    def put(self, text: str) -> str:
        """The entry as this telex writes it."""
        there = self._file.entry(text)
        return text if there == self._piece.server else self._file.merged(text, self._piece.server)

    def bare(self, text: str, made: list[str] | None) -> str:
        """Without the entry."""
        return self._file.stripped(text, made=made is None or self._piece.member in made)

    def taken(self, text: str, made: list[str] | None) -> str:
        """Without the entry, which is this home's."""
        return self.bare(text, made)

    def containers(self, text: str) -> list[str]:
        """The list of servers."""
        return self._file.containers(text)

    def is_empty(self, text: str) -> bool:
        """As the form of the file has it."""
        return self._file.is_empty(text)

    def record(self, kept: Kept) -> None:
        """The entry, as JSON, and where it stands."""
        kept.entry, kept.member = json.dumps(self._piece.server), self._piece.member

    def keep(self, last: Kept, kept: Kept) -> None:
        """The same."""
        kept.entry, kept.member = last.entry, last.member

    def is_in(self, kept: Kept) -> bool:
        """Told by its entry."""
        return bool(kept.entry)

    def warning(self, before: str, after: str) -> str:
        """Servers are known by their names."""
        return ""

    def entry(self, text: str) -> Any:
        """What stands under telex's name."""
        return self._file.entry(text)

    def shown(self, sign: str) -> str:
        """The entry alone, for people: the lines around it hold other servers' tokens."""
        return f"{sign}{self._piece.member}.{mcp_json.NAME}: {json.dumps(self._piece.server)}"


def editor(piece: ServerFile) -> JsonServers | TomlServers:
    """What edits a client's list of servers in the form of its file."""
    if piece.path.endswith(".toml"):
        from telex.clients.edit.mcp_toml import TomlServers

        return TomlServers(piece.path, piece.member)
    return JsonServers(piece.path, piece.member, piece.form)
