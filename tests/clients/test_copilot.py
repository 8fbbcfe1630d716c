"""Acceptance: real GitHub Copilot CLI gets its mail at every moment it offers, once, and keeps its name.

Each test asserts on what the model was asked. A request repeats the whole conversation, so a message that was
delivered once stands once in the last request. Nothing here waits for a wake-up: this client has none.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator

import pytest
from tests.clients.copilot_lab import CLIENT, CopilotLab, program, shell
from tests.clients.lab import install_telex, marker, uninstall_telex
from tests.clients.model_server import DONE, Model, Turn
from tests.clients.terminal import Terminal
from tests.clients.waiting import wait_for
from tests.support.cli import TELEX_WORD

pytestmark = pytest.mark.real_client

SETTLED_SECONDS = 3.0  # what would come twice comes within this time
FOREIGN_FILE = b'{"version": 1, "hooks": {"agentStop": [{"type": "command", "bash": "true"}]}}'


@pytest.fixture
def bare_lab(tmp_path_factory: pytest.TempPathFactory, offline: None) -> Iterator[CopilotLab]:
    """A machine with Copilot CLI and without telex."""
    lab = CopilotLab(tmp_path_factory.mktemp("machine"), program())
    try:
        yield lab
    finally:
        lab.close()


@pytest.fixture
def lab(bare_lab: CopilotLab) -> CopilotLab:
    """A machine on which a person ran `telex install copilot`."""
    install_telex(bare_lab, client=CLIENT)
    return bare_lab


def begun(lab: CopilotLab, model: Model) -> Terminal:
    """A session that a person has said hello to, idle again."""
    terminal = lab.terminal(model, lab.directory("frontend"))
    terminal.type("hello")
    terminal.shows(DONE)
    lab.becomes("@frontend", "idle")
    return terminal


def test_headless_every_moment_reaches_the_model_once(lab: CopilotLab) -> None:
    project, model = lab.directory("frontend"), lab.model()
    start, tool, stop = marker(), marker(), marker()
    message = lab.send("@frontend", start)
    model.script(
        shell("echo one", first=lambda: lab.send("@frontend", tool)),
        Turn(text="ready", first=lambda: lab.send("@frontend", stop)),
    )
    lab.headless(model, "hello", project)
    assert [[one.count(mark) for mark in (start, tool, stop)] for one in model.requests] == [
        [1, 0, 0],
        [1, 1, 0],
        [1, 1, 1],
    ]
    assert model.requests[0].count("@sender")
    assert lab.arrived(message)


def test_a_session_alone_reads_nothing_of_telex(lab: CopilotLab) -> None:
    project, model = lab.directory("frontend"), lab.model()
    model.script(shell("echo one"))
    lab.headless(model, "hello", project)
    assert [model.last.where(word) for word in ("telex", "Telex")] == [[], []]


def test_mail_between_two_prompts_is_in_the_next_one_and_wakes_nobody(lab: CopilotLab) -> None:
    model, mark, second, third = lab.model(), marker(), marker(), marker()
    terminal = begun(lab, model)
    lab.send("@frontend", mark)
    time.sleep(SETTLED_SECONDS)
    assert len(model.requests) == 1
    terminal.type(second)
    assert model.asked_with(second).count(mark) == 1
    terminal.type(third)
    assert model.asked_with(third).count(mark) == 1


def test_what_goes_on_at_the_end_of_a_turn_is_no_word_of_a_person(lab: CopilotLab) -> None:
    model, mark = lab.model(), marker()
    terminal = lab.terminal(model, lab.directory("frontend"))
    model.script(Turn(text="ready", first=lambda: lab.send("@frontend", mark)), Turn(text="read it"))
    terminal.type("hello")
    terminal.shows("read it")
    assert [one.count(mark) for one in model.requests] == [0, 1]
    wait_for("the end of the second turn", lambda: lab.marks() == "psgps", instead=lab.marks)
    lab.becomes("@frontend", "idle")


def test_a_cleared_session_keeps_the_name_it_was_given(lab: CopilotLab) -> None:
    model, mark, prompt = lab.model(), marker(), marker()
    terminal = begun(lab, model)
    model.script(shell("telex name checkout"))
    terminal.type("be checkout")
    lab.becomes("@checkout", "idle")
    terminal.type("/clear")
    wait_for("an empty screen", lambda: DONE not in terminal.screen(), instead=terminal.screen)
    lab.send("@checkout", mark)
    terminal.type(prompt)
    found = model.asked_with(prompt)
    assert (found.count(mark), found.count("hello")) == (1, 0)
    assert [name for name in lab.present() if name in ("@frontend", "@checkout")] == ["@checkout"]


def test_a_resumed_session_has_its_name_back_and_what_waited(lab: CopilotLab) -> None:
    project, first, mark = lab.directory("frontend"), lab.model(), marker()
    lab.headless(first, "hello", project)
    lab.becomes("@frontend", "offline")
    message = lab.send("@frontend", mark)
    assert lab.states(message) == ["queued"]
    key, again = re.findall(r"--resume=([0-9a-f-]+)", lab.farewell)[-1], lab.model()
    lab.headless(again, "go on", project, f"--resume={key}")
    assert again.last.count(mark) == 1
    assert [name for name in lab.present() if "frontend" in name] == ["@frontend"]


def test_a_subagent_neither_reads_its_parents_mail_nor_counts_as_a_person(lab: CopilotLab) -> None:
    project, model, mark, task, order = lab.directory("frontend"), lab.model(), marker(), marker(), marker()
    lab.telex("who")  # the very first hook on a machine makes the home, and the gate beside it is quicker
    seen: list[str] = []
    given = {"description": "sub", "prompt": task, "agent_type": "general-purpose", "name": "sub"}
    model.script(
        Turn(tool="task", input=given),
        shell("echo one", when=task, first=lambda: lab.send("@frontend", mark)),
        Turn(text="sub done", when=task, first=lambda: seen.append(lab.marks())),
        Turn(text="ready"),
    )
    lab.headless(model, order, project)
    assert model.last.count(mark) == 1
    assert all(one.count(order) for one in model.requests if one.count(mark)), "only its parent knows what was asked"
    assert seen == ["p"]


def test_the_agents_shell_is_the_session_with_hooks_and_without(bare_lab: CopilotLab) -> None:
    project, model = bare_lab.directory("frontend"), bare_lab.model()
    mark, late = marker(), marker()
    install_telex(bare_lab, client=CLIENT)
    model.script(shell(f"telex send @api {mark}"))
    bare_lab.headless(model, "write", project)
    uninstall_telex(bare_lab, client=CLIENT)
    model.script(shell(f"{TELEX_WORD} send @api {late}"))  # the launcher went with the hooks
    bare_lab.headless(model, "write again", project)
    letters = {one["body"]: one for one in bare_lab.telex("log", "--all")["messages"]}
    assert {letters[one]["sender"] for one in (mark, late)} == {"@frontend"}


def test_two_agents_talk(lab: CopilotLab) -> None:
    web, api = lab.directory("web"), lab.directory("api")
    question, answer = marker(), marker()
    asker, helper = lab.model(), lab.model()
    asker.script(shell(f"telex send --kind request @api {question}"))
    lab.headless(asker, "ask api", web)
    helper.script(
        Turn(
            tool="bash",
            input=lambda request: {
                "command": f"telex reply {re.findall(r'telex reply (m[0-9]+)', json.dumps(request.body))[-1]} {answer}",
                "description": "scripted",
            },
        )
    )
    lab.headless(helper, "hello", api)
    lab.headless(asker, "any news", web)
    assert (helper.last.count(question) >= 1, asker.last.count(answer)) == (True, 1)


@pytest.mark.parametrize("before", [None, FOREIGN_FILE], ids=["no hooks", "somebody's hooks"])
def test_uninstalling_leaves_the_directory_byte_for_byte(bare_lab: CopilotLab, before: bytes | None) -> None:
    project = bare_lab.directory("frontend")
    other = bare_lab.settings.parent / "other.json"
    if before:
        other.parent.mkdir()
        other.write_bytes(before)
    install_telex(bare_lab, client=CLIENT)
    model, mark = bare_lab.model(), marker()
    bare_lab.send("@frontend", mark)
    bare_lab.headless(model, "hello", project)
    assert model.last.count(mark) == 1
    uninstall_telex(bare_lab, client=CLIENT)
    assert not bare_lab.settings.exists()
    assert (other.read_bytes() if other.exists() else None) == before
    silent = marker()
    bare_lab.send("@frontend", silent)
    bare_lab.headless(model, "hello", project)
    assert not model.last.count(silent)


def test_hooks_of_one_project_serve_that_project_only(bare_lab: CopilotLab) -> None:
    inside, outside = bare_lab.directory("frontend"), bare_lab.directory("backend")
    install_telex(bare_lab, "project", inside, client=CLIENT)
    for project in (inside, outside):
        model, mark = bare_lab.model(), marker()
        bare_lab.send(f"@{project.name}", mark)
        bare_lab.headless(model, "hello", project)
        assert model.last.count(mark) == (1 if project is inside else 0)
