"""Acceptance: real Claude Code in a terminal is woken when it is idle, keeps its name, and is told nothing twice.

Each test asserts on what the model was asked. A request repeats the whole conversation, so a message that was
delivered once stands once in the last request.
"""

from __future__ import annotations

import json
import re
import time
import uuid

import pytest
from tests.clients.lab import READY, Lab, marker, uninstall_telex
from tests.clients.model_server import DONE, Request, Turn, bash
from tests.clients.waiting import wait_for

pytestmark = pytest.mark.real_client

WAKE_SECONDS = 2.0  # promised for an idle session
WATCHER_SECONDS = 3.0  # after its start the client takes a moment before it watches files
SETTLED_SECONDS = 3.0  # what would come twice comes within this time


def _reply_to_what_was_shown(text: str) -> Turn:
    """The agent answers as the frame told it to."""

    def command(request: Request) -> str:
        shown = re.findall(r"telex reply (m\d+)", json.dumps(request.body))
        return f"telex reply {shown[-1]} {text}"

    return bash(command)


@pytest.mark.timed
def test_an_idle_session_is_woken(lab: Lab) -> None:
    project, model, mark = lab.directory("frontend"), lab.model(), marker()
    lab.terminal(model, project)
    time.sleep(WATCHER_SECONDS)
    sent = time.monotonic()
    message = lab.send("@frontend", mark)
    latency = model.asked_with(mark).at - sent
    print(f"idle wake-up: {latency:.2f} s from the start of the send to the model's request")
    assert latency < WAKE_SECONDS
    time.sleep(SETTLED_SECONDS)
    assert [request.count(mark) for request in model.requests] == [1]
    assert lab.arrived(message)


def test_mail_sent_the_moment_a_session_starts_wakes_it_too(lab: Lab) -> None:
    project, model, mark = lab.directory("frontend"), lab.model(), marker()
    terminal = lab.terminal(model, project, wait=False)
    lab.becomes("@frontend", "idle")
    lab.send("@frontend", mark)
    terminal.shows(READY)
    assert model.asked_with(mark).count(mark) == 1


def test_a_session_is_woken_after_a_cd(lab: Lab) -> None:
    project, model, mark = lab.directory("frontend"), lab.model(), marker()
    (project / "sub").mkdir()
    terminal = lab.terminal(model, project)
    model.script(bash("cd sub && pwd"), Turn(text="moved"))
    terminal.type("go down")
    terminal.shows("moved")
    lab.becomes("@frontend", "idle")
    time.sleep(WATCHER_SECONDS)
    lab.send("@frontend", mark)
    assert model.asked_with(mark).count(mark) == 1


def test_a_session_is_woken_after_a_clear_and_keeps_its_name(lab: Lab) -> None:
    project, model = lab.directory("frontend"), lab.model()
    early, late = marker(), marker()
    terminal = lab.terminal(model, project)
    lab.send("@frontend", early)
    model.asked_with(early)
    terminal.shows(DONE)
    terminal.type("/clear")
    wait_for("an empty screen", lambda: DONE not in terminal.screen(), instead=terminal.screen)
    time.sleep(WATCHER_SECONDS)  # what comes in the moment of the clear is in the next prompt instead
    lab.send("@frontend", late)
    woken = model.asked_with(late)
    assert (woken.count(late), woken.count(early)) == (1, 0)
    assert [name for name in lab.present() if "frontend" in name] == ["@frontend"]


def test_mail_in_the_moment_of_a_clear_is_read_once(lab: Lab) -> None:
    project, model, mark = lab.directory("frontend"), lab.model(), marker()
    terminal = lab.terminal(model, project)
    terminal.type("hello")
    terminal.shows(DONE)
    terminal.type("/clear")
    lab.send("@frontend", mark)
    wait_for("an empty screen", lambda: DONE not in terminal.screen(), instead=terminal.screen)
    time.sleep(SETTLED_SECONDS)
    terminal.type("where were we")
    assert model.asked_with("where were we").count(mark) == 1


def test_a_session_is_woken_after_the_person_pressed_escape(lab: Lab) -> None:
    project, model, mark = lab.directory("frontend"), lab.model(), marker()
    terminal = lab.terminal(model, project)
    model.script(bash("sleep 15"))
    terminal.type("take your time")
    terminal.shows("sleep 15")
    terminal.keys("Escape")
    terminal.shows("Interrupted")
    lab.send("@frontend", mark)
    assert model.asked_with(mark).count(mark) == 1


def test_a_busy_session_reads_its_mail_between_tools_and_once(lab: Lab) -> None:
    project, model, mark = lab.directory("frontend"), lab.model(), marker()
    terminal = lab.terminal(model, project)
    model.script(bash("sleep 4", first=lambda: lab.send("@frontend", mark)), bash("echo two"), Turn(text="ready"))
    terminal.type("work")
    terminal.shows("ready")
    assert [request.count(mark) for request in model.requests] == [0, 1, 1]
    time.sleep(SETTLED_SECONDS)
    terminal.type("what else")
    model.asked_with("what else")
    assert model.last.count(mark) == 1
    assert len(model.requests) == 4


