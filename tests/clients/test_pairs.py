"""Acceptance: each client writes to each client, with the real programs: five senders, five readers, one store.

Every sender runs once: its agent's shell sends to all readers, who are not there yet. Then every reader runs once, and
its model is asked with everything that waited for it, each message once and under the name of who sent it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from tests.clients.fleet import KINDS, Fleet
from tests.clients.lab import marker
from tests.clients.model_server import Request, Turn

pytestmark = pytest.mark.real_client

PAIRS = [(sender, reader) for sender in KINDS for reader in KINDS]


class Post:
    """Who wrote what to whom; a client runs when it is first asked about."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.marks = {pair: marker() for pair in PAIRS}
        self._sent: set[str] = set()
        self._read: dict[str, Request] = {}

    def send_from(self, sender: str) -> None:
        """One run of a client whose agent writes to all readers."""
        if sender in self._sent:
            return
        self._sent.add(sender)
        lab = self.fleet.lab(sender)
        project, model = lab.directory(f"from-{sender}"), lab.model()
        commands = [f"telex send @to-{reader} {self.marks[sender, reader]}" for reader in KINDS]
        model.script(KINDS[sender].shell(" && ".join(commands)), Turn(text="sent"))
        lab.headless(model, "write to all of them", project)
        assert model.last.count("@to-copilot") > 1, f"the shell answered: …{json.dumps(model.last.body)[-2000:]}"

    def read_by(self, reader: str) -> Request:
        """What the model of a reader was asked, after all senders that are there have written."""
        if reader not in self._read:
            lab = self.fleet.lab(reader)
            for sender in self.fleet.installed():
                self.send_from(sender)
            project, model = lab.directory(f"to-{reader}"), lab.model()
            lab.headless(model, "what is new", project)
            self._read[reader] = model.last
        return self._read[reader]


@pytest.fixture(scope="module")
def post(tmp_path_factory: pytest.TempPathFactory, offline: None) -> Iterator[Post]:
    """A machine with all clients that are installed."""
    fleet = Fleet(tmp_path_factory.mktemp("machine"))
    try:
        yield Post(fleet)
    finally:
        fleet.close()


@pytest.mark.parametrize(("sender", "reader"), PAIRS, ids=["-to-".join(pair) for pair in PAIRS])
def test_the_message_arrives_once_and_says_from_whom(post: Post, sender: str, reader: str) -> None:
    post.fleet.lab(sender)
    asked, mark = post.read_by(reader), post.marks[sender, reader]
    assert asked.count(mark) == 1
    text = json.dumps(asked.body)
    above = re.findall(r"m\d+ from (@\S+) \((\w+), ", text[: text.index(mark)])
    assert above[-1] == (f"@from-{sender}", sender), "the header above the message names another session"
