"""The nine tools, called as the MCP server calls them: for the session that it has made sure of."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.support.machine import Machine, Seat

from telex import limits
from telex.compat.ipc import actions, sharing, tools
from telex.compat.ipc.tools import Answer
from telex.errors import StoreBusy

NAMES = {
    *("register", "send", "broadcast", "check", "list_instances", "share_file", "share_command", "rename"),
    "auto_process",
}


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    (tmp_path / "user").mkdir()


@pytest.fixture
def alice(machine: Machine) -> Seat:
    """A session that registered as alice."""
    [seat] = machine.named("alice")
    use(seat, "register", instance_id="alice")
    return seat


@pytest.fixture
def bob(machine: Machine) -> Seat:
    """A session that registered as bob."""
    [seat] = machine.named("bob")
    use(seat, "register", instance_id="bob")
    return seat


def use(seat: Seat, name: str, /, **arguments: Any) -> str:
    """A call whose answer arrives; what it says."""
    answer = tools.call(seat, name, arguments)
    if answer.taking:
        answer.taking.finish(True)
    return answer.text


def failed(seat: Seat, name: str, /, **arguments: Any) -> str:
    """A call that goes wrong; what it says."""
    answer: Answer = tools.call(seat, name, arguments)
    assert answer.is_error
    assert answer.taking is None
    return answer.text


def test_the_tools_are_the_originals() -> None:
    assert {tool.name for tool in tools.TOOLS} == NAMES
    for tool in tools.TOOLS:
        assert tool.description
        assert tool.input_schema["type"] == "object"
        assert set(tool.input_schema.get("required", ())) <= set(tool.input_schema["properties"])


def test_what_reads_a_file_or_runs_a_command_is_marked_so() -> None:
    marks = {tool.name: tool.annotations for tool in tools.TOOLS}
    assert marks["share_command"]["destructiveHint"] is True
    assert marks["share_command"]["openWorldHint"] is True
    assert "Run a command" in marks["share_command"]["title"]
    assert "Read a file" in marks["share_file"]["title"]
    assert all("title" in one and "readOnlyHint" in one for one in marks.values())
    assert [name for name, one in marks.items() if one["readOnlyHint"]] == ["list_instances"]


def test_a_session_that_registers_takes_the_name(machine: Machine) -> None:
    [seat] = machine.named("frontend")
    answer = json.loads(use(seat, "register", instance_id="Bob"))
    assert (answer["status"], answer["message"]) == ("ok", "Registered Bob")
    assert len(answer["session_token"]) == 43
    assert seat.at == "@bob"
    machine.person.send("@bob", "for the hook")
    assert "for the hook" in seat.hook()


def test_answers_are_json_with_two_spaces(alice: Seat, bob: Seat) -> None:
    said = use(alice, "send", from_id="alice", to_id="bob", content="hello")
    assert said == '{\n  "status": "ok",\n  "message": "Message sent"\n}'
    assert json.loads(use(alice, "broadcast", from_id="alice", content="all"))["message"] == "Broadcast to 1 instances"
    found = json.loads(use(bob, "list_instances"))
    assert [one["id"] for one in found["instances"]] == ["alice", "bob"]


def test_mail_is_listed_as_there(alice: Seat, bob: Seat) -> None:
    use(alice, "send", from_id="alice", to_id="bob", content="plain")
    use(alice, "send", from_id="alice", to_id="bob", content="with data", data={"a": 1})
    said = use(bob, "check", instance_id="bob").splitlines()
    times = [line for line in said if line.startswith("Time: ")]
    assert said == [
        *("New messages:", "", "From: alice", times[0], "Content: plain"),
        *("", "From: alice", times[1], "Content: with data", "Data: {", '  "a": 1', "}"),
    ]
    assert use(bob, "check", instance_id="bob") == "No new messages"


def test_mail_stays_unread_until_the_answer_has_left(alice: Seat, bob: Seat) -> None:
    use(alice, "send", from_id="alice", to_id="bob", content="hello")
    answer = tools.call(bob, "check", {"instance_id": "bob"})
    assert bob.unread() == 1
    assert answer.taking is not None
    answer.taking.finish(False)
    assert "Content: hello" in use(bob, "check", instance_id="bob")
    assert bob.unread() == 0


def test_a_check_that_fails_does_not_read_like_an_empty_inbox(
    alice: Seat, bob: Seat, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Would break: every error of check read "No new messages" (B.2.2, B.2.6)."""

    def busy(**_: object) -> None:
        raise StoreBusy(seconds=10)

    monkeypatch.setattr(bob, "take", busy)
    assert failed(bob, "check", instance_id="bob").startswith("Error: the store was locked for 10 s")
    assert failed(bob, "auto_process", instance_id="bob").startswith("Error checking messages: ")
    assert alice.unread() == 0


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("send", {"from_id": "alice", "to_id": "bob", "content": "x"}),
        ("broadcast", {"from_id": "alice", "content": "x"}),
        ("check", {"instance_id": "alice"}),
        ("auto_process", {"instance_id": "alice"}),
        ("rename", {"old_id": "alice", "new_id": "x"}),
        ("share_file", {"from_id": "alice", "to_id": "bob", "filepath": "/etc/hostname"}),
        ("share_command", {"from_id": "alice", "to_id": "bob", "command": "true"}),
    ],
)
def test_an_id_that_is_not_ones_own_is_refused(machine: Machine, alice: Seat, name: str, arguments: Any) -> None:
    [other] = machine.named("other")
    assert failed(other, name, **arguments) == "Error: Not registered. Please register first."
    use(other, "register", instance_id="carol")
    said = failed(other, name, **arguments)
    assert "this session is carol, not alice" in said or "Instance alice is not yours to rename" in said
    assert alice.at == "@alice"


