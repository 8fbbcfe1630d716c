"""Edits JSON as text, so that what is not ours keeps every byte it had.

Rules kept here:
- a file is parsed to find places in it and never written back from the parsed values: numbers keep their
  spelling, strings their escapes, members their order and their odd spacing;
- `checked` decides what counts as JSON, strictly; everything else here may rely on it;
- what is inserted takes the shape of its surroundings: indentation, line ends, compact or not.
"""

from __future__ import annotations

import json
import re

from telex.core.record import Record
from telex.errors import SettingsNotJson

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_SPACE = re.compile(r"[ \t\r\n]*")
_SCALAR = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[^\s,\]}]+')
_BOM = "\ufeff"


class Node:
    """Where a value stands in the text. `outer` is where its key starts; without a key it is `start`."""

    __slots__ = ("children", "end", "key", "kind", "outer", "start")

    def __init__(self, start: int, kind: str) -> None:
        self.start, self.outer, self.end = start, start, start
        self.kind = kind  # "{", "[", or the first character of a scalar
        self.key = ""
        self.children: list[Node] = []

    def child(self, key: str) -> Node | None:
        """The member of that name."""
        return next((child for child in self.children if child.key == key), None)


class Style(Record):
    """How a file is laid out. `unit` is None where everything stands on one line."""

    unit: str | None
    newline: str
    spaced: bool  # a space follows colons and commas

    def colon(self) -> str:
        """What stands between a key and its value."""
        return ": " if self.spaced else ":"

    def comma(self) -> str:
        """What stands between two values on one line."""
        return ", " if self.spaced else ","


def checked(path: str, raw: bytes) -> str:
    """The text of a JSON object, byte order mark; an empty file is `{}`. Raises SettingsNotJson."""
    try:
        text = raw.decode("utf-8")
        bare = text.removeprefix(_BOM)
        if not bare.strip():
            return text[: len(text) - len(bare)] + "{}\n"
        value = json.loads(bare, object_pairs_hook=_no_twins, parse_constant=_no_constant)
        parse(text)  # it nests less deep than json does, so it is asked here whether it can
    except json.JSONDecodeError as problem:
        where = f"line {problem.lineno}, column {problem.colno}"
        raise SettingsNotJson(path=path, problem=f"{problem.msg.lower()} at {where}") from None
    except UnicodeDecodeError as problem:
        raise SettingsNotJson(path=path, problem=f"byte {problem.start} is not UTF-8") from None
    except RecursionError:
        raise SettingsNotJson(path=path, problem="it is nested too deep") from None
    except ValueError as problem:
        raise SettingsNotJson(path=path, problem=str(problem)) from None
    if not isinstance(value, dict):
        raise SettingsNotJson(path=path, problem="it is not an object")
    return text


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # Which of two equal keys counts is each parser's own affair, so neither may be edited.
    seen = dict(pairs)
    if len(seen) != len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"the key {next(key for key in keys if keys.count(key) > 1)!r} stands twice")
    return seen


def _no_constant(word: str) -> Any:
    raise ValueError(f"{word} is not JSON")


def value_of(text: str) -> dict[str, Any]:
    """The parsed values of checked text."""
    value: dict[str, Any] = json.loads(text.removeprefix(_BOM))
    return value


def parse(text: str) -> Node:
    """The places of all values of checked text."""
    return _scan(text, _skip(text, len(_BOM) if text.startswith(_BOM) else 0))


def _skip(text: str, at: int) -> int:
    space = _SPACE.match(text, at)
    assert space is not None
    return space.end()


def _scan(text: str, at: int) -> Node:
    node = Node(at, text[at])
    if node.kind not in "{[":
        scalar = _SCALAR.match(text, at)
        assert scalar is not None, "only checked text is scanned"
        node.end = scalar.end()
        return node
    at = _skip(text, at + 1)
    while text[at] not in "}]":
        if node.children:
            assert text[at] == ","
            at = _skip(text, at + 1)
        outer, key = at, ""
        if node.kind == "{":
            name = _SCALAR.match(text, at)
            assert name is not None
            key = json.loads(name[0])
            at = _skip(text, _skip(text, name.end()) + 1)
        child = _scan(text, at)
        child.key, child.outer = key, outer
        node.children.append(child)
        at = _skip(text, child.end)
    node.end = at + 1
    return node


def style_of(text: str) -> Style:
    """How the file is laid out, told from its outermost object; two spaces where that is empty."""
    root = parse(text)
    newline = "\r\n" if "\r\n" in text else "\n"
    if not root.children:
        return Style(unit="  ", newline=newline, spaced=True)
    first = root.children[0]
    gap = text[root.start + 1 : first.outer]
    if "\n" in gap:
        return Style(unit=gap.rsplit("\n", 1)[1], newline=newline, spaced=True)
    return Style(unit=None, newline=newline, spaced=text[first.start - 1].isspace())


def _indent_at(text: str, at: int) -> str:
    """The white space that begins the line on which `at` stands."""
    line = text.rfind("\n", 0, at) + 1
    space = re.compile(r"[ \t]*").match(text, line)
    assert space is not None
    return space[0]


def _render(value: object, style: Style, base: str | None) -> str:
    """The value as text; on one line when base is None, else with base before each further line."""
    if base is None or style.unit is None:
        return json.dumps(value, ensure_ascii=False, separators=(style.comma(), style.colon()))
    lines = json.dumps(value, ensure_ascii=False, indent=style.unit).split("\n")
    return (style.newline + base).join(lines)


def insert(text: str, box: Node, style: Style, value: object, key: str | None = None) -> str:
    """The text with value as the last child of box."""
    label = "" if key is None else json.dumps(key, ensure_ascii=False) + style.colon()
    if box.children:
        first, last = box.children[0], box.children[-1]
        gap = text[box.start + 1 : first.outer]
        base = gap.rsplit("\n", 1)[1] if "\n" in gap else None
        lead = style.comma() if base is None else "," + style.newline + base
        return text[: last.end] + lead + label + _render(value, style, base) + text[last.end :]
    if style.unit is None:
        inner = label + _render(value, style, None)
    else:
        outer = _indent_at(text, box.start)
        base = outer + style.unit
        inner = style.newline + base + label + _render(value, style, base) + style.newline + outer
    return text[: box.start + 1] + inner + text[box.end - 1 :]


def replace(text: str, node: Node, style: Style, value: object) -> str:
    """The text with value in the place of node, over several lines if node was."""
    tall = "\n" in text[node.start : node.end]
    base = _indent_at(text, node.end - 1) if tall else None
    return text[: node.start] + _render(value, style, base) + text[node.end :]


def remove(text: str, box: Node, index: int) -> str:
    """The text without that child of box, and without the comma and the white space that were its own."""
    child = box.children[index]
    if len(box.children) == 1:
        return text[: box.start + 1] + text[box.end - 1 :]
    if index == len(box.children) - 1:
        return text[: box.children[index - 1].end] + text[child.end :]
    return text[: child.outer] + text[box.children[index + 1].outer :]
