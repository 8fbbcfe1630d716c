"""An MCP client made of plain lines, and the home that its server works in.

Rules kept here: the server is the real `telex mcp` in a process of its own, with an environment made from nothing;
what it says is read by a thread, so that a test waits for what it wants and sees what came besides; nobody in a test
is found by its process, because all of them have this one for a parent.
"""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.clients.waiting import wait_for
from tests.support.cli import TELEX, Shell

import telex
from telex.bus import Bus, identity

Json = dict[str, Any]
META = "io.modelcontextprotocol"


class Home:
    """A state directory, and whoever the test wants to be in it."""

    def __init__(self, root: Path) -> None:
        self.shell = Shell(root)
        self.path = str(self.shell.telex_home)
        self.bus = telex.open(self.path)

    def at(self, name: str) -> Bus:
        """The bus of a script of that name."""
        now_ms = self.bus.clock()
        caller = identity.named(self.bus.db, name, os.getpid(), "/src", now_ms)
        return self.bus.acting(caller)

    def states(self, message: str) -> list[str]:
        """How far the deliveries of a message got."""
        return [one.state for one in self.at("onlooker").show(message).deliveries]

    def becomes(self, message: str, state: str) -> None:
        """Wait until every delivery of a message is there."""
        wait_for(f"{message} to be {state}", lambda: set(self.states(message)) == {state})

    def bell(self, name: str) -> Path:
        """The bell of whoever holds a name."""
        return Path(self.path, "bells", identity.bell_of(self.at(name).me))

    def close(self) -> None:
        """Close the store."""
        self.bus.close()


class Peer:
    """A client at the other end of a server's pipes."""

    def __init__(
        self,
        home: Home,
        *words: str,
        name: str = "",
        client: str = "plain-client",
        version: str = "2025-11-25",
        argv: list[str] | None = None,
        **environment: str,
    ) -> None:
        named = ["--name", name] if name else []
        self.process = subprocess.Popen(
            argv or [TELEX, "mcp", *words, *named],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=home.shell.work,
            env=home.shell.environment | environment,
        )
        self._client = client
        self._next = 0
        self._heard: list[Json] = []
        self._news = threading.Condition()
        threading.Thread(target=self._listen, daemon=True).start()
        if version:
            info = {"name": client, "version": "1"}
            params = {"protocolVersion": version, "capabilities": {}, "clientInfo": info}
            self.hello = self.result("initialize", **params)
            self.notify("notifications/initialized")

    def _listen(self) -> None:
        assert self.process.stdout
        try:
            for line in self.process.stdout:
                with self._news:
                    self._heard.append(json.loads(line))
                    self._news.notify_all()
        except ValueError:
            pass  # the test closed this end

    # --- saying ---

    def line(self, raw: bytes) -> None:
        """Write a line as it is."""
        assert self.process.stdin
        self.process.stdin.write(raw + b"\n")
        self.process.stdin.flush()

    def notify(self, method: str, **params: Any) -> None:
        """Send a notification."""
        self.line(json.dumps({"jsonrpc": "2.0", "method": method, "params": params}).encode())

    def ask(self, method: str, **params: Any) -> int:
        """Send a request; its id."""
        self._next += 1
        message: Json = {"jsonrpc": "2.0", "id": self._next, "method": method}
        self.line(json.dumps(message | ({"params": params} if params else {})).encode())
        return self._next

    def call(self, tool: str, *, meta: Json | None = None, **arguments: Any) -> int:
        """Ask for a tool; the request's id. A trailing underscore makes a Python word of an argument."""
        given = {word.rstrip("_"): value for word, value in arguments.items()}
        return self.ask("tools/call", name=tool, arguments=given, **({"_meta": meta} if meta else {}))

    def cancel(self, request: int) -> None:
        """Give a request up."""
        self.notify("notifications/cancelled", requestId=request, reason="the test")

    # --- hearing ---

    def answer(self, request: int | None) -> Json:
        """The answer to a request, waiting for it."""
        return self.heard(f"an answer to {request}", lambda one: "method" not in one and one.get("id") == request)

    def heard(self, what: str, wanted: Callable[[Json], bool]) -> Json:
        """The first line that is wanted, waiting for it; it is not found again."""

        def look() -> Json | None:
            with self._news:
                found = next((one for one in self._heard if wanted(one)), None)
                if found is not None:
                    self._heard.remove(found)
                return found

        return wait_for(what, look, instead=lambda: f"{self._heard}\n{self._complaint()}")

    def notified(self, method: str) -> Json:
        """The parameters of the next notification of that method, waiting for it."""
        found: Json = self.heard(method, lambda one: one.get("method") == method)["params"]
        return found

    def silent_about(self, method: str) -> bool:
        """Whether no such notification has come so far."""
        return not any(one.get("method") == method for one in self._heard)

    def result(self, method: str, **params: Any) -> Json:
        """Ask, and wait for what comes of it."""
        found = self.answer(self.ask(method, **params))
        assert "result" in found, found
        result: Json = found["result"]
        return result

    def error(self, method: str, **params: Any) -> Json:
        """Ask, and wait for the error that comes of it."""
        found: Json = self.answer(self.ask(method, **params))["error"]
        return found

    def use(self, tool: str, **arguments: Any) -> Json:
        """Call a tool and wait for its result."""
        found: Json = self.answer(self.call(tool, **arguments))["result"]
        return found

    def says(self, tool: str, **arguments: Any) -> str:
        """The text of a tool's result."""
        return text(self.use(tool, **arguments))

    # --- leaving ---

    def end_input(self) -> int:
        """Close the server's input and wait for its end; its exit status."""
        assert self.process.stdin
        self.process.stdin.close()
        return self.process.wait(timeout=30)

    def _complaint(self) -> str:
        if self.process.poll() is None:
            return "the server is up"
        assert self.process.stderr
        return self.process.stderr.read().decode()

    def close(self) -> None:
        """End it, whatever it does."""
        self.process.kill()
        self.process.wait()
        for end in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert end
            try:
                end.close()
            except OSError:
                pass


def text(result: Json) -> str:
    """The text of a tool's result."""
    assert len(result["content"]) == 1
    found: str = result["content"][0]["text"]
    return found
