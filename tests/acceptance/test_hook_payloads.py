"""What a client hands to the hook: every recorded payload, and everything that is none (T32).

Whatever comes in, the hook ends with status 0 (2 only to wake, after its text is out), says nothing on standard error
but that text, and what it prints is one JSON object of the client's shape. The mail is shown, or it stays.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.cli import Shell

from telex import limits
from telex.mail.addresses import user_name

PAYLOADS = Path(__file__).parent / "payloads" / "claude-2.1.330.jsonl"
CASES: dict[str, dict[str, Any]] = {
    case["case"]: case["payload"] for case in map(json.loads, PAYLOADS.read_text().splitlines())
}
HOOK = [sys.executable, "-c", "from telex.hook import main; main()"]
SHOWS = {"UserPromptSubmit", "PostToolUse", "PostToolBatch", "Stop"}
WATCHES = {"SessionStart", "CwdChanged"}
BODY = "the schema moved to v2"


class Answer:
    """What one hook run did."""

    def __init__(self, event: str, done: subprocess.CompletedProcess[bytes]) -> None:
        self.status, self.err = done.returncode, done.stderr.decode()
        self.out: dict[str, Any] = json.loads(done.stdout) if done.stdout else {}
        assert not done.stdout or done.stdout.count(b"\n") == 1
        if self.out:
            assert set(self.out) <= {"hookSpecificOutput", "systemMessage"}
            context = self.out.get("hookSpecificOutput", {"hookEventName": event})
            assert set(context) <= {"hookEventName", "additionalContext", "watchPaths"}
            assert context["hookEventName"] == event

    @property
    def context(self) -> str:
        return str(self.out.get("hookSpecificOutput", {}).get("additionalContext", ""))

    @property
    def watch(self) -> list[str]:
        return list(self.out.get("hookSpecificOutput", {}).get("watchPaths", []))


class Client:
    """A client's process, which lives as long as the test, and its hooks."""

    def __init__(self, shell: Shell) -> None:
        self.shell = shell
        self.process = subprocess.Popen(["sleep", "3600"])
        self.environment = {
            "CLAUDECODE": "1",
            "CLAUDE_PID": str(self.process.pid),
            "CLAUDE_CODE_SESSION_ATTENDED": "1",
        }

    def fire(self, event: str, raw: bytes, client: str = "claude", **environment: str) -> Answer:
        variables = {**self.shell.environment, **self.environment, **environment}
        done = subprocess.run(
            [*HOOK, client, event],
            input=raw,
            capture_output=True,
            cwd=self.shell.work,
            env={name: value for name, value in variables.items() if value},
            timeout=60,
            check=False,
        )
        return Answer(event, done)

    def case(self, name: str, **more: Any) -> Answer:
        payload = CASES[name] | more
        return self.fire(payload["hook_event_name"], json.dumps(payload).encode())

    def state(self) -> str:
        """What became of the first message."""
        return str(self.shell.telex("show", "m1", "--json").json["deliveries"][0]["state"])

    def unread(self) -> int:
        """How much waits for the session, as the person sees it."""
        found = self.shell.telex("who", "--all", "--json").json["sessions"]
        return sum(one["unread"] for one in found if one["kind"] == "session")


@pytest.fixture
def client(shell: Shell) -> Any:
    made = Client(shell)
    yield made
    made.process.kill()
    made.process.wait()


@pytest.fixture
def waiting(client: Client) -> Client:
    """A session has begun, and one message waits for it."""
    assert client.case("SessionStart-startup").watch
    assert client.shell.telex("send", "@feature-auth", BODY).status == 0
    return client


