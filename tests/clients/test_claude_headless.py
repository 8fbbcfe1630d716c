"""Acceptance: real Claude Code without a terminal (`claude -p`) gets its mail at every moment it offers, once.

Each test asserts on what the model was asked. A request repeats the whole conversation, so a message that was
delivered once stands once in the last request.
"""

from __future__ import annotations

import json
import re
import subprocess
import time
from pathlib import Path

import pytest
from tests.clients.lab import Lab, install_telex, marker, uninstall_telex
from tests.clients.model_server import Model, Request, Turn, bash

import telex.clients

pytestmark = pytest.mark.real_client

SKILL = Path(telex.clients.__file__).parent / "adapters" / "files" / "claude" / "SKILL.md"
TASK = "subtask-of-the-parent"
FOREIGN_SETTINGS = b"""{ "model":  "opus",
\t"hooks": {"Stop": [ {"hooks": [{"command": "true", "type": "command"}]} ]},
  "env": {"A": "b\\u00e9"} }"""
HELD_UP_RATIO = 1.4  # a wake-up hook that waits holds a run of 3 s up by 1.5 s, every time
HELD_UP_TRIES = 6  # a machine that does something else may hold up one of them


def test_mail_that_waited_is_in_the_first_request(lab: Lab) -> None:
    project, model, mark = lab.directory("frontend"), lab.model(), marker()
    message = lab.send("@frontend", mark)
    lab.headless(model, "hello", project)
    assert model.requests[0].count(mark) == 1
    assert model.requests[0].count("@sender")
    assert lab.arrived(message)


def test_the_title_given_to_the_client_is_the_name(lab: Lab) -> None:
    project, model, mark = lab.directory("frontend"), lab.model(), marker()
    lab.send("@payments", mark)
    lab.headless(model, "hello", project, "-n", "payments")
    assert model.last.count(mark) == 1


def test_mail_between_two_prompts_is_in_the_next_one(lab: Lab) -> None:
    project, model, mark = lab.directory("frontend"), lab.model(), marker()
    session = lab.stream(model, project)
    session.prompt("hello")
    lab.send("@frontend", mark)
    session.prompt("and then")
    assert [request.count(mark) for request in model.requests] == [0, 1]
    session.prompt("and again")
    assert model.last.count(mark) == 1


def test_mail_during_a_tool_call_is_in_the_request_after_it(lab: Lab) -> None:
    project, model, mark = lab.directory("frontend"), lab.model(), marker()
    model.script(bash("echo one", first=lambda: lab.send("@frontend", mark)), bash("echo two"))
    lab.headless(model, "hello", project)
    assert [request.count(mark) for request in model.requests] == [0, 1, 1]


def test_mail_at_the_end_of_a_turn_continues_it_once(lab: Lab) -> None:
    project, model = lab.directory("frontend"), lab.model()
    early, late = marker(), marker()
    model.script(
        Turn(text="finished", first=lambda: lab.send("@frontend", early)),
        Turn(text="finished again", first=lambda: lab.send("@frontend", late)),
    )
    answer = lab.headless(model, "hello", project)
    assert [request.count(early) for request in model.requests] == [0, 1]
    assert "finished again" in answer
    later = lab.model()
    lab.headless(later, "hello", project)
    assert (later.last.count(late), later.last.count(early)) == (1, 0)


def test_an_unanswered_request_continues_the_turn_once(lab: Lab) -> None:
    project, model, mark = lab.directory("frontend"), lab.model(), marker()
    message = lab.send("@frontend", mark, "--kind", "request")
    lab.headless(model, "hello", project)
    assert len(model.requests) == 2
    first, second = model.requests
    assert (first.count(mark), second.count(mark)) == (1, 2), "the reminder says how the request begins"
    reminded = second.count(f"telex reply {message}") - first.count(f"telex reply {message}")
    assert reminded == 1


def test_an_answered_request_ends_the_turn(lab: Lab) -> None:
    project, model, reply = lab.directory("frontend"), lab.model(), marker()
    message = lab.send("@frontend", "which port?", "--kind", "request")
    model.script(bash(f"telex reply {message} {reply}"))
    lab.headless(model, "hello", project)
    assert len(model.requests) == 2
    assert reply in str(lab.telex("inbox", name="sender"))


def _subagent_then_tool(lab: Lab, mark: str) -> tuple[Turn, ...]:
    task = {"description": "part", "prompt": TASK, "subagent_type": "general-purpose", "run_in_background": False}
    return (
        Turn(tool="Agent", input=task),
        bash("echo in the subagent", first=lambda: lab.send("@frontend", mark)),
        bash("echo still in the subagent"),
        Turn(text="the subagent is done"),
    )


def test_a_subagent_leaves_the_mail_to_its_parent(lab: Lab) -> None:
    project, model, mark = lab.directory("frontend"), lab.model(), marker()
    model.script(*_subagent_then_tool(lab, mark))
    lab.headless(model, "hello", project)
    inside = [request for request in model.requests if request.opens_with(TASK)]
    parents = [request for request in model.requests if not request.opens_with(TASK)]
    assert [request.count(mark) for request in inside] == [0, 0, 0]
    assert [request.count(mark) for request in parents] == [0, 1]


def test_a_long_message_is_shown_by_its_head(lab: Lab) -> None:
    project, model, mark = lab.directory("frontend"), lab.model(), marker()
    message = lab.send("@frontend", mark + " and so on" * 900)
    lab.headless(model, "hello", project)
    assert model.last.count(mark) == 1
    assert model.last.count(f"telex read {message}")
    assert not model.last.count("persisted-output"), "the client replaced a text that was too long for it"
    assert model.last.count(" and so on") < 400


