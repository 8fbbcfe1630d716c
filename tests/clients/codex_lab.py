"""A machine with Codex CLI on it: how it is started offline, and what a person has answered to its first questions."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.clients.conftest import HOW, clients_dir
from tests.clients.lab import HEADLESS_SECONDS, KEY, Lab
from tests.clients.model_server import Json, Model, Request, Turn
from tests.clients.terminal import Terminal

CLIENT = "codex"
READY = "Ask Codex to do anything"
ORDINARY = ("--sandbox", "danger-full-access")  # a start without that
TRUSTED = "--dangerously-bypass-hook-trust"  # stands in for the person who trusted the hooks in /hooks
_CONFIG = """\
model = "scripted"
model_provider = "scripted"
approval_policy = "{approval}"
sandbox_mode = "{sandbox}"
{more}
[model_providers.scripted]
name = "scripted"
base_url = "{url}/v1"
wire_api = "responses"
env_key = "SCRIPTED_KEY"
[analytics]
enabled = false
"""
_ROOM = """\
[sandbox_workspace_write]
exclude_slash_tmp = true
exclude_tmpdir_env_var = true
writable_roots = {roots}
"""


def program() -> Path:
    """The pinned Codex CLI, or a failure that says how to get it."""
    package = clients_dir() / "codex" / "node_modules" / "@openai"
    found = sorted(package.glob("codex-*/vendor/*/bin/codex"))
    if not found:
        pytest.fail(f"NOT TESTED: Codex CLI is not installed under {package}: {HOW}", pytrace=False)
    return found[0]


def shell(
    command: str | Callable[[Request], str], *, first: Callable[[], object] | None = None, when: str = ""
) -> Turn:
    """A call of Codex's shell tool."""

    def arguments(request: Request) -> dict[str, object]:
        line = command if isinstance(command, str) else command(request)
        return {"cmd": line, "yield_time_ms": 15_000}

    return Turn(tool="exec_command", input=arguments, first=first, when=when)


def escalated(command: str) -> Turn:
    """A call of the shell tool that leaves the sandbox, for which Codex asks its person."""
    given = {"cmd": command, "sandbox_permissions": "require_escalated", "justification": "scripted"}
    return Turn(tool="exec_command", input=given)


class CodexLab(Lab):
    """One machine with Codex CLI on it."""

    def __init__(self, root: Path, codex: Path) -> None:
        super().__init__(root, codex)
        self.codex = str(codex)
        self.config = self.home / ".codex"
        self.settings = self.config / "hooks.json"
        self.config.mkdir()
        self.share(self.telex_home)
        self.sandbox = "danger-full-access"
        self.roots: list[str] = []
        self.more = ""  # settings of the person
        self._trusted = ""

    def share(self, telex_home: Path) -> None:
        """The agent's shell is a login shell, so its path is the profile's."""
        super().share(telex_home)
        (self.home / ".profile").write_text(f"PATH=$PATH:{telex_home / 'bin'}\n")

    def client_environment(self, model: Model) -> dict[str, str]:
        """What Codex and its shell get, which is a login shell: what is on its path, a profile says."""
        self._configure(model)
        return self.environment(SCRIPTED_KEY=KEY, CODEX_HOME=str(self._home_of(model)))

    def _home_of(self, model: Model) -> Path:
        """The first model has Codex's own home; each other one a copy, because the file names one model."""
        models = [one for one in self._opened if isinstance(one, Model)]
        return self.config if models[0] is model else self.home / f".codex-{models.index(model)}"

    def _configure(self, model: Model) -> None:
        room = _ROOM.format(roots=json.dumps(self.roots)) if self.sandbox == "workspace-write" else ""
        trusted = "".join(f'[projects."{one}"]\ntrust_level = "trusted"\n' for one in dict.fromkeys(self._directories))
        approval = "on-request" if self.careful else "never"
        text = _CONFIG.format(sandbox=self.sandbox, approval=approval, url=model.url, more=room)
        place = self._home_of(model)
        place.mkdir(exist_ok=True)
        # In one step: a Codex that starts meanwhile, and finds half a file, shows its sign-in screen.
        fresh = place / "config.toml.new"
        fresh.write_text(text + trusted + self._trusted + self.more)
        fresh.replace(place / "config.toml")
        if place != self.config and self.settings.exists():
            (place / "hooks.json").write_bytes(self.settings.read_bytes())

    def trust(self, model: Model) -> None:
        """What a person does in /hooks: trust those that are there. Codex then runs sessions in its own daemon."""
        requests: list[tuple[str, Json]] = [
            ("initialize", {"clientInfo": {"name": "lab", "version": "1"}, "capabilities": {"experimentalApi": True}}),
            ("hooks/list", {"cwds": [str(self._directories[0])]}),
        ]
        lines = "".join(
            json.dumps({"id": number, "method": method, "params": given}) + "\n"
            for number, (method, given) in enumerate(requests)
        )
        server = subprocess.Popen(
            [self.codex, "app-server"],
            env=self.client_environment(model),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert server.stdin and server.stdout
        with server:
            server.stdin.write(lines)
            server.stdin.flush()
            answer = next(one for one in map(json.loads, server.stdout) if one.get("id") == 1)
            server.kill()
        for hook in answer["result"]["data"][0]["hooks"]:
            self._trusted += f'[hooks.state."{hook["key"]}"]\ntrusted_hash = "{hook["currentHash"]}"\n'

    def close(self) -> None:
        """End everything that was started here, Codex's daemon too."""
        super().close()
        for process in Path("/proc").glob("[0-9]*/exe"):
            try:
                if process.readlink().is_relative_to(self.home):  # it installed itself there, so it is this lab's
                    os.kill(int(process.parent.name), signal.SIGKILL)
            except OSError:
                continue

    def headless(self, model: Model, prompt: str, cwd: Path, *options: str) -> str:
        """`codex exec PROMPT`: the answer it printed. It must end well."""
        done = subprocess.run(
            [self.codex, "exec", "--skip-git-repo-check", *(options or [TRUSTED]), prompt],
            cwd=cwd,
            env=self.client_environment(model),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=HEADLESS_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done
        return done.stdout

    def terminal(self, model: Model, cwd: Path, *options: str, wait: bool = True) -> Terminal:
        """Codex in a terminal, ready for its first prompt unless told not to wait for that."""
        socket = self.root / f"tmux-{len(self._opened)}"
        terminal = Terminal(socket, [self.codex, *(options or [TRUSTED])], cwd, self.client_environment(model))
        self._opened.append(terminal)
        if wait:
            terminal.shows(READY)
        return terminal

    def marks(self) -> str:
        """What the gate noted of the one session there is: p a prompt, s a stop."""
        files = [path.read_text() for path in (self.telex_home / "turns").iterdir()]
        return files[0] if len(files) == 1 else str(files)
