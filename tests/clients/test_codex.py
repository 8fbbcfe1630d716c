"""Acceptance: real Codex CLI gets its mail at every moment it offers, once, and is woken when it is idle.

Each test asserts on what the model was asked. A request repeats the whole conversation, so a message that was
delivered once stands once in the last request.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator

import pytest
from tests.clients.codex_lab import CLIENT, ORDINARY, TRUSTED, CodexLab, program, shell
from tests.clients.lab import install_telex, marker, uninstall_telex
from tests.clients.model_server import DONE, Model, Request, Turn
from tests.clients.terminal import Terminal
from tests.clients.waiting import wait_for

from telex.clients.installer.inspection import inspect

pytestmark = pytest.mark.real_client

LOOK_SECONDS = 10.0  # a Codex without its daemon looks at its queue this often
DAEMON_WAKE_SECONDS = 3.0  # promised where Codex runs its sessions in its daemon, as it does by itself
WAKE_SECONDS = LOOK_SECONDS + 2.0
SETTLED_SECONDS = LOOK_SECONDS + 2.0  # a second wake-up would come within this time
INTERRUPTIBLE_SECONDS = 2.0  # after a tool has begun; an Escape that comes sooner is not always taken
OPENING = "telex, not the user"
FOREIGN_HOOKS = b'{ "hooks": {"Stop": [ {"hooks": [{"command": "true",  "type": "command"}]} ]} \n\n}'


@pytest.fixture
def bare_lab(tmp_path_factory: pytest.TempPathFactory, offline: None) -> Iterator[CodexLab]:
    """A machine with Codex CLI and without telex."""
    lab = CodexLab(tmp_path_factory.mktemp("machine"), program())
    try:
        yield lab
    finally:
        lab.close()


@pytest.fixture
def lab(bare_lab: CodexLab) -> CodexLab:
    """A machine on which a person ran `telex install codex`, and trusts its hooks."""
    install_telex(bare_lab, client=CLIENT)
    return bare_lab


def begun(lab: CodexLab, model: Model, name: str = "frontend") -> Terminal:
    """A session that a person has said hello to, idle again."""
    terminal = lab.terminal(model, lab.directory(name))
    terminal.type("hello")
    terminal.shows(DONE)
    lab.becomes(f"@{name}", "idle")
    return terminal


def output(model: Model) -> str:
    """What the model was told of its last tool call."""
    return str([item["output"] for item in model.last.body["input"] if item["type"] == "function_call_output"][-1])


def answers(text: str) -> Turn:
    """The agent answers as the frame told it to."""

    def command(request: Request) -> str:
        return f"telex reply {re.findall(r'telex reply (m[0-9]+)', json.dumps(request.body))[-1]} {text}"

    return shell(command)


def test_headless_every_moment_reaches_the_model_once(lab: CodexLab) -> None:
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


def test_a_session_alone_reads_nothing_of_telex(lab: CodexLab) -> None:
    project, model = lab.directory("frontend"), lab.model()
    lab.headless(model, "hello", project)
    # the path of the agent's shell is told to no model, so telex's own directory is not in it either
    assert [model.last.where(word) for word in ("telex", "Telex")] == [[], []]


def test_mail_between_two_prompts_is_in_the_next_one(lab: CodexLab) -> None:
    model, mark = lab.model(), marker()
    terminal = begun(lab, model)
    lab.send("@frontend", mark, "--quiet")
    terminal.type("and-then-now")
    assert model.asked_with("and-then-now").count(mark) == 1
    terminal.type("and-again-now")
    assert model.asked_with("and-again-now").count(mark) == 1


def test_an_idle_session_is_woken_and_told_by_whom(lab: CodexLab) -> None:
    model, mark = lab.model(), marker()
    begun(lab, model)
    sent = time.monotonic()
    message = lab.send("@frontend", mark)
    woken = model.asked_with(mark, WAKE_SECONDS)
    print(f"codex idle wake-up: {woken.at - sent:.2f} s from the start of the send to the model's request")
    assert (woken.count(mark), woken.count(f"{OPENING}: @sender wrote")) == (1, 1)
    wait_for("the record of the showing", lambda: lab.arrived(message))
    lab.becomes("@frontend", "idle")
    time.sleep(SETTLED_SECONDS)
    assert (len(model.requests), model.last.count(mark)) == (2, 1)


@pytest.mark.timed
def test_sessions_in_codexs_own_daemon_are_woken_at_once_and_apart(lab: CodexLab) -> None:
    web, api, model = lab.directory("web"), lab.directory("api"), lab.model()
    lab.trust(model)
    prompts, marks = [marker(), marker()], [marker(), marker()]
    for project, prompt in zip((web, api), prompts, strict=True):
        terminal = lab.terminal(model, project, *ORDINARY)
        terminal.type(prompt)
        terminal.shows(DONE)
        lab.becomes(f"@{project.name}", "idle")
    for name, prompt, mark in zip(("web", "api"), prompts, marks, strict=True):
        sent = time.monotonic()
        lab.send(f"@{name}", mark)
        woken = model.asked_with(mark)
        print(f"codex idle wake-up in its daemon: {woken.at - sent:.2f} s")
        assert woken.at - sent < DAEMON_WAKE_SECONDS
        # Would break: a bell, or a mark of who is busy, that all sessions of one process share.
        assert (woken.count(mark), woken.count(prompt)) == (1, 1)
    time.sleep(DAEMON_WAKE_SECONDS)
    assert len(model.requests) == 4


def test_a_burst_wakes_once(lab: CodexLab) -> None:
    model, marks = lab.model(), [marker() for _ in range(5)]
    begun(lab, model)
    for mark in marks:
        lab.send("@frontend", mark)
    woken = model.asked_with(marks[0], WAKE_SECONDS)
    assert [woken.count(mark) for mark in marks] == [1] * len(marks)
    time.sleep(SETTLED_SECONDS)
    assert (len(model.requests), model.last.count(OPENING)) == (2, 1)


def test_a_busy_session_reads_its_mail_between_tools_and_is_not_called(lab: CodexLab) -> None:
    model, mark = lab.model(), marker()
    terminal = begun(lab, model)
    model.script(shell("sleep 3", first=lambda: lab.send("@frontend", mark)), Turn(text="ready"))
    terminal.type("work")
    terminal.shows("ready")
    time.sleep(SETTLED_SECONDS)
    assert [request.count(mark) for request in model.requests] == [0, 0, 1]
    assert model.last.count(OPENING) == 0


def test_mail_that_a_person_was_shown_meanwhile_wakes_nobody(lab: CodexLab) -> None:
    model, mark = lab.model(), marker()
    terminal = begun(lab, model)
    lab.send("@frontend", mark)
    calls = lab.telex_home / "calls"
    wait_for("the call", lambda: list(calls.iterdir()))
    terminal.type("and-then-now")
    assert model.asked_with("and-then-now").count(mark) == 1
    # Would break: a model asked about mail that it has read. Codex cannot take a queued message back.
    terminal.shows("read meanwhile", WAKE_SECONDS + 5)
    time.sleep(1)
    assert (len(model.requests), list(calls.iterdir())) == (2, [])
    lab.becomes("@frontend", "idle")
    terminal.type("what-else-now")
    assert model.asked_with("what-else-now").count(mark) == 1


def test_the_person_sees_who_said_what(lab: CodexLab) -> None:
    model, mark = lab.model(), marker()
    terminal = lab.terminal(model, lab.directory("frontend"))
    terminal.type("hello")
    terminal.shows(DONE)
    lab.becomes("@frontend", "idle")
    lab.send("@frontend", f"{mark} is the port?", "--kind", "request", "--quiet", name="api")
    terminal.type("go on")
    terminal.shows(f"@api asks (m1): {mark} is the port?")
    assert model.asked_with("go on").count(mark) == 1


def test_what_does_not_wake_is_in_the_next_prompt(lab: CodexLab) -> None:
    model, note, ack = lab.model(), marker(), marker()
    terminal = begun(lab, model)
    lab.send("#frontend", note)
    lab.send("@frontend", ack, "--kind", "ack")
    time.sleep(SETTLED_SECONDS)
    assert len(model.requests) == 1
    terminal.type("and-then-now")
    found = model.asked_with("and-then-now")
    assert (found.count(note), found.count(ack)) == (1, 1)


def test_an_interrupted_session_is_idle_and_reads_its_mail_with_the_next_prompt(lab: CodexLab) -> None:
    model, mark, prompt = lab.model(), marker(), marker()
    terminal = begun(lab, model)
    model.script(shell("sleep 15"))
    terminal.type("take your time")
    model.asked_times(2)
    time.sleep(INTERRUPTIBLE_SECONDS)
    terminal.keys("Escape")
    terminal.shows("Conversation interrupted")
    lab.becomes("@frontend", "idle")
    lab.send("@frontend", mark)
    terminal.type(prompt)
    assert model.asked_with(prompt).count(mark) == 1
    time.sleep(SETTLED_SECONDS)
    assert (len(model.requests), model.last.count(mark)) == (3, 1)


def test_a_cleared_session_keeps_its_name(lab: CodexLab) -> None:
    model, mark = lab.model(), marker()
    terminal = begun(lab, model)
    lab.telex("who")
    terminal.type("/clear")
    wait_for("an empty screen", lambda: DONE not in terminal.screen(), instead=terminal.screen)
    terminal.type("where-were-we-now")
    terminal.shows(DONE)
    lab.becomes("@frontend", "idle")
    assert [name for name in lab.present() if "frontend" in name] == ["@frontend"]
    lab.send("@frontend", mark)
    woken = model.asked_with(mark, WAKE_SECONDS)
    assert (woken.count(mark), woken.count("where-were-we-now"), woken.count("hello")) == (1, 1, 0)


def test_a_session_cleared_in_the_daemon_keeps_its_name_beside_one_of_another_directory(lab: CodexLab) -> None:
    """Would break: a successor takes the newest session of the process for its predecessor, or nobody at all."""
    web, api, model = lab.directory("web"), lab.directory("api"), lab.model()
    lab.trust(model)
    terminals = [lab.terminal(model, project, *ORDINARY) for project in (web, api)]
    for terminal, project in zip(terminals, (web, api), strict=True):
        terminal.type("hello")
        terminal.shows(DONE)
        lab.becomes(f"@{project.name}", "idle")
    terminals[0].type("/clear")
    wait_for("an empty screen", lambda: DONE not in terminals[0].screen(), instead=terminals[0].screen)
    terminals[0].type("where-were-we-now")
    terminals[0].shows(DONE)
    lab.becomes("@web", "idle")
    assert {name for name in lab.present() if name.startswith(("@web", "@api"))} == {"@web", "@api"}
    mark = marker()
    lab.send("@web", mark)
    assert model.asked_with(mark, WAKE_SECONDS).count("where-were-we-now") == 1


def test_a_resumed_session_has_its_name_back_and_what_waited(lab: CodexLab) -> None:
    model, mark = lab.model(), marker()
    terminal = begun(lab, model)
    terminal.leave()
    key = re.findall(r"codex resume ([0-9a-f-]{36})", terminal.screen())[-1]
    lab.becomes("@frontend", "offline")
    message = lab.send("@frontend", mark)
    assert lab.states(message) == ["queued"]
    resumed = lab.terminal(model, lab.directory("frontend"), TRUSTED, "resume", key)
    resumed.type("go-on-now")
    assert model.asked_with("go-on-now").count(mark) == 1
    assert [name for name in lab.present() if "frontend" in name] == ["@frontend"]


def test_a_killed_session_is_offline_and_is_not_called(lab: CodexLab) -> None:
    model, mark = lab.model(), marker()
    terminal = begun(lab, model)
    terminal.kill()
    lab.becomes("@frontend", "offline")
    message = lab.send("@frontend", mark)
    assert lab.states(message) == ["queued"]
    assert list((lab.telex_home / "calls").iterdir()) == []


def test_a_subagent_neither_reads_its_parents_mail_nor_counts_as_a_person(lab: CodexLab) -> None:
    model, mark, task, order = lab.model(), marker(), marker(), marker()
    terminal = begun(lab, model)
    given = {"message": task, "agent_type": "default"}
    model.script(
        Turn(tool="spawn_agent", namespace="multi_agent_v1", input=given, when=order),
        shell("sleep 4", when=order),
        Turn(text="ready", when=order),
        shell("sleep 1", when=task, first=lambda: lab.send("@frontend", mark)),
    )
    terminal.type(order)
    assert model.asked_with(mark).count(order) == 1, "the subagent's conversation does not know what the person typed"
    terminal.shows("ready")
    assert lab.marks().count("p") == 2


def test_two_agents_hold_a_conversation_with_nobody_typing(lab: CodexLab) -> None:
    asker, helper = lab.model(), lab.model()
    question, answer = marker(), marker()
    helper.script(Turn(text="here"), answers(answer))
    asker.script(shell(f"telex send --kind request @api {question}"), Turn(text="asked"))
    begun_helper = lab.terminal(helper, lab.directory("api"))
    begun_helper.type("hello")
    begun_helper.shows("here")
    lab.becomes("@api", "idle")
    terminal = lab.terminal(asker, lab.directory("web"))
    terminal.type("ask api")
    terminal.shows("asked")
    assert helper.asked_with(question, WAKE_SECONDS).count(question) == 1
    assert asker.asked_with(answer, WAKE_SECONDS).count(answer) == 1


def test_untrusted_hooks_do_not_run_and_codex_says_so(lab: CodexLab) -> None:
    project, model, mark = lab.directory("frontend"), lab.model(), marker()
    lab.send("@frontend", mark)
    terminal = lab.terminal(model, project, *ORDINARY, wait=False)
    terminal.shows("Hooks need review")
    assert not lab.telex_home.joinpath("turns").exists() or not list((lab.telex_home / "turns").iterdir())


def test_status_says_whether_codex_trusts_the_hooks(lab: CodexLab) -> None:
    """Would break: another place, or another hash, in what Codex itself records of a hook."""

    def state() -> tuple[str, str]:
        found = inspect(CLIENT, "user", home=str(lab.telex_home), user_home=str(lab.home))
        return next((one.state, one.detail) for one in found if one.part == "hooks")

    model = lab.model()
    lab.directory("frontend")
    assert state()[0] == "not trusted" and "not trusted yet" in state()[1]
    lab.trust(model)
    lab.client_environment(model)  # writes the trust
    assert state() == ("installed", "")


def test_in_the_default_sandbox_a_send_says_what_to_do(lab: CodexLab) -> None:
    project, model, mark = lab.directory("frontend"), lab.model(), marker()
    lab.sandbox = "workspace-write"
    model.script(shell(f"telex send @api {mark}; echo status $?"))
    lab.headless(model, "write to api", project)
    said = output(model)
    assert "status 1" in said and "sandbox" in said and "MCP" in said, said


def test_with_the_home_as_a_writable_root_a_send_works_in_the_sandbox(lab: CodexLab) -> None:
    project, model, mark = lab.directory("frontend"), lab.model(), marker()
    lab.sandbox, lab.roots = "workspace-write", [str(lab.telex_home)]
    model.script(shell(f"telex send @api {mark}; echo status $?"))
    lab.headless(model, "write to api", project)
    assert "status 0" in output(model), output(model)
    assert lab.telex("log")["messages"][-1]["sender"] == "@frontend"


@pytest.mark.parametrize("before", [None, FOREIGN_HOOKS], ids=["no hooks", "somebody's hooks"])
def test_uninstalling_leaves_the_hooks_byte_for_byte(bare_lab: CodexLab, before: bytes | None) -> None:
    project = bare_lab.directory("frontend")
    if before:
        bare_lab.settings.write_bytes(before)
    install_telex(bare_lab, client=CLIENT)
    model, mark = bare_lab.model(), marker()
    bare_lab.send("@frontend", mark)
    bare_lab.headless(model, "hello", project)
    assert model.last.count(mark) == 1
    uninstall_telex(bare_lab, client=CLIENT)
    assert (bare_lab.settings.read_bytes() if bare_lab.settings.exists() else None) == before
    silent = marker()
    bare_lab.send("@frontend", silent)
    bare_lab.headless(model, "hello", project)
    assert not model.last.count(silent)


def test_hooks_of_one_project_serve_that_project_only(bare_lab: CodexLab) -> None:
    inside, outside = bare_lab.directory("frontend"), bare_lab.directory("backend")
    install_telex(bare_lab, "project", inside, client=CLIENT)
    for project in (inside, outside):
        model, mark = bare_lab.model(), marker()
        bare_lab.send(f"@{project.name}", mark)
        bare_lab.headless(model, "hello", project)
        assert model.last.count(mark) == (1 if project is inside else 0)
