"""Acceptance: real OpenCode gets its mail at every moment, once, and is woken when it is idle.

Each test asserts on what the model was asked. A request repeats the whole conversation, so a message that was
delivered once stands once in the last request.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.clients.lab import install_telex, marker, uninstall_telex
from tests.clients.model_server import DONE, Model, Turn, bash
from tests.clients.opencode_lab import CLIENT, READY, OpenCodeLab, program
from tests.clients.terminal import Terminal
from tests.clients.waiting import wait_for

pytestmark = pytest.mark.real_client

WAKE_SECONDS = 1.0  # promised for an idle session
SETTLED_SECONDS = 3.0  # what would come twice comes within this time
TASK = "subtask-of-the-parent"


@pytest.fixture
def bare_lab(tmp_path_factory: pytest.TempPathFactory, offline: None) -> Iterator[OpenCodeLab]:
    """A machine with OpenCode and without telex."""
    lab = OpenCodeLab(tmp_path_factory.mktemp("machine"), program())
    try:
        yield lab
    finally:
        lab.close()


@pytest.fixture
def lab(bare_lab: OpenCodeLab) -> OpenCodeLab:
    """A machine on which a person ran `telex install opencode`."""
    install_telex(bare_lab, client=CLIENT)
    return bare_lab


def shell(command: str, first: Callable[[], object] | None = None) -> Turn:
    return bash(command, first=first, tool="bash")


def opened(lab: OpenCodeLab, model: Model, project: Path) -> Terminal:
    """A terminal whose session has had its first prompt and is idle; before that there is no session to speak of."""
    terminal = lab.terminal(model, project)
    terminal.type("hello")
    model.asked_with("hello")
    lab.becomes("@frontend", "idle")
    return terminal


def test_headless_every_moment_reaches_the_model_once(lab: OpenCodeLab) -> None:
    project, model = lab.directory("frontend"), lab.model()
    start, tool, stop = marker(), marker(), marker()
    message = lab.send("@frontend", start)
    model.script(
        shell("echo one", first=lambda: lab.send("@frontend", tool)),
        Turn(text="finished", first=lambda: lab.send("@frontend", stop)),
        Turn(text="finished again"),
    )
    answer = lab.headless(model, "hello", project)
    counts = [[request.count(mark) for mark in (start, tool, stop)] for request in model.requests]
    assert counts == [[1, 0, 0], [1, 1, 0], [1, 1, 1]]
    assert "finished again" in answer
    assert lab.arrived(message)
    assert lab.present()["@frontend"]["state"] == "offline"


def test_a_continued_session_has_its_name_and_what_waited(lab: OpenCodeLab) -> None:
    project, model, mark = lab.directory("frontend"), lab.model(), marker()
    lab.headless(model, "hello", project)
    lab.becomes("@frontend", "offline")
    message = lab.send("@frontend", mark)
    assert lab.states(message) == ["queued"]
    lab.headless(model, "go on", project, "--continue")
    assert (model.last.count(mark), model.last.count(DONE)) == (1, 1)
    assert [name for name in lab.present() if "frontend" in name] == ["@frontend"]


def test_a_session_alone_reads_nothing_of_telex(lab: OpenCodeLab) -> None:
    project, model = lab.directory("frontend"), lab.model()
    model.script(shell("echo one"))
    lab.headless(model, "hello", project)
    assert len(model.requests) == 2
    assert model.last.where("telex:") == []


def test_an_agent_sends_from_its_shell_as_its_session(lab: OpenCodeLab) -> None:
    project, model, mark = lab.directory("frontend"), lab.model(), marker()
    lab.telex("who", name="sender")
    model.script(shell(f"telex send @sender {mark}"), Turn(text="sent"))
    lab.headless(model, "tell them", project)
    received = json.dumps(lab.telex("inbox", name="sender"))
    assert mark in received and "@frontend" in received


def test_a_subagent_leaves_the_mail_to_its_parent_and_speaks_for_it(lab: OpenCodeLab) -> None:
    project, model, mark, said = lab.directory("frontend"), lab.model(), marker(), marker()
    lab.telex("who", name="sender")
    task = {"description": "part", "prompt": TASK, "subagent_type": "general"}
    model.script(
        Turn(tool="task", input=task),
        bash("echo inside", first=lambda: lab.send("@frontend", mark), when=TASK, tool="bash"),
        bash(f"telex send @sender {said}", when=TASK, tool="bash"),
        Turn(text="the subagent is done", when=TASK),
        Turn(text="all done"),
    )
    lab.headless(model, "hello", project)
    inside = [request for request in model.requests if TASK in json.dumps(request.body["messages"][:2])]
    parents = [request for request in model.requests if request not in inside]
    assert len(inside) == 3 and [request.count(mark) for request in inside] == [0, 0, 0]
    assert parents[-1].count(mark) == 1
    received = json.dumps(lab.telex("inbox", name="sender"))
    assert said in received and "@frontend" in received and "frontend-2" not in json.dumps(lab.present())


@pytest.mark.timed
def test_an_idle_session_is_woken_within_a_second_and_each_message_is_shown_once(lab: OpenCodeLab) -> None:
    project, model = lab.directory("frontend"), lab.model()
    terminal = opened(lab, model, project)
    marks, latencies = [marker() for _ in range(3)], []
    for mark in marks:
        time.sleep(SETTLED_SECONDS)  # after its start OpenCode is busy with itself for some seconds
        sent = time.monotonic()
        message = lab.send("@frontend", mark)
        latencies.append(model.asked_with(mark).at - sent)
        lab.becomes("@frontend", "idle")
        assert lab.arrived(message)
    print(
        "OpenCode idle wake-up, from the start of the send to the model's request, s:",
        [f"{one:.2f}" for one in latencies],
    )
    assert sorted(latencies)[1] < WAKE_SECONDS
    assert len(model.requests) == 4
    terminal.type("what else")
    assert [model.asked_with("what else").count(mark) for mark in marks] == [1, 1, 1]


def test_a_burst_wakes_once(lab: OpenCodeLab) -> None:
    project, model = lab.directory("frontend"), lab.model()
    words = [marker() for _ in range(4)]
    opened(lab, model, project)
    before = len(model.requests)
    lab.send("@frontend", words[0])
    for word in words[1:]:
        lab.send("@frontend", word)
    model.asked_with(words[-1])
    time.sleep(SETTLED_SECONDS)
    assert [model.last.count(word) for word in words] == [1, 1, 1, 1]
    prompts = (lab.telex_home / "turns").iterdir()
    # a `g` between them says that the one turn went on for the burst's last message
    assert [path.read_text().replace("g", "") for path in prompts] == ["psps"], "a burst began more than one turn"
    assert len(model.requests) > before


def test_a_busy_session_is_not_interrupted_and_reads_its_mail_between_tools(lab: OpenCodeLab) -> None:
    project, model, mark = lab.directory("frontend"), lab.model(), marker()
    terminal = opened(lab, model, project)
    before = len(model.requests)
    model.script(
        shell("sleep 4; echo slept", first=lambda: lab.send("@frontend", mark)), shell("echo two"), Turn(text="ready")
    )
    terminal.type("work")
    terminal.shows("ready")
    asked = model.requests[before:]
    assert [request.count(mark) for request in asked] == [0, 1, 1]
    assert asked[1].count("slept") >= 1, "the tool was cut short"
    time.sleep(SETTLED_SECONDS)
    assert len(model.requests) == before + 3


def test_a_request_without_a_reply_is_named_once_at_the_end_of_the_turn(lab: OpenCodeLab) -> None:
    project, model, mark = lab.directory("frontend"), lab.model(), marker()
    opened(lab, model, project)
    before = len(model.requests)
    message = lab.send("@frontend", mark, "--kind", "request")
    model.asked_with("waits for a reply")
    time.sleep(SETTLED_SECONDS)
    assert [request.count(mark) for request in model.requests[before:]] == [1, 2], "the reminder says how it begins"
    assert model.last.count("waits for a reply") == 1
    assert lab.arrived(message)
    lab.becomes("@frontend", "idle")


def test_mail_that_comes_with_the_last_words_of_a_turn_continues_it(lab: OpenCodeLab) -> None:
    project, model, mark = lab.directory("frontend"), lab.model(), marker()
    terminal = opened(lab, model, project)
    before = len(model.requests)
    model.script(Turn(text="finished", first=lambda: lab.send("#frontend", mark)))
    terminal.type("work")
    model.asked_with(mark)
    time.sleep(SETTLED_SECONDS)
    assert [request.count(mark) for request in model.requests[before:]] == [0, 1]


def test_mail_that_was_read_meanwhile_wakes_nobody(lab: OpenCodeLab) -> None:
    """Would break: a wake-up that trusts the bell and does not ask the store again."""
    project, model, mark = lab.directory("frontend"), lab.model(), marker()
    opened(lab, model, project)
    before = len(model.requests)
    bell = next((lab.telex_home / "turns").iterdir()).name
    (lab.telex_home / "bells" / bell).touch()  # a bell with nothing behind it, as a reader leaves it for a moment
    lab.send("#frontend", mark)  # and a note to a channel, which wakes nobody
    time.sleep(SETTLED_SECONDS)
    assert len(model.requests) == before


def test_a_note_to_a_channel_is_there_at_the_next_prompt(lab: OpenCodeLab) -> None:
    project, model, mark = lab.directory("frontend"), lab.model(), marker()
    terminal = opened(lab, model, project)
    lab.send("#frontend", mark)
    terminal.type("and now")
    assert model.asked_with("and now").count(mark) == 1
    time.sleep(SETTLED_SECONDS)
    assert model.last.count(mark) == 1


def test_a_new_conversation_in_the_terminal_takes_the_name_over(lab: OpenCodeLab) -> None:
    project, model, early, late = lab.directory("frontend"), lab.model(), marker(), marker()
    terminal = opened(lab, model, project)
    terminal.type("/new")
    terminal.shows(READY)
    lab.send("#frontend", early)
    terminal.type("something else")
    assert model.asked_with("something else").count(early) == 1
    assert model.last.count("hello") == 0, "it is the old conversation: this test shows nothing"
    lab.becomes("@frontend", "idle")
    lab.send("@frontend", late)
    assert model.asked_with(late).count("something else") >= 1
    assert [name for name in lab.present() if "frontend" in name] == ["@frontend"]


def test_a_headless_session_ends_with_its_turn_and_the_sender_of_a_request_is_told(lab: OpenCodeLab) -> None:
    project, model, mark = lab.directory("frontend"), lab.model(), marker()
    lab.send("@frontend", mark, "--kind", "request")
    lab.headless(model, "hello", project)
    assert [request.count(mark) for request in model.requests] == [1]
    assert "frontend" in json.dumps(lab.telex("inbox", name="sender"))


def test_the_result_of_an_mcp_server_carries_mail_too(lab: OpenCodeLab) -> None:
    """Would break: text put where only OpenCode's own tools keep theirs."""
    project, model, mark = lab.directory("frontend"), lab.model(), marker()
    lab.serve_tool()
    model.script(Turn(tool="stand-in_echo", input={"text": "echoed"}, first=lambda: lab.send("@frontend", mark)))
    lab.headless(model, "hello", project)
    assert [request.count(mark) for request in model.requests] == [0, 1]
    assert model.last.count("said: echoed") == 1


