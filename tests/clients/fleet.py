"""One machine with every client on it: five real programs, each with a HOME of its own, and one telex for all of them.

Rules kept here:
- a client that is not installed takes nobody with it: only what needs it fails, with the words NOT TESTED;
- everything is started when it is first asked for, once, and ended by `close`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.clients import codex_lab, conftest, copilot_lab, gemini_lab, opencode_lab
from tests.clients.lab import Lab, install_telex
from tests.clients.model_server import Turn, bash


class Kind(NamedTuple):
    """How one client is found, set up and made to run a command."""

    program: Callable[[], Path]
    lab: Callable[[Path, Path], Lab]
    shell: Callable[[str], Turn]


KINDS = {
    "claude": Kind(conftest.claude_program, Lab, bash),
    "codex": Kind(codex_lab.program, codex_lab.CodexLab, codex_lab.shell),
    "gemini": Kind(gemini_lab.program, gemini_lab.GeminiLab, partial(bash, tool="run_shell_command")),
    "opencode": Kind(opencode_lab.program, opencode_lab.OpenCodeLab, partial(bash, tool="bash")),
    "copilot": Kind(copilot_lab.program, copilot_lab.CopilotLab, copilot_lab.shell),
}


class Fleet:
    """The clients of one machine."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._labs: dict[str, Lab] = {}

    def lab(self, client: str) -> Lab:
        """That client with telex installed into it, or a failure that says how to get it."""
        if client not in self._labs:
            kind = KINDS[client]
            lab = kind.lab(self.root / client, kind.program())
            self._labs[client] = lab
            lab.share(self.root / "telex")
            install_telex(lab, client=client)
        return self._labs[client]

    def installed(self) -> list[str]:
        """The clients that are there."""
        return [client for client in KINDS if self._is_there(client)]

    def _is_there(self, client: str) -> bool:
        try:
            KINDS[client].program()
        except pytest.fail.Exception:
            return False
        return True

    def close(self) -> None:
        """End everything that was started."""
        for lab in self._labs.values():
            lab.close()
