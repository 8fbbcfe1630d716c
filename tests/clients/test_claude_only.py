"""Acceptance: real Claude Code offers its model the two tools of its own for other sessions, and neither once they are
denied."""

from __future__ import annotations

import json

import pytest
from tests.clients.lab import Lab
from tests.clients.model_server import Model, Turn

from telex.clients.adapters.claude import BUILT_IN

pytestmark = pytest.mark.real_client
GONE = "No such tool available: SendMessage"


def offered(model: Model) -> list[str]:
    """Which of the two the model may call: at once, or by their names in the list of tools to look up."""
    body = model.requests[0].body
    listed = {tool["name"] for tool in body["tools"]} | set(json.dumps(body["messages"]).split("\\n"))
    return [tool for tool in BUILT_IN if tool in listed]


def sends(lab: Lab) -> Model:
    """A session whose model calls the built-in tool whatever it is offered."""
    model = lab.model()
    model.script(Turn(tool="SendMessage", input={"to": "api", "message": "hello", "summary": "a greeting"}))
    lab.headless(model, "hello", lab.directory("frontend"))
    return model


def test_the_built_in_tools_are_gone_and_come_back(bare_lab: Lab) -> None:
    lab = bare_lab
    lab.telex("install", "claude")
    before = sends(lab)
    assert offered(before) == list(BUILT_IN) and before.last.count(GONE) == 0
    lab.telex("install", "claude", "--only", "--yes")
    without = sends(lab)
    assert offered(without) == [] and without.last.count(GONE) == 1
    lab.telex("uninstall", "claude", "--only")
    assert offered(sends(lab)) == list(BUILT_IN)
