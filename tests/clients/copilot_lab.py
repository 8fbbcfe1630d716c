"""A machine with GitHub Copilot CLI on it: how it is started offline, and what a person has answered before."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.clients.conftest import HOW, clients_dir
from tests.clients.lab import HEADLESS_SECONDS, KEY, Lab
from tests.clients.model_server import Model, Turn, bash
from tests.clients.terminal import Terminal

CLIENT = "copilot"
READY = "/ commands"
_START_SECONDS = 60  # on a new machine it unpacks itself first
_ALLOWED = "--allow-all"


def program() -> Path:
    """The pinned Copilot CLI, or a failure that says how to get it."""
    package = clients_dir() / "copilot" / "node_modules" / "@github"
    found = sorted(package.glob("copilot-*/copilot"))
    if not found:
        pytest.fail(f"NOT TESTED: Copilot CLI is not installed under {package}: {HOW}", pytrace=False)
    return found[0]


def shell(command: str, *, first: Callable[[], object] | None = None, when: str = "") -> Turn:
    """A call of Copilot's shell tool."""
    return bash(command, first=first, when=when, tool="bash")


class CopilotLab(Lab):
    """One machine with GitHub Copilot CLI on it."""

    def __init__(self, root: Path, copilot: Path) -> None:
        super().__init__(root, copilot)
        self.copilot = str(copilot)
        self.config = self.home / ".copilot"
        self.settings = self.config / "hooks" / "telex.json"
        self.config.mkdir()
        self.farewell = ""  # what the last headless run said beside its answer: how to resume it

    def directory(self, name: str) -> Path:
        """A project directory that the person trusts."""
        path = super().directory(name)
        trusted = [str(one) for one in self._directories]
        (self.config / "config.json").write_text(json.dumps({"trusted_folders": trusted, "banner": "never"}))
        return path

    def client_environment(self, model: Model) -> dict[str, str]:
        """What Copilot and its shell get; the agent's shell has what the person's has: telex is on its path."""
        path = f"{self.telex_home / 'bin'}:{self.environment()['PATH']}"
        return self.environment(
            COPILOT_OFFLINE="true",
            COPILOT_PROVIDER_BASE_URL=f"{model.url}/v1",
            COPILOT_PROVIDER_API_KEY=KEY,
            COPILOT_MODEL="scripted",
            COPILOT_AUTO_UPDATE="false",
            PATH=path,
        )

    def headless(self, model: Model, prompt: str, cwd: Path, *options: str) -> str:
        """`copilot -p PROMPT`: what it printed. It must end well."""
        done = subprocess.run(
            [self.copilot, "-p", prompt, _ALLOWED, *options],
            cwd=cwd,
            env=self.client_environment(model),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=HEADLESS_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done
        self.farewell = done.stderr
        return done.stdout

    def terminal(self, model: Model, cwd: Path, *options: str, wait: bool = True) -> Terminal:
        """Copilot in a terminal, ready for its first prompt unless told not to wait for that."""
        socket = self.root / f"tmux-{len(self._opened)}"
        allowed = [] if self.careful else [_ALLOWED]
        terminal = Terminal(socket, [self.copilot, *allowed, *options], cwd, self.client_environment(model))
        self._opened.append(terminal)
        if wait:
            terminal.shows(READY, _START_SECONDS)
        return terminal

    def marks(self) -> str:
        """What the gate noted of the one session there is: p a prompt, s a stop."""
        files = [path.read_text() for path in (self.telex_home / "turns").iterdir()]
        return files[0] if len(files) == 1 else str(files)