# --- what was recorded ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CASES)
def test_every_recorded_payload_is_understood(waiting: Client, name: str) -> None:
    payload = CASES[name]
    event = payload["hook_event_name"]
    answer = waiting.case(name)
    handed = event in SHOWS and "agent_id" not in payload and not payload.get("stop_hook_active")
    if event == "FileChanged":
        assert (answer.status, answer.out) == (2, {})
        assert f"> {BODY}" in answer.err
    else:
        assert (answer.status, answer.err) == (0, "")
        assert (f"> {BODY}" in answer.context) == handed
    assert waiting.state() == ("handed" if handed or event == "FileChanged" else "queued")
    assert waiting.unread() == 1
    assert bool(answer.watch) == (event in WATCHES)
    seen = bool(answer.context) and event in ("UserPromptSubmit", "PostToolUse", "PostToolBatch")
    assert answer.out.get("systemMessage", "") == (f"telex: @{user_name()} says (m1): {BODY}" if seen else "")


@pytest.mark.parametrize("name", CASES)
def test_every_recorded_payload_may_be_the_first(client: Client, name: str) -> None:
    answer = client.case(name)
    assert (answer.status, answer.err) == (0, "")
    assert not answer.context


@pytest.mark.parametrize("name", CASES)
def test_fields_that_telex_does_not_know_change_nothing(waiting: Client, name: str) -> None:
    unknown = {"new_field": {"deep": [1, None, "x" * 1_000]}, "Session_ID": "other", "ünïcode": "日本", "": 0}
    before = waiting.case(name, **unknown)
    assert before.status == (2 if CASES[name]["hook_event_name"] == "FileChanged" else 0)
    waiting.case("UserPromptSubmit")
    assert waiting.state() == "handed"


def test_every_event_telex_installs_for_is_among_the_recorded() -> None:
    from telex.hook import claude

    sent = CASES["PostToolUse-SendMessage"]
    assert sent["hook_event_name"] + sent["tool_name"] == claude.SENT
    assert set(claude._EVENTS) - {claude.SENT} <= {payload["hook_event_name"] for payload in CASES.values()}


def test_a_whole_day_leaves_no_fault_behind(client: Client) -> None:
    for name in CASES:
        client.case(name)
    assert not (client.shell.telex_home / "hook-fault").exists()


# --- what is no payload -------------------------------------------------------------------------------------------

EVENTS = [
    "SessionStart",
    "UserPromptSubmit",
    "PostToolBatch",
    "PermissionRequest",
    "Stop",
    "StopFailure",
    "SessionEnd",
    "CwdChanged",
    "FileChanged",
]
GARBAGE: dict[str, bytes] = {
    "nothing": b"",
    "white space": b" \n",
    "broken": b'{"session_id": "x"',
    "an array": b"[]",
    "a number": b"7",
    "null": b"null",
    "an empty object": b"{}",
    "bytes": b"\xff\xfe\x00\x01",
    "NUL": b'{"session_id": "a\0b"}',
    "comments": b'// hello\n{"session_id": "x"}',
    "two objects": b"{}{}",
    "deep": b'{"session_id":' + b"[" * 5_000 + b"]" * 5_000 + b"}",
    "a number as id": b'{"session_id": 7, "cwd": 8, "session_title": 9, "source": 10}',
    "an object as id": b'{"session_id": {"a": 1}, "cwd": ["x"]}',
    "null everywhere": b'{"session_id": null, "cwd": null, "session_title": null, "agent_id": null}',
    "an empty id": b'{"session_id": "", "cwd": "/"}',
    "a path as id": b'{"session_id": "../../../../etc/passwd", "cwd": "/"}',
    "a lone surrogate": b'{"session_id": "\\ud800", "cwd": "\\udfff", "session_title": "\\udc00x"}',
    "no UTF-8 in it": b'{"session_id": "x", "cwd": "/\xff", "session_title": "\xff"}',
    "an endless title": b'{"session_id": "x", "cwd": "/", "session_title": "' + b"t" * 1_000_000 + b'"}',
    "an endless id": b'{"session_id": "' + b"i" * 1_000_000 + b'", "cwd": "/"}',
    "escapes": b'{"session_id": "x", "cwd": "/\\u001b[31m", "session_title": "\\u202e\\u0000"}',
    "the same key twice": b'{"session_id": "x", "session_id": "y", "cwd": "/"}',
}


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("raw", GARBAGE.values(), ids=GARBAGE)
def test_garbage_disturbs_nobody(client: Client, event: str, raw: bytes) -> None:
    answer = client.fire(event, raw)
    assert (answer.status, answer.err) == (0, "")
    listed = client.shell.telex("who", "--all", "--json")
    assert listed.status == 0


