"""A process that runs what it is told, line by line, as a client's shell tool does."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.support.cli import Ran

_AGENT = """
import json, subprocess, sys
for line in sys.stdin:
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True)
    print(json.dumps([done.returncode, done.stdout, done.stderr]), flush=True)
"""


class AgentProcess:
    """What it runs are its children; `inside` are words before it: a program that makes a place for it."""

    def __init__(self, environment: dict[str, str], directory: Path, inside: Sequence[str] = ()) -> None:
        self._process = subprocess.Popen(
            [*inside, sys.executable, "-c", _AGENT],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            cwd=directory,
            text=True,
        )

    @property
    def pid(self) -> int:
        """Of the process that was started: of the words before it, where there are such."""
        return self._process.pid

    def run(self, line: str) -> Ran:
        """One line of shell."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return Ran(*json.loads(self._process.stdout.readline()))

    def end(self) -> None:
        """Its standard input ends, and it with it."""
        self._process.communicate()

    def kill(self) -> None:
        """kill -9."""
        self._process.kill()
        self._process.communicate()
