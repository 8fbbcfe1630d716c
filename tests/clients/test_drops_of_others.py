"""Acceptance: what a real client was given and dropped is given again; what it keeps is carried on, and not repeated.

The situations of tests/clients/test_claude_drops.py for the other clients. Each test asserts on what the model was
asked.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from tests.clients import codex_lab, copilot_lab, gemini_lab, opencode_lab
from tests.clients.lab import Lab, install_telex, marker
from tests.clients.model_server import DONE, Model, Turn
from tests.clients.terminal import Terminal
from tests.clients.waiting import wait_for

pytestmark = pytest.mark.real_client

LABS = {
    "gemini": (gemini_lab, gemini_lab.GeminiLab),
    "copilot": (copilot_lab, copilot_lab.CopilotLab),
    "codex": (codex_lab, codex_lab.CodexLab),
    "opencode": (opencode_lab, opencode_lab.OpenCodeLab),
}
SETTLED_SECONDS = 5.0  # what an Esc or an error sets off has happened within this time
SLOW_SECONDS = 20.0  # a model that takes its time

clients = pytest.mark.parametrize("lab", LABS, indirect=True)


@pytest.fixture
def lab(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, offline: None) -> Iterator[Lab]:
    """A machine with one of the clients, on which a person ran `telex install`."""
    module, kind = LABS[request.param]
    lab = kind(tmp_path_factory.mktemp("machine"), module.program())
    install_telex(lab, client=request.param)
    try:
        yield lab
    finally:
        lab.close()


def begun(lab: Lab, model: Model) -> Terminal:
    """A session that has answered once, and is idle."""
    terminal = lab.terminal(model, lab.directory("frontend"))
    if isinstance(lab, gemini_lab.GeminiLab):
        lab.becomes("@frontend", "idle")
    terminal.type("hello")
    terminal.shows(DONE)
    lab.becomes("@frontend", "idle")
    return terminal


def asking(model: Model, terminal: Terminal) -> None:
    """A prompt whose request is under way."""
    asked = len(model.requests)
    terminal.type("do the thimg")
    model.asked_times(asked + 1)
    time.sleep(1)


def goes_on(lab: Lab, model: Model, terminal: Terminal, mark: str, message: str) -> None:
    """The next request has the message once, and its end proves it."""
    asked = len(model.requests)
    terminal.type(" and again")
    model.asked_times(asked + 1)
    assert model.last.count(mark) == 1
    wait_for("the message to be shown", lambda: lab.arrived(message), instead=lambda: str(lab.states(message)))


@clients
def test_a_prompt_that_is_stopped_proves_nothing(lab: Lab) -> None:
    model, mark = lab.model(), marker()
    terminal = begun(lab, model)
    message = lab.send("#frontend", mark)
    model.script(Turn(text="late", first=lambda: time.sleep(SLOW_SECONDS)))
    asking(model, terminal)
    assert (model.last.count(mark), lab.states(message)) == (1, ["handed"])
    terminal.keys("Escape")
    time.sleep(1)
    if "again to interrupt" in terminal.screen():
        terminal.keys("Escape")
    time.sleep(SETTLED_SECONDS)
    assert lab.states(message) == ["handed"]
    goes_on(lab, model, terminal, mark, message)


@clients
def test_a_request_that_failed_proves_nothing(lab: Lab) -> None:
    model, mark = lab.model(), marker()
    terminal = begun(lab, model)
    message = lab.send("#frontend", mark)
    model.refuses = True
    asking(model, terminal)
    terminal.shows("refused")
    time.sleep(SETTLED_SECONDS)
    assert lab.states(message) == ["handed"]
    model.refuses = False
    goes_on(lab, model, terminal, mark, message)


@pytest.mark.parametrize("lab", ["gemini"], indirect=True)
@pytest.mark.parametrize("when", ["in its answer", "in a tool"])
def test_a_gemini_that_is_stopped_proves_nothing(lab: Lab, when: str) -> None:
    """An Esc takes the whole turn out of the conversation, or keeps it where a tool runs; no event tells which."""
    model, mark = lab.model(), marker()
    terminal = begun(lab, model)
    message = lab.send("#frontend", mark)
    tool = Turn(text="let me", tool="run_shell_command", input={"command": "sleep 20"})
    model.script(tool if when == "in a tool" else Turn(text="late", midway=lambda: time.sleep(SLOW_SECONDS)))
    asking(model, terminal)
    terminal.shows("Shell" if when == "in a tool" else "l")
    time.sleep(1)
    terminal.keys("Escape")
    terminal.shows("Request cancelled")
    time.sleep(SETTLED_SECONDS)
    assert lab.states(message) == ["handed"]
    asked = len(model.requests)
    terminal.type(" and again")
    model.asked_times(asked + 1)
    assert model.last.count(mark) >= 1
    wait_for("the message to be shown", lambda: lab.arrived(message), instead=lambda: str(lab.states(message)))


@clients
def test_a_session_that_was_only_looked_at_leaves_its_mail(lab: Lab) -> None:
    project, looked, mark = lab.directory("frontend"), lab.model(), marker()
    message = lab.send("@frontend", mark, "--quiet")
    terminal = lab.terminal(looked, project)
    time.sleep(SETTLED_SECONDS)
    terminal.kill()
    assert (looked.requests, lab.states(message)) == ([], ["queued"])


@clients
def test_mail_of_a_request_whose_terminal_is_closed_waits_again(lab: Lab) -> None:
    model, mark = lab.model(), marker()
    terminal = begun(lab, model)
    message = lab.send("#frontend", mark)
    model.script(Turn(text="late", first=lambda: time.sleep(SLOW_SECONDS)))
    asking(model, terminal)
    assert lab.states(message) == ["handed"]
    terminal.kill()
    lab.becomes("@frontend", "offline")
    assert lab.states(message)[0] in ("queued", "handed")
