"""What changes a team is the person's to do, not an agent's."""

from __future__ import annotations

import pytest
from tests.support.cli import Shell

AGENT = {"CLAUDECODE": "1", "CLAUDE_CODE_SESSION_ID": "8b0c9ee6-2f0d-4c83-9f8e-3e2b1f6ad111"}


@pytest.mark.parametrize(
    "words",
    [
        ("join", "https://relay.example", "4-puzzle-orbit"),
        ("leave",),
        ("invite",),
        ("remove", "bob-laptop"),
        ("role", "bob-laptop", "owner"),
        ("rotate",),
        ("pause",),
        ("resume",),
    ],
    ids=lambda words: words[0],
)
def test_an_agent_is_refused_before_anything_else_is_looked_at(shell: Shell, words: tuple[str, ...]) -> None:
    """Would break: a message that says "invite this machine", and an agent that does."""
    done = shell.telex("link", *words, "--json", env=AGENT)
    assert (done.status, done.error["code"]) == (3, "person-only")


@pytest.mark.parametrize("words", [("status",), ("machines",), ("verify", "bob-laptop")], ids=lambda words: words[0])
def test_an_agent_may_look(shell: Shell, words: tuple[str, ...]) -> None:
    done = shell.telex("link", *words, "--json", env=AGENT)
    assert (done.status, done.error["code"]) == (4, "not-linked")
