"""No secret is a word of a command: every user of a machine can read those, and a shell's history keeps them.

What would break: a verb that takes a code, a token, a key or a password as an argument.
"""

from __future__ import annotations

import re

import pytest
from tests.support.cli import Shell

from telex.cli.grammar import VERBS, Option, Verb, Word

SECRET = re.compile(r"\b(code|token|secret|passw\w*|passphrase|credential\w*|key|private)\b", re.IGNORECASE)
# What sounds like a secret and is none, or is refused where it stands in a command.
HARMLESS = {
    ("send", "key"): "an idempotency key",
    ("reply", "key"): "an idempotency key",
    ("link join", "code"): "refused in a command",
    ("link join", "expose-code"): "a flag",
    ("install", "scope"): "one word of a list",
    ("uninstall", "scope"): "one word of a list",
    ("relay serve", "key"): "the path of a file",
    ("relay serve", "cert"): "the path of a file",
}


def suspicious(verbs: tuple[Verb, ...]) -> list[tuple[str, str]]:
    """The words and options that may carry a secret: (command, word)."""
    found = []
    for verb in verbs:
        taken: list[Word | Option] = [*verb.words, *[option for option in verb.options if option.value]]
        found += [
            (verb.name, one.name) for one in taken if SECRET.search(f"{one.name.replace('-', ' ')} {one.meaning}")
        ]
    return [one for one in found if one not in HARMLESS]


def test_no_verb_takes_a_secret_as_a_word() -> None:
    assert suspicious(VERBS) == []


@pytest.mark.parametrize("name", ["token", "api-key", "password"])
def test_a_verb_that_takes_one_is_noticed(name: str) -> None:
    """Would break: the test above, if it noticed nothing."""
    verb = Verb(name="login", room="link", summary="", example="", options=(Option(name=name, value="X", meaning=""),))
    assert suspicious((*VERBS, verb)) == [("login", name)]


def test_a_code_in_the_words_of_a_command_is_refused(shell: Shell) -> None:
    """Would break: another user who reads it there and joins first."""
    done = shell.telex("link", "join", "http://127.0.0.1:1", "4-puzzle-orbit", "--json")
    assert (done.status, done.error["code"]) == (2, "code-exposed")
    assert "puzzle" not in done.err


def test_a_code_is_taken_from_standard_input(shell: Shell) -> None:
    done = shell.telex("link", "join", "http://127.0.0.1:1", "--json", stdin=b"4-puzzle-orbit\n")
    assert (done.status, done.error["code"]) == (1, "relay-unreachable")


def test_credentials_in_the_url_of_a_cluster_are_refused(shell: Shell) -> None:
    done = shell.telex("relay", "serve", "--log", "nats://relay:hunter2@127.0.0.1:4222", "--json")
    assert (done.status, done.error["code"]) == (2, "usage")
    assert "TELEX_RELAY_NATS_CREDENTIALS" in done.err and "hunter2" not in done.err
