"""A machine with OpenCode on it: how it is started offline.

OpenCode installs `@opencode-ai/plugin` from the npm registry into every directory that it reads settings from, and
stalls for a minute where there is no network. `run.sh` keeps that package, and each such directory here links to it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.clients.conftest import HOW, clients_dir
from tests.clients.lab import HEADLESS_SECONDS, KEY, Lab
from tests.clients.model_server import Json, Model
from tests.clients.terminal import Terminal

CLIENT = "opencode"
READY = "Ask anything"
_START_SECONDS = 120
_QUIET = (
    "OPENCODE_DISABLE_AUTOUPDATE",
    "OPENCODE_DISABLE_MODELS_FETCH",
    "OPENCODE_DISABLE_DEFAULT_PLUGINS",
    "OPENCODE_DISABLE_LSP_DOWNLOAD",
)


def program() -> Path:
    """The pinned OpenCode, or a failure that says how to get it."""
    found = clients_dir() / "opencode" / "node_modules" / "opencode-linux-x64" / "bin" / "opencode"
    for needed in (found, plugin_package() / "node_modules"):
        if not needed.exists():
            pytest.fail(f"NOT TESTED: OpenCode is not installed, {needed} is missing: {HOW}", pytrace=False)
    return found


def plugin_package() -> Path:
    """Where `run.sh` keeps what OpenCode would fetch."""
    return clients_dir() / "opencode-plugin"


class OpenCodeLab(Lab):
    """One machine with OpenCode on it."""

    def __init__(self, root: Path, opencode: Path) -> None:
        super().__init__(root, opencode)
        self.opencode = str(opencode)
        self.config = self.home / ".config" / "opencode"
        _offer_package(self.config)
        self.plugin = self.config / "plugin" / "telex.js"
        self._servers: Json = {}

    def directory(self, name: str) -> Path:
        """A project directory."""
        path = super().directory(name)
        _offer_package(path / ".opencode")
        return path

    def serve_tool(self) -> None:
        """From now on the client has an MCP server with the one tool `echo`."""
        server = Path(__file__).with_name("tool_server.py")
        self._servers = {"stand-in": {"type": "local", "command": [sys.executable, str(server)]}}

    def _client_environment(self, model: Model) -> dict[str, str]:
        scripted = {"name": "scripted", "tool_call": True, "limit": {"context": 100_000, "output": 4_000}}
        provider = {
            "npm": "@ai-sdk/openai-compatible",
            "name": "Scripted",
            "options": {"baseURL": f"{model.url}/v1", "apiKey": KEY},
            "models": {"scripted": scripted},
        }
        settings: Json = {
            "autoupdate": False,
            "share": "disabled",
            "model": "scripted/scripted",
            "small_model": "scripted/scripted",
            "permission": {"edit": "allow", "bash": "ask" if self.careful else "allow"},
            "provider": {"scripted": provider},
            "mcp": self._servers,
        }
        quiet = dict.fromkeys(_QUIET, "1")
        return self.environment(OPENCODE_CONFIG_CONTENT=json.dumps(settings), **quiet)

    def headless(self, model: Model, prompt: str, cwd: Path, *options: str) -> str:
        """`opencode run PROMPT`: what it printed. It must end well."""
        done = subprocess.run(
            [self.opencode, "run", prompt, *options],
            cwd=cwd,
            env=self._client_environment(model),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=HEADLESS_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done
        return done.stdout

    def terminal(self, model: Model, cwd: Path, *options: str, wait: bool = True) -> Terminal:
        """OpenCode in a terminal, ready for its first prompt unless told not to wait for that."""
        socket = self.root / f"tmux-{len(self._opened)}"
        terminal = Terminal(socket, [self.opencode, *options], cwd, self._client_environment(model))
        self._opened.append(terminal)
        if wait:
            terminal.shows(READY, _START_SECONDS)
        return terminal


def _offer_package(directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        (directory / name).write_bytes((plugin_package() / name).read_bytes())
    if not (directory / "node_modules").exists():
        os.symlink(plugin_package() / "node_modules", directory / "node_modules")