def test_a_resumed_session_has_its_name_back_and_what_waited(lab: Lab) -> None:
    project, model, mark = lab.directory("frontend"), lab.model(), marker()
    key = str(uuid.uuid4())
    terminal = lab.terminal(model, project, "--session-id", key, "-n", "checkout")
    terminal.type("hello")
    terminal.shows(DONE)
    terminal.leave()
    lab.becomes("@checkout", "offline")
    message = lab.send("@checkout", mark)
    assert lab.states(message) == ["queued"]
    resumed = lab.terminal(model, project, "--resume", key)
    resumed.type("go on")
    assert model.asked_with("go on").count(mark) == 1
    assert [name for name in lab.present() if "checkout" in name] == ["@checkout"]


def test_a_session_open_in_two_terminals_reads_its_mail_in_one(lab: Lab) -> None:
    project, mark, late = lab.directory("frontend"), marker(), marker()
    models, key = (lab.model(), lab.model()), str(uuid.uuid4())
    first = lab.terminal(models[0], project, "--session-id", key)
    first.type("hello")
    first.shows(DONE)
    second = lab.terminal(models[1], project, "--resume", key)
    time.sleep(WATCHER_SECONDS)
    lab.send("@frontend", mark)
    wait_for("the mail", lambda: any(one.count(mark) for model in models for one in model.requests))
    time.sleep(SETTLED_SECONDS)
    assert sum(one.count(mark) for model in models for one in model.requests) == 1
    second.leave()
    lab.becomes("@frontend", "idle")
    lab.send("@frontend", late)
    assert models[0].asked_with(late).count(late) == 1


def test_two_sessions_of_one_directory_have_two_names_and_talk(lab: Lab) -> None:
    project, question, answer = lab.directory("frontend"), marker(), marker()
    asker, helper = lab.model(), lab.model()
    first = lab.terminal(asker, project)
    first.type("hello")
    first.shows(DONE)
    lab.terminal(helper, project)
    lab.becomes("@frontend-2", "idle")
    asker.script(bash(f"telex send @frontend-2 {question}"), Turn(text="asked"))
    helper.script(_reply_to_what_was_shown(answer))
    first.type("ask the other one")
    assert helper.asked_with(question).count("@frontend ") >= 1
    woken = asker.asked_with(answer)
    assert woken.count(answer) == 1
    time.sleep(SETTLED_SECONDS)
    assert (helper.last.count(question), asker.last.count(answer)) == (1, 1)


def test_two_agents_converse_across_directories(lab: Lab) -> None:
    web, api = lab.directory("web"), lab.directory("api")
    question, answer, thanks = marker(), marker(), marker()
    asker, helper = lab.model(), lab.model()
    terminal = lab.terminal(asker, web)
    lab.terminal(helper, api)
    lab.becomes("@api", "idle")
    asker.script(bash(f"telex send --kind request @api {question}"), Turn(text="asked"))
    helper.script(_reply_to_what_was_shown(answer))
    terminal.type("ask api")
    woken = asker.asked_with(answer)
    assert (woken.count(answer), helper.last.count(question)) == (1, 1)
    asker.script(bash(f"telex send @api {thanks}"), Turn(text="thanked"))
    terminal.type("say thanks")
    assert helper.asked_with(thanks).count(thanks) == 1
    time.sleep(SETTLED_SECONDS)
    assert (asker.last.count(answer), helper.last.count(question), helper.last.count(thanks)) == (1, 1, 1)


def test_a_killed_session_is_offline_and_its_successor_takes_name_and_mail(lab: Lab) -> None:
    project, model, mark = lab.directory("frontend"), lab.model(), marker()
    terminal = lab.terminal(model, project)
    lab.becomes("@frontend", "idle")
    terminal.kill()
    lab.becomes("@frontend", "offline")
    message = lab.send("@frontend", mark)
    assert lab.states(message) == ["queued"]
    successor = lab.terminal(model, project)
    successor.type("hello again")
    assert model.asked_with("hello again").count(mark) == 1
    assert [name for name in lab.present() if "frontend" in name] == ["@frontend"]


def test_a_note_to_a_channel_wakes_nobody_and_is_there_at_the_next_prompt(lab: Lab) -> None:
    project, model = lab.directory("frontend"), lab.model()
    note, request = marker(), marker()
    terminal = lab.terminal(model, project)
    time.sleep(WATCHER_SECONDS)
    lab.send("#frontend", note)
    time.sleep(SETTLED_SECONDS)
    assert not model.requests
    terminal.type("hello")
    assert model.asked_with("hello").count(note) == 1
    terminal.shows(DONE)
    lab.send("#frontend", request, "--kind", "request")
    assert model.asked_with(request).count(request) == 1


def test_uninstalling_after_the_client_rewrote_the_settings_leaves_only_what_is_not_ours(lab: Lab) -> None:
    project, model = lab.directory("frontend"), lab.model()
    installed = lab.settings.read_text()
    lab.terminal(model, project).leave()
    rewritten = json.loads(lab.settings.read_text())
    assert rewritten != json.loads(installed), "the client did not rewrite its settings: this test shows nothing"
    uninstall_telex(lab)
    left = json.loads(lab.settings.read_text())
    assert left == {name: value for name, value in rewritten.items() if name != "hooks"}
