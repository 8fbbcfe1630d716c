"""The words of `kei message send`, as kei's script read them."""

from __future__ import annotations

import pytest

from telex.compat.kei.words import Sending, parse_send
from telex.errors import Usage


@pytest.mark.parametrize(
    ("words", "to", "body"),
    [
        ("ship it", "all", "ship it"),
        ("@backend ship it", "backend", "ship it"),
        ("--to backend ship it", "backend", "ship it"),
        ("ship it --to backend", "backend", "ship it"),
        ("ship --to backend it", "backend", "ship it"),
        ("ship @backend it", "all", "ship @backend it"),
        ("@backend @frontend hi", "backend", "@frontend hi"),
        ("--to backend @frontend hi", "backend", "@frontend hi"),
        ("--to all @frontend hi", "frontend", "hi"),
        ("@frontend hi --to backend", "backend", "hi"),
        ("-- @backend hi", "all", "@backend hi"),
        ("@backend -- --to x", "backend", "--to x"),
        ("hi -- --from x", "all", "hi --from x"),
        ("all hi", "all", "hi"),
        ("all @backend hi", "all", "@backend hi"),
        ("all all hi", "all", "all hi"),
        ("say all", "all", "say all"),
        ("--to backend all hands", "backend", "all hands"),
        ("all hands --to backend", "backend", "all hands"),
        ("-- all hi", "all", "all hi"),
        ("use --file x", "all", "use --file x"),
        ("use --stdin now", "all", "use --stdin now"),
        ("--to=backend hi", "all", "--to=backend hi"),
        ("", "all", ""),
        ("@backend", "backend", ""),
        ("all", "all", ""),
    ],
)
def test_who_is_meant_and_what_is_said(words: str, to: str, body: str) -> None:
    assert parse_send(words.split()) == Sending(to=to, body=body)


def test_words_are_joined_with_single_spaces_and_kept_as_they_are() -> None:
    assert parse_send(["a  b", "c\nd", ""]).body == "a  b c\nd "
    assert parse_send(["", "a"]).body == "a"


@pytest.mark.parametrize("words", [["hi", "--from", "ci"], ["--from", "ci", "hi"]])
def test_the_sender_may_stand_anywhere(words: list[str]) -> None:
    assert parse_send(words) == Sending(sender="ci", body="hi")


def test_a_file_or_a_pipe_in_front_of_the_text() -> None:
    assert parse_send(["@backend", "--file", "notes.md"]) == Sending(to="backend", path="notes.md")
    assert parse_send(["all", "--stdin"]) == Sending(piped=True)


@pytest.mark.parametrize("words", [["--to"], ["hi", "--to"], ["--from"], ["--file"], ["--to", ""]])
def test_an_option_without_its_value_is_said(words: list[str]) -> None:
    with pytest.raises(Usage, match="takes a"):
        parse_send(words)


def test_a_lone_at_sign_does_not_send_to_all() -> None:
    """Would break: `send "@$NAME" secret` with NAME unset, which kei sent to everybody."""
    with pytest.raises(Usage, match="'@' names nobody"):
        parse_send(["@", "hi"])
    assert parse_send(["noon", "@", "5"]).body == "noon @ 5"
    assert parse_send(["--", "@", "5"]).body == "@ 5"