def test_ones_old_id_and_ones_telex_name_are_ones_own(machine: Machine, bob: Seat) -> None:
    [web] = machine.named("web")
    assert "Message sent" in use(web, "send", from_id="web", to_id="bob", content="not registered, but known")
    use(web, "rename", old_id="web", new_id="site")
    assert "Message sent" in use(web, "send", from_id="web", to_id="bob", content="by the old id")
    assert [one.sender for one in bob.read()][-1] == "@site"


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("send", {"from_id": "a", "to_id": "b"}, "'content' is a required property"),
        ("check", {}, "'instance_id' is a required property"),
        ("send", {"from_id": "a", "to_id": "b", "content": 5}, "5 is not of type 'string'"),
        ("send", {"from_id": "a", "to_id": "b", "content": "x", "data": "y"}, "\"y\" is not of type 'object'"),
    ],
)
def test_what_does_not_fit_the_schema_is_said(alice: Seat, name: str, arguments: Any, words: str) -> None:
    assert failed(alice, name, **arguments) == f"Input validation error: {words}"


def test_an_unknown_tool_is_said(alice: Seat) -> None:
    assert failed(alice, "dance") == "Unknown tool: dance"


def test_the_status_is_there(alice: Seat, bob: Seat) -> None:
    """Would break: ipc://status always answered {"error": "Unknown resource"} (B.2.5)."""
    bob.send("@alice", "hello")
    found = json.loads(tools.status(alice))
    assert (found["status"], found["instance_id"], found["unread"]) == ("ok", "alice", 1)
    assert [one["id"] for one in found["instances"]] == ["alice", "bob"]


def test_the_texts_of_other_faces_are_listed_too(machine: Machine, bob: Seat) -> None:
    machine.person.send("@bob", "a question", kind="request")
    said = use(bob, "check", instance_id="bob")
    assert "From: dana" in said
    assert '"kind": "request"' in said


# --- auto_process -----------------------------------------------------------------------------------------


def test_auto_process_shows_whole_what_it_marks_read(alice: Seat, bob: Seat) -> None:
    """Would break: it consumed all and showed 50 characters of each (B.2.12)."""
    use(alice, "send", from_id="alice", to_id="bob", content="short")
    use(alice, "send", from_id="alice", to_id="bob", content="long " * 20 + "\nFrom: boss\nend", data={"k": "v"})
    said = use(bob, "auto_process", instance_id="bob").splitlines()
    assert said[0] == "Auto-processed 2 message(s):"
    assert said[1] == "  1. From alice: short... [Acknowledged]"
    assert said[2].startswith("  2. From alice: long long")
    assert "     > " + "long " * 20 in said
    assert "     > From: boss" in said
    assert '     data>   "k": "v"' in said
    assert use(bob, "auto_process", instance_id="bob") == "No messages to process."


def test_auto_process_answers_the_three_that_it_answered_there(machine: Machine, bob: Seat) -> None:
    [claude, carol] = machine.named("claude", "carol")
    for seat in (claude, carol):
        seat.send("@bob", "please look at the failing build of today")
    answer = tools.call(bob, "auto_process", {"instance_id": "bob"})
    assert claude.unread() == 0
    assert answer.taking is not None
    answer.taking.finish(True)
    [ack] = claude.read()
    assert ack.kind == "ack"
    assert "Content received: 'please look at the failing bui...'" in ack.body
    assert json.loads(ack.data) == {"auto_processed": True}
    assert carol.unread() == 0


# --- sharing ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 10, 5_000, 200_000])
def test_a_file_is_shared_whatever_its_size(tmp_path: Path, alice: Seat, bob: Seat, size: int) -> None:
    """Would break: a file of 5 KB failed, and was said to be shared (B.2.1)."""
    path = tmp_path / "notes.txt"
    path.write_text("é" * (size // 2))
    said = use(alice, "share_file", from_id="alice", to_id="bob", filepath=str(path), description="notes")
    assert said.startswith('File shared: {"status": "ok"')
    [one] = actions.check(bob).messages
    data = one["message"]["data"]
    assert one["message"]["content"].startswith(f"Shared file: {path}")
    assert (data["type"], data["filepath"], data["description"]) == ("file", str(path), "notes")
    if size < limits.IPC_LARGE_BYTES // 2:
        assert data["content"] == path.read_text()
    else:
        assert path.read_text() in Path(data["large_message_file"]).read_text()


def test_a_share_that_was_not_sent_is_not_said_to_be(tmp_path: Path, alice: Seat) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("x")
    said = failed(alice, "share_file", from_id="alice", to_id="no one", filepath=str(path))
    assert said == "Error: not shared: Invalid recipient ID format"


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo, lambda path: path.write_bytes(b"\xff\xfe"), lambda _: None])
def test_what_is_no_text_file_is_not_shared(tmp_path: Path, alice: Seat, make: Callable[[Path], object]) -> None:
    path = tmp_path / "thing"
    make(path)
    said = failed(alice, "share_file", from_id="alice", to_id="bob", filepath=str(path))
    assert said.startswith("Error sharing file: ")


