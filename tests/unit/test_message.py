"""A message: its text, its kinds, its hash, and whom it wakes."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telex import limits
from telex.core import message
from telex.core.message import CHANNEL, DIRECT, EVERYONE, KINDS, Item
from telex.errors import BodyEmpty, BodyNotText, BodyTooLarge, KindUnknown

# --- the text ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", ["hello", "日本 שלום 🏳️", "\tindented\r\nlines\n", " x ", "a\u2028b", "\ufeffbom"])
def test_a_text_is_taken_as_it_is_written(body: str) -> None:
    assert message.body_text(body) == body
    assert message.body_text(body.encode()) == body


@pytest.mark.parametrize("body", ["", " ", "\n\t\r\n", "\u3000\u2003", b"", b"\n"])
def test_a_text_of_nothing_is_refused(body: str | bytes) -> None:
    with pytest.raises(BodyEmpty):
        message.body_text(body)


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b"abc\xff", "byte 3 is not UTF-8"),
        (b"\xc3", "byte 0 is not UTF-8"),
        (b"ok \xed\xa0\x80", "byte 3 is not UTF-8"),  # a surrogate
        (b"\xf5\x80\x80\x80", "byte 0 is not UTF-8"),  # beyond Unicode
        (b"\xc0\x80", "byte 0 is not UTF-8"),  # an overlong NUL
        ("arg\udcff", "byte 3 is not UTF-8"),  # a byte of the command line
        ("\ud800", "byte 0 is not UTF-8"),
        (b"a\0b", "character 1 is NUL"),
        ("日\0", "character 1 is NUL"),
        ("\0first", "character 0 is NUL"),
    ],
)
def test_what_is_no_text_is_refused_with_the_place(raw: bytes | str, problem: str) -> None:
    with pytest.raises(BodyNotText, match=problem):
        message.body_text(raw)


def test_the_largest_body_goes_and_one_byte_more_does_not() -> None:
    most = b"x" * limits.BODY_MOST_BYTES
    assert len(message.body_text(most)) == limits.BODY_MOST_BYTES
    with pytest.raises(BodyTooLarge):
        message.body_text(most + b"x")


def test_the_limit_counts_bytes_not_characters() -> None:
    with pytest.raises(BodyTooLarge):
        message.body_text("é" * (limits.BODY_MOST_BYTES // 2 + 1))


@given(st.binary(max_size=200))
def test_bytes_are_a_text_or_refused(raw: bytes) -> None:
    try:
        found = message.body_text(raw)
    except (BodyEmpty, BodyNotText):
        return
    assert found.encode() == raw
    assert "\0" not in found


@given(st.text(st.characters(exclude_categories=[]), max_size=50))
def test_any_string_is_a_text_or_refused(typed: str) -> None:
    try:
        found = message.body_text(typed)
    except (BodyEmpty, BodyNotText):
        return
    found.encode()


# --- kinds and short ids ----------------------------------------------------------------------------------


def test_there_are_six_kinds() -> None:
    assert [message.check_kind(kind) for kind in KINDS] == list(KINDS)


@pytest.mark.parametrize("kind", ["", "Note", "notes", "command", "x" * 10_000, "\u043dote"])
def test_another_kind_is_refused(kind: str) -> None:
    with pytest.raises(KindUnknown) as unknown:
        message.check_kind(kind)
    assert len(unknown.value.message) < 100


def test_a_number_is_written_with_an_m() -> None:
    assert message.short_id(42) == "m42"


def test_a_plain_item_has_no_extras() -> None:
    item = Item(
        n=1,
        sender="api",
        sender_kind="session",
        client="",
        place="",
        to="@web",
        kind="note",
        body="x",
        size=1,
        created_ms=1,
    )
    extras = (item.aside, item.data, item.deadline_ms, item.reply_to, item.auto)
    assert extras == (False, "", 0, 0, False)


# --- hashes -----------------------------------------------------------------------------------------------


def test_a_body_has_one_name() -> None:
    assert message.digest(b"x") == message.digest(b"x")
    assert message.digest(b"x") != message.digest(b"y")
    assert len(message.digest(b"")) == 16


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("a", "b"), ("ab",)),
        (("a", "b"), ("", "ab")),
        (("a", "b"), ("b", "a")),
        (("1:a",), ("a",)),
        ((), ("",)),
        ((1, 23), (12, 3)),
        (("a",), ("a", "")),
    ],
)
def test_different_parts_have_different_hashes(one: tuple[object, ...], other: tuple[object, ...]) -> None:
    assert message.row_hash(*one) != message.row_hash(*other)


@given(st.lists(st.text(max_size=5), max_size=4), st.lists(st.text(max_size=5), max_size=4))
def test_hashes_agree_exactly_when_the_parts_do(one: list[str], other: list[str]) -> None:
    assert (message.row_hash(*one) == message.row_hash(*other)) == (one == other)


def test_bytes_and_numbers_have_their_place_in_a_hash() -> None:
    assert len(message.row_hash("x")) == 16
    assert message.row_hash(b"\xff\x00", 0, "") == message.row_hash(b"\xff\x00", 0, "")
    assert message.row_hash(b"\xff") != message.row_hash(b"\xfe")
    assert message.row_hash(7) == message.row_hash("7")  # a column that is read back as text is the same


# --- waking -----------------------------------------------------------------------------------------------

MODES = ("direct", "requests", "all", "never")
# What wakes an idle session, by its own setting: the way of addressing, and whether only requests count.
WAKES = {
    ("direct", DIRECT): {"note", "context", "request", "reply"},
    ("direct", CHANNEL): {"request"},
    ("direct", EVERYONE): {"request"},
    ("requests", DIRECT): {"request"},
    ("requests", CHANNEL): {"request"},
    ("requests", EVERYONE): {"request"},
    ("all", DIRECT): {"note", "context", "request", "reply"},
    ("all", CHANNEL): {"note", "context", "request", "reply"},
    ("all", EVERYONE): {"note", "context", "request", "reply"},
    ("never", DIRECT): set(),
    ("never", CHANNEL): set(),
    ("never", EVERYONE): set(),
}


@pytest.mark.parametrize(("mode", "via"), list(itertools.product(MODES, (DIRECT, CHANNEL, EVERYONE))))
def test_kind_and_address_decide_what_wakes(mode: str, via: str) -> None:
    assert {kind for kind in KINDS if message.wakes(kind, via, False, mode)} == WAKES[mode, via]


@pytest.mark.parametrize(("mode", "via"), list(itertools.product(MODES, (DIRECT, CHANNEL, EVERYONE))))
def test_a_quiet_message_wakes_nobody(mode: str, via: str) -> None:
    assert not any(message.wakes(kind, via, True, mode) for kind in KINDS)