def test_garbage_makes_no_path(client: Client) -> None:
    outside = {path for path in client.shell.home.rglob("*") if client.shell.telex_home not in path.parents}
    for raw in GARBAGE.values():
        client.fire("SessionStart", raw)
    now = {path for path in client.shell.home.rglob("*") if client.shell.telex_home not in path.parents}
    assert now - outside <= {client.shell.telex_home}


@pytest.mark.parametrize("event", ["UserPromptSubmit", "PostToolBatch"])
def test_a_huge_payload_is_read_and_an_endless_one_is_left(waiting: Client, event: str) -> None:
    payload = CASES[event] | {"prompt": "x" * 3_000_000}
    assert BODY in waiting.fire(event, json.dumps(payload).encode()).context
    waiting.shell.telex("send", "@feature-auth", "another")
    payload["prompt"] = "x" * limits.PAYLOAD_MOST_BYTES
    answer = waiting.fire(event, json.dumps(payload).encode())
    assert (answer.status, answer.out, answer.err) == (0, {}, "")
    assert waiting.unread() == 2


@pytest.mark.parametrize("event", ["", "Nonsense", "sessionstart", "SessionStart ", "../x", "\u202e", "PreModelSwitch"])
def test_an_event_that_telex_does_not_know_is_left_alone(waiting: Client, event: str) -> None:
    answer = waiting.fire(event, json.dumps(CASES["Stop"]).encode())
    assert (answer.status, answer.out, answer.err) == (0, {}, "")
    assert waiting.unread() == 1


@pytest.mark.parametrize("words", [[], ["claude"], ["notepad", "Stop"], ["", ""]])
def test_a_call_that_is_none_is_left_alone(waiting: Client, words: list[str]) -> None:
    done = subprocess.run(
        [*HOOK, *words],
        input=b"{}",
        capture_output=True,
        env=waiting.shell.environment,
        cwd=waiting.shell.work,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert waiting.unread() == 1


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=5), below, max_size=3),
    max_leaves=6,
)
FIELDS = st.sampled_from(
    ["session_id", "cwd", "session_title", "source", "reason", "agent_id", "stop_hook_active", "hook_event_name"]
)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(EVENTS), st.dictionaries(FIELDS, JSON, max_size=5))
def test_no_payload_breaks_the_hook(
    tmp_path_factory: pytest.TempPathFactory, capfd: pytest.CaptureFixture[str], event: str, payload: dict[str, Any]
) -> None:
    """In this very process: whatever is raised would be silenced by `main`, so here nothing may be raised at all."""
    from telex.hook import claude

    home = tmp_path_factory.mktemp("hook") / "home"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TELEX_HOME", str(home))
        patch.setenv("CLAUDE_PID", str(os.getpid()))
        patch.setenv("CLAUDE_CODE_SESSION_ATTENDED", "1")
        assert claude.handle(event, json.dumps(payload)) == 0
    out, err = capfd.readouterr()
    assert err == ""
    if out:
        assert json.loads(out)["hookSpecificOutput"]["hookEventName"] == event