def test_what_the_person_forbids_is_not_read_by_any_way(machine: Machine, alice: Seat, tmp_path: Path) -> None:
    """Would break: share_file read any path (B.2.13)."""
    home = tmp_path / "user"
    (home / ".ssh").mkdir()
    (home / ".ssh" / "id_ed25519").write_text("key")
    (home / "key").symlink_to(home / ".ssh" / "id_ed25519")
    (home / "folder").symlink_to(home / ".ssh")
    (home / ".env").write_text("SECRET=1")
    paths = [home / ".ssh" / "id_ed25519", home / "key", home / "folder" / "id_ed25519", home / ".env"]
    paths += [home / "folder" / ".." / ".ssh" / "id_ed25519", Path(machine.home) / "telex.db"]
    for path in paths:
        said = failed(alice, "share_file", from_id="alice", to_id="bob", filepath=str(path))
        assert "Error sharing file: " in said
        assert "forbids" in said or "telex's own files are not shared" in said, path
    assert "forbids" in failed(alice, "share_file", from_id="alice", to_id="bob", filepath="~/.ssh/id_ed25519")


def test_the_lists_are_the_persons(machine: Machine, alice: Seat, tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("x")
    machine.person.set_setting("ipc_share_deny", f"{tmp_path}/*.txt")
    machine.person.set_setting("ipc_command_deny", "echo:py*")
    assert "forbids" in failed(alice, "share_file", from_id="alice", to_id="bob", filepath=str(path))
    for command in ("echo x", "/bin/echo x", "python3 -c 1"):
        assert "forbids" in failed(alice, "share_command", from_id="alice", to_id="bob", command=command)
    for name in ("ipc_share_deny", "ipc_command_deny"):
        machine.person.set_setting(name, "*")
    assert "forbids *" in failed(alice, "share_file", from_id="alice", to_id="bob", filepath="/etc/hostname")
    assert "forbids *" in failed(alice, "share_command", from_id="alice", to_id="bob", command="true")
    machine.person.set_setting("ipc_share_deny", "none")
    assert use(alice, "share_file", from_id="alice", to_id="bob", filepath=str(path)).startswith("File shared")


def test_a_command_runs_without_a_shell(alice: Seat, bob: Seat) -> None:
    command = "printf '%s|' 'a b' '$HOME' ';' 'ls'"
    said = use(alice, "share_command", from_id="alice", to_id="bob", command=command, description="d")
    assert said.startswith('Command output shared: {"status": "ok"')
    [one] = actions.check(bob).messages
    assert one["message"]["content"] == f"Command output: {command}"
    assert one["message"]["data"] == {
        "type": "command",
        "command": command,
        "stdout": "a b|$HOME|;|ls|",
        "stderr": "",
        "returncode": 0,
        "description": "d",
    }


@pytest.mark.parametrize("command", ["sudo ls", "/usr/bin/sudo ls", "rm -rf x", "shutdown now", "dd if=/dev/zero"])
def test_some_commands_are_refused_from_the_start(alice: Seat, command: str) -> None:
    assert "forbids" in failed(alice, "share_command", from_id="alice", to_id="bob", command=command)


def test_a_command_that_cannot_be_is_said(alice: Seat) -> None:
    said = failed(alice, "share_command", from_id="alice", to_id="bob", command="echo 'open")
    assert said == "Invalid command format: No closing quotation"
    assert failed(alice, "share_command", from_id="alice", to_id="bob", command=" ").startswith("Invalid command")
    said = failed(alice, "share_command", from_id="alice", to_id="bob", command="no-such-program-here")
    assert said.startswith("Error executing command: [Errno ")


def test_a_command_that_takes_too_long_is_ended_with_its_children(
    alice: Seat, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "IPC_COMMAND_SECONDS", 0.5)
    mark = tmp_path / "pid"
    command = f"sh -c 'sleep 60 & echo $! > {mark}; wait'"
    said = failed(alice, "share_command", from_id="alice", to_id="bob", command=command)
    assert said.startswith("Error executing command: it took longer than")
    child = int(mark.read_text())
    end = time.monotonic() + 10
    while Path(f"/proc/{child}/stat").exists() and b") Z" not in Path(f"/proc/{child}/stat").read_bytes():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_of_a_flood_of_output_only_the_beginning_is_kept(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "IPC_OUTPUT_BYTES", 1_000)
    found = sharing.command_message(machine.person, "head -c 3000000 /dev/zero", "")
    assert len(found["data"]["stdout"]) == 1_000
    assert found["data"]["returncode"] == 0
