"""A relay for each test module, and teams in it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from tests.relay.machines import Chain, Peer, found_at_once
from tests.relay.running import Relay, running

from telex.core.members import MEMBER, READER


class Crew:
    """A team of three: alice owns it, bob is a member, carol may only read."""

    def __init__(self, relay: Relay, name: str, peers: ExitStack) -> None:
        self.relay = relay
        self._peers = peers
        self.alice = self.peer("alice")
        self.chain: Chain = found_at_once(str(relay.file), self.alice, name)
        self.bob = self.chain.add(self.peer("bob"), MEMBER)
        self.carol = self.chain.add(self.peer("carol"), READER)

    def peer(self, name: str) -> Peer:
        """A machine that is in no team yet."""
        return self._peers.enter_context(Peer(self.relay.url, name))


@pytest.fixture(scope="module")
def relay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Relay]:
    with running(tmp_path_factory.mktemp("relay")) as one:
        yield one


_NUMBERS = itertools.count()


@pytest.fixture
def crew(relay: Relay) -> Iterator[Crew]:
    """A new team at the module's relay."""
    with ExitStack() as peers:
        yield Crew(relay, f"team{next(_NUMBERS)}", peers)
