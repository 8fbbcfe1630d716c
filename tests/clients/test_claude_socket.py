"""Acceptance: with `claude_socket` set, an idle Claude Code is called by its session's inbox socket: sooner than by its
bell, once, and never in the place of the bell.

Each test asserts on what the model was asked. A request repeats the whole conversation, so a message that was
delivered once stands once in the last request.
"""

from __future__ import annotations

import json
import time

import pytest
from tests.clients.lab import Lab, marker
from tests.clients.model_server import DONE, Turn, bash

pytestmark = pytest.mark.real_client

WAKE_SECONDS = 2.0  # promised for an idle session, however busy the machine is
WATCHER_SECONDS = 3.0  # after its start the client takes a moment before it watches files
SETTLED_SECONDS = 3.0  # what would come twice comes within this time
ACCEPT = ("--settings", json.dumps({"crossSessionInbound": "accept"}))
CALLED = "telex, not the user: @sender wrote to this session"
HELD = "Held message from another session"


@pytest.mark.timed
def test_an_idle_session_is_woken_by_its_socket_sooner_than_by_its_bell(lab: Lab) -> None:
    project, model, mark = lab.directory("frontend"), lab.model(), marker()
    lab.telex("config", "claude_socket", "1")
    terminal = lab.terminal(model, project, *ACCEPT)
    time.sleep(WATCHER_SECONDS)
    sent = time.monotonic()
    message = lab.send("@frontend", mark)
    woken = model.asked_with(mark)
    print(f"idle wake-up by the socket: {woken.at - sent:.2f} s from the start of the send to the model's request")
    assert woken.at - sent < WAKE_SECONDS
    assert woken.count(CALLED) == 1, "it was the bell that woke it"
    terminal.shows(DONE)
    time.sleep(SETTLED_SECONDS)
    assert [request.count(mark) for request in model.requests] == [1]
    assert lab.arrived(message)


def test_two_messages_of_one_sender_wake_it_twice(lab: Lab) -> None:
    """Would break: the client drops a word that equals the last one of the same sender."""
    project, model, marks = lab.directory("frontend"), lab.model(), [marker(), marker()]
    lab.telex("config", "claude_socket", "1")
    terminal = lab.terminal(model, project, *ACCEPT)
    time.sleep(WATCHER_SECONDS)
    for mark in marks:
        lab.send("@frontend", mark)
        model.asked_with(mark)
        terminal.shows(DONE)
        time.sleep(SETTLED_SECONDS)
    assert [model.last.count(mark) for mark in marks] == [1, 1]
    assert model.last.count(CALLED) == 2 and len(model.requests) == 2


def test_an_idle_stream_is_woken(lab: Lab) -> None:
    """Without the socket, only its next prompt shows it its mail."""
    project, model, mark = lab.directory("frontend"), lab.model(), marker()
    lab.telex("config", "claude_socket", "1")
    session = lab.stream(model, project, *ACCEPT)
    session.prompt("hello")
    sent = time.monotonic()
    lab.send("@frontend", mark)
    woken = model.asked_with(mark)
    print(f"idle wake-up of a stream by the socket: {woken.at - sent:.2f} s")
    assert woken.count(mark) == 1
    session.ends_a_turn()
    session.prompt("and then")
    assert model.last.count(mark) == 1


def test_a_busy_session_is_not_called(lab: Lab) -> None:
    project, model, mark = lab.directory("frontend"), lab.model(), marker()
    lab.telex("config", "claude_socket", "1")
    terminal = lab.terminal(model, project, *ACCEPT)
    model.script(bash("sleep 2", first=lambda: lab.send("@frontend", mark)), Turn(text="ready"))
    terminal.type("work")
    terminal.shows("ready")
    time.sleep(SETTLED_SECONDS)
    assert [request.count(mark) for request in model.requests] == [0, 1]
    assert not model.last.count(CALLED)


def test_where_the_client_holds_the_call_the_bell_brings_the_mail_and_the_call_asks_nothing_more(lab: Lab) -> None:
    """Would break: mail that hangs on a dialog, or that the model is asked about a second time."""
    project, model, mark = lab.directory("frontend"), lab.model(), marker()
    lab.telex("config", "claude_socket", "1")
    terminal = lab.terminal(model, project)
    time.sleep(WATCHER_SECONDS)
    lab.send("@frontend", mark)
    terminal.shows(HELD)
    assert model.asked_with(mark).count(mark) == 1
    terminal.shows(DONE)
    terminal.keys("Down")
    terminal.keys("Enter")
    terminal.shows("has been read meanwhile")
    time.sleep(SETTLED_SECONDS)
    assert [request.count(mark) for request in model.requests] == [1]


def test_nothing_is_called_unless_the_person_has_set_it(lab: Lab) -> None:
    project, model, mark = lab.directory("frontend"), lab.model(), marker()
    terminal = lab.terminal(model, project)
    time.sleep(WATCHER_SECONDS)
    lab.send("@frontend", mark)
    model.asked_with(mark)
    terminal.shows(DONE)
    assert HELD not in terminal.screen() and not model.last.count(CALLED)
