"""What Codex CLI and Copilot CLI hand to their hooks, as it was recorded with the real programs.

Whatever comes in, the hook ends with status 0 and says nothing on standard error; what it prints is one JSON object
that the client's own schema allows. The mail is shown once, or it stays.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.cli import Shell

HOOK = [sys.executable, "-c", "from telex.hook import main; main()"]
PAYLOADS = Path(__file__).parent / "payloads"
BODY = "the schema moved to v2"
FILES = {"codex": "codex-0.169.0.jsonl", "copilot": "copilot-1.0.102.jsonl"}
CASES = {
    (client, case["case"]): (case.get("event") or case["payload"]["hook_event_name"], case["payload"])
    for client, name in FILES.items()
    for case in map(json.loads, (PAYLOADS / name).read_text().splitlines())
}
SHOWS = {
    "codex": {"SessionStart": "context", "UserPromptSubmit": "context", "PostToolUse": "context", "Stop": "block"},
    "copilot": {
        "sessionStart": "plain",
        "userPromptSubmitted": "plain",
        "postToolUse": "plain",
        "agentStop": "block",
    },
}
QUIET = ("-subagent", "-going-on")  # of these cases, none may show mail


class Client:
    """A client's process, which lives as long as the test, and its hooks."""

    def __init__(self, shell: Shell, client: str) -> None:
        self.shell, self.client = shell, client
        self.process = subprocess.Popen(["sleep", "3600"])

    def fire(self, event: str, raw: bytes) -> dict[str, Any]:
        done = subprocess.run(
            [*HOOK, self.client, event, str(self.process.pid)],
            input=raw,
            capture_output=True,
            cwd=self.shell.work,
            env=self.shell.environment,
            timeout=60,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, b""), event
        found: dict[str, Any] = json.loads(done.stdout) if done.stdout else {}
        return found

    def start(self) -> None:
        event, payload = next(found for (client, _), found in CASES.items() if client == self.client)
        self.fire(event, json.dumps(payload).encode())

    def unread(self) -> int:
        found = self.shell.telex("who", "--all", "--json").json["sessions"]
        return sum(one["unread"] for one in found if one["kind"] == "session")


@pytest.fixture(params=list(FILES))
def client(request: pytest.FixtureRequest, shell: Shell) -> Iterator[Client]:
    made = Client(shell, request.param)
    yield made
    made.process.kill()
    made.process.wait()


def said(kind: str, event: str, answer: dict[str, Any]) -> str:
    """The text of an answer, which has the client's shape and nothing beside it."""
    if kind == "context":
        assert set(answer) - {"systemMessage"} == {"hookSpecificOutput"}
        assert answer["hookSpecificOutput"]["hookEventName"] == event
        return str(answer["hookSpecificOutput"]["additionalContext"])
    if kind == "plain":
        assert set(answer) == {"additionalContext"}
        return str(answer["additionalContext"])
    assert (set(answer), answer["decision"]) == ({"decision", "reason"}, "block")
    return str(answer["reason"])


@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_every_recorded_payload_is_understood(shell: Shell, case: tuple[str, str]) -> None:
    client = Client(shell, case[0])
    try:
        client.start()
        assert shell.telex("send", "@shop", BODY, TELEX_NAME="api").status == 0
        event, payload = CASES[case]
        payload = payload if case[1].endswith("-subagent") else payload | _key(case[0])
        answer = client.fire(event, json.dumps(payload).encode())
        kind = SHOWS[case[0]].get(event, "")
        if not kind or case[1].endswith(QUIET):
            assert (answer, client.unread()) == ({}, 1)
        elif event == "SessionStart":  # it may be closed before anything is asked
            assert BODY not in said(kind, event, answer)
            assert client.unread() == 1
        else:
            assert said(kind, event, answer).count(BODY) == 1
            assert client.unread() == 1  # until the model has answered
            ends = "Stop" if case[0] == "codex" else "agentStop"
            end = CASES[case[0], ends][1] | _key(case[0]) | {k: v for k, v in payload.items() if k == "turn_id"}
            assert client.fire(ends, json.dumps(end).encode()) == {}
            assert client.unread() == 0
            assert BODY not in json.dumps(client.fire(event, json.dumps(payload).encode()))
    finally:
        client.process.kill()
        client.process.wait()


def _key(client: str) -> dict[str, Any]:
    """The id of the session that `start` began: the recordings are of several."""
    first = next(payload for (name, _), (_, payload) in CASES.items() if name == client)
    return {name: first[name] for name in ("session_id", "sessionId") if name in first}


@pytest.mark.parametrize(
    "raw", [b"", b"{}", b"null", b"[]", b"no json", b'{"session_id": ""}', b"\xff\xfe", b"{" * 9999]
)
def test_what_is_no_payload_disturbs_nobody(client: Client, raw: bytes) -> None:
    client.start()
    for event in [*SHOWS[client.client], "Interrupt", "SessionEnd", "sessionEnd", "Unheard"]:
        assert client.fire(event, raw) == {}


def test_an_interrupted_codex_is_idle_and_its_mail_waits(shell: Shell) -> None:
    client = Client(shell, "codex")
    try:
        client.start()
        shell.telex("send", "@shop", BODY, TELEX_NAME="api")
        event, payload = CASES["codex", "Interrupt"]
        assert client.fire(event, json.dumps(payload | _key("codex")).encode()) == {}
        assert client.unread() == 1
    finally:
        client.process.kill()
        client.process.wait()


def test_the_mark_of_a_first_prompt_is_kept_though_there_is_no_store_yet(shell: Shell) -> None:
    """Copilot CLI runs the line of its first prompt beside that of its start, which makes the store. Would break: who
    is busy, and whose word counts as a person's, in the very first session of a home."""
    assert shell.telex("install", "copilot").status == 0
    assert not (shell.telex_home / "telex.db").exists()
    hooks = json.loads((shell.home / ".copilot" / "hooks" / "telex.json").read_text())["hooks"]
    [prompt] = [one["bash"] for one in hooks["userPromptSubmitted"]]
    event, payload = CASES["copilot", "userPromptSubmitted"]
    assert event == "userPromptSubmitted"
    done = subprocess.run(
        ["/bin/sh", "-c", prompt], input=json.dumps(payload).encode(), env=shell.environment, check=False
    )
    assert done.returncode == 0
    assert [one.read_bytes() for one in (shell.telex_home / "turns").iterdir()] == [b"p"]
