"""The model: a loopback server that speaks its clients' APIs and answers from a script.

Rules kept here:
- one server per client session, so that what it recorded is that session's conversation and nobody else's;
- only requests that carry tools belong to the agent's loop and use the script; titles and summaries get DONE;
- a request is recorded, then its turn's `first` runs, then the answer leaves. So what a test does in `first` is
  certain to happen during that turn, without a sleep;
- an empty script answers DONE, so that every conversation ends.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.clients import chat_api, gemini_api, responses_api
from tests.clients.waiting import PATIENCE_SECONDS, wait_for

APIS = (chat_api, gemini_api, responses_api)  # besides Anthropic's

Json = dict[str, Any]
DONE = "scripted model: done"
_PROBLEM = {
    "type": "invalid_request_error",
    "message": "scripted model: refused",
    "code": 400,
    "status": "INVALID_ARGUMENT",
}
REFUSAL = {"type": "error", "error": _PROBLEM}  # as every API understands it


@dataclass(frozen=True)
class Request:
    """One request of the agent's loop: when it came and what it held."""

    at: float
    body: Json

    def where(self, needle: str) -> list[str]:
        """Every place of the body whose text holds the needle."""
        return [path for path, text in _strings(self.body) if needle in text]

    def count(self, needle: str) -> int:
        """How often the needle stands in the whole body, history and system text included."""
        return sum(text.count(needle) for _, text in _strings(self.body))

    def opens_with(self, needle: str) -> bool:
        """Whether the conversation begins with a message that holds the needle: how a subagent is told."""
        return any(needle in text for _, text in _strings(self.body["messages"][0]))


@dataclass(frozen=True)
class Turn:
    """What the model answers once: a text, or a tool call whose input may be made from the request."""

    text: str = ""
    tool: str = ""
    input: Json | Callable[[Request], Json] = field(default_factory=dict)
    when: str = ""  # only for a request that holds this
    first: Callable[[], object] | None = None
    beside: Turn | None = None  # another tool call of the same answer
    midway: Callable[[], object] | None = None  # runs when the client has the beginning of the answer (Gemini's API)
    namespace: str = ""  # of the tool, where the client's tools have one


def bash(
    command: str | Callable[[Request], str],
    *,
    when: str = "",
    first: Callable[[], object] | None = None,
    tool: str = "Bash",
) -> Turn:
    """A call of the shell tool, which each client calls by a name of its own."""

    def arguments(request: Request) -> Json:
        line = command if isinstance(command, str) else command(request)
        return {"command": line, "description": "scripted"}

    return Turn(tool=tool, input=arguments, when=when, first=first)


