"""Acceptance: a Claude Code session and a Codex session talk through telex, six messages long, and nobody types.

A script's message wakes the first of them; from then on each is woken by the other's answer. Codex runs its session in
its daemon, as it does for whoever trusts its hooks.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest
from tests.clients.codex_lab import ORDINARY, CodexLab, shell
from tests.clients.fleet import Fleet
from tests.clients.lab import Lab, marker
from tests.clients.model_server import DONE, Json, Model, Request, bash
from tests.clients.waiting import wait_for

pytestmark = pytest.mark.real_client

MESSAGES = 6
SETTLED_SECONDS = 12.0  # what would come twice comes within this time: Codex may look at its queue so late
WATCHER_SECONDS = 3.0  # after its start Claude Code takes a moment before it watches files
HOP_SECONDS = 5.0  # from the record of a message to the model's request; a second or less is usual


@pytest.fixture
def fleet(tmp_path_factory: pytest.TempPathFactory, offline: None) -> Iterator[Fleet]:
    """A machine with all clients that are installed."""
    fleet = Fleet(tmp_path_factory.mktemp("machine"))
    try:
        yield fleet
    finally:
        fleet.close()


def replying(text: str) -> Callable[[Request], str]:
    """The command that answers the newest message that a request shows."""

    def command(request: Request) -> str:
        return f"telex reply {re.findall(r'telex reply (m[0-9]+)', json.dumps(request.body))[-1]} {text}"

    return command


def header(request: Request, mark: str) -> str:
    """How the line above a message begins."""
    text = json.dumps(request.body)
    return str(re.findall(r"m\d+ from @\S+ \(\w+, ", text[: text.index(mark)])[-1])


def settled(model: Model, fleet: Fleet) -> Model:
    """A Codex session in a terminal, with the first prompt behind it before which no client of it is known."""
    lab = fleet.lab("codex")
    assert isinstance(lab, CodexLab)
    project = lab.directory("api")
    lab.trust(model)
    terminal = lab.terminal(model, project, *ORDINARY)
    terminal.type("hello")
    terminal.shows(DONE)
    lab.becomes("@api", "idle")
    return model


@pytest.mark.timed
def test_claude_and_codex_hold_a_conversation_of_six_messages_with_nobody_typing(fleet: Fleet) -> None:
    """Would break: a wake-up that is lost in either client, a message shown twice, a name that is another's."""
    words, kick = [marker() for _ in range(MESSAGES)], marker()
    claude, codex = fleet.lab("claude"), fleet.lab("codex")
    asker, helper = claude.model(), settled(codex.model(), fleet)
    claude.terminal(asker, claude.directory("web"))
    time.sleep(WATCHER_SECONDS)
    before = len(helper.requests)
    asker.script(bash(f"telex send @api {words[0]}", when=kick))
    for number, (heard, said) in enumerate(pairwise(words), 1):
        if number % 2:
            helper.script(shell(replying(said), when=heard))
        else:
            asker.script(bash(replying(said), when=heard))

    claude.send("@web", kick, name="starter")
    asker.asked_with(words[-1])
    wait_for("both to be idle", lambda: {one["state"] for one in talkers(claude)} == {"idle"})
    time.sleep(SETTLED_SECONDS)

    assert [helper.last.count(word) for word in words[::2]] == [1, 1, 1]
    assert [asker.last.count(word) for word in words[1::2]] == [1, 1, 1]
    for number, word in enumerate(words):
        reader, sender = (asker, "@api (codex, ") if number % 2 else (helper, "@web (claude, ")
        assert header(reader.last, word).endswith(f"from {sender}")
    assert in_order(helper.last, words[::2]) and in_order(asker.last, words[1::2])
    assert (len(asker.requests), len(helper.requests) - before) == (7, 6), "a turn that nothing was said in"
    print_hops(claude.telex("log")["messages"], [kick, *words], asker, helper)


def talkers(lab: Lab) -> list[Json]:
    """The two sessions, as `telex who` has them."""
    return [one for name, one in lab.present().items() if name in ("@web", "@api")]


def in_order(request: Request, words: list[str]) -> bool:
    """Whether the words stand in the conversation one after the other."""
    text = json.dumps(request.body)
    return all(text.index(one) < text.index(other) for one, other in pairwise(words))


def print_hops(log: list[dict[str, object]], words: list[str], *models: Model) -> None:
    """From the record of each message to the request that holds it."""
    monotonic = time.monotonic() - time.time()
    hops = []
    for word in words:
        sent = next(one["created_ms"] for one in log if word in str(one["body"]))
        assert isinstance(sent, int)
        first = min(one.at for model in models for one in model.requests if shows(one, word))
        hops.append(first - (sent / 1000 + monotonic))
    figures = ", ".join(f"{one:.2f}" for one in hops)
    print(f"conversation of Claude Code and Codex, from each record to the model that reads it: {figures} s")
    assert max(hops) < HOP_SECONDS


def shows(request: Request, word: str) -> bool:
    """Whether the word stands in the request as a message: quoted, not as the command that sent it."""
    return request.count(f"> {word}") > 0
