"""The ASGI application: from a request to its room, and from what the room says to an answer.

Rules kept here:
- what a path takes and gives, and who may ask, stands in `wire.routes`; a row without a room cannot start;
- in this order: the host, the credentials, the body within its limit and its time, the signature over all of it, the
  role, the quotas, the shape; whoever fails one learns nothing of the next;
- every answer is one of the document's, in JSON, and says the relay's time.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import apsw
import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route as Path
from starlette.routing import Router

from telex import limits
from telex.core import text
from telex.errors.between import RelayRefused
from telex.relay import logs
from telex.relay.auth import Asked, Claimed
from telex.relay.clock import now_ms
from telex.relay.handlers import HANDLERS, Handler
from telex.relay.openapi import PLACES, success
from telex.relay.service import NOBODY, Answer, Call, Desk, Stream
from telex.relay.writer import broken
from telex.wire import api, signing
from telex.wire.faults import fault, refusal
from telex.wire.routes import ANYBODY, ROUTES, Route

_JSON, _BYTES = "application/json", "application/octet-stream"
_MEDIA: dict[type, str] = {bytes: _BYTES, str: "text/plain; version=0.0.4; charset=utf-8", dict: _JSON}
_PATTERNS = {name: re.compile(pattern) for name, pattern in PLACES.items()}
_NO_SOURCE = "nobody"
_UNSURE = ("token-unknown", "machine-unknown", "invitation-unknown", "part-unknown")

Found = TypeVar("Found")


class App:
    """The relay over HTTP (ASGI)."""

    def __init__(self, desk: Desk, hosts: frozenset[str]) -> None:
        self._desk = desk
        self._hosts = hosts
        paths: dict[str, dict[str, Operation]] = {}
        for route in ROUTES:
            paths.setdefault(route.path, {})[route.method] = Operation(desk, route, HANDLERS[route.name])
        self._router = Router(
            [Path(path, Methods(desk, methods)) for path, methods in paths.items()],
            redirect_slashes=False,
            default=Nowhere(desk),
        )

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one request (ASGI)."""
        if scope["type"] != "http":
            return
        host = next((value for name, value in scope["headers"] if name == b"host"), b"")
        if host.decode("latin-1").lower() not in self._hosts:
            self._desk.metrics.refused("host-wrong")
            await failed(refusal("host-wrong"), scope["method"])(scope, receive, send)
            return
        await self._router(scope, receive, send)


class Methods:
    """One path: its operations by method."""

    def __init__(self, desk: Desk, operations: dict[str, Operation]) -> None:
        self._desk = desk
        self._operations = operations

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one request (ASGI)."""
        operation = self._operations.get(scope["method"])
        if operation is not None:
            await operation(scope, receive, send)
            return
        self._desk.metrics.refused("method-unknown")
        answer = failed(refusal("method-unknown"), scope["method"])
        answer.headers["Allow"] = ", ".join(self._operations)
        await answer(scope, receive, send)


class Nowhere:
    """Every path that there is not."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one request (ASGI)."""
        self._desk.metrics.refused("path-unknown")
        await failed(refusal("path-unknown"), scope["method"])(scope, receive, send)