class Model:
    """A running server, its script and what it was asked."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.refuses = False  # every request, which the client may repeat in another form
        self._midway: Callable[[], object] | None = None
        self._turns: list[Turn] = []
        self._lock = threading.Lock()
        handler = type("BoundHandler", (_Handler,), {"model": self})
        self._server = _Server(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def script(self, *turns: Turn) -> None:
        """Answer the next requests so, in this order."""
        with self._lock:
            self._turns += turns

    @property
    def last(self) -> Request:
        """The newest request: it repeats the whole conversation."""
        return self.requests[-1]

    def asked_with(self, needle: str, seconds: float = PATIENCE_SECONDS) -> Request:
        """The first request that holds the needle, waiting for it."""

        def look() -> Request | None:
            return next((one for one in list(self.requests) if one.count(needle)), None)

        def instead() -> str:
            return f"{len(self.requests)} requests came, the last: {self.requests[-1:]}"[:2000]

        return wait_for(f"a request with {needle!r}", look, seconds=seconds, instead=instead)

    def asked_times(self, count: int) -> None:
        """Wait until so many requests came in all."""
        wait_for(f"{count} requests", lambda: len(self.requests) >= count)

    def has_begun(self) -> None:
        """The client has the beginning of an answer."""
        midway, self._midway = self._midway, None
        if midway:
            midway()

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()

    def answer(self, body: Json) -> list[Json] | None:
        """Record a request and say the content blocks that answer it; None where it is refused."""
        if not body.get("tools"):
            return _blocks(Turn(), None)
        request = Request(at=time.monotonic(), body=body)
        with self._lock:
            self.requests.append(request)
            if self.refuses:
                return None
            turn = next((one for one in self._turns if not one.when or request.count(one.when)), None)
            if turn:
                self._turns.remove(turn)
        if turn and turn.first:
            turn.first()
        if turn:
            self._midway = turn.midway
        return _blocks(turn or Turn(), request)


def _strings(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _strings(inner, f"{path}.{key}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _strings(inner, f"{path}[{index}]")


def _blocks(turn: Turn, request: Request | None) -> list[Json]:
    blocks: list[Json] = []
    if turn.text or not turn.tool:
        blocks.append({"type": "text", "text": turn.text or DONE})
    if turn.tool and request:
        given = turn.input(request) if callable(turn.input) else turn.input
        block = {"type": "tool_use", "id": f"toolu_{time.monotonic_ns()}", "name": turn.tool, "input": given}
        blocks.append(block | ({"namespace": turn.namespace} if turn.namespace else {}))
        blocks += _blocks(turn.beside, request) if turn.beside else []
    return blocks


def _message(body: Json, blocks: list[Json]) -> Json:
    calls = any(block["type"] == "tool_use" for block in blocks)
    return {
        "id": f"msg_{time.monotonic_ns()}",
        "type": "message",
        "role": "assistant",
        "model": body.get("model", "scripted"),
        "content": blocks,
        "stop_reason": "tool_use" if calls else "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 10, "output_tokens": 5},
    }


def _events(message: Json) -> Iterator[Json]:
    yield {"type": "message_start", "message": {**message, "content": [], "stop_reason": None}}
    for index, block in enumerate(message["content"]):
        if block["type"] == "text":
            begin, delta = {**block, "text": ""}, {"type": "text_delta", "text": block["text"]}
        else:
            written = json.dumps(block["input"])
            begin, delta = {**block, "input": {}}, {"type": "input_json_delta", "partial_json": written}
        yield {"type": "content_block_start", "index": index, "content_block": begin}
        yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    end = {"stop_reason": message["stop_reason"], "stop_sequence": None}
    yield {"type": "message_delta", "delta": end, "usage": {"output_tokens": 5}}
    yield {"type": "message_stop"}


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that left is no error."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    model: Model

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing on the test's terminal."""

    def do_HEAD(self) -> None:
        self._json({})

    def do_GET(self) -> None:
        known = self.path.split("?")[0] == "/v1/models"
        self._json(
            {"data": [{"type": "model", "id": "scripted"}], "has_more": False} if known else {},
            HTTPStatus.OK if known else HTTPStatus.NOT_FOUND,
        )

    def do_POST(self) -> None:
        path = self.path.split("?")[0]
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        if path == "/v1/messages/count_tokens":
            self._json({"input_tokens": 10})
        elif path == "/v1/messages":
            blocks = self.model.answer(body)
            message = _message(body, blocks or [])
            if blocks is None:
                self._json(REFUSAL, HTTPStatus.BAD_REQUEST)
            elif body.get("stream"):
                self._stream(_events(message))
            else:
                self._json(message)
        elif api := next((one for one in APIS if path.endswith(one.PATHS)), None):
            blocks = self.model.answer(body)
            if blocks is None:
                self._json(REFUSAL, HTTPStatus.BAD_REQUEST)
            elif api.streams(path, body):
                self._events(api.events(body, blocks))
            else:
                self._json(api.reply(body, blocks))
        else:
            self._json({}, HTTPStatus.NOT_FOUND)

    def _json(self, value: Json, status: HTTPStatus = HTTPStatus.OK) -> None:
        raw = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def _stream(self, events: Iterator[Json]) -> None:
        self._events(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events)

    def _events(self, events: Iterator[str]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        for event in events:
            self.wfile.write(event.encode())
            self.wfile.flush()
            self.model.has_begun()
        self.close_connection = True
