"""The tools of a client's own for messages, denied in its settings file so that its model uses telex.

Rules kept here:
- an entry bears no mark: those that telex added stand in the record's `made`, and uninstall takes out only them.
  An entry that was there before telex is its owner's and stays;
- whatever else `permissions` holds keeps its bytes and its place;
- `permissions` and `permissions.deny` that telex made go when they are empty again;
- `permissions` in a form that telex does not know is refused.
"""

from __future__ import annotations

from telex.clients.edit import json_edit
from telex.clients.types import denied_entry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from telex.clients.types import DenyFile, Kept

_PERMISSIONS, _DENY = "permissions", "deny"
_LIST = f"{_PERMISSIONS}.{_DENY}"


class Denials:
    """The entries under `permissions.deny` (telex.clients.edit.parts.Part)."""

    def __init__(self, piece: DenyFile) -> None:
        self._piece = piece
        self.words = f"denial of {' and '.join(piece.tools)}"

    def check(self, raw: bytes) -> str:
        """Raises SettingsUnreadable."""
        return json_edit.checked(self._piece.path, raw)

    def present(self, text: str, kept: Kept | None) -> bool:
        """An entry that the record names."""
        return bool(kept and self._added(text, kept.made))

    def mine(self, text: str) -> bool:
        """An entry that may be telex's; the record decides in `taken`."""
        return bool(self.there(text))

    def foreign(self, text: str) -> str:
        """Nothing: an entry of another home denies the same."""
        return ""

    def refusal(self, text: str, kept: Kept | None) -> str:
        """Something else where the list should be."""
        permissions = json_edit.value_of(text).get(_PERMISSIONS, {})
        if not isinstance(permissions, dict):
            return f"its '{_PERMISSIONS}' is not an object"
        return "" if isinstance(permissions.get(_DENY, []), list) else f"its '{_LIST}' is not an array"

    def put(self, text: str) -> str:
        """Each tool once, after what its owner denies."""
        missing = [tool for tool in self._piece.tools if tool not in self.there(text)]
        if not missing:
            return text
        style, before = json_edit.style_of(text), text
        if _permissions(text) is None:
            text = json_edit.insert(text, json_edit.parse(text), style, {}, _PERMISSIONS)
        permissions = _permissions(text)
        assert permissions is not None
        if permissions.child(_DENY) is None:
            text = json_edit.insert(text, permissions, style, missing, _DENY)
            missing = []
        for tool in missing:
            text = json_edit.insert(text, _list(text), style, tool)
        assert len(self.there(json_edit.proved(before, text))) == len(self._piece.tools), "each is found again"
        return text

    def bare(self, text: str, made: list[str] | None) -> str:
        """Without the entries and the containers in `made`; without a record nothing is telex's."""
        before, made = text, made or []
        added = self._added(text, made)
        for tool in added:
            text = json_edit.remove(text, _list(text), _denied(text).index(tool))
        permissions = _permissions(text)
        if added and permissions and _LIST in made and json_edit.is_bare(text, _list(text)):
            text = json_edit.remove(text, permissions, permissions.children.index(_list(text)))
        permissions = _permissions(text)
        if added and permissions and _PERMISSIONS in made and json_edit.is_bare(text, permissions):
            root = json_edit.parse(text)
            text = json_edit.remove(text, root, root.children.index(permissions))
        return json_edit.proved(before, text)

    def taken(self, text: str, made: list[str] | None) -> str:
        """The same."""
        return self.bare(text, made)

    def containers(self, text: str) -> list[str]:
        """`permissions`, its list and the entries, as far as they are there."""
        permissions = json_edit.value_of(text).get(_PERMISSIONS)
        if not isinstance(permissions, dict):
            return []
        within = [_LIST] if _DENY in permissions else []
        return [_PERMISSIONS, *within, *map(denied_entry, self.there(text))]

    def is_empty(self, text: str) -> bool:
        """An empty object."""
        return not json_edit.value_of(text)

    def record(self, kept: Kept) -> None:
        """Nothing more: `made` has the entries."""

    def keep(self, last: Kept, kept: Kept) -> None:
        """The same."""

    def is_in(self, kept: Kept) -> bool:
        """Told by the entries in `made`."""
        return any(denied_entry(tool) in kept.made for tool in self._piece.tools)

    def shown(self, sign: str) -> str:
        """The entries stand in full in the difference."""
        return ""

    def warning(self, before: str, after: str) -> str:
        """Entries are known by their names."""
        return ""

    def there(self, text: str) -> list[str]:
        """The tools that are denied, by telex or by the owner."""
        denied = _denied(text)
        return [tool for tool in self._piece.tools if tool in denied]

    def _added(self, text: str, made: list[str]) -> list[str]:
        return [tool for tool in self.there(text) if denied_entry(tool) in made]


def _denied(text: str) -> list[object]:
    permissions = json_edit.value_of(text).get(_PERMISSIONS)
    found = permissions.get(_DENY) if isinstance(permissions, dict) else None
    return found if isinstance(found, list) else []


def _permissions(text: str) -> json_edit.Node | None:
    return json_edit.parse(text).child(_PERMISSIONS)


def _list(text: str) -> json_edit.Node:
    permissions = _permissions(text)
    found = permissions.child(_DENY) if permissions else None
    assert found is not None
    return found
