"""A machine of kei users: sessions in directories, each a process of its own, with kei's command and kei's hook."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

from tests.support.cli import TELEX, Ran, Shell

HEAD = "[kei mailbox] new message(s) for this session ({me}):"
TAIL = '  (reply: kei message send --to <name> "...")'
RECORD = re.compile(r"\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\] ([a-z0-9._-]+) -> ([a-z0-9._,-]+): (.*)")


class Session:
    """A session of Claude Code in a directory. Its hook is kei's line in the settings; telex's own may be there too."""

    def __init__(self, shell: Shell, directory: Path, key: str) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.shell, self.directory, self.key = shell, directory, key
        self.process = subprocess.Popen(["sleep", "3600"])
        self.environment = {"CLAUDECODE": "1", "CLAUDE_PID": str(self.process.pid)}

    def payload(self, **more: Any) -> bytes:
        """What Claude Code writes to a UserPromptSubmit hook."""
        found = {"session_id": self.key, "cwd": str(self.directory), "hook_event_name": "UserPromptSubmit"}
        return json.dumps(found | {"prompt": "go on"} | more).encode()

    def hook(self, raw: bytes | None = None, **environment: str) -> Ran:
        """A prompt: what the hook answers."""
        return self.shell.telex(
            "message",
            "hook",
            stdin=self.payload() if raw is None else raw,
            cwd=self.directory,
            env=self.environment | environment,
        )

    def kei(self, *words: str | bytes, stdin: bytes = b"") -> Ran:
        """`kei message …` in this session's shell."""
        return self.telex("message", *words, stdin=stdin)

    def telex(self, *words: str | bytes, stdin: bytes = b"") -> Ran:
        """Any command in this session's shell."""
        variables = self.environment | {"CLAUDE_CODE_SESSION_ID": self.key}
        return self.shell.telex(*words, stdin=stdin, cwd=self.directory, env=variables)

    def prompted(self) -> list[str]:
        """The lines between the block's heading and its last line at a prompt; [] for none."""
        ran = self.hook()
        assert (ran.status, ran.err) == (0, "")
        if not ran.out:
            return []
        first, *between, last = ran.out.split("\n")[:-1]
        assert (first, last) == (HEAD.format(me=self.directory.name), TAIL)
        return between

    def heard(self) -> list[str]:
        """The first line of each message at a prompt."""
        return [line.removeprefix("  • ") for line in self.prompted() if line.startswith("  • ")]

    def end(self) -> None:
        """Its process is gone."""
        self.process.kill()
        self.process.wait()


class Mailbox:
    """Where sessions live."""

    def __init__(self, shell: Shell) -> None:
        self.shell = shell
        self._sessions: list[Session] = []

    def session(self, place: str, key: str = "") -> Session:
        """A session starts in a directory and has its first prompt."""
        made = self.silent(place, key)
        assert made.hook().status == 0
        return made

    def silent(self, place: str, key: str = "") -> Session:
        """A session that telex has not heard of yet."""
        made = Session(self.shell, self.shell.home / "projects" / place, key or f"5e55-{len(self._sessions)}")
        self._sessions.append(made)
        return made

    def kei(self, *words: str | bytes, stdin: bytes = b"", place: str = "shop", **environment: str) -> Ran:
        """`kei message …` in a person's terminal."""
        directory = self.shell.home / "projects" / place
        directory.mkdir(parents=True, exist_ok=True)
        return self.shell.telex("message", *words, stdin=stdin, cwd=directory, env=environment)

    def records(self, ran: Ran) -> list[tuple[str, str, str]]:
        """(from, to, first line) of each record of a listing."""
        assert (ran.status, ran.err) == (0, "")
        return [match.groups() for line in ran.out.split("\n") if (match := RECORD.fullmatch(line))]  # type: ignore[misc]

    def unread(self) -> int:
        """How much waits for sessions, as the person sees it."""
        found = self.shell.telex("who", "--all", "--json").json["sessions"]
        return sum(one["unread"] for one in found if one["kind"] == "session")

    def run_beside(self, *words: str, **more: Any) -> subprocess.Popen[bytes]:
        """A command that goes on beside the test."""
        return subprocess.Popen([TELEX, *words], cwd=self.shell.work, env=self.shell.environment, **more)

    def close(self) -> None:
        """End every session."""
        for one in self._sessions:
            one.end()
