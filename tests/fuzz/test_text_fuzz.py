"""Whatever the text, what `core.text` makes of it is safe, short enough and made once."""

from __future__ import annotations

import random
import re

from hypothesis import given
from hypothesis import strategies as st
from tests.fuzz.frame_fuzz import FORBIDDEN, STRAY_STYLE, hostile_text, source_lines, tags_in

from telex.core import text

CASES = 20_000
anything = st.text(st.characters(), max_size=60)  # lone surrogates too
tag_parts = [*'<＜﹤/ -_:.|>="Xx', "user", "USER", "System", "-reminder", "telex"]


def texts(seed: int) -> list[str]:
    return [hostile_text(random.Random(seed << 32 | number)) for number in range(CASES)]


def unsafe(shown: str) -> str:
    """What in a text is not safe to show; empty if all of it is."""
    hit = FORBIDDEN.search(shown) or STRAY_STYLE.search(shown)
    return ascii(hit.group()) if hit else "; ".join(tags_in(shown))


def test_quoted_lines_are_safe_and_as_many_as_the_text_has() -> None:
    for body in texts(1):
        rows = text.quoted(body)
        assert len(rows) == len(source_lines(body)), ascii(body)
        assert all(row.startswith("> ") and "\n" not in row and not unsafe(row) for row in rows), ascii(body)


def test_a_preview_is_one_safe_line_that_is_short_enough() -> None:
    for body in texts(2):
        shown = text.preview(body, 100)
        assert len(shown) <= 100 and not re.search(r"[\n\t]", shown) and not unsafe(shown), ascii(body)


def test_a_place_is_safe_between_double_quotes_and_short_enough() -> None:
    for path in texts(3):
        shown = text.place(path, "/home/dana", 60)
        assert len(shown) <= 60 and not re.search('[\n\t"]', shown) and not unsafe(shown), ascii(path)


@given(anything, st.booleans())
def test_what_is_visible_stays_as_it_is(line: str, tabs: bool) -> None:
    shown = text.visible(line, tabs)
    assert text.visible(shown, tabs) == shown
    shown.encode()


@given(anything)
def test_plain_text_is_left_alone(line: str) -> None:
    plain = "".join(char for char in line if char.isascii() and char.isprintable())
    assert text.visible(plain) == plain


@given(st.lists(st.sampled_from(tag_parts), max_size=12).map("".join))
def test_what_is_defused_stays_as_it_is_and_opens_no_tag(line: str) -> None:
    shown = text.defused(line)
    assert text.defused(shown) == shown
    assert not tags_in(shown)
    assert shown.replace("\\", "") == line.replace("\\", "")


@given(anything, st.integers(-3, 80))
def test_clip_keeps_the_beginning_and_says_when_it_cut(line: str, chars: int) -> None:
    shown = text.clip(line, chars)
    assert len(shown) <= max(chars, 0)
    assert shown == line or not shown or (shown[-1] == "…" and line.startswith(shown[:-1]))


@given(anything, anything, st.integers(-3, 80))
def test_preview_and_place_never_exceed_what_they_are_given(body: str, home: str, chars: int) -> None:
    assert len(text.preview(body, chars)) <= max(chars, 0)
    assert len(text.place(body, home, chars)) <= max(chars, 0)


@given(st.integers())
def test_any_number_is_a_moment_and_an_age(ms: int) -> None:
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\dZ", text.when(ms))
    assert re.fullmatch(r"now|\d{1,5}[smhd]", text.age(ms))
