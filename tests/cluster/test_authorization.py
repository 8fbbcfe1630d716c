"""Nodes that take only who has a key, as the page on clusters shows: a relay with its seed is in, any other is not."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import nats
import nats.errors
import nkeys
import pytest
from tests.cluster.logs import run
from tools.cluster import Nodes

from telex.errors.between import RelayLogUnusable
from telex.relay.jetstream.connection import Cluster

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore:unclosed")

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "cluster.md"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Nodes, Path]]:
    """Three nodes with the page's authorization, and the file of the seed that they know."""
    folder = tmp_path_factory.mktemp("guarded")
    seed = nkeys.encode_seed(os.urandom(32), nkeys.PREFIX_BYTE_USER)
    file = folder / "relay.nk"
    file.write_bytes(seed)
    known = nkeys.from_seed(bytearray(seed)).public_key.decode()
    _, _, text = PAGE.read_text().partition("authorization {\n  users")
    text = "authorization {\n  users" + text.partition("\n}\n")[0] + "\n}\n"
    assert "UABC" in text
    nodes = Nodes(folder / "nodes")
    for one in nodes.all:
        one.configure([peer for peer in nodes.all if peer is not one], text.replace("UABC…", known))
    try:
        nodes.start()
        yield nodes, file
    finally:
        nodes.kill()


@run
async def test_a_relay_with_the_seed_is_let_in(guarded: tuple[Nodes, Path]) -> None:
    nodes, file = guarded
    cluster = Cluster([one.url for one in nodes.all], str(file))
    await cluster.start()
    await cluster.client.close()


@run
async def test_who_has_no_key_is_not(guarded: tuple[Nodes, Path]) -> None:
    """The planted fault: a client that gives no key. Would break: whoever reaches a node writes as anybody."""
    nodes, _ = guarded
    with pytest.raises((nats.errors.Error, OSError)):
        await nats.connect([nodes.all[0].url], max_reconnect_attempts=1, connect_timeout=5, allow_reconnect=False)


@run
async def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(RelayLogUnusable, match=r"gone\.nk"):
        await Cluster(["nats://127.0.0.1:1"], str(tmp_path / "gone.nk")).start()
