"""A machine on which coop's users work: a shell, sessions of the client, and the coop command on the path."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from tests.support.cli import LONGEST_SECONDS, TELEX, Ran, Shell
from tests.support.fixtures import _alone, machine, shell

from telex.testing.claude import Session

__all__ = ["_alone", "machine", "shell"]

# As coop's own installer wrote it.
COOP_LINE = "coop session poll --format=hook --mark-read 2>/dev/null || true"


class Coop:
    """Claude Code sessions that have coop's own line among their hooks, where `coop` is telex."""

    def __init__(self, shell: Shell) -> None:
        self.shell = shell
        self.settings = shell.home / ".claude" / "settings.json"
        self._sessions: list[Session] = []
        assert shell.telex("alias", "coop").status == 0
        shell.environment["PATH"] = f"{shell.home}/.local/bin:{shell.environment['PATH']}"

    def with_line(self) -> None:
        """Write coop's line where coop wrote it."""
        handler = {"type": "command", "command": COOP_LINE, "timeout": 5}
        hooks = {event: [{"hooks": [handler]}] for event in ("UserPromptSubmit", "SessionStart")}
        self.settings.parent.mkdir(exist_ok=True)
        self.settings.write_text(json.dumps({"hooks": hooks}))

    def session(self, name: str, *, title: str = "") -> Session:
        """A session in a directory of that name; it has not started yet."""
        directory = self.shell.home / "projects" / name
        directory.mkdir(parents=True, exist_ok=True)
        if not self.settings.exists():
            self.with_line()
        made = Session(str(self.settings), str(directory), dict(self.shell.environment), title=title)
        self._sessions.append(made)
        return made

    def close(self) -> None:
        """End every session."""
        for one in self._sessions:
            one.kill()


def payload(session: Session, event: str = "UserPromptSubmit", **more: Any) -> bytes:
    """What the client writes to a hook."""
    told = {"session_id": session.id, "cwd": session.directory, "hook_event_name": event, **more}
    return json.dumps(told).encode()


def polled(session: Session, *words: str, stdin: bytes | None = None, env: Mapping[str, str] | None = None) -> Ran:
    """coop's poll as a hook of that session runs it."""
    done = subprocess.run(
        [TELEX, "coop", "session", "poll", "--format=hook", *words],
        input=payload(session) if stdin is None else stdin,
        capture_output=True,
        env={**session.environment, **(env or {})},
        cwd=session.directory,
        timeout=LONGEST_SECONDS,
        check=False,
    )
    return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())


def context_of(ran: Ran) -> str:
    """The text that a hook's answer adds to the model's context; '' for `{}`."""
    answer = json.loads(ran.out)
    assert answer == {} or list(answer) == ["hookSpecificOutput"], answer
    return str(answer["hookSpecificOutput"]["additionalContext"]) if answer else ""


@pytest.fixture
def coop(shell: Shell) -> Iterator[Coop]:
    """A machine where `coop` is telex."""
    made = Coop(shell)
    yield made
    made.close()
