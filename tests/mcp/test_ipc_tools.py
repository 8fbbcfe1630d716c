"""`--tools ipc` and `--tools all`: claude-ipc-mcp's nine tools beside or instead of telex's own."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib import resources as files

from tests.mcp.peer import Home, Peer, text

from telex.mcp.tools import TOOLS

Start = Callable[..., Peer]
NINE = json.loads(files.files("telex.compat.ipc").joinpath("tools.json").read_text("utf-8"))


def listed(client: Peer) -> list[dict[str, object]]:
    """tools/list without what claude-ipc-mcp did not have."""
    tools = client.result("tools/list")["tools"]
    return [{name: value for name, value in tool.items() if name != "annotations"} for tool in tools]


def test_the_nine_tools_are_listed_as_they_were(peer: Start) -> None:
    assert listed(peer("--tools", "ipc")) == NINE


def test_both_sets_have_names_of_their_own(peer: Start) -> None:
    names = [str(tool["name"]) for tool in listed(peer("--tools", "all"))]
    older = ["ipc_send" if one["name"] == "send" else one["name"] for one in NINE]
    assert names == [tool.name for tool in TOOLS] + older
    assert len(set(names)) == len(names)


def test_what_reads_files_and_runs_commands_says_so(peer: Start) -> None:
    tools = {tool["name"]: tool.get("annotations", {}) for tool in peer("--tools", "ipc").result("tools/list")["tools"]}
    assert tools["share_command"]["destructiveHint"] is True
    assert "Run" in tools["share_command"]["title"]
    assert not {"share_file", "share_command"} & {tool.name for tool in TOOLS}


def test_a_message_goes_from_one_set_to_the_other(peer: Start, home: Home) -> None:
    client = peer("--tools", "all")
    client.use("register", instance_id="frontend")
    result = client.use("ipc_send", from_id="frontend", to_id="api", content="from the older tool")
    assert json.loads(text(result))["status"] == "ok"
    assert [one.body for one in home.at("api").inbox()] == ["from the older tool"]
    home.at("api").send("@frontend", "to the older tool")
    assert "to the older tool" in client.says("check", instance_id="frontend")
    home.becomes("m2", "read")


def test_check_marks_nothing_that_was_not_delivered(peer: Start, home: Home) -> None:
    """Would break: claude-ipc's check empties the queue before its answer is written."""
    client = peer("--tools", "ipc")
    client.use("register", instance_id="frontend")
    home.at("api").send("@frontend", "not lost")
    checking = client.call("check", instance_id="frontend")
    client.process.kill()
    client.process.wait()
    assert home.states("m1") in (["queued"], ["read"])
    if home.states("m1") == ["read"]:
        assert "not lost" in str(client.answer(checking))


def test_a_commands_own_reading_does_not_touch_the_wire(peer: Start) -> None:
    client = peer("--tools", "ipc")
    client.use("register", instance_id="frontend")
    client.use("share_command", from_id="frontend", to_id="api", command="cat")
    assert client.result("ping") == {}
