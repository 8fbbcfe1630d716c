"""A machine of its own for real clients: HOME, directories, environment, model; and telex installed into it.

Rules kept here:
- nothing of the real machine gets in: a fresh HOME, an environment made from nothing, a made-up key;
- telex is used as a person uses it: the installed command, `telex install`, the client's own settings;
- every client that was started is ended by `close`, whatever happened.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
import uuid
from pathlib import Path
from typing import Any

from tests.clients.model_server import Json, Model
from tests.clients.terminal import Terminal
from tests.clients.waiting import wait_for

KEY = "sk-test"
TELEX = str(Path(sys.executable).parent / "telex")
READY = "bypass permissions on"
CAREFUL_READY = "manual mode on"
HEADLESS_SECONDS = 120
_QUIET = (
    "DISABLE_AUTOUPDATER",
    "DISABLE_TELEMETRY",
    "DISABLE_ERROR_REPORTING",
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC",
    "IS_SANDBOX",
)


def marker() -> str:
    """A word that stands nowhere else."""
    return f"mark-{uuid.uuid4().hex[:12]}"


class Lab:
    """One machine with Claude Code on it."""

    def __init__(self, root: Path, claude: Path) -> None:
        self.root = root
        self.home = root / "home"
        self.telex_home = self.home / ".telex"
        self.settings = self.home / ".claude" / "settings.json"
        self.settings.parent.mkdir(parents=True)
        self.careful = False  # whether the person wants to approve what the agent does
        self.under: tuple[str, ...] = ()  # the command, with its words, that runs Claude Code in a terminal
        self._claude = str(claude)
        self._opened: list[Model | Terminal | Stream] = []
        self._directories: list[Path] = []
        self._accepted: Json = {}

    def directory(self, name: str) -> Path:
        """A project directory. Make all of them before the first terminal: its client keeps its own file after that."""
        path = self.root / "work" / name
        path.mkdir(parents=True, exist_ok=True)
        self._directories.append(path)
        return path

    def share(self, telex_home: Path) -> None:
        """Use a telex that other clients of this machine use too. Before telex is installed."""
        self.telex_home = telex_home

    def _accept_dialogs(self) -> None:
        """What a person answers to a terminal's first questions; a headless client asks none."""
        if self._accepted:
            return
        trusted = {"hasTrustDialogAccepted": True, "hasCompletedProjectOnboarding": True}
        self._accepted = {
            "hasCompletedOnboarding": True,
            "theme": "dark",
            "bypassPermissionsModeAccepted": True,
            "customApiKeyResponses": {"approved": [KEY[-20:]], "rejected": []},
            "projects": {str(one): trusted for one in self._directories},
        }
        (self.home / ".claude.json").write_text(json.dumps(self._accepted))

    def environment(self, **more: str) -> dict[str, str]:
        """What every process in the lab gets, and nothing else."""
        return {
            "HOME": str(self.home),
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "TERM": "xterm-256color",
            "LANG": "C.UTF-8",
            "SHELL": "/bin/sh",
            "TELEX_HOME": str(self.telex_home),
            **more,
        }

    def _client_environment(self, model: Model) -> dict[str, str]:
        quiet = dict.fromkeys(_QUIET, "1")
        return self.environment(ANTHROPIC_BASE_URL=model.url, ANTHROPIC_API_KEY=KEY, **quiet)

    def model(self) -> Model:
        """A scripted model of its own for one session."""
        model = Model()
        self._opened.append(model)
        return model

    def headless(self, model: Model, prompt: str, cwd: Path, *options: str) -> str:
        """`claude -p PROMPT`: what it printed. It must end well and complain of nothing. Where it is `careful` it would
        ask for approvals; without a person that is a refusal."""
        mode = ["--permission-mode", "default"] if self.careful else ["--dangerously-skip-permissions"]
        done = subprocess.run(
            [self._claude, "-p", prompt, *mode, *options],
            cwd=cwd,
            env=self._client_environment(model),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=HEADLESS_SECONDS,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, ""), done
        return done.stdout

    def stream(self, model: Model, cwd: Path, *options: str) -> Stream:
        """A headless session that takes one prompt after another."""
        stream = Stream([self._claude, *options], cwd, self._client_environment(model))
        self._opened.append(stream)
        return stream

    def terminal(self, model: Model, cwd: Path, *options: str, wait: bool = True) -> Terminal:
        """Claude Code in a terminal, ready for its first prompt unless told not to wait for that."""
        self._accept_dialogs()
        socket = self.root / f"tmux-{len(self._opened)}"
        mode = ["--permission-mode", "default"] if self.careful else ["--dangerously-skip-permissions"]
        argv = [*self.under, self._claude, *mode, *options]
        terminal = Terminal(socket, argv, cwd, self._client_environment(model))
        self._opened.append(terminal)
        if wait:
            terminal.shows(CAREFUL_READY if self.careful else READY)
        return terminal

    def telex(self, *words: str, name: str = "", stdin: str = "") -> Any:
        """What the telex command answers with --json; as a script of this name, or as the person."""
        who = {"TELEX_NAME": name} if name else {}
        done = subprocess.run(
            [TELEX, *words, "--json"],
            cwd=self.root,
            env=self.environment(**who),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=HEADLESS_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done
        return json.loads(done.stdout)

    def send(self, to: str, text: str, *options: str, name: str = "sender") -> str:
        """Send from outside of any client; the message's id."""
        return str(self.telex("send", *options, to, text, name=name)["id"])

    def present(self) -> dict[str, Json]:
        """Everybody `telex who` knows, by name."""
        return {one["name"]: one for one in self.telex("who", "--all")["sessions"]}

    def states(self, message: str) -> list[str]:
        """How far the deliveries of a message got."""
        return [one["state"] for one in self.telex("show", message)["deliveries"]]

    def arrived(self, message: str) -> bool:
        """Whether its sender is told that every recipient was shown it."""
        return set(self.states(message)) <= {"shown", "read", "done"}

    def becomes(self, name: str, state: str) -> None:
        """Wait until `telex who` says so of a name."""
        wait_for(
            f"{name} to be {state}",
            lambda: self.present().get(name, {}).get("state") == state,
            instead=lambda: str(self.present()),
        )

    def close(self) -> None:
        """End everything that was started here, the newest first."""
        for one in reversed(self._opened):
            one.close()


def install_telex(lab: Lab, scope: str = "user", cwd: Path | None = None, client: str = "claude") -> None:
    """The real `telex install CLIENT`."""
    _telex(lab, "install", client, scope, cwd)


def uninstall_telex(lab: Lab, scope: str = "user", cwd: Path | None = None, client: str = "claude") -> None:
    """The real `telex uninstall CLIENT`."""
    _telex(lab, "uninstall", client, scope, cwd)


def _telex(lab: Lab, verb: str, client: str, scope: str, cwd: Path | None) -> None:
    done = subprocess.run(
        [TELEX, verb, client, "--scope", scope],
        cwd=cwd or lab.root,
        env=lab.environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=HEADLESS_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done


class Stream:
    """`claude -p` that reads prompts as JSON lines."""

    def __init__(self, argv: list[str], cwd: Path, environment: dict[str, str]) -> None:
        formats = ["--input-format", "stream-json", "--output-format", "stream-json", "--verbose"]
        self._process = subprocess.Popen(
            [*argv, "-p", "--dangerously-skip-permissions", *formats],
            cwd=cwd,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._results: queue.Queue[Json] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            event = json.loads(line)
            if event.get("type") == "result":
                self._results.put(event)

    def prompt(self, text: str) -> None:
        """Submit a prompt and wait for the end of its turn."""
        self.say(text)
        self.ends_a_turn()

    def say(self, text: str) -> None:
        """Submit a prompt, whatever the session does."""
        assert self._process.stdin
        line = {"type": "user", "message": {"role": "user", "content": text}}
        self._process.stdin.write(json.dumps(line).encode() + b"\n")
        self._process.stdin.flush()

    def ends_a_turn(self) -> None:
        """Wait for the end of a turn."""
        self._results.get(timeout=HEADLESS_SECONDS)

    def close(self) -> None:
        """Close its input, which ends it."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.close()
        try:
            self._process.wait(timeout=HEADLESS_SECONDS)
        except subprocess.TimeoutExpired:
            os.kill(self._process.pid, 9)
            self._process.wait()
        self._process.stdout.close()
