"""A real relay process on loopback, for tests.

`with running(tmp_path) as relay:` serves; `relay.url` is its URL, `relay.code("acme")` makes a team and gives its first
owner's code. `relay.kill()` is kill -9, `relay.stop()` asks it to end, `relay.start()` serves again at the same URL.
Whatever was started is ended when the block is left.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
from tests.support.cli import TELEX
from tools.ports import held_port

# No test is refused by its own speed, except those that ask for it.
FAST = {"TELEX_RELAY_GUESSES_PER_MINUTE": "1000000", "TELEX_RELAY_REQUESTS_PER_MINUTE": "10000000"}
FAST |= {"TELEX_RELAY_ITEMS_PER_MINUTE": "100000000", "TELEX_RELAY_TEAM_ITEMS_PER_MINUTE": "100000000"}


class Relay:
    """One relay: its file, its process, its URL."""

    def __init__(self, home: Path, environment: dict[str, str], options: tuple[str, ...] = ()) -> None:
        self.home = home
        self.file = home / "relay" / "relay.db"
        self.log = home / "relay.log"
        self.environment = {**os.environ, "TELEX_HOME": str(home), **FAST, **environment}
        self.options = options
        self.prefix: tuple[str, ...] = ()  # words before those that serve: a program that prepares a place for them
        self.port = held_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.told = ""  # the URL that it says it serves at, where it is behind another one
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Serve; returns once it does."""
        self.home.mkdir(parents=True, exist_ok=True)
        words = [*self.prefix, TELEX, "relay", "serve", "--listen", f"127.0.0.1:{self.port}", *self.options]
        with self.log.open("a") as log:
            self.process = subprocess.Popen(words, env=self.environment, stdout=subprocess.PIPE, stderr=log, text=True)
        assert self.process.stdout is not None
        said = self.process.stdout.readline()
        assert said == f"serving at {self.told or self.url}\n", (said, self.log.read_text())

    def kill(self) -> None:
        """kill -9."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """Ask it to end; its exit status."""
        return self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> int:
        process, self.process = self.process, None
        if process is None:
            return 0
        process.send_signal(how)
        status = process.wait(timeout=60)
        assert process.stdout is not None
        process.stdout.close()
        return status

    def command(self, *words: str) -> dict[str, object]:
        """What `telex relay …` answers in JSON."""
        done = subprocess.run(
            [TELEX, "relay", *words, "--json"], env=self.environment, capture_output=True, text=True, check=True
        )
        answer: dict[str, object] = json.loads(done.stdout)
        return answer

    def refused(self, *words: str) -> dict[str, object]:
        """What `telex relay …` complains of in JSON."""
        done = subprocess.run(
            [TELEX, "relay", *words, "--json"], env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode != 0, done.stdout
        complaint: dict[str, object] = json.loads(done.stderr)["error"]
        return complaint

    def code(self, team: str) -> str:
        """A new team's first owner's code."""
        return str(self.command("team", "create", team)["code"])


@contextmanager
def running(folder: Path, *options: str, serve: bool = True, **environment: str) -> Iterator[Relay]:
    """A relay in a folder of its own; with `serve` it runs already."""
    relay = Relay(folder / "relay-home", environment, options)
    try:
        if serve:
            relay.start()
        yield relay
    finally:
        relay.kill()


def waiting_count(relay: Relay) -> int:
    """How many requests wait, by the relay's own metrics."""
    text = httpx2.get(f"{relay.url}/metrics").text
    return int(float(next(line for line in text.splitlines() if line.startswith("telex_relay_waiting")).split()[1]))


def until_waiting(relay: Relay, count: int) -> None:
    """Return once so many requests wait."""
    while waiting_count(relay) < count:
        pass
