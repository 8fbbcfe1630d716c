"""The places that are measured: homes with telex installed, a client's process, and stores of any size.

Rules kept here: nothing outside the directory that the caller gives is touched; what runs is what `telex install`
wrote; a large store is filled by direct SQL in one transaction, with right row hashes, so that every reader takes its
rows for sound.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import telex
from telex.bus import Bus
from telex.clients.installer.install import install
from telex.clients.launcher import launchers
from telex.core import delivery, ids, message
from telex.db.connection import Store, query
from telex.fs import bells, processes
from telex.mail import addresses, messages

if TYPE_CHECKING:
    from telex.db.connection import SqlValue

EVENTS = ("SessionStart", "UserPromptSubmit", "PostToolBatch", "Stop", "SessionEnd", "CwdChanged", "FileChanged")
ENTRY_POINT = os.path.join(os.path.dirname(sys.executable), "telex")
RAISED = {"sends_per_minute": 100_000_000, "inbox_waiting": 100_000_000, "repeat_seconds": 0}
NAME = "bench"

_WORDS = (
    *("schema", "lock", "index", "branch", "build", "test", "merge", "query"),
    *("cache", "token", "route", "parser", "worker", "signal", "bundle", "patch"),
)
_FOREIGN = 50  # other names in a store
_MINE = 50  # every so many-th message is for the measured session
_WAITING = 20  # of them, the newest are unread
_AGE_MS = 30 * 86_400_000


class Lab:
    """One home in a directory of its own, with telex installed into Claude Code there and one live session."""

    def __init__(self, root: str, messages: int = 0, launch: launchers.Launch | None = None) -> None:
        self.user = os.path.join(root, "user")
        self.home = os.path.join(self.user, ".telex")
        os.makedirs(self.user, exist_ok=True)
        self.launch = launch or launchers.this_launch()
        install("claude", "user", home=self.home, user_home=self.user, launch=self.launch)
        self.lines = self._lines()
        self.session = str(uuid.uuid4())
        self._client = subprocess.Popen(["sleep", "86400"], stdin=subprocess.DEVNULL)
        self.payload = os.path.join(root, "payload.json")
        for variable in [name for name in os.environ if name.startswith(("TELEX_", "CLAUDE", "CODEX_", "GEMINI_"))]:
            del os.environ[variable]  # the bench may run inside an agent's shell
        with self.bus() as bus:
            for name, value in RAISED.items():
                bus.set_setting(name, str(value))
            if messages:
                fill(bus.db, messages, bus.me.address.id)
        self.begin()

    def _lines(self) -> dict[str, str]:
        with open(os.path.join(self.user, ".claude", "settings.json"), encoding="utf-8") as file:
            hooks = json.load(file)["hooks"]
        return {event: hooks[event][0]["hooks"][0]["command"] for event in EVENTS}

    def bus(self, name: str = NAME) -> Bus:
        """The bus of this home, in this process."""
        return telex.open(self.home, name=name)

    def address(self, bus: Bus) -> str:
        """The @name of the session."""
        found = addresses.session_by_key(bus.db, "claude", self.session)
        assert found is not None
        return f"@{addresses.address(bus.db, found.address).name}"

    def environment(self, name: str = "") -> dict[str, str]:
        """What the client gives its hooks; with a name, what a script has."""
        found = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": self.user, "LANG": "C.UTF-8"}
        if name:
            return found | {"TELEX_HOME": self.home, "TELEX_NAME": name}
        ours = {"CLAUDECODE": "1", "CLAUDE_CODE_SESSION_ID": self.session, "CLAUDE_CODE_SESSION_ATTENDED": "1"}
        return found | ours | {"CLAUDE_PID": str(self._client.pid)}

    def line(self, event: str) -> list[str]:
        """The command by which the client runs an event's line."""
        return ["/bin/sh", "-c", self.lines[event]]

    def hook(self, event: str) -> list[str]:
        """The command behind the gate."""
        return [self.launch.python, "-I", "-S", launchers.hook_path(self.home), "claude", event]

    def command(self, *words: str) -> list[str]:
        """The command that `telex install` wrote."""
        return [os.path.join(self.home, "bin", "telex"), *words]

    def begin(self, **fields: Any) -> None:
        """The session starts."""
        self.write_payload("SessionStart", source="startup", **fields)
        with open(self.payload, "rb") as file:
            subprocess.run(
                self.hook("SessionStart"), stdin=file, stdout=subprocess.DEVNULL, env=self.environment(), check=True
            )

    def note_prompt(self) -> None:
        """What the gate notes of a prompt: a turn begins."""
        with open(bells.path(self.home, bells.TURNS, self.session), "ab") as file:
            file.write(bytes([processes.PROMPT]))

    def write_payload(self, event: str, **fields: Any) -> None:
        """What the client will put on the hook's standard input."""
        common = {"session_id": self.session, "cwd": self.user, "hook_event_name": event, "prompt": "go on"}
        with open(self.payload, "w", encoding="utf-8") as file:
            json.dump(common | fields, file)

    def close(self) -> None:
        """The session's process ends."""
        self._client.kill()
        self._client.wait()


def body_of(number: int) -> str:
    """One of many texts, each different, of everyday words; 'schema' is in one of sixteen."""
    words = [_WORDS[(number >> shift) % len(_WORDS)] for shift in (0, 3, 5, 9)]
    return f"{' '.join(words)} moved in part {number} of the work; see the notes of step {number * 7_919 % 10_007}"


def fill(db: Store, count: int, me: int) -> None:
    """Messages between others, read and done, and some for address `me`; as a store is after a month of use."""
    now_ms = int(time.time() * 1000)
    with db.write():
        others = [addresses.awaited(db, f"other-{number}", now_ms).id for number in range(_FOREIGN)]
        first = int(db.value("history.newest")) + 1
        db.con.executemany(query("mail.add_message"), _messages(count, others, now_ms))
        db.con.executemany(query("mail.add_delivery"), _deliveries(first, count, others, me, now_ms))
        db.con.execute("INSERT INTO words (words) VALUES ('rebuild')")
    db.compact()


def _messages(count: int, others: list[int], now_ms: int) -> Iterator[tuple[SqlValue, ...]]:
    for number in range(count):
        body = body_of(number)
        sender = number % _FOREIGN
        new = messages.Message(
            uuid=ids.uuid7(now_ms - _AGE_MS + number, number.to_bytes(10, "big")),
            sender=others[sender],
            sender_name=f"other-{sender}",
            sender_kind="session",
            client="claude",
            place="/src/shop",
            addressed=f"@other-{(number + 7) % _FOREIGN}",
            kind="note",
            body=body,
            size=len(body),
            digest=message.digest(body.encode()),
            created_ms=now_ms - _AGE_MS + number,
        )
        new.hash = new.meaning()
        yield tuple(getattr(new, name) for name in messages.Message.fields()[1:])


def _deliveries(first: int, count: int, others: list[int], me: int, now_ms: int) -> Iterator[tuple[SqlValue, ...]]:
    for number in range(count):
        mine = number % _MINE == 0
        waits = mine and number >= count - _WAITING * _MINE
        state = delivery.QUEUED if waits else delivery.DONE
        to = me if mine else others[(number + 7) % _FOREIGN]
        yield first + number, to, message.DIRECT, state, 0, now_ms - _AGE_MS, 0 if waits else now_ms - _AGE_MS, ""