class Operation:
    """One row of the table of routes."""

    def __init__(self, desk: Desk, route: Route, handler: Handler) -> None:
        self._desk = desk
        self._route = route
        self._handler = handler
        shaped = route.takes is not None and route.takes is not bytes
        self._decoder: msgspec.json.Decoder[Any] | None = msgspec.json.Decoder(route.takes) if shaped else None
        self._most = _body_bytes(route)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one request (ASGI)."""
        request = Request(scope, receive)
        began = time.monotonic()
        response = await self._response(request)
        if response is None:
            return
        seconds = time.monotonic() - began
        self._desk.metrics.answered(self._route.name, response.status_code, seconds)
        logs.say("request", route=self._route.name, status=response.status_code, ms=round(seconds * 1000, 1))
        await response(scope, receive, send)

    async def _response(self, request: Request) -> Response | None:
        """The answer; None where nobody is there to take it."""
        try:
            call = await self._call(request)
            return self._answered(await self._surely(lambda: self._handler(self._desk, call)))
        except RelayRefused as problem:
            self._desk.metrics.refused(str(problem.facts["code"]))
            return failed(problem, request.method)
        except apsw.Error as problem:
            logs.say("log-broken", kind=type(problem).__name__)
            return failed(broken(problem), request.method)
        except ClientDisconnect:
            return None
        except Exception as problem:
            logs.bug(problem, self._route.name)
            return failed(refusal("bug", retry_after_ms=limits.RELAY_RETRY_MS), request.method)

    async def _call(self, request: Request) -> Call:
        """The request, let in and read. Raises RelayRefused."""
        desk, route, at_ms = self._desk, self._route, now_ms()
        source = network(request.client.host) if request.client else _NO_SOURCE
        caller = NOBODY
        if route.roles == ANYBODY:
            body = await self._body(request)
        else:
            target = request.scope["raw_path"] + (b"?" if request.scope["query_string"] else b"")
            target += request.scope["query_string"]
            asked = Asked(request.method, target.decode("latin-1"), request.headers, at_ms)
            try:
                claimed = await self._surely(lambda: _looked(desk, route, asked))
                body = await self._body(request)
                caller = desk.door.enter(route, asked, claimed, body, desk.meter)
            except RelayRefused as problem:
                if problem.facts["status"] == 401:
                    self._wrong_key(source, at_ms)
                raise
        return Call(
            route=route,
            caller=caller,
            source=source,
            places=_places(request),
            query=_query(route, request),
            body=self._decoded(body),
            at_ms=at_ms,
        )

    async def _surely(self, act: Callable[[], Awaitable[Found]]) -> Found:
        """What it gives; where something seems not to be there, only after a look whether it is there by now: another
        process of the relay may have been told of it first. Raises RelayRefused."""
        try:
            return await act()
        except RelayRefused as problem:
            if problem.facts["code"] not in _UNSURE or not await self._desk.log.caught_up():
                raise
        return await act()

    def _wrong_key(self, source: str, at_ms: int) -> None:
        """A credential that did not fit counts against its address. Raises RelayRefused once there are too many."""
        self._desk.meter.may_guess(source, at_ms / 1000)
        self._desk.meter.guessed(source, at_ms / 1000)

    async def _body(self, request: Request) -> bytes:
        """The body, within its limit and its time. Raises RelayRefused, ClientDisconnect."""
        told = request.headers.get("content-length", "0")
        if told.isascii() and told.isdigit() and int(told) > self._most:
            raise refusal("body-too-large", most=self._most)
        chunks, size = [], 0
        try:
            async with asyncio.timeout(limits.RELAY_BODY_SECONDS):
                async for chunk in request.stream():
                    size += len(chunk)
                    if size > self._most:
                        raise refusal("body-too-large", most=self._most)
                    chunks.append(chunk)
        except TimeoutError:
            raise refusal("body-invalid", problem="it did not come in time") from None
        return b"".join(chunks)

    def _decoded(self, body: bytes) -> Any:
        if self._decoder is not None:
            try:
                return self._decoder.decode(body)
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as problem:
                raise refusal("body-invalid", problem=_words(problem)) from None
        if body and self._route.takes is None:
            raise refusal("body-invalid", problem="it takes no body")
        return body

    def _answered(self, said: Answer) -> Response:
        if isinstance(said, Stream):
            return StreamingResponse(said.events, media_type="text/event-stream", headers=_now())
        if said is None:
            return Response(status_code=success(self._route), headers=_now())
        if isinstance(said, bytes):
            return Response(said, media_type=_MEDIA[self._route.gives or bytes], headers=_now())
        return Response(text.escaped_bytes(msgspec.json.encode(said)), media_type=_JSON, headers=_now())


def network(host: str) -> str:
    """What counts as one address when wrong tries are counted: of IPv6 a whole /64, which one machine may have."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv4Address):
        return host
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ipaddress.IPv6Network((address, limits.RELAY_SOURCE_BITS), strict=False))


async def _looked(desk: Desk, route: Route, asked: Asked) -> Claimed:
    return desk.door.look(desk.book, route, asked)


def failed(problem: RelayRefused, method: str) -> Response:
    """The answer to a request that is refused."""
    said = fault(problem)
    headers = _now()
    if said.retry_after_ms:
        headers["Retry-After"] = str(-(-said.retry_after_ms // 1000))
    if problem.facts["status"] == 401:
        headers["WWW-Authenticate"] = signing.SCHEME
    body = b"" if method == "HEAD" else text.escaped_bytes(msgspec.json.encode(api.Failed(error=said)))
    return Response(body, int(str(problem.facts["status"])), headers, _JSON)


def _now() -> dict[str, str]:
    return {signing.NOW: str(now_ms()), "Cache-Control": "no-store"}


def _body_bytes(route: Route) -> int:
    if route.takes is bytes:
        return limits.RELAY_PART_BYTES
    return limits.RELAY_JOIN_BYTES if route.roles == ANYBODY else limits.RELAY_BODY_BYTES


def _places(request: Request) -> dict[str, str]:
    """The variable parts of the path. Raises RelayRefused."""
    found = {name: str(value) for name, value in request.path_params.items()}
    for name, value in found.items():
        if not _PATTERNS[name].fullmatch(value):
            raise refusal("body-invalid", problem=f"its {name} does not fit {PLACES[name]}")
    return found


def _query(route: Route, request: Request) -> Any:
    """The query, as its type. Raises RelayRefused."""
    given = dict(request.query_params)
    if route.query is None:
        if given:
            raise refusal("body-invalid", problem="it takes no query")
        return None
    try:
        return msgspec.convert(given, route.query, strict=False)
    except msgspec.ValidationError as problem:
        raise refusal("body-invalid", problem=_words(problem)) from None


def _words(problem: Exception) -> str:
    """What did not fit, without what was given."""
    return " ".join(str(problem).split())[: limits.PREVIEW_CHARS]
