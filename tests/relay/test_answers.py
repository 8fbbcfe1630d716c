"""Answers when something goes wrong inside, or the other side is slow: documented, and without what was given."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import apsw
import pytest

from telex import limits
from telex.relay.app import App
from telex.relay.handlers import HANDLERS, Handler
from telex.relay.log_sqlite import SqliteLog
from telex.relay.quota import Quotas
from telex.relay.service import Call, Desk
from telex.wire.faults import BY_CODE

HOST = "relay.example"


class Caller:
    """One request to the application itself, without a network."""

    def __init__(self, method: str, path: str, body: bytes = b"", host: str = HOST) -> None:
        self.scope = {
            "type": "http",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "headers": [(b"host", host.encode())],
            "client": ("192.0.2.7", 1),
        }
        self.incoming: list[dict[str, Any]] = [{"type": "http.request", "body": body, "more_body": False}]
        self.sent: list[dict[str, Any]] = []

    async def receive(self) -> dict[str, Any]:
        if self.incoming:
            return self.incoming.pop(0)
        await asyncio.Event().wait()
        raise AssertionError

    async def send(self, message: dict[str, Any]) -> None:
        self.sent.append(message)

    @property
    def status(self) -> int:
        return int(self.sent[0]["status"])

    @property
    def code(self) -> str:
        return str(json.loads(self.sent[1]["body"])["error"]["code"])


def answer(folder: Path, caller: Caller) -> Caller:
    """Let the application answer."""

    async def test() -> None:
        log = SqliteLog(str(folder / "relay.db"))
        desk = Desk(log, log, Quotas(), f"https://{HOST}")
        await desk.start()
        await App(desk, frozenset({HOST}))(caller.scope, caller.receive, caller.send)
        await desk.close()

    asyncio.run(test())
    return caller


async def fails(_desk: Desk, _call: Call) -> None:
    """A room with a bug; its words have a secret in them."""
    raise ValueError("the secret is 4711")


async def breaks(_desk: Desk, _call: Call) -> None:
    """A room whose disk does not answer."""
    raise apsw.IOError("disk I/O error at secret place")


@pytest.mark.parametrize(("room", "code"), [(fails, "bug"), (breaks, "log-broken")])
def test_a_failure_inside_is_answered_and_logged_without_its_words(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, room: Handler, code: str
) -> None:
    monkeypatch.setitem(HANDLERS, "healthz", room)
    caller = answer(tmp_path, Caller("GET", "/healthz"))
    assert (caller.status, caller.code) == (BY_CODE[code].status, code)
    said = capfd.readouterr().err
    assert code in said
    assert "4711" not in said
    assert "secret" not in said
    assert "192.0.2.7" not in said


def test_a_body_that_never_ends_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Would break: slow clients would hold as many requests as they like."""
    monkeypatch.setattr(limits, "RELAY_BODY_SECONDS", 0.05)
    caller = Caller("POST", "/v1/join/7", b"{")
    caller.incoming[0]["more_body"] = True
    assert (answer(tmp_path, caller).status, caller.code) == (400, "body-invalid")


def test_a_body_that_grows_beyond_its_limit_is_given_up(tmp_path: Path) -> None:
    caller = Caller("POST", "/v1/join/7")
    chunk = bytes(limits.RELAY_JOIN_BYTES // 2 + 1)
    caller.incoming = [{"type": "http.request", "body": chunk, "more_body": True} for _ in range(3)]
    assert (answer(tmp_path, caller).status, caller.code) == (413, "body-too-large")
    assert len(caller.incoming) == 1


def test_nobody_is_answered_who_went_away(tmp_path: Path) -> None:
    caller = Caller("POST", "/v1/join/7")
    caller.incoming = [{"type": "http.disconnect"}]
    assert answer(tmp_path, caller).sent == []


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/", 404, "path-unknown"),
        ("GET", "/v1/log/", 404, "path-unknown"),
        ("GET", "/v1/team", 404, "path-unknown"),
        ("DELETE", "/v1/log", 405, "method-unknown"),
        ("OPTIONS", "/healthz", 405, "method-unknown"),
        ("GET", "/v1/join/0", 400, "body-invalid"),
        ("GET", "/v1/join/seven", 400, "body-invalid"),
    ],
)
def test_what_there_is_not_is_said(tmp_path: Path, method: str, path: str, status: int, code: str) -> None:
    caller = answer(tmp_path, Caller(method, path))
    assert (caller.status, caller.code) == (status, code)


def test_other_protocols_get_nothing(tmp_path: Path) -> None:
    caller = Caller("GET", "/healthz")
    caller.scope["type"] = "websocket"
    assert answer(tmp_path, caller).sent == []
