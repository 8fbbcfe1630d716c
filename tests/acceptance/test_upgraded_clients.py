"""A client that was upgraded under its running sessions: payloads with fields that telex does not know, without some
that it does, and with others in their place. Nothing is raised, and what is said has the client's own form.

In this very process, because `telex.hook.main` would silence whatever is raised.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from telex.hook import claude, others, payloads

PAYLOADS = Path(__file__).parent / "payloads"
UNKNOWN = {"new_field": {"deep": [1, None, "x" * 1_000]}, "Session_ID": "other", "ünïcode": "日本", "": 0}
STRANGE: list[Any] = [
    None,
    True,
    7,
    -1.5,
    "",
    "x" * 5_000,
    "\x00",
    "cut in a \ud83d",
    "\udc00\ud800",
    [],
    {},
    [{"a": [None]}],
]
OPENCODE = [  # what telex's own plugin writes, an older one among the running sessions too
    {"hook_event_name": event, "session_id": "ses_1", "cwd": "/src/shop", "source": "clear", "reason": "exit"}
    for event in ("SessionStart", "Prompt", "Tool", "Answer", "Idle", "Wake", "SessionEnd")
]


def recorded() -> list[tuple[str, str, str, dict[str, Any]]]:
    """Client, case, event and payload of everything that was recorded with the real programs."""
    found = [("opencode", one["hook_event_name"], one["hook_event_name"], one) for one in OPENCODE]
    for path in sorted(PAYLOADS.glob("*.jsonl")):
        client = path.name.partition("-")[0]
        for case in map(json.loads, path.read_text().splitlines()):
            payload = case["payload"]
            found.append((client, case["case"], case.get("event") or payload["hook_event_name"], payload))
    return found


CASES = recorded()


@pytest.fixture
def handle(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> Callable[[str, str, object], dict[str, Any]]:
    """Handle one payload, and say what was answered."""
    monkeypatch.setenv("TELEX_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CLAUDE_PID", str(os.getpid()))
    monkeypatch.setenv("CLAUDE_CODE_SESSION_ATTENDED", "1")

    def one(client: str, event: str, payload: object) -> dict[str, Any]:
        raw = json.dumps(payload)
        status = claude.handle(event, raw) if client == "claude" else others.handle(client, event, raw, os.getpid())
        out, err = capfd.readouterr()
        assert (status, err) == (0, "")
        found: dict[str, Any] = json.loads(out) if out else {}
        return found

    return one


def test_half_a_character_is_replaced_and_a_whole_one_stays() -> None:
    """Would break: a client cuts a title in the middle of an emoji, and its session's hooks all fail from then on."""
    raw = r'{"a": "\\ud800 \ud83d\ude00 \ud83d \ude00\ud83d \\\udc00 \u00fc \ud83", "b": "\ud83d'
    assert (
        payloads.whole(raw) == r'{"a": "\\ud800 \ud83d\ude00 \ufffd \ufffd\ufffd \\\ufffd \u00fc \ud83", "b": "\ufffd'
    )


def test_every_client_is_among_the_recorded() -> None:
    assert {client for client, _, _, _ in CASES} == {"claude", *others.DIALECTS}


@pytest.mark.parametrize(
    ("client", "event", "payload"),
    [pytest.param(client, event, payload, id=f"{client}-{case}") for client, case, event, payload in CASES],
)
def test_a_payload_of_another_version_disturbs_nobody(
    handle: Callable[[str, str, object], dict[str, Any]], client: str, event: str, payload: dict[str, Any]
) -> None:
    as_today = handle(client, event, payload)
    assert set(handle(client, event, {**payload, **UNKNOWN})) == set(as_today), "unknown fields change nothing"
    for field in payload:
        handle(client, event, {name: value for name, value in payload.items() if name != field})
        for value in STRANGE:
            assert isinstance(handle(client, event, {**payload, field: value}), dict)
    for value in STRANGE:
        assert handle(client, event, value) == {}
    handle(client, event, payload)