def test_leaving_makes_a_session_offline(lab: OpenCodeLab) -> None:
    project, model = lab.directory("frontend"), lab.model()
    terminal = opened(lab, model, project)
    terminal.keys("C-c")
    wait_for("the client's end", terminal.ended, instead=terminal.screen)
    lab.becomes("@frontend", "offline")
    print("ended because:", lab.present()["@frontend"]["ended_why"])


def test_a_killed_session_is_offline_at_once(lab: OpenCodeLab) -> None:
    project, model = lab.directory("frontend"), lab.model()
    terminal = opened(lab, model, project)
    terminal.kill()
    lab.becomes("@frontend", "offline")


def test_the_command_puts_the_words_before_the_model(lab: OpenCodeLab) -> None:
    project, model, mark = lab.directory("frontend"), lab.model(), marker()
    lab.headless(model, f"@api {mark}", project, "--command", "telex")
    assert model.last.count(f"@api {mark}") == 1 and model.last.count("Words given: ") == 1
    assert model.last.count("telex send TO") == 1


def test_a_project_installation_works_and_both_together_show_a_message_once(bare_lab: OpenCodeLab) -> None:
    project, first, second = bare_lab.directory("frontend"), marker(), marker()
    install_telex(bare_lab, "project", project, CLIENT)
    model = bare_lab.model()
    bare_lab.send("@frontend", first)
    bare_lab.headless(model, "hello", project)
    assert model.last.count(first) == 1
    install_telex(bare_lab, client=CLIENT)
    model = bare_lab.model()
    bare_lab.send("@frontend", second)
    bare_lab.headless(model, "hello", project)
    assert model.last.count(second) == 1


def test_uninstalling_leaves_nothing_behind(bare_lab: OpenCodeLab) -> None:
    def files() -> set[str]:
        return {str(path) for path in bare_lab.config.rglob("*") if "node_modules" not in path.parts}

    project, model, mark = bare_lab.directory("frontend"), bare_lab.model(), marker()
    bare_lab.headless(bare_lab.model(), "hello", project)
    before = files()
    install_telex(bare_lab, client=CLIENT)
    bare_lab.headless(bare_lab.model(), "hello", project)
    uninstall_telex(bare_lab, client=CLIENT)
    assert files() == before
    bare_lab.send("@frontend", mark)
    bare_lab.headless(model, "hello", project)
    assert model.last.count(mark) == 0