def test_a_session_alone_reads_nothing_of_telex(lab: Lab) -> None:
    project, model = lab.directory("frontend"), lab.model()
    model.script(bash("echo one"))
    lab.headless(model, "hello", project)
    assert len(model.requests) == 2
    assert said_of_telex(model.last) == ""
    assert "Telex" not in json.dumps(model.last.body)


def said_of_telex(request: Request, skill: str = "telex") -> str:
    """What a request says of telex besides the skill's one line in the client's own list."""
    line = next(row for row in SKILL.read_text().splitlines() if row.startswith("description: "))
    listed = f"{skill}: {line.removeprefix('description: ')}"
    body = json.dumps(request.body)
    assert body.count(listed) == 1, "the skill is listed once"
    rest = body.replace(listed, "")
    at = rest.find("telex")
    return rest[max(at - 60, 0) : at + 60] if at >= 0 else ""


SKILL_ALLOWED = ("--allowedTools", "Skill(telex)")  # what a person answers when the skill is first used


def test_the_model_finds_the_skill_and_what_it_allows_runs_unasked(lab: Lab) -> None:
    """Would break: a model that is told to "ask the api session" has only its client's own tool for that."""
    project, model, mark = lab.directory("frontend"), lab.model(), marker()
    lab.careful = True
    model.script(Turn(tool="Skill", input={"skill": "telex"}), bash(f"telex send @backend '{mark}'"))
    lab.headless(model, "tell backend that the schema moved", project, *SKILL_ALLOWED)
    assert "--kind request" in json.dumps(model.requests[1].body), "the skill's text came"
    [message] = lab.telex("log", "--all")["messages"]
    assert (message["sender"], message["body"]) == ("@frontend", mark)


def test_the_skill_does_not_allow_what_is_the_persons(lab: Lab) -> None:
    project, model = lab.directory("frontend"), lab.model()
    lab.telex("send", "@backend", "stays")
    lab.careful = True
    model.script(Turn(tool="Skill", input={"skill": "telex"}), bash("telex purge --open --yes"))
    lab.headless(model, "tidy up", project, *SKILL_ALLOWED)
    assert [one["body"] for one in lab.telex("log", "--all")["messages"]] == ["stays"]


def test_a_session_with_others_here_learns_its_name_in_one_line(lab: Lab) -> None:
    project, model = lab.directory("frontend"), lab.model()
    lab.telex("join", "#colleagues", name="colleague")
    lab.headless(model, "hello", project)
    (place,) = model.requests[0].where("@frontend")
    assert model.requests[0].count("@colleague") == 1, place


def _seconds(lab: Lab, ring: bool) -> float:
    project, model, mark = lab.directory("frontend"), lab.model(), marker()
    model.script(bash("sleep 2", first=(lambda: lab.send("@frontend", mark)) if ring else None))
    start = time.monotonic()
    lab.headless(model, "hello", project)
    seconds = time.monotonic() - start
    assert model.last.count(mark) == ring, "the wake-up hook took mail that only a tool or a prompt can show here"
    return seconds


def test_a_text_run_is_not_held_up(bare_lab: Lab) -> None:
    plain: list[float] = []
    ringing: list[float] = []
    while not ringing or min(ringing) >= HELD_UP_RATIO * min(plain):
        plain.append(_seconds(bare_lab, ring=False))
        install_telex(bare_lab)
        ringing.append(_seconds(bare_lab, ring=True))
        uninstall_telex(bare_lab)
        assert len(ringing) < HELD_UP_TRIES, f"with mail {min(ringing):.2f} s, without telex {min(plain):.2f} s"
    print(f"claude -p: {min(plain):.2f} s without telex, {min(ringing):.2f} s with mail in its only tool call")
    left = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert not re.findall(rf"^.*{re.escape(str(bare_lab.telex_home))}.*$", left, re.MULTILINE)


@pytest.mark.parametrize("before", [None, FOREIGN_SETTINGS], ids=["no settings", "somebody's settings"])
def test_uninstalling_leaves_the_settings_byte_for_byte(bare_lab: Lab, before: bytes | None) -> None:
    project = bare_lab.directory("frontend")
    if before:
        bare_lab.settings.write_bytes(before)
    install_telex(bare_lab)
    model, mark = bare_lab.model(), marker()
    bare_lab.send("@frontend", mark)
    bare_lab.headless(model, "hello", project)
    assert model.last.count(mark) == 1
    uninstall_telex(bare_lab)
    assert (bare_lab.settings.read_bytes() if bare_lab.settings.exists() else None) == before
    after, silent = bare_lab.model(), marker()
    bare_lab.send("@frontend", silent)
    bare_lab.headless(after, "hello", project)
    assert not after.last.count(silent)


def test_hooks_of_one_project_serve_that_project_only(bare_lab: Lab) -> None:
    inside, outside = bare_lab.directory("frontend"), bare_lab.directory("backend")
    install_telex(bare_lab, "project", inside)
    models: list[Model] = []
    for project in (inside, outside):
        models.append(bare_lab.model())
        mark = marker()
        bare_lab.send(f"@{project.name}", mark)
        bare_lab.headless(models[-1], "hello", project)
        assert models[-1].last.count(mark) == (1 if project is inside else 0)
