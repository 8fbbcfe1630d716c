"""A cluster keeps the contract of every relay's log: one port, one suite, two adapters."""

from __future__ import annotations

import asyncio
from pathlib import Path

import nats
import pytest
from tests.cluster.logs import log_of
from tests.contract.relay_port import LogContract
from tests.relay.test_log import *  # noqa: F403
from tools.cluster import Nodes

from telex import limits
from telex.relay.interfaces import Log, Parts
from telex.relay.jetstream.connection import BUCKET, OBJECTS, STREAM
from telex.relay.jetstream.parts import NatsParts

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore:unclosed")


class TestNats(LogContract):
    """Each folder has a cluster of its own, which is the one of the module, emptied."""

    @pytest.fixture(autouse=True)
    def _cluster(self, nodes: Nodes, monkeypatch: pytest.MonkeyPatch) -> None:
        self.nodes = nodes
        asyncio.run(empty(nodes))
        monkeypatch.setattr(limits, "CLUSTER_PART_KEPT_MS", -1)

    async def open(self, folder: Path) -> tuple[Log, Parts]:
        log = log_of(self.nodes, folder / "relay.db")
        return log, NatsParts(log.cluster)


async def empty(nodes: Nodes) -> None:
    """Nothing is there any more."""
    client = await nats.connect(nodes.all[0].url)
    for name in (STREAM, f"KV_{BUCKET}", f"OBJ_{OBJECTS}"):
        try:
            await client.jetstream().delete_stream(name)
        except nats.js.errors.NotFoundError:
            pass
    await client.close()
