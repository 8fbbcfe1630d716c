"""Acceptance: a client that telex does not know takes part by `telex run` and `telex wait`.

Real Claude Code stands for it, on a machine where telex is in none of its settings.
"""

from __future__ import annotations

import time

import pytest
from tests.clients.lab import TELEX, Lab, marker
from tests.clients.model_server import DONE, Turn, bash
from tests.support.cli import TELEX_WORD

pytestmark = pytest.mark.real_client

RUN = (TELEX, "run", "--name", "worker", "--")
SETTLED_SECONDS = 3.0  # what would come twice comes within this time


def test_a_wait_in_a_background_shell_wakes_it_and_it_answers_by_its_name(bare_lab: Lab) -> None:
    lab = bare_lab
    lab.under = RUN
    project, model, mark, answer = lab.directory("frontend"), lab.model(), marker(), marker()
    terminal = lab.terminal(model, project)
    background = {
        "command": f"{TELEX_WORD} wait --timeout 60s >mail",
        "description": "waits",
        "run_in_background": True,
    }
    model.script(Turn(tool="Bash", input=background), Turn(text="waiting"))
    terminal.type("wait for your mail")
    terminal.shows("waiting")
    assert lab.present()["@worker"]["client"] == "run"
    model.script(bash("cat mail"), bash(f"{TELEX_WORD} reply m1 {answer}"))
    before, sent = len(model.requests), time.monotonic()
    assert lab.send("@worker", mark) == "m1"
    model.asked_times(before + 1)
    latency = model.requests[before].at - sent
    print(f"idle wake-up by telex wait: {latency:.2f} s from the start of the send to the model's request")
    terminal.shows(DONE)
    assert model.last.count(mark) == 1
    [letter] = lab.telex("inbox", name="sender")["messages"]
    assert (letter["sender"], letter["body"]) == ("@worker", answer)
    time.sleep(SETTLED_SECONDS)
    assert model.last.count(mark) == 1


def test_its_session_ends_with_it(bare_lab: Lab) -> None:
    lab = bare_lab
    lab.under = RUN
    project, model = lab.directory("frontend"), lab.model()
    terminal = lab.terminal(model, project)
    lab.becomes("@worker", "idle")
    terminal.leave()
    lab.becomes("@worker", "offline")
    assert lab.present()["@worker"]["ended_why"] == "its command ended with status 0"


def test_a_killed_one_is_offline_at_once(bare_lab: Lab) -> None:
    lab = bare_lab
    lab.under = RUN
    project, model = lab.directory("frontend"), lab.model()
    terminal = lab.terminal(model, project)
    lab.becomes("@worker", "idle")
    terminal.kill()
    assert lab.present()["@worker"]["state"] == "offline"
    message = lab.send("@worker", "anybody?")
    assert lab.states(message) == ["queued"]
