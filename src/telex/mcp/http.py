"""The same server over streamable HTTP: `telex mcp --http`.

Rules kept here: 127.0.0.1 only, foreign Host and Origin headers refused, and a secret in the path, because every
user of a machine can reach its ports. The secret is made once and kept in the state directory, readable by its owner
alone. An answer has left when its last byte was taken while the client was still connected. What is not printable
leaves as an escape of JSON, as over standard output, because a client may log what it gets.
"""

from __future__ import annotations

import os
import secrets
from codecs import getincrementaldecoder
from functools import partial

import anyio
import uvicorn

from telex import limits
from telex.core import text
from telex.errors import PortTaken
from telex.mcp.bus_thread import Desk
from telex.mcp.caller import Callers
from telex.mcp.pending import Exchange
from telex.mcp.server import EXCHANGE, Service
from telex.wire.bounded_http import BoundedProtocol

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from telex.bus import Bus
    from telex.mcp.toolset import Offer

HOST = "127.0.0.1"
TOKEN_FILE = "mcp-token"
_LENGTH = b"content-length"


def serve(
    open_bus: Callable[[], Bus],
    offer: Offer,
    home: str,
    port: int,
    tell: Callable[[str], None],
    *,
    name: str = "",
) -> None:
    """Serve until interrupted; `tell` is given the URL. Raises StoreFault, PortTaken."""
    open_bus().close()  # makes the state directory, and says now what is wrong with it
    path = f"/{token(home)}/mcp"
    anyio.run(partial(_serve, open_bus, offer, Callers(name=name, over_http=True), port, path, tell))


def token(home: str) -> str:
    """The secret of this home, made where it is missing."""
    path = os.path.join(home, TOKEN_FILE)
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        with open(path, encoding="ascii") as file:
            if found := file.read().strip():
                return found
        fd = os.open(path, os.O_WRONLY)
    made = secrets.token_urlsafe(limits.MCP_TOKEN_BYTES)
    with os.fdopen(fd, "w", encoding="ascii") as out:
        out.write(made + "\n")
    return made


async def _serve(
    open_bus: Callable[[], Bus],
    offer: Offer,
    callers: Callers,
    port: int,
    path: str,
    tell: Callable[[str], None],
) -> None:
    desk = Desk(open_bus)
    app = Delivered(desk)
    drain = limits.MCP_DRAIN_SECONDS
    config = uvicorn.Config(
        app,
        host=HOST,
        port=port,
        http=BoundedProtocol,
        log_level="critical",
        access_log=False,
        timeout_graceful_shutdown=drain,
    )
    try:
        listening = config.bind_socket()
    except SystemExit:
        raise PortTaken(port=port, problem="another program has it, or it is not allowed") from None
    async with anyio.create_task_group() as group:
        service = Service(desk, callers, offer, group, over_http=True)
        app.inner = service.server.streamable_http_app(streamable_http_path=path, host=HOST)
        listening.listen()
        tell(f"http://{HOST}:{port}{path}")
        await uvicorn.Server(config).serve(sockets=[listening])
        group.cancel_scope.cancel()


class Delivered:
    """Around the SDK's application: gives each request an exchange, and settles it when its answer has left."""

    def __init__(self, desk: Desk) -> None:
        self.inner: Any = None
        self._desk = desk

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one request (ASGI)."""
        if scope["type"] != "http":
            await self.inner(scope, receive, send)
            return
        exchange = Exchange(self._desk)
        client = _Client(receive, send)
        async with anyio.create_task_group() as group:
            group.start_soon(client.watch)
            try:
                await self.inner({**scope, EXCHANGE: exchange}, client.receive, client.send)
            finally:
                with anyio.CancelScope(shield=True):
                    await exchange.settle(client.answered)
                group.cancel_scope.cancel()


class _Client:
    """The other end of one request: whether it was still there when the answer's last byte was handed over."""

    def __init__(self, receive: Any, send: Any) -> None:
        self._receive = receive
        self._send = send
        self._asked = anyio.Event()  # its whole request has been read
        self._gone = False
        self._start: Any = None  # the head of an answer whose length is not known yet
        self._decoder = getincrementaldecoder("utf-8")("replace")
        self.answered = False

    async def receive(self) -> Any:
        found = await self._receive()
        if found["type"] == "http.disconnect" or not found.get("more_body"):
            self._asked.set()
        return found

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start" and _has_length(message):
            self._start = message
            return
        if message["type"] == "http.response.body":
            body = self._decoder.decode(message.get("body", b""), not message.get("more_body"))
            message = {**message, "body": text.escaped(body).encode()}
            await self._send_start(message)
        await self._send(message)
        if message["type"] == "http.response.body" and not message.get("more_body"):
            self.answered = not self._gone

    async def _send_start(self, body: Any) -> None:
        """Send the head that waited for its body, with the length that the body has now; none where more will come."""
        if self._start is not None:
            start, self._start = self._start, None
            kept = [one for one in start["headers"] if one[0].lower() != _LENGTH]
            length = [] if body.get("more_body") else [(_LENGTH, b"%d" % len(body["body"]))]
            await self._send({**start, "headers": [*kept, *length]})

    async def watch(self) -> None:
        """Notice when the client leaves before it is answered; what was sent then went nowhere."""
        await self._asked.wait()
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._gone = True


def _has_length(start: Any) -> bool:
    return any(name.lower() == _LENGTH for name, _ in start.get("headers", ()))
