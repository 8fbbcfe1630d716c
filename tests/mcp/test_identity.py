"""Who a call is from: told anew for each call, never guessed, never the person."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable

import pytest
from tests.mcp.peer import Home, Json, Peer
from tests.support.cli import TELEX_WORD

from telex.bus import identity
from telex.mail import addresses, registration
from telex.mcp.caller import CODEX_META, codex_thread, kind_of

Start = Callable[..., Peer]
CLAUDE = "claude-code"


def session(home: Home, key: str, *, client: str = "claude", pid: int = 0, directory: str = "/src/app") -> str:
    """A client's hook says that its session starts; the session's name."""
    who = addresses.Arrival(client=client, key=key, pid=pid or os.getpid(), directory=directory)
    with home.bus.db.write():
        _, place = registration.register(home.bus.db, who, "dana", home.bus.clock())
    return f"@{place.name}"


def end(home: Home, key: str) -> None:
    """A client's hook says that its session has ended."""
    found = addresses.session_by_key(home.bus.db, "claude", key)
    assert found
    with home.bus.db.write():
        addresses.end(home.bus.db, found, "the session ended (clear)", home.bus.clock())


def me(client: Peer, meta: Json | None = None) -> str:
    """Who the server takes the caller for."""
    found: str = client.use("who", meta=meta)["structuredContent"]["me"]
    return found


def test_the_session_whose_process_started_the_server(peer: Start, home: Home) -> None:
    assert session(home, "one") == "@app"
    assert me(peer(name="", client=CLAUDE)) == "@app"


def test_after_clear_it_is_the_new_session_under_the_old_name(peer: Start, home: Home) -> None:
    """Would break: the server's environment names the session from before /clear."""
    session(home, "before")
    client = peer(name="", client=CLAUDE, CLAUDE_CODE_SESSION_ID="before", CLAUDECODE="1")
    assert me(client) == "@app"
    end(home, "before")
    session(home, "after")
    assert me(client) == "@app"
    client.use("send", to="@api", text="after clear")
    found = addresses.session_by_key(home.bus.db, "claude", "after")
    assert found
    assert addresses.address(home.bus.db, found.address).name == "app"
    home.at("api").send("@app", "hello")
    assert "> hello" in client.says("read")


def test_two_sessions_in_one_process_are_told_apart_by_the_environment(peer: Start, home: Home) -> None:
    session(home, "one", directory="/src/one")
    session(home, "two", directory="/src/two")
    assert me(peer(name="", client=CLAUDE, CLAUDE_CODE_SESSION_ID="two")) == "@two"


def test_two_sessions_in_one_process_are_refused_where_nothing_tells_them_apart(peer: Start, home: Home) -> None:
    session(home, "one", directory="/src/one")
    session(home, "two", directory="/src/two")
    client = peer(name="", client=CLAUDE, CLAUDE_CODE_SESSION_ID="gone")
    result = client.use("send", to="@api", text="from whom?")
    assert result["isError"]
    assert result["structuredContent"]["code"] == "who-are-you"
    assert home.at("api").inbox() == []


def test_a_client_without_hooks_is_known_by_its_id_in_the_environment(peer: Start, home: Home) -> None:
    client = peer(name="", client=CLAUDE, CLAUDE_CODE_SESSION_ID="c0ffee", CLAUDECODE="1")
    assert me(client) == "@shop"
    found = addresses.session_by_key(home.bus.db, "claude", "c0ffee")
    assert found
    assert found.pid == os.getpid()


def test_a_name_that_was_configured_is_asked_for(peer: Start) -> None:
    client = peer(name="reviewer", client=CLAUDE, CLAUDE_CODE_SESSION_ID="c0ffee")
    assert me(client) == "@reviewer"
    assert me(client) == "@reviewer"


def test_copilot_is_known_by_its_id(peer: Start, home: Home) -> None:
    client = peer(name="", client="github-copilot-developer", COPILOT_AGENT_SESSION_ID="ab12")
    client.use("who")
    assert addresses.session_by_key(home.bus.db, "copilot", "ab12")


def turn(thread: str) -> Json:
    """What Codex says of a call."""
    return {CODEX_META: {"session_id": "s", "thread_id": thread, "turn_id": "t"}}


def below(home: Home, program: str) -> list[str]:
    """The command line of a server whose client is a program of that name."""
    path = home.shell.home / program
    if not path.exists():
        path.symlink_to("/bin/sh")
    return [str(path), "-c", f"{TELEX_WORD} mcp; exit $?"]


