"""The wire: JSON-RPC lines on standard input and output.

Rules kept here:
- the SDK's own stdio transport is not used, because it does not say when an answer has left, answers a broken line
  with nothing, and puts U+FFFD where a line is not UTF-8 (docs/decisions/0016-the-mcp-sdk.md);
- an answer has left when the system has taken all its bytes; only then is what it shows marked read. A request that
  is cancelled, a client that is gone, a write that fails: nothing is marked;
- a line that cannot be taken gets an error that says why, and the next line is read;
- at the end of input, calls that are running may finish and answer; those that sleep are ended;
- nothing but this module can write on standard output or read standard input while it serves.
"""

from __future__ import annotations

import json
import os
from contextlib import asynccontextmanager
from functools import partial

import anyio
import anyio.to_thread
from mcp.shared.message import ServerMessageMetadata, SessionMessage
from mcp_types import (
    INVALID_REQUEST,
    PARSE_ERROR,
    ErrorData,
    JSONRPCError,
    JSONRPCNotification,
    JSONRPCRequest,
    JSONRPCResponse,
    jsonrpc_message_adapter,
)
from pydantic import ValidationError

from telex import limits
from telex.core import text
from telex.mcp.pending import Exchange

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from typing import Any, BinaryIO

    from anyio.abc import TaskGroup
    from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
    from mcp_types import JSONRPCMessage

    from telex.mcp.bus_thread import Desk

Incoming = SessionMessage | Exception
Streams = tuple["MemoryObjectReceiveStream[Incoming]", "MemoryObjectSendStream[SessionMessage]"]
_LEFT_POLL_SECONDS = 0.02


