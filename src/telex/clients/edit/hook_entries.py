"""telex's entries in a client's JSON settings file: put in, found, taken out.

Rules kept here:
- only groups and handlers that telex wrote are touched; everything else keeps its bytes and its place;
- putting in what is in already changes nothing, not one byte;
- a handler that the owner put beside ours in one group stays, and so does its group;
- containers (`hooks`, `hooks.Stop`) that telex made, and only those, go when they are empty again.
"""

from __future__ import annotations

from telex.clients.edit import json_edit
from telex.clients.types import Entry
from telex.errors.settings import SettingsNotJson

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Ours = Callable[[object], bool]

_HOOKS = "hooks"


def check(path: str, raw: bytes, form: str = json_edit.STRICT) -> str:
    """The text of a settings file that telex can edit. Raises SettingsNotJson."""
    text = json_edit.checked(path, raw, form)
    hooks = json_edit.value_of(text).get(_HOOKS, {})
    if not isinstance(hooks, dict):
        raise SettingsNotJson(path=path, problem="'hooks' is not an object")
    for event, groups in hooks.items():
        if not isinstance(groups, list):
            raise SettingsNotJson(path=path, problem=f"'hooks.{event}' is not an array")
    return text


def groups_with(text: str, ours: Ours) -> dict[str, list[dict[str, Any]]]:
    """Per event, the groups that have at least one of our handlers in them."""
    hooks = json_edit.value_of(text).get(_HOOKS, {})
    found = {event: [group for group in groups if any(map(ours, _handlers(group)))] for event, groups in hooks.items()}
    return {event: groups for event, groups in found.items() if groups}


def places(text: str, ours: Ours) -> dict[str, list[tuple[int, int]]]:
    """Per event, the places (number of the group, number in the group) of the handlers that are not ours."""
    hooks = json_edit.value_of(text).get(_HOOKS, {})
    found = {
        event: [
            (number, place)
            for number, group in enumerate(groups)
            for place, handler in enumerate(_handlers(group))
            if not ours(handler)
        ]
        for event, groups in hooks.items()
    }
    return {event: listed for event, listed in found.items() if listed}


def is_current(text: str, entries: list[Entry], ours: Ours) -> bool:
    """Whether exactly these entries are in, each once, and no other of ours."""
    return groups_with(text, ours) == {entry.event: [entry.group] for entry in entries}


def containers(text: str) -> list[str]:
    """`hooks` and the events under it, as far as they are there."""
    value = json_edit.value_of(text)
    return [_HOOKS, *value[_HOOKS]] if _HOOKS in value else []


def merged(text: str, entries: list[Entry], ours: Ours) -> str:
    """The text with these entries and no other of ours."""
    if is_current(text, entries, ours):
        return text
    style, before = json_edit.style_of(text), text
    text = _take_out(text, ours, keep={entry.event: entry.group for entry in entries}, style=style)
    if _hooks(text) is None:
        text = json_edit.insert(text, json_edit.parse(text), style, {}, _HOOKS)
    for entry in entries:
        hooks = _hooks(text)
        assert hooks is not None
        groups = hooks.child(entry.event)
        if groups is None:
            text = json_edit.insert(text, hooks, style, [entry.group], entry.event)
        elif entry.group not in groups_with(text, ours).get(entry.event, []):
            text = json_edit.insert(text, groups, style, entry.group)
    assert is_current(json_edit.proved(before, text), entries, ours), "what was put in is found again"
    return text


def stripped(text: str, ours: Ours, made: list[str] | None, *, hold_places: bool = False) -> str:
    """The text without our entries, and without the containers in `made` (None: any) that are empty then.

    With `hold_places` an empty group stays before groups of others, whose number in the list then stays the same.
    """
    original, before = text, groups_with(text, ours)
    text = _take_out(text, ours, keep={}, style=json_edit.style_of(text), hold_places=hold_places)
    for event in before if made is None else [*before, *made]:
        hooks = _hooks(text)
        groups = hooks.child(event) if hooks else None
        if hooks and groups and json_edit.is_bare(text, groups) and (made is None or event in made):
            text = json_edit.remove(text, hooks, hooks.children.index(groups))
    root, hooks = json_edit.parse(text), _hooks(text)
    if hooks and json_edit.is_bare(text, hooks) and (before if made is None else _HOOKS in made):
        text = json_edit.remove(text, root, [child.key for child in root.children].index(_HOOKS))
    assert not groups_with(json_edit.proved(original, text), ours), "what was taken out is gone"
    return text


def _take_out(
    text: str, ours: Ours, *, keep: dict[str, dict[str, Any]], style: json_edit.Style, hold_places: bool = False
) -> str:
    """Without our handlers; but the first group that is all ours becomes `keep[event]` where it stands."""
    for event, groups in json_edit.value_of(text).get(_HOOKS, {}).items():
        whole = [i for i, group in enumerate(groups) if _handlers(group) and all(map(ours, _handlers(group)))]
        stays = whole[0] if whole and event in keep else None
        for index in reversed(range(len(groups))):
            if index == stays:
                text = _replace_group(text, event, index, keep[event], style)
            elif index in whole and hold_places and set(range(index, len(groups))) - set(whole):
                text = _replace_group(text, event, index, {_HOOKS: []}, style)
            elif index in whole:
                text = json_edit.remove(text, _groups(text, event), index)
            else:
                text = _without_handlers(text, event, index, [ours(one) for one in _handlers(groups[index])])
    return text


def _replace_group(text: str, event: str, index: int, group: dict[str, Any], style: json_edit.Style) -> str:
    if json_edit.value_of(text)[_HOOKS][event][index] == group:
        return text
    return json_edit.replace(text, _groups(text, event).children[index], style, group)


def _without_handlers(text: str, event: str, index: int, ours: list[bool]) -> str:
    for position in reversed(range(len(ours))):
        if ours[position]:
            handlers = _groups(text, event).children[index].child(_HOOKS)
            assert handlers is not None
            text = json_edit.remove(text, handlers, position)
    return text


def _handlers(group: object) -> list[Any]:
    """The handlers of a group. What does not look like a group is the owner's affair and has none of ours."""
    handlers = group.get(_HOOKS) if isinstance(group, dict) else None
    return handlers if isinstance(handlers, list) else []


def _hooks(text: str) -> json_edit.Node | None:
    return json_edit.parse(text).child(_HOOKS)


def _groups(text: str, event: str) -> json_edit.Node:
    hooks = _hooks(text)
    groups = hooks.child(event) if hooks else None
    assert groups is not None
    return groups
