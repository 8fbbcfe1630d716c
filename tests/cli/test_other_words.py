"""Words of other programs lead to telex's own, and what they lead to exists."""

from __future__ import annotations

import re

import pytest
from tests.support.cli import Shell

from telex.cli.grammar import BY_NAME, GROUPS, verb_of
from telex.cli.legacy import BY_WORD
from telex.cli.other_words import LEADS, lead

ASKED_FOR = (
    "list",
    "ps",
    "ls",
    "peers",
    "agents",
    "sessions",
    "listen",
    "watch",
    "events",
    "broadcast",
    "outbox",
    "edit",
    "tui",
)


def leads_nowhere(words: dict[str, str]) -> list[str]:
    """The words of a table that are telex's own already, or whose advice names no command of telex."""
    wrong = [word for word in words if word in BY_NAME or word in GROUPS or word in BY_WORD]
    for word, advice in words.items():
        named = [found.split() for found in re.findall(r"telex ((?:[a-z]+ ?)+)", advice)]
        wrong += [word for some in named if some[0] != "needs" and not (verb_of(some)[0] or some[0] in GROUPS)]
    return wrong


def test_each_word_is_another_programs_and_leads_to_a_command_that_exists() -> None:
    assert leads_nowhere(LEADS) == []


@pytest.mark.parametrize("planted", [{"who": "'telex log' lists"}, {"roll": "'telex rolls' lists"}])
def test_the_check_of_the_table_finds_a_wrong_row(planted: dict[str, str]) -> None:
    assert leads_nowhere(planted)


@pytest.mark.parametrize("word", [*ASKED_FOR, "LS", "--list"])
def test_the_words_of_other_programs_are_known(word: str) -> None:
    assert lead(word)


@pytest.mark.parametrize("word", ["ls", "watch", "edit"])
def test_a_wrong_word_answers_with_the_right_one(shell: Shell, word: str) -> None:
    ran = shell.telex(word)
    assert (ran.status, ran.err.splitlines()[1]) == (2, f"hint: {lead(word)}")
    assert shell.telex("help", word).out == f"telex has no command '{word}': {lead(word)}\n"
    assert shell.telex(word, "--json").error["hint"] == lead(word)


@pytest.mark.parametrize("written", ["@m1", "m1:", "#m1", "M1.", "[m1]", "m1,", " m1 ", "(1)"])
def test_an_id_is_understood_as_it_stands_in_a_sentence(shell: Shell, written: str) -> None:
    shell.telex("send", "@api", "hello")
    assert shell.telex("show", written, "--json").json["message"]["id"] == "m1"


@pytest.mark.parametrize("written", ["@", ":", "mm1", "m1m", "m-1", "@api", "1 2"])
def test_what_is_no_id_is_refused(shell: Shell, written: str) -> None:
    shell.telex("send", "@api", "hello")
    assert shell.telex("show", written, "--json").error["code"] == "message-unknown"
