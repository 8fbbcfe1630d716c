"""What a server holds of a connection that has shown nothing yet, and for how long."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import uvicorn
from tests.relay.running import Relay
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from telex import limits
from telex.wire.bounded_http import BoundedProtocol

CHUNK = 65_536
MOST_BYTES = limits.HTTP_HEAD_BYTES + 16 * CHUNK  # what is on its way when the server has had enough
POST = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n"

# What is said once, and what then without an end.
ENDLESS = {
    "the shortest headers": (b"GET / HTTP/1.1\r\nHost: x\r\n", b"a:\r\n" * (CHUNK // 4)),
    "one header": (b"GET / HTTP/1.1\r\nHost: x\r\na: ", b"b" * CHUNK),
    "the name of a header": (b"GET / HTTP/1.1\r\nHost: x\r\n", b"a" * CHUNK),
    "a path": (b"GET /", b"a" * CHUNK),
    "trailers": (POST + b"0\r\n", b"a: b\r\n" * (CHUNK // 6)),
    "one trailer": (POST + b"0\r\na: ", b"b" * CHUNK),
    "words beside the size of a chunk": (POST + b"1;a=", b"b" * CHUNK),
    "lines before a request": (b"", b"\r\n" * (CHUNK // 2)),
}


async def answering(_scope: Any, receive: Any, send: Any) -> None:
    """An application that reads the whole body."""
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def served(act: Callable[[int], Awaitable[None]], protocol: type[HttpToolsProtocol] = BoundedProtocol) -> None:
    """Let `act` speak to a server on that port."""

    async def run() -> None:
        config, state = uvicorn.Config(answering, log_config=None, lifespan="off", ws="none"), ServerState()
        config.load()
        loop = asyncio.get_running_loop()
        listening = socket.create_server(("127.0.0.1", 0))
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, CHUNK)  # what the kernel holds is not the server's
        server = await loop.create_server(lambda: protocol(config, state, {}), sock=listening)
        async with server:
            await act(server.sockets[0].getsockname()[1])
            for one in list(state.connections):
                one.transport.abort()
            while state.connections or state.tasks:
                await asyncio.sleep(0)

    asyncio.run(run())


async def swallowed(port: int, first: bytes, then: bytes, most: int) -> int:
    """How many bytes it takes before it closes the connection; `most` where it does not."""
    connected = socket.create_connection(("127.0.0.1", port))
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, CHUNK)
    _, writer = await asyncio.open_connection(sock=connected)
    writer.transport.set_write_buffer_limits(high=0)
    sent = 0
    try:
        writer.write(first)
        while sent < most:
            writer.write(then)
            await writer.drain()
            sent += len(then)
    except ConnectionError:
        pass
    finally:
        writer.transport.abort()
    return sent


@pytest.mark.parametrize("case", ENDLESS)
def test_a_head_without_an_end_is_cut_off(case: str) -> None:
    """Would break: anybody who reaches the port could fill the relay's memory."""
    first, then = ENDLESS[case]

    async def act(port: int) -> None:
        assert await swallowed(port, first, then, 4 * MOST_BYTES) <= MOST_BYTES

    served(act)


def test_the_protocol_without_limits_takes_them() -> None:
    """The planted fault: uvicorn's own protocol swallows all of it."""
    first, then = ENDLESS["the shortest headers"]

    async def act(port: int) -> None:
        assert await swallowed(port, first, then, 4 * MOST_BYTES) >= 4 * MOST_BYTES

    served(act, HttpToolsProtocol)


@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\nHost: x\r\n", b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET /"])
def test_a_head_that_does_not_come_ends_the_connection(said: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Would break: connections that ask nothing would use up what the relay may open."""
    monkeypatch.setattr(limits, "HTTP_HEAD_SECONDS", 0.2)

    async def act(port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(said)
        answers = await asyncio.wait_for(reader.read(), timeout=30)
        assert answers.count(b" 204 ") == said.count(b"\r\n\r\n")
        writer.close()

    served(act)


def test_requests_within_the_limits_are_answered_one_after_the_other() -> None:
    body = b"x" * 500_000
    head = b"POST /?" + b"q" * 8_000 + b" HTTP/1.1\r\nHost: x\r\n"
    head += b"".join(b"h%d: %s\r\n" % (one, b"v" * 100) for one in range(90))
    plain = head + b"Content-Length: %d\r\n\r\n" % len(body) + body
    chunked = head + b"Transfer-Encoding: chunked\r\n\r\n" + b"186a0\r\n" + b"x" * 100_000 + b"\r\n0\r\n\r\n"

    async def act(port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(3):
            for request in (plain, chunked):
                writer.write(request)
                assert (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), timeout=30)).startswith(b"HTTP/1.1 204")
        writer.write(plain + chunked + plain)
        for _ in range(3):
            assert (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), timeout=30)).startswith(b"HTTP/1.1 204")
        writer.close()

    served(act)


def test_above_the_limit_of_connections_a_new_one_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "HTTP_CONNECTIONS", 2)

    async def act(port: int) -> None:
        kept = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        for reader, writer in kept:
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), timeout=30)
        late, writer = await asyncio.open_connection("127.0.0.1", port)
        assert await asyncio.wait_for(late.read(), timeout=30) == b""
        writer.close()
        for _, one in kept:
            one.close()

    served(act)


def test_a_relay_has_these_limits(relay: Relay) -> None:
    with socket.create_connection(("127.0.0.1", relay.port), timeout=30) as connection:
        sent = 0
        with pytest.raises(ConnectionError):
            connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
            while sent < 40 * MOST_BYTES:
                sent += connection.send(b"a:\r\n" * 16_384)
