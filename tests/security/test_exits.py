"""Nothing leaves raw: whatever a sender writes, each exit shows it visibly, or as escapes that JSON takes back.

What would break: text that a terminal obeys, or that a model reads and its person does not see.
"""

from __future__ import annotations

import json
import random

import pytest
from tests.support.cli import Shell

from telex.core import text

HOSTILE = [
    *(chr(code) for code in (0x01, 0x1B, 0x7F, 0x80, 0x85, 0x9B, 0x9D, 0xAD, 0x34F, 0x3164, 0xFEFF, 0xFFFC)),
    *(chr(code) for code in (0x200B, 0x200D, 0x200E, 0x2028, 0x2029, 0x202E, 0x2060, 0x2066, 0xFE01, 0x2800)),
    *(chr(code) for code in (0xE0001, 0xE0041, 0xE007F, 0xE0100, 0x1D173)),
]
EXITS = {
    "inbox --json": True,
    "inbox": False,
    "log --all --json": True,
    "log --all": False,
    "show m1 --json": True,
    "show m1": False,
    "search --all first --json": True,
    "export": True,
    "export --jsonl": True,
    "read m1 --json": True,
    "message all": False,
    "session poll --format json": True,
}


def body(seed: int) -> str:
    """A text full of what should not leave raw."""
    rng = random.Random(seed)
    return "first " + "".join(rng.choice([*HOSTILE, *'ab <\n"\\']) for _ in range(200)) + "."


def raw(said: str) -> list[str]:
    """The characters of an output that do something else than draw themselves."""
    found = {char for char in said if char not in "\n\t" and (not char.isprintable() or text.visible(char) != char)}
    return sorted(f"U+{ord(char):04X}" for char in found)


def strings(value: object) -> list[str]:
    """Every text in a value."""
    if isinstance(value, dict):
        return [one for part in value.values() for one in strings(part)]
    if isinstance(value, list):
        return [one for part in value for one in strings(part)]
    return [value] if isinstance(value, str) else []


@pytest.mark.parametrize("line", EXITS)
def test_no_exit_lets_a_hostile_body_out(shell: Shell, line: str) -> None:
    sent = body(sum(map(ord, line)))
    data = json.dumps({"x": sent})
    shell.telex("join", "#exits", name="api")
    done = shell.telex("send", "all", "--stdin", "--data", data, stdin=sent.encode(), name="ci")
    assert done.status == 0, done
    said = shell.telex(*line.split(), name="api")
    assert said.out
    assert raw(said.out + said.err) == []
    if EXITS[line]:
        assert sent in [one for found in map(json.loads, said.out.splitlines()) for one in strings(found)]


@pytest.mark.parametrize("char", HOSTILE, ids=ascii)
def test_an_error_names_a_word_visibly(shell: Shell, char: str) -> None:
    for words in (["show", f"m{char}1"], ["nonsense" + char], ["send", f"@a{char}b", "x", "--json"]):
        ran = shell.telex(*words)
        assert ran.status
        assert raw(ran.out + ran.err) == [], words


def test_the_difference_that_install_would_make_is_visible(shell: Shell) -> None:
    folder = shell.work / ".claude"
    folder.mkdir()
    hidden = "".join(HOSTILE)
    (folder / "settings.json").write_text(json.dumps({"a": hidden, "b": 1}, ensure_ascii=False, indent=2))
    ran = shell.telex("install", "claude", "--scope", "project", "--dry-run")
    assert "settings.json" in ran.out
    assert raw(ran.out + ran.err) == []


@pytest.mark.parametrize("seed", range(200))
def test_escaped_json_loses_nothing(seed: int) -> None:
    value = {"x": body(seed), "y": ["\ud800", chr(0x10FFFF), chr(0xA0)]}
    written = text.escaped(json.dumps(value, ensure_ascii=False))
    assert json.loads(written) == value
    assert raw(written) == []


@pytest.mark.parametrize("char", HOSTILE, ids=ascii)
def test_a_bypass_is_noticed(char: str) -> None:
    """Would break: the tests above, if they saw nothing."""
    assert raw(f"m1 {char}") != []
    if ord(char) >= 0x7F:
        assert raw(json.dumps({"x": char}, ensure_ascii=False)) != []
