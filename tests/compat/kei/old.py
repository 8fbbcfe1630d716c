"""The old way: what kei-message.sh and mailbox-inject.sh did, step by step, to show what went wrong with it.

Only the algorithm: one file of lines, ids made of the time, a cursor that holds the highest id seen, `jq -s` over all
lines. Nothing of telex is in it, and nothing of telex is tested by it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any


class OldHookFailed(Exception):
    """The hook ended with that status and said nothing."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class OldMailbox:
    """One messages.jsonl and its cursors."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.cursors: dict[str, str] = {}

    @staticmethod
    def line(number: int, sender: str, to: str, body: str) -> str:
        """What `jq -cn` makes; the time was looked at before that."""
        return json.dumps({"id": number, "ts": "2026-11-21T19:23:43Z", "from": sender, "to": to, "body": body})

    def send(self, number: int, sender: str, to: str, body: str) -> None:
        """One whole send, with nobody in between."""
        self.lines.append(self.line(number, sender, to, body))

    def hook(self, me: str, session: str, between: Callable[[], None] = lambda: None, closed: bool = False) -> str:
        """One prompt. `between` happens between its two looks at the file; `closed`: nobody reads its output."""
        newest = max((one["id"] for one in self._slurped(0)), default=0)
        if session not in self.cursors:
            self.cursors[session] = str(newest)
            return ""
        written = self.cursors[session]
        last = int(written) if written.isdigit() else 0
        between()
        new = [
            f"  • {one['from']} -> {one['to']}: {one['body']}"
            for one in self._slurped(4)
            if one["id"] > last and one["to"] in (me, "all") and one["from"] != me
        ]
        self.cursors[session] = str(newest)
        if not new or closed:
            return ""
        head = f"[kei mailbox] new message(s) for this session ({me}):"
        return "\n".join([head, *new, '  (reply: kei message send --to <name> "...")'])

    def inbox(self, me: str) -> str:
        """The last twenty lines of everything printed."""
        found = [
            f"[{one['ts'].replace('T', ' ').rstrip('Z')}] {one['from']} -> {one['to']}: {one['body']}"
            for one in self._slurped(4)
            if one["to"] in (me, "all")
        ]
        return "\n".join("\n".join(found).split("\n")[-20:])

    def _slurped(self, status: int) -> list[dict[str, Any]]:
        """`jq -s`: every line, or nothing at all."""
        try:
            return [json.loads(line) for line in self.lines]
        except ValueError:
            if status:
                raise OldHookFailed(status) from None
            return []


def in_chunks(line: str) -> list[str]:
    """What a program with a stdio buffer of 4 KB appends, write by write."""
    return [line[at : at + 4_096] for at in range(0, len(line), 4_096)]
