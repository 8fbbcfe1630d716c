"""Every telex command that stands anywhere in the documentation is one that the command line takes."""

from __future__ import annotations

import re

import pytest
from tests.docs import pages

from telex import errors
from telex.cli.grammar import GROUPS, VERBS, verb_of
from telex.cli.legacy import BY_WORD
from telex.cli.parse import by_argparse, quick
from telex.errors import TelexError

ALONE = ("--help", "--version", "help", "version")


def complaint(words: list[str]) -> str:
    """Why a command would not be taken; '' if it would."""
    _, *rest = words
    if not rest or rest[0] in ALONE:
        return "" if rest else "no verb"
    if rest[0] in BY_WORD:
        face = BY_WORD[rest[0]]
        return "" if any(begins(form, [face.names[0], *rest[1:]]) for form, _ in face.forms) else "no such form"
    verb, given = verb_of(rest)
    if verb is None:
        return "" if " ".join(rest) in GROUPS else f"no command {rest[0]}"
    if "--help" in rest:
        return ""
    try:
        slow = by_argparse(verb, given)
    except TelexError as problem:
        return problem.message
    fast = quick(verb, given)
    if fast and vars(fast) != vars(slow):
        return "the quick path and argparse read it differently"
    return ""


def begins(form: str, words: list[str]) -> bool:
    """Whether words begin as a form of an older command does, as far as its own words go: `telex session init|join`."""
    for token, given in zip(form.split()[1:], words, strict=False):
        if not re.fullmatch(r"[a-z|]+", token):
            return True
        if given not in (token, *token.split("|")):
            return False
    return len(words) >= len([one for one in form.split()[1:] if re.fullmatch(r"[a-z|]+", one)])


def complaints(text: str) -> list[str]:
    """The commands of a page that would not be taken. A verb alone, in running text, names the command."""
    found = []
    mentions = {f"telex {verb.name}" for verb in VERBS}
    spans = {(number, span) for number, span in pages.spans(text) if span in mentions}
    for number, words in pages.commands(text):
        written = " ".join(words)
        if (number, written) not in spans and (problem := complaint(words)):
            found.append(f"line {number}: {written}: {problem}")
    return found


def test_the_commands_of_every_page_are_taken() -> None:
    found = [f"{pages.name(path)} {one}" for path in pages.pages() for one in complaints(path.read_text("utf-8"))]
    assert found == []


def test_the_pages_have_commands_to_check() -> None:
    counts = {pages.name(path): len(list(pages.commands(path.read_text("utf-8")))) for path in pages.pages()}
    assert counts["README.md"] >= 3
    assert counts["docs/how-to/talk-between-agents.md"] >= 20
    assert sum(counts.values()) > 100


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_the_example_of_every_command_is_taken_as_a_shell_reads_it(verb: object) -> None:
    example = getattr(verb, "example")  # noqa: B009
    found = pages.simple_commands(example)
    assert found, example
    assert [complaint(words) for words in found] == [""]
    assert all(verb_of(words[1:])[0] is verb for words in found)


def test_the_commands_in_hints_of_errors_exist() -> None:
    for one in vars(errors).values():
        if isinstance(one, type) and issubclass(one, TelexError):
            for written in re.findall(r"'(telex [^']+)'", one.hint.replace("{verb}", "send").replace("{id}", "m1")):
                assert complaint(written.split()) == "" or written in {f"telex {verb.name}" for verb in VERBS}, written


@pytest.mark.parametrize(
    ("planted", "words"),
    [
        ("```sh\ntelex sned @api hello\n```", "no command sned"),
        ("```sh\ntelex send @api hello --shout\n```", "unrecognized arguments"),
        ("```sh\ntelex join #release\n```", "required: CHANNEL"),
        ("```console\n$ telex show\nm1\n```", "required: ID"),
        ("```sh\ngit diff | telex send --stdin\n```", "required: TO"),
        ("```sh\nif telex wait --timeout; then\n```", "--timeout"),
        ("`telex read --most 3`", "unrecognized arguments"),
        ("`telex frobnicate`", "no command frobnicate"),
    ],
)
def test_a_planted_mistake_is_found(planted: str, words: str) -> None:
    found = complaints(planted)
    assert len(found) == 1
    assert words in found[0]


@pytest.mark.parametrize(
    "text",
    [
        "```sh\nTELEX_NAME=ci telex send @api 'x' > out 2>&1 || telex log # telex nonsense\n```",
        "```sh\ntelex send @api \\\n  'x' --quiet\n```",
        "```console\n$ telex who\ntelex is not a command here\n```",
        "`telex send` and `telex read m1`",
        "```text\ntelex nonsense\n```",
    ],
)
def test_what_is_right_is_left_alone(text: str) -> None:
    assert complaints(text) == []