# --- the store -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("harm", ["garbage", "newer", "foreign", "open to all", "a file", "no home"])
def test_whatever_state_the_store_is_in_the_client_is_not_disturbed(waiting: Client, event: str, harm: str) -> None:
    home = waiting.shell.telex_home
    raw = json.dumps(CASES[next(name for name, one in CASES.items() if one["hook_event_name"] == event)]).encode()
    environment: dict[str, str] = {}
    if harm == "garbage":
        destroy(home)
    elif harm == "newer":
        change(home, f"PRAGMA user_version = {limits.SCHEMA_VERSION + 1}")
    elif harm == "foreign":
        change(home, "PRAGMA application_id = 7")
    elif harm == "open to all":
        home.chmod(0o755)
    elif harm == "a file":
        environment["TELEX_HOME"] = str(home / "telex.db")
    else:
        environment |= {"HOME": "", "TELEX_HOME": ""}
    answer = waiting.fire(event, raw, **environment)
    assert (answer.status, answer.context, answer.err) == (0, "", "")


def destroy(home: Path) -> None:
    """Nothing of the store is left: the log beside it would mend what is overwritten."""
    for path in home.glob("telex.db*"):
        path.unlink()
    (home / "telex.db").write_bytes(b"garbage" * 1_000)


def change(home: Path, sql: str) -> None:
    """Change the store by SQLite's own means."""
    import apsw

    con = apsw.Connection(str(home / "telex.db"))
    con.execute(sql)
    con.close()


def test_a_fault_is_noted_for_doctor_without_any_body(waiting: Client) -> None:
    destroy(waiting.shell.telex_home)
    waiting.case("UserPromptSubmit", prompt="SECRET")
    noted = waiting.shell.telex_home / "hook-fault"
    assert noted.stat().st_mode & 0o777 == 0o600
    assert "StoreCorrupt" in noted.read_text()
    assert "SECRET" not in noted.read_text()


@pytest.mark.parametrize("damage", ["cannot be opened", "fails a check"])
def test_doctor_tells_of_a_fault_also_where_the_store_has_one(waiting: Client, damage: str) -> None:
    destroy(waiting.shell.telex_home) if damage == "cannot be opened" else None
    (waiting.shell.telex_home / "hook-fault").write_text("StoreCorrupt: seen")
    if damage == "fails a check":
        change(waiting.shell.telex_home, "ALTER TABLE delivery RENAME TO gone")
    found = {one["what"]: one for one in json.loads(waiting.shell.telex("doctor", "--json").out)["checks"]}
    assert "StoreCorrupt: seen" in found["hooks"]["detail"]
    assert found["store"]["state"] != "ok"