class Wire:
    """The two ends of the client's pipe."""

    def __init__(self, desk: Desk, source: BinaryIO, sink: int) -> None:
        self._desk = desk
        self._source = source
        self._sink = sink
        self._open: dict[Any, list[Exchange]] = {}  # by request id; a client may use one twice
        self._group: TaskGroup
        self._out: MemoryObjectSendStream[SessionMessage]
        self._written: anyio.Event  # the last line is out, and what it shows is recorded

    @asynccontextmanager
    async def streams(self) -> AsyncIterator[Streams]:
        """What the SDK reads from and writes to."""
        to_server, incoming = anyio.create_memory_object_stream[Incoming](0)
        outgoing, from_server = anyio.create_memory_object_stream[SessionMessage](0)
        self._out = outgoing.clone()
        self._written = anyio.Event()
        async with anyio.create_task_group() as group:
            self._group = group
            group.start_soon(self._read, to_server)
            group.start_soon(self._write, from_server)
            try:
                yield incoming, outgoing
            finally:
                self._out.close()
                with anyio.move_on_after(limits.MCP_DRAIN_SECONDS, shield=True):
                    await self._written.wait()
                    for exchange in [one for found in self._open.values() for one in found]:
                        await exchange.settle(False)
                group.cancel_scope.cancel()

    async def notify(self, method: str, params: dict[str, Any]) -> None:
        """Send a notification that belongs to no request."""
        await self._say(JSONRPCNotification(jsonrpc="2.0", method=method, params=params))

    async def _say(self, message: JSONRPCMessage) -> None:
        try:
            await self._out.send(SessionMessage(message))
        except (anyio.ClosedResourceError, anyio.BrokenResourceError):
            pass

    # --- in ---

    async def _read(self, to_server: MemoryObjectSendStream[Incoming]) -> None:
        most = limits.MCP_LINE_BYTES
        async with to_server:
            while line := await self._line(most):
                if len(line) >= most and not line.endswith(b"\n"):
                    await self._skip(most)
                    await self._refuse(None, INVALID_REQUEST, f"the line has over {most} bytes")
                elif line.strip():
                    await self._take(line, to_server)
            await self._drain()

    async def _line(self, most: int) -> bytes:
        return await anyio.to_thread.run_sync(self._source.readline, most, abandon_on_cancel=True)

    async def _skip(self, most: int) -> None:
        while (rest := await self._line(most)) and not rest.endswith(b"\n"):
            pass

    async def _take(self, line: bytes, to_server: MemoryObjectSendStream[Incoming]) -> None:
        try:
            message = jsonrpc_message_adapter.validate_json(line, by_name=False)
        except ValidationError as problem:
            await self._refuse(*_what_is_wrong(line, problem))
            return
        except ValueError as problem:
            await self._refuse(None, PARSE_ERROR, f"not JSON: {problem}")
            return
        if isinstance(message, JSONRPCNotification) and b'"id"' in line and "id" in json.loads(line):
            await self._refuse(None, INVALID_REQUEST, "an id is a text or a whole number")
            return
        metadata = None
        if isinstance(message, JSONRPCRequest):
            exchange = Exchange(self._desk)
            self._open.setdefault(message.id, []).append(exchange)
            unanswered = partial(self._settle, message.id, exchange)
            metadata = ServerMessageMetadata(request_context=exchange, on_request_unanswered=unanswered)
        elif isinstance(message, JSONRPCNotification) and message.method == "notifications/cancelled":
            for exchange in self._open.get((message.params or {}).get("requestId"), []):
                exchange.unwanted = True
        try:
            await to_server.send(SessionMessage(message, metadata))
        except (anyio.ClosedResourceError, anyio.BrokenResourceError):
            pass

    async def _refuse(self, request: Any, code: int, words: str) -> None:
        await self._say(JSONRPCError(jsonrpc="2.0", id=request, error=ErrorData(code=code, message=words)))

    async def _drain(self) -> None:
        """The client will ask no more: let what runs come to its end."""
        with anyio.move_on_after(limits.MCP_DRAIN_SECONDS):
            while any(not one.sleeping for found in self._open.values() for one in found):
                await anyio.sleep(_LEFT_POLL_SECONDS)

    # --- out ---

    async def _write(self, from_server: MemoryObjectReceiveStream[SessionMessage]) -> None:
        try:
            async with from_server, anyio.create_task_group() as marks:
                async for one in from_server:
                    line = text.escaped(one.message.model_dump_json(by_alias=True, exclude_unset=True)).encode() + b"\n"
                    left = await anyio.to_thread.run_sync(self._hand_over, line, abandon_on_cancel=True)
                    if isinstance(one.message, (JSONRPCResponse, JSONRPCError)):
                        marks.start_soon(self._answered, one.message, left)
                    if not left:
                        break
        finally:
            self._written.set()
            self._group.cancel_scope.cancel()  # the client is gone, or everything is said

    async def _answered(self, message: JSONRPCResponse | JSONRPCError, left: bool) -> None:
        if message.id is not None and (found := self._open.get(message.id)):
            await self._settle(message.id, found[0], left and isinstance(message, JSONRPCResponse))

    def _hand_over(self, line: bytes) -> bool:
        """Write all of it; whether the system took it."""
        rest = memoryview(line)
        try:
            while rest:
                rest = rest[os.write(self._sink, rest) :]
        except OSError:
            return False
        return True

    async def _settle(self, request: Any, exchange: Exchange, arrived: bool = False) -> None:
        found = self._open.get(request, [])
        if exchange in found:
            with anyio.CancelScope(shield=True):
                await exchange.settle(arrived)
            found.remove(exchange)
            if not found:
                self._open.pop(request, None)


def _what_is_wrong(line: bytes, problem: ValidationError) -> tuple[Any, int, str]:
    """The id to answer under, where one can be told, the code, and the words."""
    first = problem.errors(include_url=False, include_input=False, include_context=False)[0]
    try:
        found = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as wrong:
        return None, PARSE_ERROR, f"not UTF-8: byte {wrong.start} of the line"
    except (ValueError, RecursionError):
        return None, PARSE_ERROR, f"not JSON: {first['msg']}"
    request = found.get("id") if isinstance(found, dict) else None
    request = request if isinstance(request, (str, int)) and not isinstance(request, bool) else None
    if first["type"] == "json_invalid":  # half of a surrogate pair, for example
        return request, PARSE_ERROR, f"not JSON: {first['msg']}"
    if isinstance(found, list):
        return None, INVALID_REQUEST, "batches are not part of the protocol: one message on a line"
    return request, INVALID_REQUEST, "not a JSON-RPC 2.0 message"


def own_pipe() -> tuple[BinaryIO, int]:
    """Standard input and output for the wire alone: what else reads or writes them finds the null device and
    standard error."""
    source, sink = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(2, 1)
    os.close(null)
    return os.fdopen(source, "rb", buffering=1 << 16, closefd=False), sink
