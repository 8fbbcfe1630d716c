"""Edits JSON as text, so that what is not ours keeps every byte it had.

Rules kept here:
- a file is parsed to find places in it and never written back from the parsed values: numbers keep their
  spelling, strings their escapes, members their order and their odd spacing, comments their place;
- `checked` decides what counts as JSON, in the form that the file's owner reads; everything else here may rely on it;
- a comment, and a comma after a last value, count as white space of the same length: so the places that are found
  without them are the places in the text;
- what is inserted takes the shape of its surroundings: indentation, line ends, compact or not;
- a file may have ten megabytes: it is read by the compiled scanner, and only what is looked into is taken apart.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache

from telex.core.record import Record
from telex.errors.settings import SettingsNotJson, SettingsNotJsonc

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# What a client takes for JSON in its settings: nothing else; comments; comments and a comma after a last value.
STRICT, COMMENTS, JSONC = "strict", "comments", "jsonc"

_SPACE = re.compile(r"[ \t\r\n]*")
_STRING = r'"(?:[^"\\]|\\.)*"'
_COMMENT = r"//[^\r\n]*|/\*.*?\*/"
_STRING_OR_COMMENT = re.compile(rf"{_STRING}|({_COMMENT})", re.DOTALL)
_STRING_OR_COMMA = re.compile(rf"{_STRING}|[{{\[,:][ \t\r\n]*,|(,)(?=[ \t\r\n]*[}}\]])", re.DOTALL)
_NOT_A_BREAK = re.compile(r"[^\r\n]")
_GAP = re.compile(rf"(?:[ \t\r\n]|{_COMMENT})*", re.DOTALL)
_END_OF_LINE = re.compile(r"(?:[ \t]*(?://[^\r\n]*|/\*[^\r\n]*?\*/))*")
_END_OF_WORDS = re.compile(r"[ \t]*")
_BOM = "\ufeff"
_value_at = json.JSONDecoder().raw_decode


class Node:
    """Where a value stands in the text. `outer` is where its key starts; without a key it is `start`."""

    __slots__ = ("_children", "end", "key", "kind", "outer", "plain", "start")

    def __init__(self, plain: str, start: int, end: int, key: str = "", outer: int = -1) -> None:
        self.plain = plain  # the whole text, without comments
        self.start, self.end = start, end
        self.outer = start if outer < 0 else outer
        self.kind = plain[start]  # "{", "[", or the first character of a scalar
        self.key = key
        self._children: list[Node] | None = None

    @property
    def children(self) -> list[Node]:
        """The values directly in it."""
        if self._children is None:
            self._children = _children(self) if self.kind in "{[" else []
        return self._children

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


def checked(path: str, raw: bytes, form: str = STRICT) -> str:
    """The text of a JSON object in that form, byte order mark; an empty file is `{}`. Raises SettingsNotJson."""
    fault = SettingsNotJson if form == STRICT else SettingsNotJsonc
    try:
        text = raw.decode("utf-8")
        bare = text.removeprefix(_BOM)
        if not bare.strip():
            return text[: len(text) - len(bare)] + "{}\n"
        plain = _without(bare, form)
        value = json.loads(plain, object_pairs_hook=_no_twins, parse_constant=_no_constant)
    except json.JSONDecodeError as problem:
        where = f"line {problem.lineno}, column {problem.colno}"
        raise fault(path=path, problem=f"{problem.msg.lower()} at {where}") from None
    except UnicodeDecodeError as problem:
        raise fault(path=path, problem=f"byte {problem.start} is not UTF-8") from None
    except RecursionError:
        raise fault(path=path, problem="it is nested too deep") from None
    except ValueError as problem:
        raise fault(path=path, problem=str(problem)) from None
    if not isinstance(value, dict):
        raise fault(path=path, problem="it is not an object")
    _remember(text, (value, text[: len(text) - len(bare)] + plain))
    return text


def proved(before: str, after: str) -> str:
    """The text after an edit, when it still is what the one before was. Raises SettingsNotJson, which is a bug."""
    plain = _read(before)[1]
    return checked("the edited text", after.encode(), STRICT if plain == before else JSONC)


def _without(text: str, form: str) -> str:
    """The text with blanks for what that form allows besides JSON, each at its place."""
    if form != STRICT and ("//" in text or "/*" in text):
        text = _STRING_OR_COMMENT.sub(lambda one: _NOT_A_BREAK.sub(" ", one[0]) if one[1] else one[0], text)
    if form == JSONC:
        text = _STRING_OR_COMMA.sub(lambda one: " " if one[1] else one[0], text)
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


_seen: dict[str, tuple[dict[str, Any], str]] = {}  # the last few texts that were read
_SEEN_MOST = 4


def _remember(text: str, read: tuple[dict[str, Any], str]) -> tuple[dict[str, Any], str]:
    for old in list(_seen)[: 1 - _SEEN_MOST]:
        _seen.pop(old, None)
    _seen[text] = read
    return read


def _read(text: str) -> tuple[dict[str, Any], str]:
    """The values of checked text, and the text without comments, of the same length."""
    return _seen.get(text) or _remember(text, _decoded(text))


def _decoded(text: str) -> tuple[dict[str, Any], str]:
    mark = len(_BOM) if text.startswith(_BOM) else 0
    try:
        return json.loads(text[mark:]), text
    except json.JSONDecodeError:
        plain = _without(text, JSONC)
        return json.loads(plain[mark:]), plain


def value_of(text: str) -> dict[str, Any]:
    """The parsed values of checked text; not to be changed."""
    return _read(text)[0]


@lru_cache(maxsize=4)
def parse(text: str) -> Node:
    """The places of all values of checked text."""
    plain = _read(text)[1]
    start = _skip(plain, len(_BOM) if plain.startswith(_BOM) else 0)
    return Node(plain, start, len(plain.rstrip(" \t\r\n")))


def _skip(text: str, at: int) -> int:
    space = _SPACE.match(text, at)
    assert space is not None
    return space.end()


def _children(box: Node) -> list[Node]:
    plain, found = box.plain, []
    at = _skip(plain, box.start + 1)
    while plain[at] not in "}]":
        outer, key = at, ""
        if box.kind == "{":
            key, at = _value_at(plain, at)
            at = _skip(plain, _skip(plain, at) + 1)
        found.append(Node(plain, at, _value_at(plain, at)[1], key, outer))
        at = _skip(plain, found[-1].end)
        if plain[at] == ",":
            at = _skip(plain, at + 1)
    return found


def is_bare(text: str, box: Node) -> bool:
    """Whether nothing stands in it, no comment either."""
    return not text[box.start + 1 : box.end - 1].strip()


def style_of(text: str) -> Style:
    """How the file is laid out, told from its outermost object; two spaces where that is empty."""
    root = parse(text)
    newline = "\r\n" if "\r\n" in text else "\n"
    if not root.children:
        return Style(unit="  ", newline=newline, spaced=True)
    first = root.children[0]
    if "\n" in root.plain[root.start + 1 : first.outer]:
        return Style(unit=_indent_at(text, first.outer), newline=newline, spaced=True)
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
        base = _indent_at(text, first.outer) if "\n" in box.plain[box.start + 1 : first.outer] else None
        entry = label + _render(value, style, base)
        comma = _comma_after(text, last)
        if base is None:
            return text[: last.end] + style.comma() + entry + text[last.end :]
        # What is said of the last value on its line stays beside it.
        line = _END_OF_LINE.match(text, last.end if comma < 0 else comma + 1)
        assert line is not None
        head = text[: last.end] + ("," if comma < 0 else "") + text[last.end : line.end()]
        return head + style.newline + base + entry + ("" if comma < 0 else ",") + text[line.end() :]
    bare = is_bare(text, box)
    if style.unit is None and bare:
        inner = label + _render(value, style, None)
    else:
        outer = _indent_at(text, box.start)
        base = outer + (style.unit or "")
        said = "" if bare else text[box.start + 1 : box.end - 1].rstrip()
        inner = said + style.newline + base + label + _render(value, style, base) + style.newline + outer
    return text[: box.start + 1] + inner + text[box.end - 1 :]


def _comma_after(text: str, node: Node) -> int:
    """Where the comma that follows a value stands; -1 where none does."""
    gap = _GAP.match(text, node.end)
    assert gap is not None
    return gap.end() if text[gap.end()] == "," else -1


def replace(text: str, node: Node, style: Style, value: object) -> str:
    """The text with value in the place of node, over several lines if node was."""
    tall = "\n" in text[node.start : node.end]
    base = _indent_at(text, node.end - 1) if tall else None
    return text[: node.start] + _render(value, style, base) + text[node.end :]


def remove(text: str, box: Node, index: int) -> str:
    """The text without that child of box, and without the comma and the white space that were its own."""
    if text[box.start : box.end] != box.plain[box.start : box.end]:
        return _remove_among_comments(text, box, index)
    child = box.children[index]
    if len(box.children) == 1:
        return text[: box.start + 1] + text[box.end - 1 :]
    if index == len(box.children) - 1:
        return text[: box.children[index - 1].end] + text[child.end :]
    return text[: child.outer] + text[box.children[index + 1].outer :]


def _remove_among_comments(text: str, box: Node, index: int) -> str:
    """The same where something besides values stands in the box: that stays."""
    child = box.children[index]
    comma = _comma_after(text, child)
    cuts = [(comma, comma + 1)] if comma >= 0 else []
    if comma < 0 and index:
        before = _comma_after(text, box.children[index - 1])
        cuts.append((before, before + 1))
    start, end = child.outer, child.end
    last = comma + 1 if comma >= 0 and not text[child.end : comma].strip() else child.end
    line, after = text.rfind("\n", 0, start) + 1, _END_OF_WORDS.match(text, last)
    assert after is not None
    if not text[line:start].strip() and text[after.end()] in "\r\n":
        start = line - 1 - text.startswith("\r\n", line - 2)  # the whole line, with the break before it
    else:
        last = after.end() if comma >= 0 and last > comma else last
    cuts = [cut for cut in cuts if not start <= cut[0] < last]
    for begin, stop in sorted([*cuts, (start, max(end, last))], reverse=True):
        text = text[:begin] + text[stop:]
    return text
