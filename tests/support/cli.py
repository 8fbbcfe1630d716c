"""The telex command as a process: in a home of its own, with an environment made from nothing."""

from __future__ import annotations

import json
import os
import pty
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tests.support import warm

TELEX = str(Path(sys.executable).parent / "telex")
# The same as words of a shell: the checkout may lie in a directory with a space in its name.
TELEX_WORD, PYTHON_WORD = shlex.quote(TELEX), shlex.quote(sys.executable)
PATH = f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"
LONGEST_SECONDS = 60


class Ran(NamedTuple):
    """What a command answered."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its answer as a value."""
        return json.loads(self.out)

    @property
    def error(self) -> dict[str, Any]:
        """Its complaint as a value."""
        found: dict[str, Any] = json.loads(self.err)["error"]
        return found


class Shell:
    """A person's shell, or a script's, in an empty home."""

    def __init__(self, root: Path) -> None:
        self.home = root / "user"
        self.telex_home = self.home / ".telex"
        self.work = self.home / "projects" / "shop"
        self.work.mkdir(parents=True, exist_ok=True)
        self.environment = {
            "HOME": str(self.home),
            "PATH": PATH,
            "LANG": "C.UTF-8",
            "TERM": "dumb",
            # only there when coverage is measured
            **{name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")},
        }

    def telex(
        self,
        *words: str | bytes,
        stdin: bytes = b"",
        name: str = "",
        cwd: str | bytes | Path | None = None,
        env: Mapping[str, str] | None = None,
        **environment: str,
    ) -> Ran:
        """Run one command; as a script of this name, or as the person."""
        changed = {**environment, **(env or {}), **({"TELEX_NAME": name} if name else {})}
        variables, directory = self._variables(changed), os.fsdecode(cwd or self.work)
        if not warm.fits(stdin, directory, variables):
            return self.run([TELEX, *words], stdin, cwd, **changed)
        spelled = [TELEX, *map(os.fsdecode, words)]
        return _ran(*warm.run(spelled, stdin, directory, variables, LONGEST_SECONDS))

    def sh(self, line: str, **environment: str) -> Ran:
        """Run one line of shell."""
        return self.run(["sh", "-c", line], **environment)

    def answered(self, answer: str, *words: str) -> bytes:
        """What a person at a terminal sees of a command that ends well; each of its questions gets this answer."""
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            [TELEX, *words], stdin=theirs, stdout=theirs, stderr=theirs, env=self.environment, cwd=self.work
        )
        os.close(theirs)
        os.write(ours, f"{answer}\n".encode() * 9)
        said = b""
        while True:
            try:
                part = os.read(ours, 65_536)
            except OSError:  # the terminal is gone with the process
                break
            said += part
        os.close(ours)
        assert process.wait(LONGEST_SECONDS) == 0, said
        return said

    def run(
        self,
        argv: list[str | bytes] | list[str],
        stdin: bytes = b"",
        cwd: str | bytes | Path | None = None,
        /,
        **environment: str,
    ) -> Ran:
        """Run a program with this environment and nothing else; an empty value takes a variable away."""
        done = subprocess.run(
            argv,
            input=stdin,
            capture_output=True,
            cwd=cwd or self.work,
            env=self._variables(environment),
            timeout=LONGEST_SECONDS,
            check=False,
        )
        return _ran(done.returncode, done.stdout, done.stderr)

    def _variables(self, changed: dict[str, str]) -> dict[str, str]:
        return {name: value for name, value in (self.environment | changed).items() if value}


def _ran(status: int, out: bytes, err: bytes) -> Ran:
    return Ran(status, out.decode(), err.decode())
