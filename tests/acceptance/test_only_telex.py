"""`telex install claude --only`: the client's own tools for messages are denied beside what their owner denies.

What would break: an owner's entry that goes with telex's; a settings file that does not come back as it was.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.acceptance.installing import Machine, actions
from tests.support.cli import Shell

from telex.clients.adapters.claude import BUILT_IN
from telex.clients.edit.denials import Denials
from telex.clients.installer.inspection import inspect
from telex.clients.types import DENIED, HOOKS, LINE, DenyFile
from telex.errors import Usage

WITH = (DENIED,)
LAYOUTS = {
    "empty": "{}",
    "no permissions": '{\n  "model": "opus",\n  "n": 1.0e5\n}\n',
    "allowed only": '{"permissions":{"allow":["Bash(ls)"]},"a":1}',
    "an empty list": '{\n\t"permissions": {\n\t\t"deny": []\n\t}\n}',
    "an empty object": '{"permissions": {}}',
    "others denied": '{\n  "permissions": {\n    "deny": [\n      "Read(./.env)"\n    ],\n    "allow": []\n  }\n}\n',
    "others on one line": '{\n  "permissions": {"deny": ["Read(./.env)", "WebFetch"]}\n}',
    "one of them denied": '{"permissions": {"deny": ["SendMessage", "WebFetch"]}}',
    "with windows' line ends": '{\r\n  "permissions": {\r\n    "deny": ["WebFetch"]\r\n  }\r\n}\r\n',
    "other escapes": '{"permissions": {"deny": ["Web\\u0046etch", "Bash(\\/x)"]}}',
}


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def denied(machine: Machine) -> list[str]:
    found: list[str] = json.loads(machine.settings.read_text())["permissions"]["deny"]
    return found


def permissions(machine: Machine) -> Any:
    return json.loads(machine.settings.read_text()).get("permissions")


def test_it_comes_only_where_it_is_asked_for_and_stays_up_to_date(machine: Machine) -> None:
    machine.install()
    assert permissions(machine) is None and DENIED not in machine.inspect()
    machine.install(also=WITH)
    assert denied(machine) == ["ListAgents", "SendMessage"]
    assert set(actions(machine.install()).values()) == {"unchanged"}
    found = machine.inspect()[DENIED]
    assert (found.state, found.detail) == ("installed", "ListAgents, SendMessage")
    with pytest.raises(Usage):
        machine.install("project", also=WITH)


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS.keys())
@pytest.mark.parametrize("first", [False, True], ids=["at once", "after the hooks"])
def test_each_owners_file_comes_back_byte_for_byte(machine: Machine, layout: str, first: bool) -> None:
    before = machine.write(layout)
    owners = (json.loads(layout).get("permissions") or {}).get("deny", [])
    if first:
        machine.install()
    machine.install(also=WITH)
    assert denied(machine) == [*owners, *(tool for tool in BUILT_IN if tool not in owners)]
    machine.uninstall()
    assert machine.settings.read_bytes() == before


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS.keys())
def test_it_goes_alone_too_and_leaves_the_hooks(machine: Machine, layout: str) -> None:
    before = machine.write(layout)
    machine.install()
    without = machine.settings.read_bytes()
    machine.install(also=(*WITH, LINE))
    machine.uninstall(only=(LINE,))
    machine.uninstall(only=WITH)
    assert machine.settings.read_bytes() == without
    assert machine.inspect()["hooks"].state == "installed" and DENIED not in machine.inspect()
    machine.uninstall()
    assert machine.settings.read_bytes() == before


def test_the_hooks_go_alone_and_the_denial_stays_until_it_is_taken_out(machine: Machine) -> None:
    """What installing the plugin does to the settings."""
    machine.install(also=WITH)
    machine.uninstall(only=(HOOKS,))
    assert denied(machine) == list(BUILT_IN) and machine.inspect()[DENIED].state == "installed"
    machine.uninstall()
    assert not machine.settings.exists()


def test_what_the_owner_denied_is_never_taken_out(machine: Machine) -> None:
    """Would break: an uninstall that knows its entries by their text."""
    before = machine.write(json.dumps({"permissions": {"deny": list(BUILT_IN)}}))
    machine.install(also=WITH)
    assert DENIED not in machine.inspect(), "it is not telex's"
    machine.uninstall(only=WITH)
    assert denied(machine) == list(BUILT_IN)
    machine.uninstall()
    assert machine.settings.read_bytes() == before


def also_denied(value: dict[str, Any]) -> None:
    value["permissions"]["deny"].insert(1, "WebFetch")


def a_model(value: dict[str, Any]) -> None:
    value["model"] = "opus"


def one_taken_out(value: dict[str, Any]) -> None:
    value["permissions"]["deny"].remove("ListAgents")


EDITS: dict[str, tuple[Callable[[dict[str, Any]], None], dict[str, Any]]] = {
    "another entry": (also_denied, {"permissions": {"deny": ["WebFetch"]}}),
    "another member": (a_model, {"model": "opus"}),
    "one of the two taken out": (one_taken_out, {}),
}


@pytest.mark.parametrize("again", [False, True], ids=["", "installed again"])
@pytest.mark.parametrize(("edit", "left"), EDITS.values(), ids=EDITS.keys())
def test_what_the_owner_changed_since_stays_changed(
    machine: Machine, edit: Callable[[dict[str, Any]], None], left: dict[str, Any], again: bool
) -> None:
    machine.write('{"a": 1}')
    machine.install(also=WITH)
    machine.edit(edit)
    if again:
        machine.install()
        assert set(BUILT_IN) <= set(denied(machine))
    machine.uninstall()
    assert json.loads(machine.settings.read_text()) == {"a": 1, **left}


def test_an_entry_that_was_taken_out_is_told(machine: Machine) -> None:
    machine.install(also=WITH)
    machine.edit(one_taken_out)
    found = machine.inspect()[DENIED]
    assert (found.state, found.detail) == ("drifted", "ListAgents taken out; 'telex install' puts it back")
    machine.install()
    assert machine.inspect()[DENIED].state == "installed"


@pytest.mark.parametrize("there", [7, [], "deny", None, {"deny": "SendMessage"}, {"deny": {}}], ids=repr)
def test_a_form_that_telex_does_not_know_is_refused_in_words_and_stays(machine: Machine, there: object) -> None:
    before = machine.write(json.dumps({"permissions": there}))
    changes = machine.install(also=WITH)
    detail = next(one.detail for one in changes if one.path == str(machine.settings))
    assert "left as it is" in detail and "permissions" in detail
    assert permissions(machine) == there and machine.inspect()["hooks"].state == "installed"
    machine.uninstall()
    assert machine.settings.read_bytes() == before


def test_a_part_that_knows_its_entries_by_their_text_is_noticed(machine: Machine) -> None:
    """Would break: the tests above, if they saw nothing. The planted part takes out an owner's entry."""
    piece = DenyFile(path=str(machine.settings), tools=BUILT_IN)
    text = json.dumps({"permissions": {"deny": ["SendMessage"]}})

    class ByText(Denials):
        def _added(self, text: str, made: list[str]) -> list[str]:
            return self.there(text)

    assert Denials(piece).taken(text, []) == text
    assert ByText(piece).taken(text, []) != text