def test_codex_says_in_each_call_which_thread_it_is(peer: Start, home: Home) -> None:
    client = peer(name="", client="codex-mcp-client", version="2025-06-18", argv=below(home, "codex"))
    first, second = me(client, turn("thread-1")), me(client, turn("thread-2"))
    assert first != second
    assert me(client, turn("thread-1")) == first
    client.use("send", meta=turn("thread-2"), to=first, text="between threads")
    assert "between threads" in client.says("read", meta=turn("thread-1"))


@pytest.mark.parametrize("program", ["codex", "python3", "my-agent"])
@pytest.mark.parametrize("known", [True, False], ids=["a thread of another process", "a thread that nobody knows"])
def test_a_thread_is_believed_only_of_the_codex_that_holds_it(
    peer: Start, home: Home, program: str, known: bool
) -> None:
    """Would break: any process sends and reads as any session of Codex."""
    other = subprocess.Popen(["sleep", "60"])
    try:
        if known:
            session(home, "thread-1", client="codex", pid=other.pid, directory="/src/cx")
        client = peer(name="", client="codex-mcp-client", argv=below(home, program))
        for tool, words in (("send", {"to": "@root", "text": "from whom?"}), ("read", {})):
            result = client.use(tool, meta=turn("thread-1"), **words)
            refused = result.get("isError", False) and result["structuredContent"]["code"] == "who-are-you"
            assert refused is (known or program != "codex")
    finally:
        other.kill()
        other.wait()


@pytest.mark.parametrize(("name", "kind"), [("gemini-cli-mcp-client", "gemini"), ("opencode", "opencode")])
def test_gemini_and_opencode_are_guests_known_by_their_process(peer: Start, name: str, kind: str) -> None:
    client = peer(name="", client=name)
    me(client)
    sessions = client.use("who")["structuredContent"]["sessions"]
    assert [one["client"] for one in sessions if one["me"]] == [kind]


def test_a_guest_is_the_same_in_the_next_server_of_its_process(peer: Start) -> None:
    first = peer(name="", client="gemini-cli-mcp-client")
    name = me(first)
    first.end_input()
    assert me(peer(name="", client="gemini-cli-mcp-client")) == name


def test_a_client_inside_another_ones_shell_is_not_that_one(peer: Start, home: Home) -> None:
    """Would break: a Gemini that Claude's shell started reads Claude's mail."""
    assert session(home, "outer") == "@app"
    client = peer(name="", client="gemini-cli-mcp-client", CLAUDE_CODE_SESSION_ID="outer", CLAUDECODE="1")
    assert me(client) != "@app"
    found = next(one for one in client.use("who")["structuredContent"]["sessions"] if one["me"])
    assert found["client"] == "gemini"


def test_a_program_inside_a_session_is_that_session(peer: Start, home: Home) -> None:
    session(home, "outer")
    assert me(peer(name="", client="inspector-client", CLAUDE_CODE_SESSION_ID="other")) == "@app"


def test_a_name_that_is_nobodys_to_take_is_refused_at_once(home: Home) -> None:
    done = home.shell.telex("mcp", "--name", "system")
    assert (done.status, done.err.splitlines()[0]) == (2, "telex: 'system' is reserved")


def test_a_name_that_a_live_session_holds_is_refused(peer: Start, home: Home) -> None:
    elsewhere = subprocess.Popen(["sleep", "60"])
    try:
        session(home, "one", pid=elsewhere.pid, directory="/src/frontend")
        result = peer(name="frontend").use("who")
        assert result["structuredContent"]["code"] == "name-taken"
    finally:
        elsewhere.kill()
        elsewhere.wait()


@pytest.mark.parametrize(
    ("meta", "thread"),
    [
        ({CODEX_META: {"thread_id": "x"}}, "x"),
        ({CODEX_META: json.dumps({"thread_id": "x"})}, "x"),
        ({CODEX_META: "{"}, ""),
        ({CODEX_META: "[]"}, ""),
        ({CODEX_META: {"thread_id": 3}}, ""),
        ({CODEX_META: None}, ""),
        ({}, ""),
    ],
)
def test_what_codex_says_is_read_with_care(meta: Json, thread: str) -> None:
    assert codex_thread(meta) == thread


def test_clients_are_known_by_what_they_call_themselves() -> None:
    assert kind_of("claude-code") == "claude"
    assert kind_of("Gemini CLI MCP client") == "gemini"
    assert kind_of("My Client \u202e") == "my-client"
    assert kind_of("") == "mcp"
    assert {client for _, client in identity.SESSION_VARIABLES} <= {"claude", "codex", "gemini", "copilot", "opencode"}
