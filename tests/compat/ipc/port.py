"""`telex ipc serve` as a process, and clients that do what the original's clients do.

`Client.ask` is the original's: connect, sendall, one recv of 65,536, a timeout of 5 s, one connection per request.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from typing import Any

from tests.support.cli import TELEX, Shell

HOST = "127.0.0.1"
SECONDS = 5.0
RECEIVED = 65_536
LONGEST_SECONDS = 30

Answer = dict[str, Any]


class Port:
    """A broker's stand-in: starts when made, and again after it ended."""

    def __init__(
        self, shell: Shell, environment: Mapping[str, str], files: int = 0, program: list[str] | None = None
    ) -> None:
        self.shell = shell
        self.before = ["sh", "-c", f'ulimit -n {files}; exec "$0" "$@"'] if files else []
        self.program = program or [TELEX]
        self.environment = {**shell.environment, **environment}
        self.number = 0
        self.process = self._start()

    def _start(self) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [*self.before, *self.program, "ipc", "serve", "--port", str(self.number)],
            env=self.environment,
            cwd=self.shell.work,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        said = process.stdout.readline()
        assert said.startswith(f"listening on {HOST}:"), said + process.communicate()[1]
        self.number = int(said.rpartition(":")[2])
        return process

    def start(self) -> None:
        """Again, on the same port."""
        self.process = self._start()

    def stop(self) -> int:
        """SIGTERM, as a service manager does it; the exit status."""
        return self._end(signal.SIGTERM)

    def kill(self) -> int:
        """kill -9."""
        return self._end(signal.SIGKILL)

    def _end(self, number: int) -> int:
        if self.process.poll() is None:
            os.kill(self.process.pid, number)
        self.process.communicate(timeout=LONGEST_SECONDS)
        return self.process.returncode

    def client(self, id: str = "") -> Client:
        """A client, registered where it is given an id."""
        made = Client(self)
        if id:
            assert made.register(id)["status"] == "ok"
        return made


class Client:
    """One instance, as the original's code speaks for it."""

    def __init__(self, port: Port) -> None:
        self.port = port
        self.id = ""
        self.token = ""

    def connect(self) -> socket.socket:
        """A connection with the original's timeout."""
        made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        made.settimeout(SECONDS)
        made.connect((HOST, self.port.number))
        return made

    def ask(self, action: str, **rest: Any) -> Answer:
        """One request; its answer."""
        return self.say(self.request(action, **rest))

    def request(self, action: str, **rest: Any) -> bytes:
        """The bytes of a request."""
        token = {"session_token": self.token} if self.token else {}
        return json.dumps({"action": action, **token, **rest}).encode("utf-8")

    def say(self, request: bytes) -> Answer:
        """The original's exchange, byte for byte."""
        with self.connect() as sock:
            sock.sendall(request)
            return self.hear(sock)

    @staticmethod
    def hear(sock: socket.socket) -> Answer:
        """The original's way of reading an answer."""
        found: Answer = json.loads(sock.recv(RECEIVED).decode("utf-8"))
        return found

    def register(self, id: str, **rest: Any) -> Answer:
        """Take an id and remember the token."""
        answer = self.ask("register", instance_id=id, auth_token="", **rest)
        if answer["status"] == "ok":
            self.id, self.token = id, answer["session_token"]
        return answer

    def send(self, to: str, content: str, data: object = None) -> Answer:
        """A message as the original's scripts make it."""
        message = {"content": content} if data is None else {"content": content, "data": data}
        return self.ask("send", from_id=self.id, to_id=to, message=message)

    def check(self) -> list[Answer]:
        """What is new."""
        answer = self.ask("check", instance_id=self.id)
        assert answer["status"] == "ok", answer
        found: list[Answer] = answer["messages"]
        return found

    def heard(self) -> list[str]:
        """Only what was said, of all that waits."""
        found: list[str] = []
        while some := self.check():
            found += [one["message"]["content"] for one in some]
        return found

    def rename(self, new: str, old: str = "") -> Answer:
        """Take another id."""
        answer = self.ask("rename", old_id=old or self.id, new_id=new)
        if answer["status"] == "ok":
            self.id = new
        return answer


def until(true: Callable[[], object]) -> None:
    """Wait for a condition."""
    end = time.monotonic() + LONGEST_SECONDS
    while not true():
        assert time.monotonic() < end, "it never became true"
        time.sleep(0.01)
