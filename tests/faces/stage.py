"""A machine on which every face of telex is in use at once: each as the process, socket or hook line that it is.

Rules kept here: a `Sender` says whether its face called a message sent; a `Receiver` answers with everything that its
face handed over; none of them looks into the store.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tools.ports import held_port

from telex.clients.installer import install
from telex.testing.claude import Session, context

TELEX = str(Path(sys.executable).parent / "telex")
SECONDS = 30
ANSWER_BYTES = 65_536


class Mcp:
    """A client of `telex mcp` that speaks the handshake era, a line at a time."""

    def __init__(self, argv: list[str], environment: dict[str, str], directory: str) -> None:
        self._process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, cwd=directory
        )
        self._count = 0
        client = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
        self.request("initialize", client)
        self._write({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def request(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """The result of one request."""
        self._count += 1
        self._write({"jsonrpc": "2.0", "id": self._count, "method": method, "params": params})
        assert self._process.stdout is not None
        for line in self._process.stdout:
            answer: dict[str, Any] = json.loads(line)
            if answer.get("id") == self._count:
                assert "result" in answer, answer
                return dict(answer["result"])
        raise AssertionError(f"the server ended in {method}")

    def call(self, tool: str, **arguments: object) -> str:
        """The text of a tool's answer, which is no error."""
        result = self.request("tools/call", {"name": tool, "arguments": arguments})
        text = "\n".join(part["text"] for part in result["content"])
        assert not result.get("isError"), text
        return text

    def close(self) -> None:
        """End the server."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=SECONDS)
        assert self._process.stdout is not None
        self._process.stdout.close()

    def _write(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message).encode() + b"\n")
        self._process.stdin.flush()


class Tcp:
    """An instance that speaks claude-ipc's wire protocol as its own client code does."""

    def __init__(self, port: int, instance: str) -> None:
        self._port = port
        self.instance = instance
        answer = self.ask(action="register", instance_id=instance, auth_token="")
        self._token = str(answer["session_token"])

    def act(self, action: str, **fields: object) -> dict[str, Any]:
        """One request with this instance's token."""
        return self.ask(action=action, session_token=self._token, **fields)

    def ask(self, **request: object) -> dict[str, Any]:
        """One connection: connect, send, one recv."""
        with socket.create_connection(("127.0.0.1", self._port), timeout=SECONDS) as sock:
            sock.sendall(json.dumps(request).encode())
            answer: dict[str, Any] = json.loads(sock.recv(ANSWER_BYTES))
        assert answer["status"] == "ok", answer
        return answer


class Stage:
    """One home; a sender and, for each receiving face, a receiver of its own, so that no face reads another's mail."""

    def __init__(self, root: Path) -> None:
        self.root, self.home, self.user_home = root, str(root / "telex"), str(root / "user")
        self.environment = {"PATH": os.environ["PATH"], "HOME": self.user_home, "TELEX_HOME": self.home}
        self._close: list[Callable[[], object]] = []
        Path(self.user_home).mkdir()
        install.install("claude", "user", home=self.home, user_home=self.user_home)
        self.port = self._serve()

    def session(self, name: str) -> Session:
        """A session of the stand-in client, in a directory of that name."""
        directory = self.root / "src" / name
        directory.mkdir(parents=True)
        made = Session(f"{self.user_home}/.claude/settings.json", str(directory), self.environment)
        self._close.append(made.kill)
        made.start()
        return made

    def telex(self, session: Session, *words: str) -> str:
        """What a command of the session's shell tool prints."""
        ran = subprocess.run(
            [TELEX, *words],
            env=session.environment,
            cwd=session.directory,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=SECONDS,
            check=False,
        )
        assert ran.returncode == 0, (words, ran)
        return ran.stdout

    def mcp(self, session: Session, tools: str) -> Mcp:
        """The MCP server that the session's client started."""
        made = Mcp([TELEX, "mcp", "--tools", tools], session.environment, session.directory)
        self._close.insert(0, made.close)
        return made

    def tcp(self, name: str) -> Tcp:
        """An instance at the port."""
        return Tcp(self.port, name)

    def close(self) -> None:
        """End every process."""
        for end in self._close:
            end()
        shutil.rmtree(self.root)

    def _serve(self) -> int:
        port = held_port()
        argv = [TELEX, "ipc", "serve", "--port", str(port)]
        server = subprocess.Popen(argv, env=self.environment, stdout=subprocess.PIPE, text=True)
        self._close += [server.terminate, lambda: server.communicate(timeout=SECONDS)]
        assert server.stdout is not None
        assert server.stdout.readline(), "the port is not served"
        return port


def senders(stage: Stage) -> dict[str, Callable[[str, str], object]]:
    """By face: (name of the recipient, text) -> None; fails where the face does not call it sent."""
    cli, coop, kei = (stage.session(f"{face}-sender") for face in ("cli", "coop", "kei"))
    mcp, ipc = stage.mcp(stage.session("mcp-sender"), "default"), stage.mcp(stage.session("ipc-sender"), "ipc")
    tcp = stage.tcp("tcp-sender")
    ipc.call("register", instance_id="ipc-sender")

    def by_ipc(to: str, text: str) -> None:
        said = json.loads(ipc.call("send", from_id="ipc-sender", to_id=to, content=text))
        assert said["status"] == "ok", said

    return {
        "command line": lambda to, text: stage.telex(cli, "send", f"@{to}", text),
        "mcp": lambda to, text: mcp.call("send", to=f"@{to}", text=text),
        "mcp ipc": by_ipc,
        "tcp": lambda to, text: tcp.act("send", from_id="tcp-sender", to_id=to, message={"content": text, "data": {}}),
        "coop": lambda to, text: stage.telex(coop, "session", "send", to, text),
        "kei": lambda to, text: stage.telex(kei, "message", "send", f"@{to}", text),
    }


def receivers(stage: Stage) -> dict[str, tuple[str, Callable[[], str]]]:
    """By face: the recipient's name, and what it is shown now."""
    cli, coop, kei, hook = (stage.session(f"{face}-reader") for face in ("cli", "coop", "kei", "hook"))
    mcp, ipc = stage.mcp(stage.session("mcp-reader"), "default"), stage.mcp(stage.session("ipc-reader"), "ipc")
    ipc.call("register", instance_id="ipc-reader")
    tcp = stage.tcp("tcp-reader")
    return {
        "command line": ("cli-reader", lambda: stage.telex(cli, "read")),
        "mcp": ("mcp-reader", lambda: mcp.call("read")),
        "mcp ipc": ("ipc-reader", lambda: ipc.call("check", instance_id="ipc-reader")),
        "tcp": ("tcp-reader", lambda: json.dumps(tcp.act("check", instance_id="tcp-reader"))),
        "coop": ("coop-reader", lambda: stage.telex(coop, "session", "poll", "--mark-read")),
        "kei": ("kei-reader", lambda: stage.telex(kei, "message", "inbox")),
        "hook": ("hook-reader", lambda: context(hook.prompt("go on")) + context(hook.stop())),  # it has answered
    }
