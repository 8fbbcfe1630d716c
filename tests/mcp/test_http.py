"""`telex mcp --http`: 127.0.0.1 only, behind a secret, for whoever can be told apart."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import anyio
import pytest
from mcp.client.client import Client
from tests.clients.waiting import wait_for
from tests.mcp.peer import Home
from tests.mcp.test_delivery import inbox_is_free
from tests.support.cli import TELEX
from tools.ports import held_port

from telex.mcp.caller import CODEX_META
from telex.mcp.resources import INBOX

HEADERS = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
HELLO = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "plain-client", "version": "1"}}


class Site:
    """A server on a port."""

    def __init__(self, home: Home, *words: str, port: int = 0) -> None:
        self.port = port or held_port()
        argv = [TELEX, "mcp", "--http", "--port", str(self.port), "--json", *words]
        self.process = subprocess.Popen(
            argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=home.shell.environment, cwd=home.shell.work
        )
        assert self.process.stdout
        line = self.process.stdout.readline()
        assert line, self.process.stderr and self.process.stderr.read()
        self.url: str = json.loads(line)["url"]
        self.path = urlsplit(self.url).path

    def post(self, path: str, message: Any, **headers: str) -> tuple[int, str, dict[str, str]]:
        """One POST; status, body, headers."""
        link = HTTPConnection("127.0.0.1", self.port, timeout=20)
        given = HEADERS | {name.replace("_", "-"): value for name, value in headers.items()}
        link.request("POST", path, json.dumps(message), given)
        answer = link.getresponse()
        found = answer.status, answer.read().decode(), {key.lower(): value for key, value in answer.getheaders()}
        link.close()
        return found

    def session(self) -> dict[str, str]:
        """Shake hands; the headers that belong to the session."""
        status, _, headers = self.post(self.path, rpc(1, "initialize", HELLO))
        assert status == 200
        return {"Mcp-Session-Id": headers["mcp-session-id"], "MCP-Protocol-Version": "2025-06-18"}

    def close(self) -> None:
        """End it."""
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def site(home: Home) -> Iterator[Callable[..., Site]]:
    """Start servers; ended with the test."""
    started: list[Site] = []

    def start(*words: str, port: int = 0) -> Site:
        started.append(Site(home, *words, port=port))
        return started[-1]

    yield start
    for one in started:
        one.close()


def rpc(number: int, method: str, params: Any) -> dict[str, Any]:
    """A request."""
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": params}


def test_the_sdks_client_sends_and_reads_in_both_eras(site: Callable[..., Site], home: Home) -> None:
    url = site("--name", "frontend").url

    async def run(mode: str) -> None:
        async with Client(url, mode=mode) as client:
            sent = await client.call_tool("send", {"to": "@frontend", "text": f"in {mode}"})
            assert not sent.is_error
            read = await client.call_tool("read", {})
            assert f"> in {mode}" in read.content[0].text  # type: ignore[union-attr]

    for mode, message in (("legacy", "m1"), ("auto", "m2")):
        anyio.run(run, mode)
        home.becomes(message, "read")


def test_a_modern_client_listens_to_the_inbox(site: Callable[..., Site], home: Home) -> None:
    url = site("--name", "frontend").url

    async def run() -> None:
        async with Client(url, mode="2026-07-28") as client, client.listen(resource_subscriptions=[INBOX]) as events:
            for number in range(2):
                await anyio.to_thread.run_sync(home.at("api").send, "@frontend", f"number {number}")
                with anyio.fail_after(20):
                    assert getattr(await anext(aiter(events)), "uri", "") == INBOX

    anyio.run(run)


def test_the_url_is_a_secret_that_only_its_owner_can_read(site: Callable[..., Site], home: Home) -> None:
    one = site("--name", "frontend")
    path = os.path.join(home.path, "mcp-token")
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    with open(path) as file:
        token = file.read().strip()
    assert len(token) >= 32
    assert one.path == f"/{token}/mcp"
    for wrong in ("/mcp", "/", "/x/mcp", f"/{token[:-1]}/mcp", f"/{token}"):
        assert one.post(wrong, rpc(1, "initialize", HELLO))[0] == 404
    one.close()
    assert site("--name", "frontend").path == one.path  # the next one is where it was


def test_only_this_machine_is_answered(site: Callable[..., Site]) -> None:
    one = site("--name", "frontend")
    with open("/proc/net/tcp") as file:
        sockets = [line.split() for line in file.read().splitlines()[1:]]
    listening = [words[1] for words in sockets if words[3] == "0A" and words[1].endswith(f":{one.port:04X}")]
    assert listening == [f"0100007F:{one.port:04X}"]


def test_a_page_of_a_foreign_site_is_refused(site: Callable[..., Site]) -> None:
    """Would break: a web page in the person's browser reaches the port by DNS rebinding."""
    one = site("--name", "frontend")
    assert one.post(one.path, rpc(1, "initialize", HELLO), Host="evil.example")[0] == 421
    assert one.post(one.path, rpc(1, "initialize", HELLO), Origin="https://evil.example")[0] == 403