def test_a_hook_without_its_net_is_noticed(waiting: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted bug: whatever is raised comes out."""
    bare = (
        "import sys; from telex.hook import claude, read_payload; sys.exit(claude.handle(sys.argv[2], read_payload()))"
    )
    monkeypatch.setattr(f"{__name__}.HOOK", [sys.executable, "-c", bare])
    with pytest.raises(AssertionError):
        test_whatever_state_the_store_is_in_the_client_is_not_disturbed(waiting, "Stop", "garbage")


# --- sizes ---------------------------------------------------------------------------------------------------------


def test_a_start_among_many_with_much_waiting_keeps_its_limit(client: Client) -> None:
    shell = client.shell
    names = [f"{letter * 63}{number}" for letter in "abc" for number in range(8)]
    for name in names:
        shell.telex("send", "@feature-auth", f"from {name} " + "x" * 1_500, name=name)
    keep = subprocess.Popen(["sleep", "3600"])
    for name in names:  # they are all still there when the session starts
        payload = {"session_id": f"id-{name}", "cwd": f"/src/{name}", "source": "startup"}
        client.fire("SessionStart", json.dumps(payload).encode(), CLAUDE_PID=str(keep.pid))
    assert 0 < len(client.case("SessionStart-startup").context) <= limits.FRAME_CHARS
    answer = client.case("UserPromptSubmit")
    assert 0 < len(answer.context) <= limits.FRAME_CHARS
    assert "more wait: telex read" in answer.context
    keep.kill()
    keep.wait()


def test_the_budget_of_an_injection_is_a_setting(waiting: Client) -> None:
    waiting.shell.telex("config", "frame_chars", "1000")
    waiting.shell.telex("send", "@feature-auth", stdin=b"x" * 5_000)
    answer = waiting.case("UserPromptSubmit")
    assert 0 < len(answer.context) <= 1_000


def test_a_session_that_is_alone_is_told_nothing(client: Client) -> None:
    for name in ("SessionStart-startup", "UserPromptSubmit", "PostToolBatch", "Stop"):
        assert client.case(name).context == ""


def test_the_person_has_the_os_users_name(waiting: Client) -> None:
    names = [one["name"] for one in waiting.shell.telex("who", "--json").json["sessions"]]
    assert f"@{user_name()}" in names


@pytest.mark.parametrize("more", [{}, {"isApiErrorMessage": True}], ids=["an answer", "an error of the API"])
def test_a_transcript_proves_by_an_answer_and_not_by_an_error(waiting: Client, tmp_path: Path, more: Any) -> None:
    """Would break: mail of a failed turn that counts as shown, and lost with its session."""
    transcript = tmp_path / "transcript.jsonl"
    transcript.touch()
    said = waiting.case("UserPromptSubmit", transcript_path=str(transcript)).context
    lines = [{"type": "attachment", "attachment": {"content": [said]}}, {"type": "assistant", **more}]
    transcript.write_text("".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines))
    waiting.case("SessionEnd-exit")
    assert waiting.state() == ("queued" if more else "shown")


def test_mail_of_a_turn_that_failed_is_proved_by_the_next_one_and_not_said_again(waiting: Client) -> None:
    assert BODY in waiting.case("UserPromptSubmit").context
    assert waiting.case("StopFailure").out == {}
    assert waiting.state() == "handed"
    assert waiting.case("UserPromptSubmit", prompt_id="the-next").context == ""
    waiting.case("Stop", prompt_id="the-next")
    assert waiting.state() in ("shown", "read")


def woken_prompt(text: str) -> str:
    """How Claude Code hands a wake-up to the hooks of its turn."""
    summary = "<task-notification>\n<summary>telex: mail for this session</summary>\n</task-notification>"
    return f"{summary}\n<system-reminder>\n{text}\n</system-reminder>"


@pytest.mark.parametrize("more", [False, True], ids=["alone", "with mail that came since"])
def test_a_woken_turn_tells_its_person_who_wrote(waiting: Client, more: bool) -> None:
    """Would break: a person who sees that mail came, and not from whom."""
    text = waiting.case("FileChanged-change").err
    if more:
        assert waiting.shell.telex("send", "@feature-auth", "and to v3", TELEX_NAME="api").status == 0
    answer = waiting.case("UserPromptSubmit", prompt=woken_prompt(text))
    lines = [f"telex: @{user_name()} says (m1): {BODY}", *(["telex: @api says (m2): and to v3"] if more else [])]
    assert answer.out["systemMessage"].split("\n") == lines
    assert (BODY in answer.context, "and to v3" in answer.context) == (False, more)
    assert waiting.case("UserPromptSubmit", prompt=woken_prompt(text)).out == {}, "a second line of telex"
    waiting.case("Stop")
    assert waiting.case("UserPromptSubmit", prompt="go on", prompt_id="the-next").out == {}


def test_status_warns_of_a_hook_that_was_seen_to_fail(waiting: Client) -> None:
    home = waiting.shell.telex_home
    assert "hooks: the last fault" not in waiting.shell.telex("status").out
    change(home, "ALTER TABLE owed RENAME TO gone")
    waiting.case("UserPromptSubmit", prompt="hello")
    assert (home / "hook-fault").exists()
    change(home, "ALTER TABLE gone RENAME TO owed")
    ran = waiting.shell.telex("status")
    assert (ran.status, "hooks: the last fault" in ran.out) == (1, True)
    waiting.shell.telex("doctor", "--repair")
    assert "hooks: the last fault" not in waiting.shell.telex("status").out
