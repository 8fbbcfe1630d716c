"""Acceptance: what `telex who` says of a session is what its person sees: busy, waiting for approval, idle, offline."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from tests.clients import codex_lab
from tests.clients.fleet import KINDS, Fleet
from tests.clients.gemini_lab import GeminiLab
from tests.clients.lab import Lab, marker
from tests.clients.model_server import DONE, Model, Turn
from tests.clients.terminal import Terminal
from tests.clients.waiting import wait_for

from telex.fs import processes

pytestmark = pytest.mark.real_client

KEY_SECONDS = 1.0
SETTLED_SECONDS = 2.0  # a client that winds up a turn loses keys at times
COMMAND = "touch approved.txt"
QUESTIONS = {  # the words of each client's dialog
    "claude": "Do you want to proceed?",
    "codex": "Would you like to run the following command?",
    "gemini": "Allow execution of",
    "opencode": "Permission required",
    "copilot": "Do you want to run this command?",
}


@pytest.fixture
def fleet(tmp_path_factory: pytest.TempPathFactory, offline: None) -> Iterator[Fleet]:
    """A machine with the clients that a test asks for."""
    fleet = Fleet(tmp_path_factory.mktemp("machine"))
    try:
        yield fleet
    finally:
        fleet.close()


def begun(lab: Lab, model: Model) -> Terminal:
    """A session that a person has said hello to, idle again."""
    terminal = lab.terminal(model, lab.directory("frontend"))
    if isinstance(lab, GeminiLab):  # it loses keys that are typed before its session has started
        lab.becomes("@frontend", "idle")
    terminal.type("hello")
    terminal.shows(DONE)
    lab.becomes("@frontend", "idle")
    time.sleep(SETTLED_SECONDS)
    return terminal


def answered(terminal: Terminal, key: str, question: str) -> None:
    """Press a key until the dialog is gone: a key in the moment of its appearance is not always taken."""

    def gone() -> bool:
        if question in terminal.screen():
            terminal.keys(key)
            time.sleep(KEY_SECONDS)
        return question not in terminal.screen()

    wait_for("the end of the dialog", gone, instead=terminal.screen)


@pytest.mark.parametrize("client", KINDS)
def test_a_session_is_seen_busy_waiting_idle_and_offline(fleet: Fleet, client: str) -> None:
    lab, mark = fleet.lab(client), marker()
    lab.careful = True
    if isinstance(lab, codex_lab.CodexLab):
        lab.sandbox = "read-only"  # so that it has something to ask
    model = lab.model()
    terminal = begun(lab, model)
    states: list[str] = []

    def look() -> None:
        states.append(lab.present()["@frontend"]["state"])

    asked = codex_lab.escalated(COMMAND) if client == "codex" else KINDS[client].shell(COMMAND)
    model.script(Turn(tool=asked.tool, input=asked.input, first=look), Turn(text="all done now", first=look))
    terminal.type("make it")
    terminal.shows(QUESTIONS[client])
    lab.becomes("@frontend", processes.APPROVAL)
    sent = lab.telex("send", "@frontend", mark, name="sender")["recipients"][0]
    assert (sent["presence"], sent["note"]) == (processes.APPROVAL, processes.APPROVAL)
    assert not model.last.count(mark), "the dialog was disturbed"
    answered(terminal, "Enter", QUESTIONS[client])
    terminal.shows("all done now")
    lab.becomes("@frontend", "idle")
    assert states == ["busy", "busy"]
    assert model.asked_with(mark).count(mark) == 1
    terminal.kill()
    lab.becomes("@frontend", "offline")  # at once, but for the one client that runs its sessions in a child
    late = lab.telex("send", "@frontend", mark + "-late", name="sender")["recipients"][0]
    assert late["note"] == "offline; the mail waits"


@pytest.mark.parametrize("client", KINDS)
def test_a_question_that_was_turned_down_is_over_with_the_next_prompt(fleet: Fleet, client: str) -> None:
    """Would break: a mark of a question that only its answer takes away; four clients say nothing of a refusal."""
    lab, word = fleet.lab(client), marker()
    lab.careful = True
    if isinstance(lab, codex_lab.CodexLab):
        lab.sandbox = "read-only"
    model = lab.model()
    terminal = begun(lab, model)
    model.script(codex_lab.escalated(COMMAND) if client == "codex" else KINDS[client].shell(COMMAND))
    terminal.type("make it")
    terminal.shows(QUESTIONS[client])
    lab.becomes("@frontend", processes.APPROVAL)
    answered(terminal, "Escape", QUESTIONS[client])
    time.sleep(SETTLED_SECONDS)
    terminal.type(word)
    model.asked_with(word)
    lab.becomes("@frontend", "idle")
