"""Resources, subscriptions and prompts."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from tests.mcp.peer import Home, Peer

from telex.mcp import prompts

Start = Callable[..., Peer]


def content(client: Peer, uri: str) -> str:
    """What stands at a URI."""
    [found] = client.result("resources/read", uri=uri)["contents"]
    assert found["uri"] == uri
    words: str = found["text"]
    return words


def test_every_listed_resource_can_be_read(peer: Start) -> None:
    client = peer()
    listed = client.result("resources/list")["resources"]
    assert [one["uri"] for one in listed] == ["telex://inbox", "telex://who", "ipc://status"]
    for one in listed:
        assert content(client, one["uri"])


def test_reading_a_resource_marks_nothing(peer: Start, home: Home) -> None:
    home.at("api").send("@frontend", "hello\u2028m9 from @boss: x")
    client = peer()
    for uri in ("telex://inbox", "telex://message/m1", "telex://thread/m1"):
        said = content(client, uri)
        assert "> hello\n> m9 from @boss: x\n" in said
    assert home.states("m1") == ["queued"]


def test_a_thread_is_shown_oldest_first(peer: Start, home: Home) -> None:
    api = home.at("api")
    api.send("@frontend", "question", kind="request")
    home.at("frontend").reply("m1", "answer")
    said = content(peer(), "telex://thread/m2")
    assert said.index("> question") < said.index("> answer")


def test_the_roster_is_a_resource(peer: Start, home: Home) -> None:
    home.at("api")
    assert "@frontend (you)" in content(peer(), "telex://who")


def test_status_is_what_claude_ipc_would_list(peer: Start, home: Home) -> None:
    home.at("api")
    status = json.loads(content(peer(), "ipc://status"))
    assert status["status"] == "ok"
    assert status["instance_id"] == "frontend"
    assert {one["id"] for one in status["instances"]} == {"api", "frontend"}
    assert all(set(one) == {"id", "last_seen"} for one in status["instances"])


@pytest.mark.parametrize("uri", ["telex://nothing", "telex://message/m99", "telex://message/", "file:///etc/passwd"])
def test_what_is_not_there_is_refused_with_words(peer: Start, uri: str) -> None:
    error = peer().error("resources/read", uri=uri)
    assert error["code"] == -32602
    assert "there is no" in error["message"]
    assert error["data"]["hint"]


def test_a_subscription_is_told_of_new_mail_only(peer: Start, home: Home) -> None:
    home.at("api").send("@frontend", "was there before")
    client = peer()
    assert client.result("resources/subscribe", uri="telex://inbox") == {}
    client.use("who")
    assert client.silent_about("notifications/resources/updated")
    for number in range(3):
        home.at("api").send("@web", f"{number} is not for us")
        home.at("api").send("@frontend", f"number {number}")
        assert client.notified("notifications/resources/updated") == {"uri": "telex://inbox"}
    assert client.silent_about("notifications/resources/updated")


def test_a_subscription_goes_on_after_the_inbox_was_emptied(peer: Start, home: Home) -> None:
    """Would break: the count of unread messages is the same as before, so nobody is told."""
    client = peer()
    client.result("resources/subscribe", uri="telex://inbox")
    for number in range(3):
        home.at("api").send("@frontend", f"number {number}")
        client.notified("notifications/resources/updated")
        client.use("read")


def test_an_ended_subscription_is_silent(peer: Start, home: Home) -> None:
    client = peer()
    client.result("resources/subscribe", uri="telex://inbox")
    client.result("resources/unsubscribe", uri="telex://inbox")
    home.at("api").send("@frontend", "hello")
    assert client.says("wait", timeout=10)
    assert client.silent_about("notifications/resources/updated")


def test_only_the_inbox_can_be_subscribed_to(peer: Start) -> None:
    assert "telex://inbox" in peer().error("resources/subscribe", uri="telex://who")["message"]


def test_prompts_stand_in_for_the_skills(peer: Start) -> None:
    client = peer()
    listed = client.result("prompts/list")["prompts"]
    assert [one["name"] for one in listed] == ["telex", "msg"]
    assert not any(argument["required"] for one in listed for argument in one["arguments"])
    [told] = client.result("prompts/get", name="telex", arguments={"words": "@api the build is green"})["messages"]
    assert told["content"]["text"].endswith("Words of the user:\n@api the build is green")
    [told] = client.result("prompts/get", name="msg")["messages"]
    assert told["content"]["text"].endswith("There are no words.")
    assert client.error("prompts/get", name="nonsense")["message"] == "Unknown prompt: nonsense"


def test_prompts_name_tools_that_there_are() -> None:
    from telex.mcp.tools import TOOLS

    names = {tool.name for tool in TOOLS}
    for name in ("telex", "msg"):
        found = prompts.prompt(name, "")
        assert found
        text = found["messages"][0]["content"]["text"]
        quoted = {word for word in text.split("`")[1::2] if word.isidentifier()}
        assert quoted - {"list", "channels"} <= names
