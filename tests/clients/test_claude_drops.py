"""Acceptance: what Claude Code was given and dropped is given again, and is not said to be shown before a model had it.

Each test asserts on what the model was asked. The situations are those of an ordinary day: a wrong directory, a
terminal that is closed too early, a typing error, an agent that is stopped, a script beside a person.
"""

from __future__ import annotations

import time

import pytest
from tests.clients.lab import Lab, marker
from tests.clients.model_server import DONE, Model, Turn, bash
from tests.clients.terminal import Terminal
from tests.clients.waiting import wait_for

pytestmark = pytest.mark.real_client

WATCHER_SECONDS = 3.0  # after its start the client takes a moment before it watches files
SETTLED_SECONDS = 3.0  # what a bell sets off has happened within this time
LONG_TOOL = "mkdir -p made && sleep 30"


def read_at_last(lab: Lab, model: Model, message: str) -> None:
    """The session's turn has ended, and its sender is told that the message was shown."""
    wait_for("the message to be shown", lambda: lab.arrived(message), instead=lambda: str(lab.states(message)))


def test_a_session_that_was_only_looked_at_leaves_its_mail(lab: Lab) -> None:
    project, looked, worked, mark = lab.directory("frontend"), lab.model(), lab.model(), marker()
    message = lab.send("@frontend", mark, "--quiet")
    lab.terminal(looked, project).leave()
    assert (looked.requests, lab.states(message)) == ([], ["queued"])
    terminal = lab.terminal(worked, project)
    terminal.type("hello")
    assert worked.asked_with("hello").count(mark) == 1
    read_at_last(lab, worked, message)


def test_mail_that_waited_wakes_the_session_that_starts(lab: Lab) -> None:
    project, model, mark = lab.directory("frontend"), lab.model(), marker()
    message = lab.send("@frontend", mark)
    terminal = lab.terminal(model, project)
    assert model.asked_with(mark).count(mark) == 1
    terminal.shows(f"telex: @sender says ({message}): {mark}")
    read_at_last(lab, model, message)


@pytest.mark.parametrize("careful", [False, True], ids=["a tool", "a dialog"])
def test_a_terminal_that_is_closed_during(lab: Lab, careful: bool) -> None:
    project, model, later, mark = lab.directory("frontend"), lab.model(), lab.model(), marker()
    lab.careful = careful
    terminal = lab.terminal(model, project)
    time.sleep(WATCHER_SECONDS)
    model.script(bash(LONG_TOOL))
    terminal.type("take your time")
    terminal.shows("Do you want" if careful else "sleep 30")
    message = lab.send("@frontend", mark, "--kind", "request")
    time.sleep(SETTLED_SECONDS)
    assert lab.states(message) == ["queued"]
    terminal.kill()
    assert not any(one.count(mark) for one in model.requests)
    resumed = lab.terminal(later, project, "--continue")
    assert later.asked_with(mark).count(mark) == 1
    resumed.shows(DONE)
    read_at_last(lab, later, message)


def asking(lab: Lab, model: Model, terminal: Terminal, prompt: str, seconds: float) -> None:
    """The session has asked its model, which takes so long."""
    asked = len(model.requests)
    model.script(Turn(text="late", first=lambda: time.sleep(seconds)))
    terminal.type(prompt)
    model.asked_times(asked + 1)
    time.sleep(1)


def test_a_prompt_that_was_taken_back_gives_its_mail_back(lab: Lab) -> None:
    project, model, mark = lab.directory("frontend"), lab.model(), marker()
    terminal = lab.terminal(model, project)
    terminal.type("hello")
    terminal.shows(DONE)
    lab.becomes("@frontend", "idle")
    message = lab.send("#frontend", mark)
    asking(lab, model, terminal, "do the thimg", 8)
    assert lab.states(message) == ["handed"]
    terminal.keys("Escape")
    time.sleep(1)
    terminal.type(" again")
    wait_for("the corrected prompt", lambda: model.last.count("thimg again"), instead=terminal.screen)
    assert model.last.count(mark) == 1
    read_at_last(lab, model, message)
    terminal.type("and then")
    assert model.asked_with("and then").count(mark) == 1


