"""One object per connection, however it is cut up, however large, and whatever is wrong with it."""

from __future__ import annotations

import itertools
import json
import socket
import struct
import threading
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.compat.ipc.port import HOST, Client, Port, until

from telex import limits
from telex.compat.ipc.framing import Request
from telex.errors import IpcRefused

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=12,
)


def fed(parts: list[bytes]) -> Request:
    """A request that came in these segments."""
    request = Request()
    for part in parts:
        request.feed(part)
    return request


@given(value=st.dictionaries(st.text(), JSON, max_size=4), cuts=st.lists(st.integers(0, 400)), plain=st.booleans())
def test_an_object_is_whole_at_its_last_byte_however_it_was_cut(
    value: dict[str, Any], cuts: list[int], plain: bool
) -> None:
    raw = b" \n" + json.dumps(value, ensure_ascii=plain).encode("utf-8", "surrogatepass")
    bounds = sorted({0, len(raw) - 1, len(raw), *(cut % len(raw) for cut in cuts)})
    parts = [raw[start:end] for start, end in itertools.pairwise(bounds)]
    assert not fed(parts[:-1]).complete
    request = fed(parts)
    assert request.complete
    if plain or not any("\ud800" <= char <= "\udfff" for char in json.dumps(value, ensure_ascii=False)):
        assert request.value() == value


@given(st.binary(max_size=200))
def test_whatever_comes_is_an_object_or_refused_in_words(raw: bytes) -> None:
    try:
        request = fed([raw])
        value = request.value()
    except IpcRefused as problem:
        assert problem.message
    else:
        assert isinstance(value, dict)


def test_no_byte_is_looked_at_twice() -> None:
    request = fed([b'{"a": "', *[b"x" * 1000] * 1000])
    assert request._seen == len(request)
    request.feed(b'"}')
    assert request.complete


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"GET / HTTP/1.1\r\n", "Invalid request: a JSON object is expected"),
        (b"[1]", "Invalid request: a JSON object is expected"),
        (b'"x"', "Invalid request: a JSON object is expected"),
        (b'\xef\xbb\xbf{"a":1}', "Invalid request: a JSON object is expected"),
        (b'{"a": 1}{"a": 2}', "Extra data after the request: one JSON object per connection"),
        (b'{"a": 1} x', "Extra data after the request: one JSON object per connection"),
        (b"{'a': 1}", "Invalid JSON: Expecting property name"),
        (b'{"a": \xff}', "Invalid request: byte 6 is not UTF-8"),
        (b'{"a": "\xc3"}', "Invalid request: byte 7 is not UTF-8"),
        (b'{"a":' * 200, "Invalid JSON: it is nested too deeply"),
        (b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "Invalid JSON: it is nested too deeply"),
        (b"}", "Invalid request: a JSON object is expected"),
    ],
)
def test_what_is_no_request_is_answered_in_words(port: Port, raw: bytes, words: str) -> None:
    answer = Client(port).say(raw)
    assert answer["status"] == "error"
    assert answer["message"].startswith(words)


def test_a_request_that_is_cut_short_is_answered_in_words(port: Port) -> None:
    client = Client(port)
    for raw in (b'{"action": "lis', b'{"action": "list"', b"{"):
        with client.connect() as sock:
            sock.sendall(raw)
            sock.shutdown(socket.SHUT_WR)
            assert client.hear(sock)["message"].startswith("Invalid JSON: ")


def test_every_byte_may_be_a_segment_of_its_own(port: Port) -> None:
    alice, bob = port.client("alice"), port.client("bob")
    raw = json.dumps(
        json.loads(alice.request("send", to_id="bob", message={"content": 'ü\\" } { 🎉'})), ensure_ascii=False
    )
    with alice.connect() as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in raw.encode():
            sock.sendall(bytes([byte]))
        assert alice.hear(sock)["message"] == "Message sent"
    assert bob.heard() == ['ü\\" } { 🎉']


@pytest.mark.parametrize("size", [3_900, 4_000, 4_096, 10_240, 10_242, 65_536, 1_000_000])
def test_a_text_of_any_size_arrives(port: Port, size: int) -> None:
    alice, bob = port.client("alice"), port.client("bob")
    text = ("é" * size)[: size // 2]
    assert alice.send("bob", text)["message"] == "Message sent"
    [one] = bob.check()
    path = one["message"]["data"].get("large_message_file")
    if size <= limits.IPC_LARGE_BYTES:
        assert one["message"] == {"content": text, "data": {}}
    else:
        with open(path, encoding="utf-8") as file:
            assert file.read().partition("## Content\n\n")[2] == text + "\n"


def test_sixteen_mebibytes_are_taken_and_one_byte_more_is_not(port: Port) -> None:
    alice, bob = port.client("alice"), port.client("bob")
    around = len(alice.request("send", from_id="alice", to_id="bob", message={"content": ""}))
    text = "x" * (limits.IPC_REQUEST_MOST_BYTES - around)
    assert alice.send("bob", text + "y")["message"] == f"Request too large: the most is {16 << 20} bytes"
    assert alice.send("bob", text)["message"] == "Message sent"
    [one] = bob.check()
    assert one["message"]["data"]["original_size_kb"] == pytest.approx(16 * 1024, abs=1)


def test_a_client_that_says_nothing_costs_nobody_anything(port: Port) -> None:
    alice = port.client("alice")
    with alice.connect():
        assert alice.send("alice", "meanwhile")["status"] == "ok"
    with alice.connect() as sock:
        sock.shutdown(socket.SHUT_WR)
        assert sock.recv(10) == b""


def test_a_client_that_resets_in_the_middle_harms_nobody(port: Port) -> None:
    alice = port.client("alice")
    for raw in (b"", b"{", b'{"action": "list"}'):
        sock = alice.connect()
        sock.sendall(raw)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()
    assert alice.ask("list")["status"] == "ok"


def test_a_thousand_idle_connections_hold_up_nobody(port: Port) -> None:
    """Would break: 200 idle connections were 202 threads, never timed out (B.2.15)."""
    idle = [socket.create_connection((HOST, port.number)) for _ in range(1000)]
    try:
        alice, bob = port.client("alice"), port.client("bob")
        assert alice.send("bob", "through the crowd")["status"] == "ok"
        assert bob.heard() == ["through the crowd"]
        with open(f"/proc/{port.process.pid}/status", encoding="ascii") as file:
            threads = next(int(line.split()[1]) for line in file if line.startswith("Threads:"))
        assert threads < 10
    finally:
        for sock in idle:
            sock.close()


def test_one_connection_too_many_is_told_so(open_port: Callable[..., Port]) -> None:
    port = open_port(files=limits.IPC_FILES_SPARE + 3)
    idle = [socket.create_connection((HOST, port.number)) for _ in range(3)]
    alice = Client(port)
    until(lambda: "Too many connections: 3 are open." in alice.say(b'{"action": "list"}')["message"])
    idle.pop().close()
    until(lambda: alice.register("alice")["status"] == "ok")
    for sock in idle:
        sock.close()


def test_many_clients_at_once_are_all_answered(port: Port) -> None:
    alice = port.client("alice")
    answers: list[str] = []

    def ask() -> None:
        answers.append(alice.ask("list")["status"])

    threads = [threading.Thread(target=ask) for _ in range(60)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    until(lambda: len(answers) == 60)
    assert set(answers) == {"ok"}
