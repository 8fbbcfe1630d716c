"""telex's plugin in Claude Code's settings file: the marketplace that it is in, and that it is enabled.

Rules kept here:
- they are the two entries that `claude plugin marketplace add DIR` and `claude plugin install` write, so that one who
  types these and one who runs `telex install claude --as-plugin` have the same;
- a plugin that its owner has switched off stays so;
- a marketplace of that name which some telex did not write is its owner's.
"""

from __future__ import annotations

import json

from telex.clients.edit import json_edit
from telex.errors.settings import SettingsUnreadable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from telex.clients.types import Kept, PluginFile

NAME = "telex"  # of the marketplace, and of the plugin in it
ENABLED_NAME = f"{NAME}@{NAME}"
MARKETPLACES, ENABLED = "extraKnownMarketplaces", "enabledPlugins"
_KEYS = ((MARKETPLACES, NAME), (ENABLED, ENABLED_NAME))
ANOTHER = "another marketplace of that name is there"


class Enabling:
    """The two entries, as a part of telex in a shared file (telex.clients.edit.parts.Part)."""

    words = "telex's plugin"

    def __init__(self, piece: PluginFile) -> None:
        self._piece = piece
        self._source = {"source": {"source": "directory", "path": piece.directory}}

    def check(self, raw: bytes) -> str:
        """Raises SettingsUnreadable."""
        text = json_edit.checked(self._piece.path, raw)
        for member, _ in _KEYS:
            if not isinstance(json_edit.value_of(text).get(member, {}), dict):
                raise SettingsUnreadable(path=self._piece.path, problem=f"'{member}' is not an object")
        return text

    def present(self, text: str, kept: Kept | None) -> bool:
        """Either entry, as far as telex may take it out."""
        return any(_at(text, *keys) is not None for keys in _KEYS) and not self.refusal(text, kept)

    def mine(self, text: str) -> bool:
        """The marketplace is in this home; or only the other entry is left."""
        there = _at(text, MARKETPLACES, NAME)
        return there == self._source or (there is None and _at(text, ENABLED, ENABLED_NAME) is not None)

    def foreign(self, text: str) -> str:
        """Another marketplace of the name."""
        there = _at(text, MARKETPLACES, NAME)
        return "its plugin is not this telex's" if there not in (None, self._source) else ""

    def refusal(self, text: str, kept: Kept | None) -> str:
        """What no telex of any home has written."""
        there = _at(text, MARKETPLACES, NAME)
        path = _directory(there)
        return (
            "" if there is None or (path and path.endswith(f"/{self._piece.directory.rsplit('/', 1)[1]}")) else ANOTHER
        )

    def put(self, text: str) -> str:
        """Both entries; a plugin that is switched off stays off."""
        style = json_edit.style_of(text)
        for (member, key), value in zip(_KEYS, (self._source, True), strict=True):
            if member not in json_edit.value_of(text):
                text = json_edit.insert(text, json_edit.parse(text), style, {}, member)
            box = json_edit.parse(text).child(member)
            assert box is not None
            there = box.child(key)
            if there is None:
                text = json_edit.insert(text, box, style, value, key)
            elif member == MARKETPLACES and _at(text, member, key) != value:
                text = json_edit.replace(text, there, style, value)
        assert self.mine(json_edit.checked(self._piece.path, text.encode())), "what was put in is found again"
        return text

    def bare(self, text: str, made: list[str] | None) -> str:
        """Without both entries, and without the members in `made` that are empty then."""
        for member, key in reversed(_KEYS):
            if _at(text, member, key) is None:
                continue
            box = json_edit.parse(text).child(member)
            assert box is not None
            text = json_edit.remove(text, box, [child.key for child in box.children].index(key))
            if (made is None or member in made) and not json_edit.value_of(text)[member]:
                root = json_edit.parse(text)
                text = json_edit.remove(text, root, [child.key for child in root.children].index(member))
        return text

    def taken(self, text: str, made: list[str] | None) -> str:
        """The same: that they are this home's is asked before."""
        return self.bare(text, made)

    def containers(self, text: str) -> list[str]:
        """The two members."""
        return [member for member, _ in _KEYS if member in json_edit.value_of(text)]

    def is_empty(self, text: str) -> bool:
        """An empty object."""
        return not json_edit.value_of(text)

    def record(self, kept: Kept) -> None:
        """The marketplace, as JSON."""
        kept.plugin = json.dumps(self._source)

    def keep(self, last: Kept, kept: Kept) -> None:
        """The same."""
        kept.plugin = last.plugin

    def is_in(self, kept: Kept) -> bool:
        """Told by its marketplace."""
        return bool(kept.plugin)

    def warning(self, before: str, after: str) -> str:
        """Marketplaces are known by their names."""
        return ""

    def shown(self, sign: str) -> str:
        """The entries alone: the lines around them are their owner's."""
        return f"{sign}{MARKETPLACES}.{NAME}: {json.dumps(self._source)}\n{sign}{ENABLED}.{ENABLED_NAME}: true"

    def state(self, text: str) -> bool | None:
        """Whether the plugin is on; None where it is not there."""
        found = _at(text, ENABLED, ENABLED_NAME)
        return None if found is None or not self.mine(text) else found is True


def _at(text: str, member: str, key: str) -> Any:
    return json_edit.value_of(text).get(member, {}).get(key)


def _directory(marketplace: object) -> str:
    """The directory of a marketplace that is one; '' for any other."""
    source = marketplace.get("source") if isinstance(marketplace, dict) and set(marketplace) == {"source"} else None
    path = source.get("path") if isinstance(source, dict) and source.get("source") == "directory" else None
    return path if isinstance(path, str) else ""
