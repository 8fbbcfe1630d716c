"""T18: hostile text, framed or listed, does to a terminal what plain text does, and nothing else.

The terminal is pyte. Every event that it derives from the text is recorded; only drawing, line ends and tabs may
occur. After each line the cursor must be where the widths of that line's characters put it.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import cast

import pyte
import pytest
from tests.fuzz.frame_fuzz import NOW_MS, hostile_text, random_case
from wcwidth import wcwidth

from telex.core import text
from telex.core.frame import END, frame

CASES = 2_000
COLUMNS, LINES = 9_000, 2_000  # nothing wraps and nothing scrolls, so the cursor's place is a plain sum
TAB = 8
PLAIN = {"draw", "linefeed", "carriage_return", "tab"}


class Events:
    """Listens to a stream and keeps the name of every event."""

    def __init__(self) -> None:
        self.seen: set[str] = set()

    def __getattr__(self, event: str) -> Callable[..., None]:
        return lambda *_, **__: self.seen.add(event)


class Terminal:
    """A screen, and what the text told it to do."""

    def __init__(self) -> None:
        self.events = Events()
        self.screen = pyte.Screen(COLUMNS, LINES)
        self._streams = [pyte.Stream(self.screen), pyte.Stream(cast(pyte.Screen, self.events))]

    def clear(self) -> None:
        self.screen.reset()
        self.events.seen.clear()

    def feed(self, piece: str) -> None:
        for stream in self._streams:
            # pyte drops what follows a character of no width within one piece
            for part in [piece] if piece.isascii() else piece:
                stream.feed(part)

    def row(self, at: int, chars: int) -> str:
        return "".join(self.screen.buffer[at][column].data for column in range(chars))

    def complaints(self, shown: str) -> list[str]:
        """What a text did that plain text does not."""
        self.clear()
        wrong = []
        for at, row in enumerate(shown.split("\n")):
            self.feed(row)
            cursor = self.screen.cursor
            if (cursor.y, cursor.x) != (at, width(row)):
                wrong.append(f"cursor at {cursor.y}, {cursor.x} after line {at}: {row!a}")
            self.feed("\r\n")
        if self.events.seen - PLAIN:
            wrong.append(f"events {self.events.seen - PLAIN}")
        if self.screen.title or self.screen.icon_name:
            wrong.append("the title was changed")
        return wrong


def width(row: str) -> int:
    column = 0
    for char in row:
        column = column // TAB * TAB + TAB if char == "\t" else column + max(wcwidth(char), 0)
    return column


@pytest.fixture(scope="module")
def terminal() -> Terminal:
    return Terminal()


def test_a_frame_only_draws(terminal: Terminal) -> None:
    for number in range(CASES):
        case = random_case(random.Random(number))
        framed = frame(case.items, "frontend", NOW_MS, case.budget, case.waiting, case.home)
        assert terminal.complaints(framed.text) == [], number
        if framed.shown:
            assert terminal.row(framed.text.count("\n"), len(END)) == END, number
            assert terminal.row(0, 7) == "telex: ", number


def test_a_preview_only_draws(terminal: Terminal) -> None:
    for number in range(CASES):
        body = hostile_text(random.Random(number))
        assert terminal.complaints(text.preview(body, 100)) == [], ascii(body)


def test_a_quoted_body_and_a_place_only_draw(terminal: Terminal) -> None:
    for number in range(CASES // 4):
        body = hostile_text(random.Random(number))
        assert terminal.complaints("\n".join(text.quoted(body)[:LINES])) == [], ascii(body)
        assert terminal.complaints(text.place(body, "", 60)) == [], ascii(body)


@pytest.mark.parametrize(
    ("raw", "complaint"),
    [
        ("\x1b]0;owned\x07", "events {'set_"),
        ("\x1b[2J", "events {'erase_in_display'}"),
        ("\x9b31m", "events {'select_graphic_rendition'}"),
        ("abc\x08", "cursor at 0, 2"),
        ("abc\rd", "cursor at 0, 1"),
        ("abc\vd", "cursor at 1, 4"),
        ("\x1bc", "events {'reset'}"),
    ],
)
def test_the_terminal_notices_what_unsafe_text_does(terminal: Terminal, raw: str, complaint: str) -> None:
    assert any(what.startswith(complaint) for what in terminal.complaints(raw))
    assert terminal.complaints(text.preview(raw, 100)) == []
