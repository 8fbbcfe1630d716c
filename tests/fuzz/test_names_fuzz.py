"""No word gets past the grammar of names, and the fuzz that says so is able to notice."""

from __future__ import annotations

import subprocess
import sys
from types import ModuleType
from typing import Any

import pytest
from tests.fuzz import names_fuzz

from telex import limits
from telex.core import names
from telex.errors import NameInvalid
from telex.fs import bells

Patch = tuple[ModuleType, str, Any]


def test_no_hostile_word_is_taken_wrongly() -> None:
    assert names_fuzz.run(30_000, seed=20) == (30_000, [])


def test_the_fuzz_runs_as_a_program_and_prints_what_it_found() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.names_fuzz", "--cases", "500", "--seed", "3"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "500 cases, 0 wrong\n", "")


class _Sloppy(dict[int, int]):
    """Folds whatever Unicode calls a capital."""

    def __missing__(self, code: int) -> int:
        lower = chr(code).lower()
        return ord(lower) if len(lower) == 1 else code


def _loose(text: str) -> bool:
    return 0 < len(text) <= 64 and all(char.isalnum() or char in "._-" for char in text) and text[0] not in "._-"


def _unfolded(text: str) -> str:
    if not names.is_name(text):
        raise NameInvalid(name=ascii(text[:64]), advice="")
    return text


def _echoing(text: str) -> str:
    name = text.translate(names._FOLDED)
    if not names.is_name(name):
        raise NameInvalid(name=text, advice="")
    return name


_SLUG, _TARGETS = names.slug, names.parse_targets
BUGS: dict[str, Patch] = {
    "any letter of Unicode will do": (names, "is_name", _loose),
    "capitals of all alphabets are folded": (names, "_FOLDED", _Sloppy()),
    "capitals stay": (names, "fold", _unfolded),
    "an error repeats the word as it is": (names, "fold", _echoing),
    "nothing is reserved": (names, "RESERVED", ()),
    "a name may be a character longer": (limits, "NAME_CHARS", 65),
    "a name may begin with a dot": (names, "_FIRST", names._REST),
    "a slash is a letter": (names, "_REST", names._REST | {"/"}),
    "what is mended keeps its dots": (names, "slug", lambda text, default="session": _SLUG(text, default) + "."),
    "mending empties a word": (names, "slug", lambda text, default="session": ""),
    "a twin is longer than a name": (names, "twin", lambda name, number: f"{name}-{number}"),
    "every twin is the same": (names, "twin", lambda name, number: name),
    "a recipient counts twice": (names, "parse_targets", lambda text: _TARGETS(text) * 2),
    "an id is its own bell": (bells, "bell_name", lambda key: key),
}


@pytest.mark.parametrize("bug", BUGS)
def test_the_fuzz_catches_the_planted_bug(bug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    where, name, broken = BUGS[bug]
    monkeypatch.setattr(where, name, broken)
    _, wrong = names_fuzz.run(5_000, seed=7, most=1)
    assert wrong, bug


def test_the_planted_bugs_are_what_was_caught() -> None:
    assert names_fuzz.run(5_000, seed=7, most=1) == (5_000, [])
