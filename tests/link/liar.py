"""A relay that lies: it stands before a true one, and may twist each of its answers.

`liar.twist` is given the method, the path, the status, the headers and the body of an answer, and gives another one, or
None for the true one.
"""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = tuple[int, dict[str, str], bytes]
Twist = Callable[[str, str, int, dict[str, str], bytes], Answer | None]
_OWN = ("content-length", "transfer-encoding", "connection", "date", "server")


class _Server(ThreadingHTTPServer):
    """Forgets a client that has gone."""

    daemon_threads = True
    onward = 0
    twist: Twist | None = None
    asked = 0

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was ended in the midst of an answer is nobody's fault."""


class _Between(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        far = http.client.HTTPConnection("127.0.0.1", self.server.onward, timeout=60)
        far.request(self.command, self.path, body or None, dict(self.headers.items()))
        said = far.getresponse()
        raw, headers = said.read(), {name: value for name, value in said.getheaders() if name.lower() not in _OWN}
        far.close()
        answer: Answer = said.status, headers, raw
        self.server.asked += 1
        if self.server.twist:
            path = self.path.partition("?")[0]
            answer = self.server.twist(self.command, path, said.status, headers, raw) or answer
        status, headers, raw = answer
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        if self.command != "HEAD":
            with suppress(OSError):
                self.wfile.write(raw)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


for _method in ("GET", "POST", "PUT", "DELETE", "HEAD"):
    setattr(_Between, f"do_{_method}", _Between._answer)


class Liar:
    """The relay as machines see it."""

    def __init__(self, port: int, onward: int) -> None:
        self._server = _Server(("127.0.0.1", port), _Between)
        self._server.onward = onward
        self.port = port
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def asked(self) -> int:
        """How many requests it has answered."""
        return self._server.asked

    def lie(self, twist: Twist | None) -> None:
        """Answer so from now on; None is the truth."""
        self._server.twist = twist

    def close(self) -> None:
        """End."""
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def between(port: int, onward: int) -> Iterator[Liar]:
    """A liar for one test."""
    made = Liar(port, onward)
    try:
        yield made
    finally:
        made.close()
