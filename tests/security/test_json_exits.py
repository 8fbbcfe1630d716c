"""Every exit of JSON escapes what is not printable: the servers', too, in answers, events and errors.

tests/security/test_exits.py has the command line. What would break: bytes that a client logs to a terminal, or that a
model is given and its person does not see.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.compat.ipc.port import Port
from tests.mcp.peer import Home
from tests.mcp.test_http import Site, rpc
from tests.security.test_exits import HOSTILE, raw, strings

from telex.core import text
from telex.errors.between import RelayRefused
from telex.mcp import http
from telex.relay import app, logs

BODY = "first " + "".join(HOSTILE) + " größer."


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    made = Home(tmp_path)
    yield made
    made.close()


@pytest.fixture
def site(home: Home) -> Iterator[Site]:
    made = Site(home, "--name", "frontend")
    yield made
    made.close()


def objects(said: str) -> list[Any]:
    """The JSON of an answer: one object, or the data of its events."""
    if said.startswith("{"):
        return [json.loads(said)]
    return [json.loads(line[6:]) for line in said.splitlines() if line.startswith("data: {")]


def called(site: Site, tool: str, **arguments: Any) -> str:
    headers = site.session()
    status, said, _ = site.post(site.path, rpc(2, "tools/call", {"name": tool, "arguments": arguments}), **headers)
    assert status == 200
    assert objects(said)
    return said


@pytest.mark.parametrize("tool", ["read", "inbox", "search"])
def test_mcp_over_http(site: Site, home: Home, tool: str) -> None:
    home.at("api").send("@frontend", BODY, data=json.dumps({"x": BODY}))
    said = called(site, tool, **{"search": {"words": "first"}}.get(tool, {}))
    assert raw(said.replace("\r\n", "\n")) == []
    assert any("first" in one for found in objects(said) for one in strings(found))


@pytest.mark.parametrize("char", HOSTILE, ids=ascii)
def test_mcp_over_http_refuses_visibly(site: Site, char: str) -> None:
    for method, params in (("tools/call", {"name": f"read{char}", "arguments": {}}), (f"none{char}", {})):
        _, said, _ = site.post(site.path, rpc(2, method, params), **site.session())
        assert raw(said.replace("\r\n", "\n")) == []


def test_mcp_over_http_answers_with_the_length_that_it_has(site: Site) -> None:
    """Would break: a client that waits for bytes which do not come, or that cuts the last ones off."""
    status, said, headers = site.post(site.path, {"jsonrpc": "2.0", "id": "größer\x7f\u202e", "method": 1})
    assert status >= 400
    assert int(headers["content-length"]) == len(said.encode())
    assert raw(said) == []


def in_pieces(said: str) -> str:
    """What leaves when the server hands an answer over byte by byte."""
    sent: list[dict[str, Any]] = []

    async def run() -> None:
        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        client = http._Client(None, send)
        await client.send({"type": "http.response.start", "status": 200, "headers": []})
        whole = said.encode()
        for start in range(len(whole)):
            more = start + 1 < len(whole)
            await client.send({"type": "http.response.body", "body": whole[start : start + 1], "more_body": more})
        assert client.answered

    asyncio.run(run())
    return b"".join(one.get("body", b"") for one in sent).decode()


def test_a_character_that_comes_in_two_pieces_is_whole() -> None:
    assert in_pieces('data: {"x": "\u202eö"}\r\n\r\n') == 'data: {"x": "\\u202eö"}\r\n\r\n'


def test_the_port_of_claude_ipc(home: Home) -> None:
    port = Port(home.shell, {})
    try:
        reader, writer = port.client("reader"), port.client("writer")
        assert writer.send("reader", BODY, {"x": BODY})["status"] == "ok"
        with socket.create_connection(("127.0.0.1", port.number), timeout=20) as sock:
            request = {"action": "check", "instance_id": "reader", "session_token": reader.token}
            sock.sendall(json.dumps(request).encode())
            said = b"".join(iter(lambda: sock.recv(65_536), b"")).decode()
        with socket.create_connection(("127.0.0.1", port.number), timeout=20) as sock:
            sock.sendall(json.dumps({"action": BODY}).encode())
            refused = b"".join(iter(lambda: sock.recv(65_536), b"")).decode()
    finally:
        port.kill()
    assert raw(said) == raw(refused) == []
    assert BODY in strings(json.loads(said))


def test_the_scripts_of_claude_ipc(home: Home) -> None:
    ran = home.shell.telex("ipc", "send", f"x{HOSTILE[2]}{HOSTILE[3]}", "hello", name="")
    assert raw(ran.out + ran.err) == []


def relay_error() -> str:
    problem = RelayRefused(code="bad-request", status=400, words=BODY, advice=BODY, retry_after_ms=0)
    return bytes(app.failed(problem, "GET").body).decode()


def test_the_relays_errors() -> None:
    said = relay_error()
    assert raw(said) == []
    assert json.loads(said)["error"]["message"] == BODY


def relay_log(capsysbinary: pytest.CaptureFixture[bytes]) -> str:
    logs.say("x", route=BODY)
    return capsysbinary.readouterr().err.decode()


def test_the_relays_log(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    said = relay_log(capsysbinary)
    assert raw(said) == []
    assert json.loads(said)["route"] == BODY


@pytest.mark.parametrize("char", HOSTILE, ids=ascii)
def test_escaped_bytes_lose_nothing(char: str) -> None:
    value = {"x": f"a{char}b ö"}
    said = text.escaped_bytes(msgspec.json.encode(value))
    assert json.loads(said) == value
    assert raw(said.decode()) == []


def test_an_exit_without_it_is_noticed(
    monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    """The planted fault: the tests above must be able to fail."""
    monkeypatch.setattr(text, "escaped_bytes", lambda one: one)
    monkeypatch.setattr(text, "escaped", lambda one: one)
    assert raw(relay_log(capsysbinary)) != []
    assert raw(relay_error()) != []
    assert raw(in_pieces(json.dumps({"x": BODY}, ensure_ascii=False))) != []
