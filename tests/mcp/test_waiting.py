"""`wait` and `ask`: asleep at no cost, awake at once, and in nobody's way meanwhile."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from tests.mcp.peer import Home, Peer, text
from tests.mcp.test_delivery import busy_store

from telex import limits

Start = Callable[..., Peer]


def test_wait_returns_what_came_and_marks_it(peer: Start, home: Home) -> None:
    client = peer()
    asleep = client.call("wait", timeout=60)
    client.use("who")  # the server goes on answering
    home.at("api").send("@frontend", "wake up")
    assert "> wake up" in text(client.answer(asleep)["result"])
    home.becomes("m1", "read")


def test_wait_takes_what_is_there_already(peer: Start, home: Home) -> None:
    home.at("api").send("@frontend", "early")
    assert "> early" in peer().says("wait", timeout=0)


def test_wait_leaves_what_it_was_not_asked_for(peer: Start, home: Home) -> None:
    client = peer()
    asleep = client.call("wait", timeout=60, from_="@api", kind="request")
    home.at("web").send("@frontend", "from another", kind="request")
    home.at("api").send("@frontend", "of another kind")
    home.at("api").send("@frontend", "this one", kind="request")
    result = client.answer(asleep)["result"]
    assert [one["id"] for one in result["structuredContent"]["messages"]] == ["m3"]
    home.becomes("m3", "read")
    assert home.states("m1") == home.states("m2") == ["queued"]


def test_wait_ends_with_its_time(peer: Start) -> None:
    result = peer().use("wait", timeout=0.2)
    assert text(result) == "nothing came within 0.2 s"
    assert result["isError"] is False
    assert result["structuredContent"]["messages"] == []


def test_odd_times_are_taken_as_far_as_they_make_sense(peer: Start) -> None:
    client = peer()
    assert "nothing came within 0 s" in client.says("wait", timeout=-5)
    client.line(
        b'{"jsonrpc":"2.0","id":70,"method":"tools/call","params":{"name":"ask","arguments":'
        b'{"to":"@api","text":"for ever?","timeout":1e999},"_meta":{"progressToken":1}}}'
    )
    assert client.notified("notifications/progress")["total"] == limits.MCP_WAIT_MOST_SECONDS


def test_ask_returns_the_reply(peer: Start, home: Home) -> None:
    client, api = peer(), home.at("api")
    asked = client.call("ask", to="@api", text="which port?", timeout=60)
    [request] = api.wait(timeout_s=20)
    api.send("@frontend", "something else first")
    api.reply(request.id, "5173")
    result = client.answer(asked)["result"]
    assert [one["body"] for one in result["structuredContent"]["messages"]] == ["5173"]
    home.becomes("m3", "read")
    assert home.states("m2") == ["queued"]


def test_a_reply_that_a_hook_has_shown_already_still_answers_ask(peer: Start, home: Home) -> None:
    """Would break: the reply is marked by another reader of the same inbox first, and ask sleeps on."""
    client, api = peer(), home.at("api")
    asked = client.call("ask", to="@api", text="which port?", timeout=60)
    [request] = api.wait(timeout_s=20)
    api.reply(request.id, "5173")
    home.at("frontend").read("m2")
    assert "> 5173" in text(client.answer(asked)["result"])


def test_ask_ends_where_the_one_who_is_asked_asks_first(peer: Start, home: Home) -> None:
    client, api = peer(), home.at("api")
    asked = client.call("ask", to="@api", text="which port?", timeout=600)
    api.wait(timeout_s=20)
    api.send("@frontend", "and yours?", kind="request")
    said = text(client.answer(asked)["result"])
    assert said.startswith("@api asks you first: m2; answer it: telex reply m2 'TEXT'; your request m1 stands")
    assert "> and yours?" in said
    home.becomes("m2", "read")


def test_ask_without_a_reply_says_what_stands(peer: Start) -> None:
    result = peer().use("ask", to="@api", text="anybody?", timeout=0.2)
    assert result["isError"] is True
    assert result["structuredContent"]["code"] == "timed-out"
    assert "m1 stands (@api: queued)" in text(result)


def test_wait_is_told_that_the_deadline_of_a_request_has_passed(peer: Start, home: Home) -> None:
    """Would break: the call sleeps until somebody else of the machine looks."""
    client = peer()
    asleep = client.call("wait", timeout=60)
    home.at("frontend").send("@api", "which port?", kind="request", deadline_s=1)
    said = text(client.answer(asleep)["result"])
    assert "no reply from @api to your request m1: its deadline has passed" in said


def test_who_waited_for_a_reply_is_not_told_again_that_none_came(peer: Start, home: Home) -> None:
    client = peer()
    client.use("ask", to="@api", text="anybody?", timeout=0.2)
    assert home.at("frontend").db.value("mail.any_overdue", 2**62) is None


def test_progress_is_told_while_it_sleeps_and_only_to_who_wants_it(peer: Start) -> None:
    client = peer()
    client.call("wait", timeout=60)
    client.call("wait", timeout=60, meta={"progressToken": "tok"})
    first = client.notified("notifications/progress")
    second = client.notified("notifications/progress")
    assert first["progressToken"] == second["progressToken"] == "tok"
    assert first["progress"] < second["progress"] <= second["total"] == 60
    assert second["progress"] - first["progress"] >= limits.MCP_PROGRESS_SECONDS - 1


def test_a_sleeping_server_uses_no_processor_time(peer: Start, home: Home) -> None:
    """Would break: waiting is polling."""
    client = peer()
    client.call("wait", timeout=600)
    client.use("who")

    def used() -> int:
        with open(f"/proc/{client.process.pid}/stat") as file:
            fields = file.read().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])

    before = used()
    time.sleep(2)
    assert used() - before <= 1  # a hundredth of a second


def test_a_busy_store_holds_up_neither_progress_nor_cancellation(peer: Start, home: Home) -> None:
    client = peer()
    asleep = client.call("wait", timeout=60, meta={"progressToken": 1})
    client.use("who")
    with busy_store(home):
        stuck = client.call("send", to="@api", text="held up")
        client.notified("notifications/progress")
        assert client.result("ping") == {}
        client.cancel(asleep)
        assert client.result("ping") == {}
    assert client.answer(stuck)["result"]["isError"] is False


def test_many_waits_at_once_get_one_message_once(peer: Start, home: Home) -> None:
    client = peer()
    asleep = [client.call("wait", timeout=3) for _ in range(5)]
    client.use("who")
    home.at("api").send("@frontend", "for one of you")
    answers = [text(client.answer(one)["result"]) for one in asleep]
    assert sum("for one of you" in said for said in answers) == 1
    assert sum("nothing came" in said for said in answers) == 4


def test_a_message_still_being_committed_when_its_bell_rings_is_not_missed(peer: Start, home: Home) -> None:
    """Would break: the bell rings inside the sender's transaction; a look right then sees nothing, and nothing
    moves again."""
    client = peer()
    for number in range(30):
        asleep = client.call("wait", timeout=20)
        home.at("api").send("@frontend", f"number {number}")
        assert f"number {number}" in text(client.answer(asleep)["result"])


def test_waiting_keeps_no_descriptors(peer: Start, home: Home) -> None:
    client = peer()
    client.use("wait", timeout=0.01)
    before = len(os.listdir(f"/proc/{client.process.pid}/fd"))
    for _ in range(10):
        client.use("wait", timeout=0.01)
        client.use("read")
    assert len(os.listdir(f"/proc/{client.process.pid}/fd")) <= before
