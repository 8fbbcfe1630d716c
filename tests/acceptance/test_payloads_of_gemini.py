"""What Gemini CLI hands to its hooks, as it was recorded with the real program.

Its start differs from the others': what a hook says there is lost when the session is resumed or cleared, so the mail
waits for the prompt that follows in any case.
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

HOOK = [sys.executable, "-c", "from telex.hook import main; main()", "gemini"]
RECORDED = Path(__file__).parent / "payloads" / "gemini-0.61.0.jsonl"
CASES: dict[str, dict[str, Any]] = {
    case["case"]: case["payload"] for case in map(json.loads, RECORDED.read_text().splitlines())
}
KEY = CASES["SessionStart-startup"]["session_id"]
BODY = "the schema moved to v2"


class Client:
    """A client's process, which lives as long as the test, and its hooks."""

    def __init__(self, shell: Shell) -> None:
        self.shell = shell
        self.process = subprocess.Popen(["sleep", "3600"])

    def fire(self, event: str, raw: bytes) -> dict[str, Any]:
        done = subprocess.run(
            [*HOOK, event, str(self.process.pid)],
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

    def case(self, name: str, **more: str) -> dict[str, Any]:
        payload = CASES[name] | more
        return self.fire(payload["hook_event_name"], json.dumps(payload).encode())

    def unread(self) -> int:
        found = self.shell.telex("who", "--all", "--json").json["sessions"]
        return sum(one["unread"] for one in found if one["kind"] == "session")


@pytest.fixture
def client(shell: Shell) -> Iterator[Client]:
    made = Client(shell)
    assert made.case("SessionStart-startup") == {}
    assert shell.telex("send", "@shop", BODY, TELEX_NAME="api").status == 0
    yield made
    made.process.kill()
    made.process.wait()


def context(answer: dict[str, Any]) -> str:
    assert set(answer) - {"systemMessage"} == {"hookSpecificOutput"}
    assert set(answer["hookSpecificOutput"]) == {"hookEventName", "additionalContext"}
    return str(answer["hookSpecificOutput"]["additionalContext"])


@pytest.mark.parametrize("name", ["SessionStart-startup", "SessionStart-resume", "SessionStart-clear"])
def test_a_start_tells_the_name_and_leaves_the_mail_to_the_prompt(client: Client, name: str) -> None:
    """Would break: mail that is recorded as shown at a start whose context the client drops."""
    said = context(client.case(name, session_id=KEY))
    assert "this session is @shop" in said and BODY not in said
    assert client.unread() == 1
    assert BODY in context(client.case("BeforeAgent"))


@pytest.mark.parametrize("name", ["BeforeAgent", "AfterTool"])
def test_mail_is_context_at_a_prompt_and_after_a_tool_once(client: Client, name: str) -> None:
    assert context(client.case(name)).count(BODY) == 1
    assert client.case("AfterTool") == {}
    assert client.unread() == 1  # until the model has answered
    assert client.case("AfterAgent") == {}
    assert client.unread() == 0
    assert client.case(name) == {}


def test_a_prompt_that_was_cancelled_gives_its_mail_back(client: Client) -> None:
    """Would break: the next request after Esc, which this client makes without the prompt before it."""
    assert BODY in context(client.case("BeforeAgent"))
    assert BODY in context(client.case("BeforeAgent"))


ANSWER = {"type": "gemini", "content": "done"}
ASKED = {"type": "user", "content": [{"text": "hello"}]}
CALL = ANSWER | {"toolCalls": [{"name": "run_shell_command"}]}
TOLD = {"type": "info", "content": "telex: @api says (m1)"}
BOOKS = {"$set": {"messages": [ANSWER]}}
RECORDS = {
    "answered": ([ASKED, ANSWER, BOOKS], True),
    "answered after a tool": ([ASKED, ANSWER, CALL, ASKED, TOLD, ANSWER, BOOKS], True),
    "answered, and told something": ([ASKED, ANSWER, BOOKS, TOLD], True),
    "stopped": ([ANSWER, ASKED, {"type": "info", "content": "Request cancelled."}, BOOKS], False),
    "stopped during a tool": ([ASKED, ANSWER, CALL, BOOKS], False),
    "stopped after a tool": ([ASKED, ANSWER, CALL, ASKED, TOLD], False),
    "failed": ([ANSWER, ASKED, {"type": "error", "content": "[API Error: 400]"}, BOOKS], False),
    "nothing that is known": ([{"kind": "main"}], False),
}


@pytest.mark.parametrize(("record", "proves"), RECORDS.values(), ids=RECORDS)
def test_the_end_of_a_turn_proves_only_with_an_answer_in_the_record(
    client: Client, tmp_path: Path, record: list[Any], proves: bool
) -> None:
    """Would break: mail called read after an Esc, which takes the prompt and its mail out of the conversation."""
    path = tmp_path / "session.jsonl"
    path.write_text("".join(json.dumps(line, separators=(",", ":")) + "\n" for line in record))
    client.case("BeforeAgent", transcript_path=str(path))
    client.shell.telex("send", "@shop", "and to v3", TELEX_NAME="api")
    answer = client.case("AfterAgent", transcript_path=str(path))
    assert (answer.get("decision") == "deny") == proves, "a turn that was stopped does not go on"
    assert client.unread() == (1 if proves else 2)
    assert (BODY in context(client.case("BeforeAgent"))) == (not proves)


def test_mail_at_the_end_of_a_turn_is_the_reason_to_go_on_once(client: Client) -> None:
    answer = client.case("AfterAgent")
    assert (set(answer), answer["decision"]) == ({"decision", "reason"}, "deny")
    assert answer["reason"].count(BODY) == 1
    client.shell.telex("send", "@shop", "and to v3", TELEX_NAME="api")
    assert client.case("AfterAgent-going-on") == {}
    assert client.unread() == 1  # the second one


def test_a_cleared_session_is_followed_by_one_with_its_name(client: Client) -> None:
    assert client.case("SessionEnd-clear") == {}
    client.case("SessionStart-clear")
    names = [one["name"] for one in client.shell.telex("who", "--json").json["sessions"]]
    assert names.count("@shop") == 1 and "@shop-2" not in names
    assert BODY in context(client.case("BeforeAgent", session_id=CASES["SessionStart-clear"]["session_id"]))


@pytest.mark.parametrize("raw", [b"", b"{}", b"null", b"no json", b'{"session_id": ""}', b"\xff\xfe"])
def test_what_is_no_payload_disturbs_nobody(client: Client, raw: bytes) -> None:
    for event in ("SessionStart", "BeforeAgent", "AfterTool", "AfterAgent", "SessionEnd", "Unheard"):
        assert client.fire(event, raw) == {}
    assert client.unread() == 1