def test_who_calls_must_be_told(site: Callable[..., Site]) -> None:
    one = site()
    headers = one.session()
    call = {"name": "inbox", "arguments": {}}
    _, body, _ = one.post(one.path, rpc(2, "tools/call", call), **headers)
    assert "caller-unnamed" in body


@pytest.mark.parametrize("words", [(), ("--name", "frontend")])
def test_a_thread_that_a_call_names_is_not_believed(site: Callable[..., Site], words: tuple[str, ...]) -> None:
    """Would break: over HTTP nothing is known of the process that calls, so it could be anybody's thread."""
    one = site(*words)
    headers = one.session()
    call = {"name": "inbox", "arguments": {}, "_meta": {CODEX_META: {"thread_id": "t1"}}}
    _, body, _ = one.post(one.path, rpc(2, "tools/call", call), **headers)
    assert ('"me":"@frontend"' if words else "caller-unnamed") in body.replace('": "', '":"')


def test_an_answer_whose_client_is_gone_is_not_read(site: Callable[..., Site], home: Home) -> None:
    """Would break: the answer is written to a connection that was closed, and the message counts as read."""
    one = site("--name", "frontend")
    headers = one.session()
    link = HTTPConnection("127.0.0.1", one.port, timeout=20)
    call = {"name": "wait", "arguments": {"timeout": 60}}
    link.request("POST", one.path, json.dumps(rpc(2, "tools/call", call)), HEADERS | headers)
    link.getresponse()  # the head has come: the call is being served
    link.sock.shutdown(socket.SHUT_RDWR)
    link.close()
    one.post(one.path, rpc(3, "ping", {}), **headers)
    home.at("api").send("@frontend", "do not lose me")
    wait_for("the inbox to be free", lambda: inbox_is_free(home, "frontend"))
    assert home.states("m1") == ["queued"]
    call = {"name": "read", "arguments": {}}
    assert "do not lose me" in one.post(one.path, rpc(4, "tools/call", call), **headers)[1]
    home.becomes("m1", "read")


def test_a_port_that_is_taken_is_said_to_be(site: Callable[..., Site], home: Home) -> None:
    one = site("--name", "frontend")
    done = home.shell.telex("mcp", "--http", "--port", str(one.port), "--name", "x")
    assert done.status == 1
    assert done.err.startswith(f"telex: cannot listen on 127.0.0.1:{one.port}")


def test_bad_requests_leave_it_up(site: Callable[..., Site]) -> None:
    one = site("--name", "frontend")
    link = socket.create_connection(("127.0.0.1", one.port))
    link.sendall(b"\x00\xff" * 1000)
    link.close()
    for body in (b"{", b"\xff", b"[]", b""):
        link2 = HTTPConnection("127.0.0.1", one.port, timeout=20)
        link2.request("POST", one.path, body, HEADERS)
        assert link2.getresponse().status == 400
        link2.close()
    idle = [socket.create_connection(("127.0.0.1", one.port)) for _ in range(200)]
    assert one.session()
    for each in idle:
        each.close()
