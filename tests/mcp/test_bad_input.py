"""Whatever comes over the pipe: an error in words, the server stays up, nothing is lost."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest
from tests.mcp.peer import Home, Peer
from tests.support.cli import LONGEST_SECONDS, TELEX

import telex
from telex import limits

Start = Callable[..., Peer]

LINES: list[tuple[bytes, int, str]] = [
    (b'{"jsonrpc": "2.0", "id": 1, "meth', -32700, "not JSON"),
    (b"hello", -32700, "not JSON"),
    (b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"send\xff"}}', -32700, "not UTF-8: byte"),
    (b"\xef\xbb\xbf[]", -32700, "not JSON"),
    (b"[]", -32600, "batches"),
    (b'[{"jsonrpc":"2.0","id":1,"method":"ping"}]', -32600, "batches"),
    (b"null", -32600, "not a JSON-RPC 2.0 message"),
    (b"3", -32600, "not a JSON-RPC 2.0 message"),
    (b"{}", -32600, "not a JSON-RPC 2.0 message"),
    (b'{"jsonrpc":"1.0","id":1.5,"method":"ping"}', -32600, "not a JSON-RPC 2.0 message"),
    (b'{"jsonrpc":"2.0","id":true,"method":"ping"}', -32600, "an id is a text or a whole number"),
    (b'{"jsonrpc":"2.0","id":null,"method":"ping"}', -32600, "an id is a text or a whole number"),
    (b'{"jsonrpc":"2.0","method":4}', -32600, "not a JSON-RPC 2.0 message"),
    (b"[" * 100_000, -32700, "not JSON"),
    (b'"\\ud800"', -32700, "not JSON"),
]


def test_lines_that_are_no_message_are_answered_and_the_next_is_read(peer: Start) -> None:
    client = peer()
    for line, code, words in LINES:
        client.line(line)
        error = client.answer(None)["error"]
        assert error["code"] == code, line[:60]
        assert words in error["message"]
    client.line(b"")
    client.line(b"   ")
    assert client.result("ping") == {}


def test_a_broken_message_with_an_id_is_answered_under_it(peer: Start) -> None:
    client = peer()
    client.line(b'{"jsonrpc": "2.0", "id": 76, "method": "ping", "params": {"text": "half \\ud800 of a pair"}}')
    assert client.answer(76)["error"]["message"].startswith("not JSON")
    client.line(b'{"id": 77, "method": 3}')
    assert client.answer(77)["error"]["code"] == -32600


def test_a_body_is_stored_as_it_was_written_or_not_at_all(peer: Start, home: Home) -> None:
    """Would break: a byte that is not UTF-8 becomes U+FFFD on the way, and what is sent is not what was said."""
    client = peer()
    call = {"jsonrpc": "2.0", "id": 5, "method": "tools/call", "params": {"name": "send"}}
    call["params"] = {"name": "send", "arguments": {"to": "@api", "text": "café"}}
    raw = json.dumps(call, ensure_ascii=False).encode()
    client.line(raw.replace("é".encode(), b"\xe9"))
    assert client.answer(None)["error"]["message"].startswith("not UTF-8")
    client.line(raw)
    client.answer(5)
    assert [one.body for one in home.at("api").inbox()] == ["café"]


def test_a_line_of_20_mb_is_refused_by_its_body(peer: Start, home: Home) -> None:
    client = peer()
    result = client.use("send", to="@api", text="x" * 20_000_000)
    assert result["isError"]
    assert result["structuredContent"]["code"] == "body-too-large"
    assert client.says("inbox") == "nothing unread"
    assert home.at("api").inbox() == []


def test_a_line_without_an_end_is_refused_and_skipped(peer: Start) -> None:
    client = peer()
    client.line(b'{"jsonrpc":"2.0","id":9,"method":"ping","params":{"x":"' + b"y" * limits.MCP_LINE_BYTES + b'"}}')
    assert "the line has over" in client.answer(None)["error"]["message"]
    assert client.result("ping") == {}


def test_the_largest_body_goes_through(peer: Start, home: Home) -> None:
    client = peer()
    body = "ü" * (limits.BODY_MOST_BYTES // 2)
    assert client.use("send", to="@api", text=body)["isError"] is False
    [letter] = home.at("api").read()
    assert letter.body == body


def test_the_input_ends_in_the_middle_of_a_message(home: Home, peer: Start) -> None:
    client = peer()
    assert client.process.stdin
    client.process.stdin.write(b'{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"send","argum')
    assert client.end_input() == 0
    assert home.at("api").inbox() == []


@pytest.mark.parametrize("before", [b"", b"\n", b"nonsense\n"])
def test_the_input_ends_before_anything_was_said(home: Home, before: bytes) -> None:
    done = home.shell.telex("mcp", stdin=before)
    assert done.status == 0
    assert "Traceback" not in done.err


def test_a_client_that_speaks_before_the_handshake_is_told(peer: Start) -> None:
    client = peer(version="")
    assert client.error("tools/call", name="inbox", arguments={})["code"] == -32602
    assert client.error("no/such/method")["code"] == -32601


def test_requests_with_wrong_parameters_are_refused(peer: Start) -> None:
    client = peer()
    for params in ({}, {"name": 3}, {"name": "inbox", "arguments": []}, {"name": "inbox", "arguments": "x"}):
        assert client.error("tools/call", **params)["code"] == -32602
    assert client.error("resources/read")["code"] == -32602
    assert client.error("no/such/method")["code"] == -32601
    assert client.result("ping") == {}


def test_one_id_for_two_requests_answers_both(peer: Start, home: Home) -> None:
    """Would break: what the second shows is marked when the first has left."""
    client = peer()
    home.at("api").send("@frontend", "hello")
    line = json.dumps({"jsonrpc": "2.0", "id": 50, "method": "tools/call", "params": {"name": "read"}}).encode()
    client.line(line)
    client.line(line)
    answers = [str(client.answer(50)["result"]["content"]) for _ in range(2)]
    assert sum("> hello" in one for one in answers) == 1
    home.becomes("m1", "read")


def test_a_store_that_cannot_be_used_is_said_in_each_answer(home: Home, peer: Start) -> None:
    client = peer(name="", TELEX_HOME="/dev/null/nowhere")
    result = client.use("inbox")
    assert result["isError"]
    assert result["structuredContent"]["code"] in ("store-unreachable", "home-unsafe")
    assert client.result("ping") == {}


def test_a_store_that_was_put_in_the_place_of_the_open_one_is_found(home: Home, peer: Start) -> None:
    """Would break: a server that lives on for days beside `telex doctor --repair`."""
    client = peer()
    client.use("send", to="@api", text="before")
    store = Path(home.path) / "telex.db"
    copy = apsw.Connection(str(store))
    copy.execute("VACUUM INTO ?", (f"{store}.new",))
    copy.close()
    made = apsw.Connection(f"{store}.new")
    made.execute("PRAGMA journal_mode = WAL")
    made.close()
    os.replace(f"{store}.new", store)
    for beside in ("-wal", "-shm"):
        Path(f"{store}{beside}").unlink()
    assert not client.use("send", to="@api", text="after").get("isError")
    with telex.open(home.path) as bus:
        assert [one.body for one in bus.log(everything=True)] == ["after", "before"]


def test_the_answer_to_the_last_line_leaves_before_the_server_does(home: Home) -> None:
    """Would break: an end of input that ends the writer too. Several at once, so that each is slow enough to lose."""
    servers = [
        subprocess.Popen(
            [TELEX, "mcp"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=home.shell.environment
        )
        for _ in range(8)
    ]
    answers = [one.communicate("no message\n", timeout=LONGEST_SECONDS)[0] for one in servers]
    assert [json.loads(one)["error"]["code"] for one in answers] == [-32700] * len(servers)
