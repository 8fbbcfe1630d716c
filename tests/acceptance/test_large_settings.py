"""A client's file of many megabytes: it is read a few times from end to end, whatever its size, and only telex's lines
are looked into. No time is asserted: what is counted is the characters that are parsed.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.acceptance.installing import Machine

from telex.clients.edit import json_edit
from telex.clients.installer import other_homes

MOST = {"install": 5, "install again": 4, "inspect": 1, "uninstall": 3}  # times that the file is read as JSON
CALLS_MOST = 500  # of the parser for one command, however many strings the file has


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def claudes_own_file(size: int) -> str:
    """As Claude Code keeps it: mostly what was typed, project by project."""
    history = [{"display": "x" * 150, "pastedContents": {}}] * 50
    projects = {f"/home/me/p{i}": {"history": history, "mcpServers": {}} for i in range(size // 10_000)}
    return json.dumps({"numStartups": 5, "projects": projects, "mcpServers": {"mine": {"command": "x"}}}, indent=2)


class Counted:
    """How much of it is parsed, and by how many calls."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.characters = self.calls = 0
        loads, value_at = json.loads, json_edit._value_at

        def counting(text: str | bytes, **options: Any) -> Any:
            self.characters, self.calls = self.characters + len(text), self.calls + 1
            return loads(text, **options)

        def counting_value(text: str, at: int) -> tuple[Any, int]:
            value, end = value_at(text, at)
            self.characters, self.calls = self.characters + end - at, self.calls + 1
            return value, end

        monkeypatch.setattr(json, "loads", counting)
        monkeypatch.setattr(json_edit, "_value_at", counting_value)

    def of(self, act: Callable[[], object], size: int) -> tuple[int, int]:
        """How often a command reads a file of that size from end to end, and its calls."""
        json_edit._seen.clear()
        json_edit.parse.cache_clear()
        self.characters = self.calls = 0
        act()
        return round(self.characters / size), self.calls


def counts(machine: Machine, counted: Counted, size: int) -> dict[str, tuple[int, int]]:
    path = machine.user / ".claude.json"
    before = claudes_own_file(size)
    path.write_text(before)
    acts: dict[str, Callable[[], object]] = {
        "install": lambda: machine.install(also=("mcp server",)),
        "install again": machine.install,
        "inspect": machine.inspect,
        "uninstall": machine.uninstall,
    }
    found = {name: counted.of(act, len(before)) for name, act in acts.items()}
    assert path.read_text() == before
    return found


@pytest.mark.parametrize("size", [300_000, 3_000_000])
def test_a_large_file_is_read_a_few_times_whatever_its_size(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    found = counts(machine, Counted(monkeypatch), size)
    assert {name: times <= MOST[name] for name, (times, _) in found.items()} == dict.fromkeys(MOST, True), found
    assert all(calls <= CALLS_MOST for _, calls in found.values()), found


def test_reading_it_anew_each_time_is_noticed(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The fault planted: what was just checked is parsed once more to look into it."""
    monkeypatch.setattr(json_edit, "_remember", lambda _, read: read)
    found = counts(machine, Counted(monkeypatch), 300_000)
    assert any(times > MOST[name] for name, (times, _) in found.items()), found


def test_looking_into_every_string_is_noticed(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The fault planted: each string is decoded to see whether it is a line of some telex."""
    monkeypatch.setattr(other_homes, "_MARKS", ("",))
    found = counts(machine, Counted(monkeypatch), 300_000)
    assert any(calls > CALLS_MOST for _, calls in found.values()), found


def test_a_home_is_found_in_any_spelling_of_a_line() -> None:
    """What is passed over has no line of telex in it."""
    for line in ("/usr/bin/python3 -I -S /x/.telex/bin/hook.py claude Stop || exit 0", "/x/.telex/bin/hook.py"):
        for text in (json.dumps({"a": line}), json.dumps({"a": line}).replace("/", "\\/")):
            assert other_homes.homes(text, "/home/me") == {"/x/.telex"}, text
