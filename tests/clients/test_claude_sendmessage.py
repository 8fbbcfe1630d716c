"""What the model sends with Claude Code's own SendMessage is in telex's log, as the client says that it went."""

import pytest
from tests.clients.lab import Lab
from tests.clients.model_server import Turn

pytestmark = pytest.mark.real_client


def test_what_the_built_in_tool_sends_is_in_the_log_and_is_no_mail(bare_lab: Lab) -> None:
    lab = bare_lab
    frontend, api = lab.directory("frontend"), lab.directory("api")
    lab.telex("install", "claude")
    lab.terminal(lab.model(), api, "-n", "api")
    model = lab.model()
    model.script(
        Turn(tool="SendMessage", input={"to": "api", "message": "the port is 8080", "summary": "the port"}),
        Turn(tool="SendMessage", input={"to": "gone", "message": "anybody?", "summary": "a question"}),
        Turn(tool="Bash", input={"command": "true", "description": "nothing"}),
    )
    lab.headless(model, "hello", frontend, "-n", "frontend")
    failed, sent = lab.telex("log", "--all")["messages"]
    assert (sent["sender"], sent["to"], sent["body"], sent["sent_with"]) == (
        "@frontend",
        "api",
        "the port is 8080",
        "SendMessage",
    )
    assert (failed["to"], failed["data"]["success"], sent["data"]["success"]) == ("gone", False, True)
    assert [lab.telex("show", one["id"])["deliveries"] for one in (sent, failed)] == [[], []]
    assert {one["name"]: one["unread"] for one in lab.present().values()}["@api"] == 0
