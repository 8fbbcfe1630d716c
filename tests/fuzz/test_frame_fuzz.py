"""No text that a sender writes gets out of the frame, and the fuzz that says so is able to notice."""

from __future__ import annotations

import subprocess
import sys
from types import ModuleType
from typing import Any

import pytest
from tests.fuzz import frame_fuzz

from telex.core import frame, text
from telex.core.message import Item

Patch = tuple[ModuleType, str, Any]


def test_no_hostile_text_gets_out_of_the_frame() -> None:
    assert frame_fuzz.run(30_000, seed=20) == (30_000, [])


def test_the_fuzz_runs_as_a_program_and_prints_what_it_found() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.frame_fuzz", "--cases", "200", "--seed", "3"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "200 cases, 0 escapes\n", "")


def _unquoted(body: str, prefix: str = "> ") -> list[str]:
    return [text.defused(text.visible(line, tabs=True)) for line in text.lines(body)]


def _of_another(item: Item, *rest: Any) -> str:
    other = Item(**{**item.as_dict(), "n": item.n + 1})
    return _HEADER(other, *rest)


def _whole(item: Item, header: str, room: int, cut: bool) -> str:
    return "\n".join([header, *text.quoted(item.body)]) + "\n"


_HEADER = frame._header
BUGS: dict[str, Patch] = {
    "lines end at LF only": (text, "lines", lambda body: body.split("\n")),
    "body lines have no prefix": (text, "quoted", _unquoted),
    "nothing is made visible": (text, "visible", lambda line, tabs=False: line),
    "an emoji selector always stays": (text, "_takes_emoji_style", lambda before, after: True),
    "no tag is defused": (text, "defused", lambda line: line),
    "only whole-name tags count": (text, "_TAGS", ("antml",)),
    "separators in a tag's name count": (text, "_SQUEEZED", {}),
    "full-width brackets do not count": (text, "_OPENERS", "<"),
    "a type argument may be in lower case": (
        text,
        "_is_type_argument",
        lambda before, after: before.isalnum(),
    ),
    "a directory keeps its quotes": (text, "place", lambda path, home, chars: path[:chars]),
    "names are taken as they are": (frame, "_word", lambda word, chars=24: word),
    "a client is named as the person is": (
        frame,
        "_about",
        lambda item, reader: ", the person at this machine",
    ),
    "a person elsewhere is named as the one here": (frame, "person", lambda sender: "the person at this machine"),
    "a header names another message": (frame, "_header", _of_another),
    "different senders share a header": (frame, "_origin", lambda item: ()),
    "everything may be answered": (frame, "_duty", lambda item, reader: f" Reply: telex reply m{item.n} '…'"),
    "a message is shown whole whatever its length": (frame, "_block", _whole),
    "what waits is not counted": (frame, "_waiting_only", lambda total, budget: frame.END),
    "the opening is missing": (frame, "_opening", lambda items: "telex:"),
    "the note names no message": (frame, "_note", lambda item, chars, data: "… more: telex read"),
}


@pytest.mark.parametrize("bug", BUGS)
def test_the_fuzz_catches_the_planted_bug(bug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    where, name, broken = BUGS[bug]
    monkeypatch.setattr(where, name, broken)
    _, wrong = frame_fuzz.run(5_000, seed=7, most=1)
    assert wrong, bug


def test_the_planted_bugs_are_what_was_caught() -> None:
    assert frame_fuzz.run(5_000, seed=7, most=1) == (5_000, [])
