"""telex's segment in a client's status line: one command of the settings, in which the owner's stays as it is.

Rules kept here:
- an owner's command is not replaced: it runs first, in a shell of its own, with the same standard input, and its exit
  status is the line's. While nothing waits, what it prints is all that is printed;
- taking telex out gives the owner's command back, as it is written now; without one the member goes that telex made;
- what is not a command is the owner's affair, and refused.
"""

from __future__ import annotations

import json
import re

from telex import limits
from telex.clients.edit import json_edit
from telex.clients.launcher import gate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from telex.clients.types import Kept, LineFile

MEMBER = "statusLine"
_COMMAND = "command"
# What telex writes is the owner's command between these, or the last alone, and then the gate's line.
_HEAD, _FOOT, _ALONE = "(\n", "\n); E=$?; ", "E=0; "
_OURS = re.compile(
    r"(?:\(\n(?P<owner>.*)\n\); E=\$\?|E=0); T=\$\{TELEX_HOME:-.*"
    r""" -I -S .*/(?:bin/)?hook\.py['"]? [a-z]+ StatusLine </dev/null;(?: \};)? exit \$E""",
    re.DOTALL,
)


class StatusLine:
    """The part of a settings file under `statusLine` (telex.clients.edit.parts.Part)."""

    words = "telex's status line"

    def __init__(self, piece: LineFile) -> None:
        self._piece = piece

    def check(self, raw: bytes) -> str:
        """Raises SettingsUnreadable."""
        return json_edit.checked(self._piece.path, raw)

    def present(self, text: str, kept: Kept | None) -> bool:
        """The command shows itself that a telex wrote it."""
        return _OURS.fullmatch(command(text)) is not None

    def mine(self, text: str) -> bool:
        """It starts this home's hook."""
        where = self._piece.where
        return self.present(text, None) and gate.home_of(command(text), where.user_home) == where.home

    def foreign(self, text: str) -> str:
        """Another home's."""
        there = self.present(text, None) and not self.mine(text)
        return "its status line is of another telex home" if there else ""

    def refusal(self, text: str, kept: Kept | None) -> str:
        """Something under the member that is no command, or one that would take in what follows it."""
        if MEMBER in json_edit.value_of(text) and not command(text):
            return f"its {MEMBER} is not a command"
        return f"the command of its {MEMBER} ends in a backslash" if command(text).endswith("\\") else ""

    def put(self, text: str) -> str:
        """The owner's command first, if there is one, then telex's segment."""
        owner = _owner(command(text))
        wanted = f"{_HEAD}{owner}{_FOOT}{self._piece.line}" if owner else _ALONE + self._piece.line
        if command(text) == wanted:
            return text
        style = json_edit.style_of(text)
        if command(text):
            return _with_command(text, wanted)
        made = {"type": _COMMAND, _COMMAND: wanted, "refreshInterval": limits.STATUS_LINE_SECONDS}
        return json_edit.insert(text, json_edit.parse(text), style, made, MEMBER)

    def bare(self, text: str, made: list[str] | None) -> str:
        """As its owner has it, or without the member."""
        owner = _owner(command(text))
        if owner:
            return _with_command(text, owner)
        root = json_edit.parse(text)
        return json_edit.remove(text, root, [child.key for child in root.children].index(MEMBER))

    def taken(self, text: str, made: list[str] | None) -> str:
        """The same: it is this home's."""
        return self.bare(text, made)

    def containers(self, text: str) -> list[str]:
        """None: the member goes with the command."""
        return []

    def is_empty(self, text: str) -> bool:
        """An empty object."""
        return not json_edit.value_of(text)

    def record(self, kept: Kept) -> None:
        """Its line, without the owner's."""
        kept.line = self._piece.line

    def keep(self, last: Kept, kept: Kept) -> None:
        """The same."""
        kept.line = last.line

    def is_in(self, kept: Kept) -> bool:
        """Told by its line."""
        return bool(kept.line)

    def warning(self, before: str, after: str) -> str:
        """The owner's command is as it was."""
        return ""

    def shown(self, sign: str) -> str:
        """The command stands in full in the difference."""
        return ""

    def is_current(self, text: str) -> bool:
        """Whether it is what this telex writes."""
        return self.present(text, None) and command(text).endswith(self._piece.line)


def command(text: str) -> str:
    """The command of the status line; '' where there is none."""
    there = json_edit.value_of(text).get(MEMBER)
    found = there.get(_COMMAND) if isinstance(there, dict) and there.get("type") == _COMMAND else ""
    return found if isinstance(found, str) else ""


def _owner(written: str) -> str:
    """The owner's own command in one that may be telex's."""
    ours = _OURS.fullmatch(written)
    return (ours["owner"] or "") if ours else written


def _with_command(text: str, wanted: str) -> str:
    member = json_edit.parse(text).child(MEMBER)
    node = member.child(_COMMAND) if member else None
    assert node is not None
    text = json_edit.replace(text, node, json_edit.style_of(text), wanted)
    assert command(json_edit.checked("", text.encode())) == wanted, json.dumps(wanted)
    return text
