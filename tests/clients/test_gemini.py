"""Acceptance: real Gemini CLI gets its mail at every moment it offers, once, and keeps its name.

Each test asserts on what the model was asked. A request repeats the whole conversation, so a message that was
delivered once stands once in the last request. Nothing here waits for a wake-up: this client has none.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.clients.gemini_lab import CLIENT, GeminiLab, program
from tests.clients.lab import install_telex, marker, uninstall_telex
from tests.clients.model_server import DONE, Model, Turn, bash
from tests.clients.terminal import Terminal
from tests.clients.waiting import wait_for

from telex.clients.installer.inspection import inspect

pytestmark = pytest.mark.real_client

SETTLED_SECONDS = 3.0  # what would come twice comes within this time


@pytest.fixture
def bare_lab(tmp_path_factory: pytest.TempPathFactory, offline: None) -> Iterator[GeminiLab]:
    """A machine with Gemini CLI and without telex."""
    lab = GeminiLab(tmp_path_factory.mktemp("machine"), program())
    try:
        yield lab
    finally:
        lab.close()


@pytest.fixture
def lab(bare_lab: GeminiLab) -> GeminiLab:
    """A machine on which a person ran `telex install gemini`."""
    install_telex(bare_lab, client=CLIENT)
    return bare_lab


def shell(command: str, first: Callable[[], object] | None = None) -> Turn:
    return bash(command, first=first, tool="run_shell_command")


def opened(lab: GeminiLab, model: Model, project: Path, *options: str) -> Terminal:
    """A terminal with a session that telex knows: keys typed before that are lost at times."""
    terminal = lab.terminal(model, project, *options)
    lab.becomes("@frontend", "idle")
    return terminal


def leave(terminal: Terminal) -> None:
    """Ctrl-C twice, as a person does."""
    terminal.keys("C-c")
    terminal.shows("Press Ctrl+C again")
    terminal.keys("C-c")
    wait_for("the client's end", terminal.ended, instead=terminal.screen)


def marks(lab: GeminiLab) -> str:
    """What the gate noted of the one session there is: p a prompt, s a stop."""
    files = [path.read_text() for path in (lab.telex_home / "turns").iterdir()]
    return files[0] if len(files) == 1 else str(files)


def ends_turn(lab: GeminiLab, signs: str) -> None:
    wait_for(f"the marks {signs}", lambda: marks(lab) == signs, instead=lambda: marks(lab))


def test_headless_every_moment_reaches_the_model_once(lab: GeminiLab) -> None:
    project, model = lab.directory("frontend"), lab.model()
    start, tool, stop, late = marker(), marker(), marker(), marker()
    message = lab.send("@frontend", start)
    model.script(
        shell("echo one", first=lambda: lab.send("@frontend", tool)),
        Turn(text="finished", first=lambda: lab.send("@frontend", stop)),
        Turn(text="finished again", first=lambda: lab.send("@frontend", late)),
    )
    answer = lab.headless(model, "hello", project)
    counts = [[request.count(mark) for mark in (start, tool, stop, late)] for request in model.requests]
    assert counts == [[1, 0, 0, 0], [1, 1, 0, 0], [1, 1, 1, 0]]
    assert "finished again" in answer
    assert lab.arrived(message)
    later = lab.model()
    lab.headless(later, "hello again", project)
    assert [later.last.count(mark) for mark in (start, tool, stop, late)] == [0, 0, 0, 1]


def test_a_session_alone_reads_nothing_of_telex(lab: GeminiLab) -> None:
    project, model = lab.directory("frontend"), lab.model()
    model.script(shell("echo one"))
    lab.headless(model, "hello", project)
    assert len(model.requests) == 2
    assert model.last.where("telex:") == []


def test_an_agent_sends_from_its_shell_as_its_session(lab: GeminiLab) -> None:
    project, model, mark = lab.directory("frontend"), lab.model(), marker()
    lab.telex("who", name="sender")
    model.script(shell(f"telex send @sender {mark}"), Turn(text="sent"))
    lab.headless(model, "tell them", project)
    received = lab.telex("inbox", name="sender")
    assert mark in json.dumps(received) and "@frontend" in json.dumps(received)


def test_in_a_terminal_every_moment_reaches_the_model_once_and_an_idle_one_is_left_alone(lab: GeminiLab) -> None:
    project, model = lab.directory("frontend"), lab.model()
    start, tool, stop, idle = marker(), marker(), marker(), marker()
    lab.send("@frontend", start)
    terminal = opened(lab, model, project)
    model.script(
        shell("echo one", first=lambda: lab.send("@frontend", tool)),
        Turn(text="finished", first=lambda: lab.send("@frontend", stop)),
        Turn(text="finished again"),
    )
    terminal.type("hello")
    terminal.shows("finished again")
    counts = [[request.count(mark) for mark in (start, tool, stop)] for request in model.requests]
    assert counts == [[1, 0, 0], [1, 1, 0], [1, 1, 1]]
    ends_turn(
        lab, "psgps"
    )  # what the end of the turn was held up with is a prompt to this client, with its own BeforeAgent
    lab.becomes("@frontend", "idle")
    message = lab.send("@frontend", idle)
    time.sleep(SETTLED_SECONDS)
    assert len(model.requests) == 3 and lab.states(message) == ["queued"]
    terminal.type("and now")
    assert model.asked_with("and now").count(idle) == 1
    time.sleep(SETTLED_SECONDS)
    assert [model.last.count(mark) for mark in (start, tool, stop, idle)] == [1, 1, 1, 1]


def test_the_person_sees_who_said_what(lab: GeminiLab) -> None:
    model, mark = lab.model(), marker()
    terminal = lab.terminal(model, lab.directory("frontend"))
    terminal.type("hello")
    terminal.shows(DONE)
    lab.becomes("@frontend", "idle")
    lab.send("@frontend", f"{mark} is the port?", "--kind", "request", name="api")
    terminal.type("go on")
    terminal.shows(f"@api asks (m1): {mark} is the port?")
    assert model.asked_with("go on").count(mark) == 1


def test_a_cleared_session_keeps_its_name_and_what_waits_is_in_its_next_prompt(lab: GeminiLab) -> None:
    """Would break: mail shown at the start after /clear, which the client drops."""
    project, model, mark = lab.directory("frontend"), lab.model(), marker()
    terminal = opened(lab, model, project)
    terminal.type("hello")
    terminal.shows(DONE)
    lab.becomes("@frontend", "idle")
    message = lab.send("@frontend", mark)
    terminal.type("/clear")
    wait_for("an empty screen", lambda: DONE not in terminal.screen(), instead=terminal.screen)
    time.sleep(SETTLED_SECONDS)
    assert lab.states(message) == ["queued"]
    terminal.type("where were we")
    assert model.asked_with("where were we").count(mark) == 1
    assert [name for name in lab.present() if "frontend" in name] == ["@frontend"]


def test_a_session_that_left_is_offline_and_a_resumed_one_has_its_name_and_what_waited(lab: GeminiLab) -> None:
    project, model, mark = lab.directory("frontend"), lab.model(), marker()
    terminal = opened(lab, model, project)
    terminal.type("hello")
    terminal.shows(DONE)
    leave(terminal)
    lab.becomes("@frontend", "offline")
    message = lab.send("@frontend", mark)
    assert lab.states(message) == ["queued"]
    resumed = opened(lab, model, project, "--resume", "latest")
    resumed.shows(DONE)
    wait_for("the end of resuming", lambda: "Resuming" not in resumed.screen(), instead=resumed.screen)
    resumed.type("go on")
    request = model.asked_with("go on")
    assert (request.count(mark), request.count(DONE)) == (1, 1)
    assert [name for name in lab.present() if "frontend" in name] == ["@frontend"]


def test_a_killed_session_is_offline(lab: GeminiLab) -> None:
    project, model = lab.directory("frontend"), lab.model()
    terminal = opened(lab, model, project)
    terminal.kill()
    lab.becomes("@frontend", "offline")


def test_the_command_puts_the_words_before_the_model(lab: GeminiLab) -> None:
    project, model, mark = lab.directory("frontend"), lab.model(), marker()
    terminal = opened(lab, model, project)
    terminal.type(f"/telex @api {mark}")
    request = model.asked_with(mark)
    assert request.count(f"Words given: @api {mark}") == 1
    assert request.count("telex send TO") == 1


def test_hooks_that_are_switched_off_are_told_and_the_mail_waits(lab: GeminiLab) -> None:
    project, model, mark = lab.directory("frontend"), lab.model(), marker()
    settings = json.loads(lab.settings.read_text())
    lab.settings.write_text(json.dumps({**settings, "hooksConfig": {"enabled": False}}))
    message = lab.send("@frontend", mark)
    lab.headless(model, "hello", project)
    assert model.last.count(mark) == 0 and lab.states(message) == ["queued"]
    found = inspect(CLIENT, "user", home=str(lab.telex_home), user_home=str(lab.home))
    assert [one.detail for one in found if one.state == "broken"] == ["'hooksConfig.enabled' is false, so no hook runs"]


def test_a_project_installation_works_in_a_trusted_folder(bare_lab: GeminiLab) -> None:
    project, model, mark = bare_lab.directory("frontend"), bare_lab.model(), marker()
    install_telex(bare_lab, "project", project, CLIENT)
    bare_lab.send("@frontend", mark)
    bare_lab.headless(model, "hello", project)
    assert model.last.count(mark) == 1


def test_both_scopes_show_a_message_once(lab: GeminiLab) -> None:
    project, model, mark = lab.directory("frontend"), lab.model(), marker()
    install_telex(lab, "project", project, CLIENT)
    lab.send("@frontend", mark)
    lab.headless(model, "hello", project)
    assert model.last.count(mark) == 1


def test_uninstalling_leaves_every_byte_as_it_was(bare_lab: GeminiLab) -> None:
    before = bare_lab.settings.read_bytes()
    project, model, mark = bare_lab.directory("frontend"), bare_lab.model(), marker()
    install_telex(bare_lab, client=CLIENT)
    bare_lab.headless(bare_lab.model(), "hello", project)
    uninstall_telex(bare_lab, client=CLIENT)
    assert bare_lab.settings.read_bytes() == before
    assert not (bare_lab.settings.parent / "commands").exists()
    bare_lab.send("@frontend", mark)
    bare_lab.headless(model, "hello", project)
    assert model.last.count(mark) == 0