def test_a_request_that_its_terminal_did_not_outlive_is_given_to_the_next(lab: Lab) -> None:
    project, model, later, mark = lab.directory("frontend"), lab.model(), lab.model(), marker()
    terminal = lab.terminal(model, project)
    terminal.type("hello")
    terminal.shows(DONE)
    lab.becomes("@frontend", "idle")
    message = lab.send("#frontend", mark)
    asking(lab, model, terminal, "work", 20)
    terminal.kill()
    lab.becomes("@frontend", "offline")
    terminal = lab.terminal(later, project)
    terminal.type("hello again")
    assert later.asked_with("hello again").count(mark) == 1
    read_at_last(lab, later, message)


def test_a_stopped_agent_stays_stopped_until_somebody_speaks(lab: Lab) -> None:
    project, model, before, after = lab.directory("frontend"), lab.model(), marker(), marker()
    terminal = lab.terminal(model, project)
    time.sleep(WATCHER_SECONDS)
    model.script(bash(LONG_TOOL))
    terminal.type("take your time")
    terminal.shows("sleep 30")
    lab.send("@frontend", before)
    time.sleep(SETTLED_SECONDS)
    terminal.keys("Escape")
    terminal.shows("Interrupted")
    time.sleep(SETTLED_SECONDS)
    assert len(model.requests) == 1, "the agent was started again"
    lab.send("@frontend", after)
    woken = model.asked_with(after)
    assert (woken.count(before), woken.count(after)) == (1, 1)


def test_a_run_of_one_prompt_leaves_name_and_mail_to_the_session_that_comes_back(lab: Lab) -> None:
    project, script, later, mark = lab.directory("frontend"), lab.model(), lab.model(), marker()
    terminal = lab.terminal(lab.model(), project)
    terminal.type("hello")
    terminal.shows(DONE)
    terminal.leave()
    message = lab.send("@frontend", mark, "--quiet")
    lab.headless(script, "write a commit message", project)
    lab.headless(script, "and another", project)
    assert not any(one.count(mark) for one in script.requests)
    assert lab.states(message) == ["queued"]
    assert {"@frontend", "@frontend-2"} == {name for name in lab.present() if "frontend" in name}
    resumed = lab.terminal(later, project, "--continue")
    resumed.type("go on")
    assert later.asked_with("go on").count(mark) == 1


def test_two_tools_of_one_answer_prove_nothing_of_each_other(lab: Lab) -> None:
    """Would break: mail that comes with the first tool's end, and counts as shown at the second's."""
    project, model, mark = lab.directory("frontend"), lab.model(), marker()
    message: list[str] = []
    seen: list[list[str]] = []
    first = Turn(
        tool="Bash",
        input={"command": "ls -d .", "description": "scripted"},
        first=lambda: message.append(lab.send("@frontend", mark)),
        beside=bash("ls -a"),
    )
    model.script(first, Turn(text="finished", first=lambda: seen.append(lab.states(message[0]))))
    lab.headless(model, "hello", project)
    assert [request.count(mark) for request in model.requests] == [0, 1]
    assert model.last.count("toolu_") >= 2 * len(("ls -d .", "ls -a")), "the results of both came in one request"
    assert (seen, lab.states(message[0])) == ([["handed"]], ["read"])


def test_a_request_without_a_reply_is_named_in_a_woken_turn_too(lab: Lab) -> None:
    project, model, mark = lab.directory("frontend"), lab.model(), marker()
    lab.terminal(model, project)
    time.sleep(WATCHER_SECONDS)
    message = lab.send("@frontend", mark, "--kind", "request")
    model.asked_with("is not answered yet")
    wait_for(
        "the sender to be told after the reminder",
        lambda: f"to your request {message}" in str(lab.telex("inbox", name="sender")),
    )
    assert len(model.requests) == 2


@pytest.mark.parametrize("woken", [False, True], ids=["a prompt", "a wake-up"])
def test_a_turn_that_failed_leaves_an_idle_session_whose_mail_is_carried_on(lab: Lab, woken: bool) -> None:
    project, model, mark, later = lab.directory("frontend"), lab.model(), marker(), marker()
    terminal = lab.terminal(model, project)
    terminal.type("hello")
    terminal.shows(DONE)
    time.sleep(WATCHER_SECONDS)
    model.refuses = True
    message = lab.send("@frontend" if woken else "#frontend", mark)
    if not woken:
        terminal.type("work")
    terminal.shows("API Error")
    lab.becomes("@frontend", "idle")
    assert lab.states(message) == ["handed"]
    model.refuses = False
    lab.send("@frontend", later)
    after = model.asked_with(later)
    assert (after.count(mark), after.count(later)) == (1, 1)
    read_at_last(lab, model, message)
