"""Acceptance: what real Claude Code tells its model and its person of other sessions: who is here, who said what."""

from __future__ import annotations

import json

import pytest
from tests.clients.lab import Lab, marker
from tests.clients.model_server import DONE, Turn, bash

from telex.hook.introduction import PRIMER

pytestmark = pytest.mark.real_client


def test_the_session_that_started_first_learns_who_came_and_is_told_once(lab: Lab) -> None:
    """Would break: "ask @api …", typed into the session that was there first, reaches a model that knows no @api."""
    model, other = lab.model(), lab.model()
    frontend, api = lab.directory("frontend"), lab.directory("api")
    first = lab.terminal(model, frontend)
    first.type("good morning")
    first.shows(DONE)
    assert "Other sessions here" not in json.dumps(model.last.body)
    second = lab.terminal(other, api)
    second.type("good morning too")
    assert "Other sessions here: @frontend. " in json.dumps(other.asked_with("good morning too").body)
    lab.becomes("@frontend", "idle")
    assert len(model.requests) == 1, "who is idle is not woken for it"
    first.type("ask @api which port it uses")
    asked = model.asked_with("which port it uses")
    told = f"telex: this session is @frontend. Other sessions here: @api. {PRIMER}"
    assert asked.count(told) == 1
    first.type("and now?")
    assert model.asked_with("and now?").count("Other sessions here") == 1


def test_the_person_sees_who_said_what_and_the_model_is_not_given_that_line(lab: Lab) -> None:
    project, model = lab.directory("frontend"), lab.model()
    terminal = lab.terminal(model, project)
    early, late = marker(), marker()
    model.script(
        bash("sleep 1", first=lambda: lab.send("@frontend", f"{late} is the schema", "--quiet", name="docs")),
        Turn(text="finished"),
    )
    lab.send("@frontend", f"{early} is the port?", "--kind", "request", "--quiet", name="api")
    terminal.type("hello")
    terminal.shows(f"telex: @api asks (m1): {early} is the port?")
    terminal.shows(f"telex: @docs says (m2): {late} is the schema")
    terminal.shows("finished")
    assert model.last.count(early) == model.last.count(late) == 1
    assert model.last.count("@api asks (m1)") == 0
