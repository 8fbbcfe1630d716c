"""Every action of the port, with the original's words."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta, timezone

import pytest
from tests.compat.ipc.port import Port
from tests.support.cli import Shell


def test_a_registration_gives_a_token_and_says_what_waits(port: Port) -> None:
    alice = port.client("alice")
    answer = alice.send("bob", "early")
    assert answer == {"status": "ok", "message": "Message queued for bob (not yet registered)"}
    bob = port.client()
    answer = bob.register("bob")
    assert answer == {"status": "ok", "session_token": bob.token, "message": "Registered bob with 1 queued messages"}
    assert len(bob.token) == 43
    assert bob.heard() == ["early"]


def test_a_message_arrives_as_it_was_sent(open_port: Callable[..., Port]) -> None:
    port = open_port(TZ="ZONE-9")  # as the original, it writes the local time of the process that serves
    alice, bob = port.client("alice"), port.client("bob")
    data = {"pr": 12, "deep": {"list": [1, 2.5, None, True, "ü"]}}
    assert alice.send("bob", "line 1\nline 2 ü 🎉 \t end", data) == {"status": "ok", "message": "Message sent"}
    [one] = bob.check()
    assert (one["from"], one["to"]) == ("alice", "bob")
    assert one["message"] == {"content": "line 1\nline 2 ü 🎉 \t end", "data": data}
    there = datetime.now(timezone(timedelta(hours=9))).replace(tzinfo=None)
    assert abs((datetime.fromisoformat(one["timestamp"]) - there).total_seconds()) < 60
    assert len(one["timestamp"]) == len("2026-11-21T19:32:08.404620")
    assert bob.check() == []


def test_a_broadcast_reaches_everybody_else_and_says_how_many(port: Port) -> None:
    alice, bob, carol = (port.client(one) for one in ("alice", "bob", "carol"))
    answer = alice.ask("broadcast", from_id="alice", message={"content": "lunch", "data": {}})
    assert answer == {"status": "ok", "message": "Broadcast to 2 instances"}
    assert (alice.heard(), bob.heard(), carol.heard()) == ([], ["lunch"], ["lunch"])


def test_a_broadcast_to_nobody_is_no_error(port: Port) -> None:
    assert port.client("alice").ask("broadcast", message={"content": "?"})["message"] == "Broadcast to 0 instances"


def test_the_list_has_everybody_with_a_time(port: Port) -> None:
    alice, _ = port.client("Alice"), port.client("bob")
    answer = alice.ask("list")
    assert answer["status"] == "ok"
    assert [one["id"] for one in answer["instances"]] == ["Alice", "bob"]
    for one in answer["instances"]:
        datetime.fromisoformat(one["last_seen"])


def test_a_message_to_oneself_arrives(port: Port) -> None:
    alice = port.client("alice")
    assert alice.send("alice", "note")["message"] == "Message sent"
    assert alice.heard() == ["note"]


def test_a_claimed_sender_or_reader_counts_for_nothing(port: Port) -> None:
    alice, bob, eve = (port.client(one) for one in ("alice", "bob", "eve"))
    alice.send("bob", "secret")
    eve.ask("send", from_id="alice", to_id="bob", message={"content": "I am alice"})
    assert eve.ask("check", instance_id="bob")["messages"] == []
    assert [(one["from"], one["message"]["content"]) for one in bob.check()] == [
        ("alice", "secret"),
        ("eve", "I am alice"),
    ]


def test_renaming_says_so_and_the_old_id_leads_on(port: Port) -> None:
    alice, bob = port.client("alice"), port.client("bob")
    alice.send("bob", "before")
    assert bob.rename("rob") == {"status": "ok", "message": "Renamed bob to rob"}
    assert alice.send("bob", "after") == {"status": "ok", "message": "Message forwarded from bob to rob"}
    assert bob.heard() == ["before", "after"]
    assert bob.send("alice", "it is me")["status"] == "ok"
    notice, own = alice.check()
    assert (notice["from"], notice["message"]["content"]) == ("system", "📝 bob renamed to rob")
    assert own["from"] == "rob"


@pytest.mark.parametrize("wrong", ["", "a b", "a/b", "ä", "a\n", "x" * 33, "a.b", 7, None, ["a"]])
def test_an_id_outside_of_the_grammar_is_refused(port: Port, wrong: object) -> None:
    answer = port.client().ask("register", instance_id=wrong)
    words = "Invalid instance ID format. Use 1-32 alphanumeric characters, hyphens, or underscores."
    assert answer == {"status": "error", "message": words}


@pytest.mark.parametrize("id", ["a", "A-1_b", "x" * 32, "_bob", "-", "7", "bob-", "a--b", "__"])
def test_every_id_of_the_grammar_is_taken_and_shown_as_written(port: Port, id: str) -> None:
    holder, other = port.client(id), port.client("other")
    assert other.send(id, "hello") == {"status": "ok", "message": "Message sent"}
    [one] = holder.check()
    assert one["to"] == id
    holder.send("other", "hi")
    assert other.check()[0]["from"] == id


@pytest.mark.parametrize("id", ["all", "system", "telex", "me", "System"])
def test_what_is_nobodys_cannot_be_registered(port: Port, id: str) -> None:
    assert port.client().register(id) == {"status": "error", "message": f"Instance ID {id} is reserved"}


def test_two_ids_that_differ_by_case_alone_are_one_name(port: Port) -> None:
    bob, alice = port.client("Bob"), port.client("alice")
    assert alice.register("bob")["message"] == "Instance bob already exists and is in use"
    assert alice.send("BOB", "hello")["message"] == "Message sent"
    assert bob.heard() == ["hello"]


def test_a_recipient_outside_of_the_grammar_is_refused(port: Port) -> None:
    alice = port.client("alice")
    wrongs: list[object] = ["", "a b", "../x", "x" * 65, 5, None, {}]
    for wrong in wrongs:
        answer = alice.ask("send", to_id=wrong, message={"content": "x"})
        assert answer == {"status": "error", "message": "Invalid recipient ID format"}, wrong


def test_a_full_queue_refuses_with_the_figure(open_port: Callable[..., Port]) -> None:
    port = open_port(TELEX_IPC_WAITING="3")
    alice, bob = port.client("alice"), port.client("bob")
    for number in range(3):
        assert alice.send("bob", f"{number}")["status"] == "ok"
    assert alice.send("bob", "one more") == {
        "status": "error",
        "message": "Message queue full for bob (3 message limit)",
    }
    assert bob.heard() == ["0", "1", "2"]
    assert alice.send("bob", "now")["status"] == "ok"


def test_a_full_queue_is_said_for_a_broadcast_too(open_port: Callable[..., Port]) -> None:
    port = open_port(TELEX_IPC_WAITING="1")
    alice, bob, carol = (port.client(one) for one in ("alice", "bob", "carol"))
    alice.send("bob", "full")
    answer = alice.ask("broadcast", message={"content": "to all"})
    assert answer["message"].startswith("Broadcast to 1 instances (not to bob: @bob has 1 messages waiting")
    assert (bob.heard(), carol.heard()) == (["full"], ["to all"])


def test_the_hundred_and_first_request_of_a_minute_waits(port: Port) -> None:
    alice = port.client("alice")
    for number in range(100):
        assert alice.send(f"nobody-{number}", "x")["status"] == "ok"
    words = "Rate limit exceeded. Please wait before sending more requests."
    assert alice.send("nobody", "x") == {"status": "error", "message": words}
    assert port.client("bob").send("alice", "x")["status"] == "ok"


def test_lists_and_registrations_are_counted_too(open_port: Callable[..., Port]) -> None:
    port = open_port(TELEX_IPC_REQUESTS_PER_MINUTE="2", TELEX_IPC_LEASE_SECONDS="0")
    alice = port.client("alice")
    assert [alice.ask("list")["status"] for _ in range(3)] == ["ok", "ok", "error"]
    assert port.client().register("alice")["status"] == "ok"
    refused = {"status": "error", "message": "Too many registration attempts. Please wait."}
    assert port.client().register("alice") == refused


def test_with_a_secret_a_registration_must_know_it(open_port: Callable[..., Port]) -> None:
    port = open_port(IPC_SHARED_SECRET="sesame ü")
    client = port.client()
    good = hashlib.sha256("alice:sesame ü".encode()).hexdigest()
    wrongs: list[object] = ["", "x", "ü", hashlib.sha256(b"bob:sesame").hexdigest(), None, 3]
    for wrong in wrongs:
        answer = client.ask("register", instance_id="alice", auth_token=wrong)
        assert answer == {"status": "error", "message": "Invalid auth token"}
    assert client.ask("register", instance_id="alice")["message"] == "Invalid auth token"
    assert client.ask("register", instance_id="alice", auth_token=good)["message"] == "Registered alice"


@pytest.mark.parametrize("action", ["send", "broadcast", "check", "list", "rename", "nonsense", None])
def test_without_a_good_token_nothing_is_done(port: Port, action: str) -> None:
    port.client("bob")
    client = port.client()
    refused = {"status": "error", "message": "Invalid or missing session token"}
    request = {"to_id": "bob", "message": {"content": "x"}, "old_id": "bob", "new_id": "x", "instance_id": "bob"}
    assert client.ask(action, **request) == refused
    wrongs: list[object] = ["", "x" * 43, 5, None, [], {"$ne": ""}]
    for wrong in wrongs:
        assert client.ask(action, **request, session_token=wrong) == refused
    assert port.client("rob").send("bob", "still here")["message"] == "Message sent"


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({"action": "send"}, "Invalid request: 'to_id', 'message' is missing"),
        ({"action": "send", "to_id": "bob", "message": "text"}, "Invalid message: 'message' must be an object"),
        ({"action": "send", "to_id": "bob", "message": {"content": 5}}, "Invalid message: 'message' must be an object"),
        (
            {"action": "send", "to_id": "bob", "message": {"content": "x", "data": [1]}},
            "Invalid message: 'data' must be an object",
        ),
        ({"action": "send", "to_id": "bob", "message": {"content": " "}}, "the message is empty"),
        ({"action": "send", "to_id": "bob", "message": {"content": "a\0b"}}, "the message is not text"),
        ({"action": "send", "to_id": "bob", "message": {"content": "\ud800"}}, "the message is not text"),
        ({"action": "send", "to_id": "all", "message": {"content": "x"}}, "Recipient ID all is reserved"),
        ({"action": "rename", "old_id": "alice"}, "Invalid request: 'new_id' is missing"),
        ({"action": "rename", "old_id": "alice", "new_id": "a b"}, "Invalid new instance ID format"),
        ({"action": "rename", "old_id": "not-there", "new_id": "x"}, "Instance not-there not found"),
        ({"action": "rename", "old_id": "bob", "new_id": "x"}, "Instance bob is not yours to rename"),
        ({"action": "rename", "old_id": "alice", "new_id": "bob"}, "Instance bob already exists"),
        ({"action": "rename", "old_id": "alice", "new_id": "alice"}, "Instance alice already exists"),
        ({"action": "dance"}, "Unknown action: dance"),
        ({"action": ["list"]}, "Unknown action: ['list']"),
        ({}, "Unknown action: None"),
    ],
)
def test_wrong_words_are_answered_in_words(port: Port, request_: dict[str, object], words: str) -> None:
    alice, _ = port.client("alice"), port.client("bob")
    answer = alice.say(json.dumps({"session_token": alice.token, **request_}).encode())
    assert answer["status"] == "error"
    assert answer["message"].startswith(words)
    assert alice.ask("list")["status"] == "ok"


def test_other_faces_read_what_is_sent_here_and_are_read_here(port: Port, shell: Shell) -> None:
    bob = port.client("Bob")
    assert shell.telex("send", "@bob", "from a terminal").status == 0
    assert bob.heard() == ["from a terminal"]
    assert bob.send("api.v2", "with a dot")["message"] == "Message queued for api.v2 (not yet registered)"
    assert "with a dot" in shell.telex("read", name="api.v2").out
    request = shell.telex("send", "@bob", "which port?", "--kind", "request", "--json", name="script").json
    [one] = bob.check()
    assert one["message"]["data"] == {"telex": {"id": request["id"], "kind": "request", "reply_to": ""}}
    shell.telex("join", "team", name="script")
    assert bob.send("#team", "all of you")["message"] == "Message sent"
    assert "all of you" in shell.telex("read", name="script").out


def test_a_port_that_is_taken_says_by_whom(port: Port, shell: Shell) -> None:
    found = shell.telex("ipc", "serve", "--port", str(port.number))
    assert found.status == 1
    assert f"telex: cannot listen on 127.0.0.1:{port.number}: " in found.err
    assert f"(process {port.process.pid}) listens there already" in found.err


@pytest.mark.parametrize("words", [["--port"], ["--port", "x"], ["--port", "70000"], ["8080"], ["--port", "1", "2"]])
def test_serve_takes_a_port_and_nothing_else(shell: Shell, words: list[str]) -> None:
    found = shell.telex("ipc", "serve", *words)
    assert (found.status, found.out) == (2, "")
    assert "serve takes --port N" in found.err


@pytest.mark.needs_root("only root becomes another user")
def test_another_user_of_the_machine_is_not_served(open_port: Callable[..., Port]) -> None:
    """Would break: whoever has an account on the machine registers, and writes to its agents."""
    ask = "import os, socket, sys; os.setgroups([]); os.setgid(65534); os.setuid(65534); "
    ask += "s = socket.socket(); s.connect(('127.0.0.1', int(sys.argv[1]))); s.sendall(sys.argv[2].encode()); "
    ask += "print(s.recv(65536).decode())"
    request = json.dumps({"action": "register", "instance_id": "eve", "auth_token": ""})
    answers = [
        subprocess.run(
            [sys.executable, "-c", ask, str(port.number), request], cwd="/", capture_output=True, text=True, check=True
        ).stdout
        for port in (open_port(), open_port(IPC_SHARED_SECRET="x"))
    ]
    assert "This port answers the user that runs it" in answers[0]
    assert "Invalid auth token" in answers[1]


def test_sigterm_ends_it_in_good_order(port: Port) -> None:
    port.client("alice")
    assert port.stop() == 0
