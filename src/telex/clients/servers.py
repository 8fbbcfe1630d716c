"""telex's entry among a client's MCP servers, in a JSON file: put in, found, taken out.

Rules kept here:
- only the entry of that name is touched; every other byte keeps its place;
- the entry is telex's own as long as it is what some telex wrote; `is_plain` tells that without a record;
- the container that telex made, and only that, goes when it is empty again.
"""

from __future__ import annotations

from telex.clients import jsontext
from telex.errors import SettingsUnreadable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

NAME = "telex"
SERVERS = "mcpServers"
_PLAIN_KEYS = {"type", "command", "args", "tools"}


def check(path: str, raw: bytes) -> str:
    """The text of a file that telex can edit. Raises SettingsUnreadable."""
    text = jsontext.checked(path, raw)
    if not isinstance(jsontext.value_of(text).get(SERVERS, {}), dict):
        raise SettingsUnreadable(path=path, problem=f"'{SERVERS}' is not an object")
    return text


def entry(text: str) -> Any:
    """What stands under telex's name; None where nothing does."""
    return jsontext.value_of(text).get(SERVERS, {}).get(NAME)


def has_container(text: str) -> bool:
    """Whether the file lists servers at all."""
    return SERVERS in jsontext.value_of(text)


def is_plain(found: object) -> bool:
    """Whether it is what a telex of any home writes, with nothing added by its owner."""
    if not isinstance(found, dict) or not set(found) <= _PLAIN_KEYS:
        return False
    command = found.get("command")
    return isinstance(command, str) and command.endswith("/bin/telex") and found.get("args") == ["mcp"]


def starts(found: object, command: str) -> bool:
    """Whether the entry starts that command, whatever its owner has added to it."""
    return isinstance(found, dict) and found.get("command") == command


def merged(text: str, server: dict[str, Any]) -> str:
    """The text with this entry under telex's name."""
    style = jsontext.style_of(text)
    if not has_container(text):
        text = jsontext.insert(text, jsontext.parse(text), style, {}, SERVERS)
    box = _container(text)
    there = box.child(NAME)
    if there is None:
        text = jsontext.insert(text, box, style, server, NAME)
    else:
        text = jsontext.replace(text, there, style, server)
    assert entry(jsontext.checked("", text.encode())) == server, "what was put in is found again"
    return text


def stripped(text: str, *, made: bool) -> str:
    """The text without telex's entry; without the container too if telex made it and nothing is left in it."""
    box = _container(text)
    text = jsontext.remove(text, box, [child.key for child in box.children].index(NAME))
    if made and not _container(text).children:
        root = jsontext.parse(text)
        text = jsontext.remove(text, root, [child.key for child in root.children].index(SERVERS))
    assert entry(jsontext.checked("", text.encode())) is None, "what was taken out is gone"
    return text


def _container(text: str) -> jsontext.Node:
    box = jsontext.parse(text).child(SERVERS)
    assert box is not None
    return box
