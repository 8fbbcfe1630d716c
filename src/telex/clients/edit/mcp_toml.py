"""telex's entry among a client's MCP servers, in a TOML file: a table of its own, put in, found, taken out as text.

Rules kept here:
- the file is never written back from parsed values: comments, order and spelling of everything else stay;
- every edit is proved by parsing: the new text must say what the old one said, and differ in telex's table alone.
  So an edit by lines need not understand all of TOML; where it would go wrong, it is refused;
- what its owner, or the client itself, has put under telex's table (`[mcp_servers.telex.env]`) goes with it.
"""

from __future__ import annotations

import json
import re
import tomllib

from telex.clients.edit.mcp_json import NAME
from telex.errors.settings import SettingsNotToml

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_KEY = r"""(?:[A-Za-z0-9_-]+|"[^"\\]*"|'[^']*')"""
_HEADER = re.compile(rf"[ \t]*\[\[?[ \t]*({_KEY}(?:[ \t]*\.[ \t]*{_KEY})*)[ \t]*\]\]?[ \t]*(#.*)?")
_BARE = re.compile(r"[ \t]*(#.*)?")


class TomlServers:
    """How a client lists its servers in TOML: as tables under that one."""

    def __init__(self, path: str, member: str) -> None:
        self.path = path
        self.member = member

    def check(self, raw: bytes) -> str:
        """The text of a file that telex can edit. Raises SettingsNotToml."""
        try:
            text = raw.decode("utf-8")
            value = tomllib.loads(text)
        except UnicodeDecodeError as problem:
            raise SettingsNotToml(path=self.path, problem=f"byte {problem.start} is not UTF-8") from None
        except tomllib.TOMLDecodeError as problem:
            raise SettingsNotToml(path=self.path, problem=_first_small(str(problem))) from None
        except RecursionError:
            raise SettingsNotToml(path=self.path, problem="it is nested too deep") from None
        if not isinstance(value.get(self.member, {}), dict):
            raise SettingsNotToml(path=self.path, problem=f"'{self.member}' is not a table")
        return text

    def entry(self, text: str) -> Any:
        """What stands under telex's name; None where nothing does."""
        return tomllib.loads(text).get(self.member, {}).get(NAME)

    def containers(self, text: str) -> list[str]:
        """None: a table needs none above it."""
        return []

    def is_empty(self, text: str) -> bool:
        """Whether nothing stands in the file."""
        return not text.strip()

    def merged(self, text: str, server: dict[str, Any]) -> str:
        """The text with this table under telex's name. Raises SettingsNotToml."""
        spans = self._spans(text)
        nearby = text[slice(*spans[0])] if spans else text  # a file may have ends of lines of both kinds
        newline = "\r\n" if "\r\n" in nearby else "\n"
        lines = [f"[{self.member}.{NAME}]", *(f"{key} = {_value(value)}" for key, value in server.items())]
        table = "".join(line + newline for line in lines)
        if spans:
            start, end = spans[0]
            merged = self._without(text, spans[1:])
            merged = merged[:start] + table + merged[end:]
        else:
            gap = "" if not text else newline if text.endswith("\n") else newline * 2
            merged = text + gap + table
        return self._proved(text, merged, server)

    def stripped(self, text: str, *, made: bool) -> str:
        """The text without telex's tables. Raises SettingsNotToml."""
        spans = []
        for start, end in self._spans(text):
            lead = re.search(r"(?<=\n)\r?\n\Z", text[:start])  # the empty line that `merged` puts before a table
            spans.append((start - len(lead[0]) if lead else start, end))
        return self._proved(text, self._without(text, spans), None)

    def _without(self, text: str, spans: list[tuple[int, int]]) -> str:
        for start, end in reversed(spans):
            text = text[:start] + text[end:]
        return text

    def _spans(self, text: str) -> list[tuple[int, int]]:
        """Where telex's tables stand: from a header to the last line before the next one that says something."""
        spans: list[tuple[int, int]] = []
        at, inside = 0, False
        for line in text.splitlines(keepends=True):
            start, at = at, at + len(line)
            bare = line.rstrip("\r\n")
            header = _HEADER.fullmatch(bare)
            keys = [key.strip("\"'") for key in re.findall(_KEY, header[1])] if header else []
            ours = keys[:2] == [self.member, NAME]
            if (ours or (header and inside)) and _is_whole(text[:start]):
                inside = ours
                if ours:
                    spans.append((start, at))
            elif inside and not _BARE.fullmatch(bare):
                spans[-1] = (spans[-1][0], at)
        return spans

    def _proved(self, old: str, new: str, server: dict[str, Any] | None) -> str:
        try:
            was, now = _values(old), _values(new)
        except tomllib.TOMLDecodeError:
            raise self._refusal() from None
        self._taken_from(was)
        if self._taken_from(now) != server or now != was:
            raise self._refusal()
        return new

    def _taken_from(self, values: dict[str, Any]) -> Any:
        servers = values.get(self.member, {})
        there = servers.pop(NAME, None)
        if not servers:
            values.pop(self.member, None)  # a header above the tables may stay alone
        return there

    def _refusal(self) -> SettingsNotToml:
        problem = f"telex can edit servers in it only where each has a header of its own: [{self.member}.{NAME}]"
        return SettingsNotToml(path=self.path, problem=problem)


def _is_whole(text: str) -> bool:
    """Whether a header may follow: a line inside of a long string or list only looks like one."""
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return False
    return True


def _values(text: str) -> dict[str, Any]:
    return tomllib.loads(text, parse_float=str)  # nan equals nothing, not even itself


def _value(value: object) -> str:
    """A string, or a list of them: JSON's spelling is TOML's too."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _first_small(words: str) -> str:
    return words[:1].lower() + words[1:]
