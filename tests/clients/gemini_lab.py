"""A machine with Gemini CLI on it: how it is started offline, and what a person has answered to its first questions."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.clients.conftest import HOW, clients_dir
from tests.clients.lab import HEADLESS_SECONDS, KEY, Lab
from tests.clients.model_server import Json, Model
from tests.clients.terminal import Terminal

CLIENT = "gemini"
READY = "Type your message"
_START_SECONDS = 120  # a cold start reads 20 MB of scripts
_SETTINGS: Json = {
    "security": {"auth": {"selectedType": "gemini-api-key"}},
    "general": {"enableAutoUpdate": False, "enableAutoUpdateNotification": False},
    "privacy": {"usageStatisticsEnabled": False},
    "telemetry": {"enabled": False},
    "ide": {"hasSeenNudge": True},
    "ui": {"hideTips": True, "hideBanner": True},
    "model": {"name": "gemini-2.5-pro"},
}


def program() -> Path:
    """The pinned Gemini CLI, or a failure that says how to get it."""
    found = clients_dir() / "gemini" / "node_modules" / "@google" / "gemini-cli" / "bundle" / "gemini.js"
    if not found.exists():
        pytest.fail(f"NOT TESTED: Gemini CLI is not installed at {found}: {HOW}", pytrace=False)
    return found


class GeminiLab(Lab):
    """One machine with Gemini CLI on it."""

    def __init__(self, root: Path, gemini: Path) -> None:
        super().__init__(root, gemini)
        self.node = shutil.which("node") or "node"
        self.gemini = str(gemini)
        self.settings = self.home / ".gemini" / "settings.json"
        self.settings.parent.mkdir(parents=True)
        self.settings.write_text(json.dumps(_SETTINGS, indent=2))

    def directory(self, name: str) -> Path:
        """A project directory that the person trusts."""
        path = super().directory(name)
        trusted = {str(one): "TRUST_FOLDER" for one in self._directories}
        (self.settings.parent / "trustedFolders.json").write_text(json.dumps(trusted))
        return path

    def _client_environment(self, model: Model) -> dict[str, str]:
        # the agent's shell has what the person's has: telex is on it
        path = f"{self.telex_home / 'bin'}:{Path(self.node).parent}:{self.environment()['PATH']}"
        return self.environment(GEMINI_API_KEY=KEY, GOOGLE_GEMINI_BASE_URL=model.url, NO_BROWSER="1", PATH=path)

    def headless(self, model: Model, prompt: str, cwd: Path, *options: str) -> str:
        """`gemini -p PROMPT`: the answer it printed. It must end well."""
        done = subprocess.run(
            [self.node, self.gemini, "-p", prompt, "--yolo", "-o", "json", *options],
            cwd=cwd,
            env=self._client_environment(model),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=HEADLESS_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done
        self.complaints = done.stderr
        return str(json.loads(done.stdout)["response"])

    def terminal(self, model: Model, cwd: Path, *options: str, wait: bool = True) -> Terminal:
        """Gemini CLI in a terminal, ready for its first prompt unless told not to wait for that."""
        socket = self.root / f"tmux-{len(self._opened)}"
        argv = [self.node, self.gemini, *([] if self.careful else ["--yolo"]), *options]
        terminal = Terminal(socket, argv, cwd, self._client_environment(model))
        self._opened.append(terminal)
        if wait:
            terminal.shows(READY, _START_SECONDS)
        return terminal
