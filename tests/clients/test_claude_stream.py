"""Acceptance: real Claude Code that reads its prompts as JSON lines gets its mail at every moment it offers, once.

Each test asserts on what the model was asked. A request repeats the whole conversation, so a message that was
delivered once stands once in the last request.
"""

from __future__ import annotations

import time

import pytest
from tests.clients.lab import Lab, marker
from tests.clients.model_server import Turn, bash

pytestmark = pytest.mark.real_client

SETTLED_SECONDS = 3.0  # what would come twice comes within this time


def test_mail_that_waited_is_in_the_first_request(lab: Lab) -> None:
    project, model, mark = lab.directory("frontend"), lab.model(), marker()
    message = lab.send("@frontend", mark)
    lab.stream(model, project).prompt("hello")
    assert [request.count(mark) for request in model.requests] == [1]
    assert lab.arrived(message)


def test_mail_during_a_tool_call_is_in_the_request_after_it(lab: Lab) -> None:
    project, model, mark = lab.directory("frontend"), lab.model(), marker()
    model.script(bash("echo one", first=lambda: lab.send("@frontend", mark)), bash("echo two"))
    lab.stream(model, project).prompt("hello")
    assert [request.count(mark) for request in model.requests] == [0, 1, 1]


def test_mail_at_the_end_of_a_turn_continues_it_once_and_the_rest_is_in_the_next_prompt(lab: Lab) -> None:
    project, model = lab.directory("frontend"), lab.model()
    early, late = marker(), marker()
    model.script(
        Turn(text="finished", first=lambda: lab.send("@frontend", early)),
        Turn(text="finished again", first=lambda: lab.send("@frontend", late)),
    )
    session = lab.stream(model, project)
    session.prompt("hello")
    assert [(request.count(early), request.count(late)) for request in model.requests] == [(0, 0), (1, 0)]
    session.prompt("and then")
    assert (model.last.count(early), model.last.count(late)) == (1, 1)


def test_mail_for_an_idle_session_waits_for_its_next_prompt(lab: Lab) -> None:
    """Would break: a wake-up hook that takes the mail here, where the client shows nobody what it says."""
    project, model, mark = lab.directory("frontend"), lab.model(), marker()
    session = lab.stream(model, project)
    session.prompt("hello")
    message = lab.send("@frontend", mark)
    time.sleep(SETTLED_SECONDS)
    assert (len(model.requests), lab.states(message)) == (1, ["queued"])
    session.prompt("and then")
    assert model.last.count(mark) == 1


def test_a_prompt_in_the_middle_of_a_turn_and_mail_are_both_there_once(lab: Lab) -> None:
    """The client takes such a line after the running tool; the turn stays one turn."""
    project, model, mark, typed = lab.directory("frontend"), lab.model(), marker(), marker()
    session = lab.stream(model, project)

    def meanwhile() -> None:
        session.say(f"and also {typed}")
        lab.send("@frontend", mark)

    model.script(bash("sleep 1", first=meanwhile), bash("echo two"))
    session.prompt("hello")
    model.asked_with(typed)
    time.sleep(SETTLED_SECONDS)
    assert (model.last.count(typed), model.last.count(mark)) == (1, 1)
    lab.becomes("@frontend", "idle")


def test_closing_its_input_ends_the_session_and_frees_its_name(lab: Lab) -> None:
    project, model, mark = lab.directory("frontend"), lab.model(), marker()
    session = lab.stream(model, project)
    session.prompt("hello")
    session.close()
    lab.becomes("@frontend", "offline")
    lab.send("@frontend", mark)
    lab.stream(model, project).prompt("hello again")
    assert model.last.count(mark) == 1