@pytest.mark.parametrize(("answer", "written"), [("n", False), ("y", True)])
def test_the_person_is_asked_first_and_told_what_it_takes(shell: Shell, answer: str, written: bool) -> None:
    said = shell.answered(answer, "install", "claude", "--only")
    assert b"write this?" in said and b"subagents" in said
    assert (shell.home / ".claude" / "settings.json").exists() == written


def test_without_a_terminal_it_takes_a_yes(shell: Shell) -> None:
    assert shell.telex("install", "claude", "--only", "--json").error["code"] == "nobody-to-ask"
    assert not shell.telex_home.exists()
    assert shell.telex("install", "claude", "--only", "--yes").status == 0
    assert shell.telex("install", "claude", "--only").status == 0, "there is nothing to ask"
    assert "ListAgents, SendMessage" in shell.telex("status").out
    assert shell.telex("uninstall", "claude", "--only").status == 0
    assert "permissions" not in json.loads((shell.home / ".claude" / "settings.json").read_text())


def test_it_stands_in_the_settings_beside_the_plugin(shell: Shell) -> None:
    settings = shell.home / ".claude" / "settings.json"
    shell.telex("install", "claude", "--only", "--yes")
    shell.telex("install", "claude", "--as-plugin")
    found = inspect("claude", "user", home=str(shell.telex_home), user_home=str(shell.home))
    assert {one.part: one.state for one in found}[DENIED] == "installed"
    assert json.loads(settings.read_text())["permissions"] == {"deny": list(BUILT_IN)}
    shell.telex("uninstall", "claude")
    assert not settings.exists() or not json.loads(settings.read_text())
