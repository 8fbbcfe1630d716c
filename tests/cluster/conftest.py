"""Nodes, relays and teams of a cluster on loopback."""

from __future__ import annotations

import asyncio
import gc
import itertools
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.cluster.logs import opened
from tests.relay.machines import Chain, Peer, founded
from tests.relay.running import Relay, running
from tools.cluster import Nodes

from telex.core.members import MEMBER, READER


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    """Three nodes, which run."""
    made = Nodes(tmp_path_factory.mktemp("nodes"))
    try:
        made.start()
        yield made
    finally:
        made.kill()


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Nodes]:
    """Three nodes of one test, which run."""
    made = Nodes(tmp_path / "nodes")
    try:
        made.start()
        yield made
    finally:
        made.kill()


@pytest.fixture(scope="module")
def relay(nodes: Nodes, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Relay]:
    """A relay over them."""
    with running(tmp_path_factory.mktemp("relay"), "--log", nodes.log) as one:
        yield one


@pytest.fixture(autouse=True)
def _sockets() -> Iterator[None]:
    """nats-py leaves the socket of an attempt that failed to the garbage collector: it is collected here."""
    yield
    gc.collect()


_NUMBERS = itertools.count()


class Crew:
    """A team of three, founded beside the relay: alice owns it, bob is a member, carol may only read."""

    def __init__(self, relay: Relay, nodes: Nodes, name: str, peers: ExitStack) -> None:
        self.relay = relay
        self._peers = peers
        self.alice = self.peer("alice")
        self.chain: Chain = asyncio.run(self._founded(nodes, name))
        self.alice.fetch_token()
        self.bob = self.chain.add(self.peer("bob"), MEMBER)
        self.carol = self.chain.add(self.peer("carol"), READER)

    async def _founded(self, nodes: Nodes, name: str) -> Chain:
        async with opened(nodes, self.relay.home / f"{name}.db") as log:
            return await founded(log, self.alice, name)

    def peer(self, name: str) -> Peer:
        """A machine that is in no team yet."""
        return self._peers.enter_context(Peer(self.relay.url, name))


@pytest.fixture
def crew(relay: Relay, nodes: Nodes) -> Iterator[Crew]:
    """A new team at the module's relay."""
    with ExitStack() as peers:
        yield Crew(relay, nodes, f"team{next(_NUMBERS)}", peers)
