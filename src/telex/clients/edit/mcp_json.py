"""telex's entry among a client's MCP servers, in a JSON file: put in, found, taken out.

Rules kept here:
- only the entry of that name is touched; every other byte keeps its place;
- the entry is telex's own as long as it is what some telex wrote; `is_plain` tells that without a record;
- the container that telex made, and only that, goes when it is empty again.
"""

from __future__ import annotations

from telex.clients.edit import json_edit
from telex.errors.settings import SettingsNotJson

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

NAME = "telex"
_PLAIN_KEYS = {"type", "command", "args", "tools", "enabled"}


class JsonServers:
    """How a client lists its servers in JSON: under which member of the file."""

    def __init__(self, path: str, member: str, form: str = json_edit.STRICT) -> None:
        self.path = path
        self.member = member
        self.form = form

    def check(self, raw: bytes) -> str:
        """The text of a file that telex can edit. Raises SettingsNotJson."""
        text = json_edit.checked(self.path, raw, self.form)
        if not isinstance(json_edit.value_of(text).get(self.member, {}), dict):
            raise SettingsNotJson(path=self.path, problem=f"'{self.member}' is not an object")
        return text

    def entry(self, text: str) -> Any:
        """What stands under telex's name; None where nothing does."""
        return json_edit.value_of(text).get(self.member, {}).get(NAME)

    def containers(self, text: str) -> list[str]:
        """The member, where the file lists servers at all."""
        return [self.member] if self.member in json_edit.value_of(text) else []

    def is_empty(self, text: str) -> bool:
        """Whether nothing stands in the file."""
        return not json_edit.value_of(text)

    def merged(self, text: str, server: dict[str, Any]) -> str:
        """The text with this entry under telex's name."""
        style, before = json_edit.style_of(text), text
        if not self.containers(text):
            text = json_edit.insert(text, json_edit.parse(text), style, {}, self.member)
        box = self._container(text)
        there = box.child(NAME)
        if there is None:
            text = json_edit.insert(text, box, style, server, NAME)
        else:
            text = json_edit.replace(text, there, style, server)
        assert self.entry(json_edit.proved(before, text)) == server, "what was put in is found again"
        return text

    def stripped(self, text: str, *, made: bool) -> str:
        """The text without telex's entry; without the container too if telex made it and nothing is left in it."""
        before, box = text, self._container(text)
        text = json_edit.remove(text, box, [child.key for child in box.children].index(NAME))
        if made and json_edit.is_bare(text, self._container(text)):
            root = json_edit.parse(text)
            text = json_edit.remove(text, root, [child.key for child in root.children].index(self.member))
        assert self.entry(json_edit.proved(before, text)) is None, "what was taken out is gone"
        return text

    def _container(self, text: str) -> json_edit.Node:
        box = json_edit.parse(text).child(self.member)
        assert box is not None
        return box


def is_plain(found: object) -> bool:
    """Whether it is what a telex of any home writes, with nothing added by its owner."""
    if not isinstance(found, dict) or not set(found) <= _PLAIN_KEYS or found.get("enabled") is False:
        return False
    command, *words = _words(found)
    return isinstance(command, str) and command.endswith("/bin/telex") and words == ["mcp"]


def starts(found: object, server: dict[str, Any]) -> bool:
    """Whether the entry starts the same program as that server, whatever its owner has added to it."""
    return isinstance(found, dict) and _words(found)[0] == _words(server)[0]


def _words(server: dict[str, Any]) -> list[Any]:
    """The command line: some clients take it in one list, others in two members. At least one word, maybe None."""
    command, args = server.get("command"), server.get("args", [])
    line = command if isinstance(command, list) and command else [command]
    return [*line, *args] if isinstance(args, list) else [*line, args]
