"""The stream is wiped, replaced or put back: every relay notices, all agree on another epoch, and nothing is lost."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest
from tests.cluster.logs import opened, push, run, sealed, state, surely, team, until
from tools.cluster import Nodes

from telex.relay.jetstream.connection import BUCKET, STREAM
from telex.relay.jetstream.log import NatsLog

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore:unclosed")


async def agree_anew(epoch: str, *logs: NatsLog) -> None:
    """Until these logs are of one epoch, which is another one."""

    def agreed() -> bool:
        found = {log.book.epoch for log in logs}
        return len(found) == 1 and epoch not in found

    await until(agreed, "another epoch at every relay")
    for log in logs:
        await log.caught_up()


def same(*logs: NatsLog) -> bool:
    """Whether their files say the same."""
    first, *others = (state(log) for log in logs)
    return all(other == first for other in others)


async def stop(nodes: Nodes) -> None:
    """kill -9 for all."""
    await asyncio.to_thread(nodes.kill)


async def start(nodes: Nodes) -> None:
    """All again."""
    await asyncio.to_thread(nodes.start)


@run
async def test_a_stream_that_was_removed_is_made_anew_from_what_the_relays_have(fresh: Nodes, tmp_path: Path) -> None:
    """Would break: what was said to be at the relay is nowhere, and nobody offers it again."""
    async with opened(fresh, tmp_path / "a.db") as a, opened(fresh, tmp_path / "b.db") as b:
        _, alice, bob = await team(a, "acme")
        items = [alice.item([bob.id], b"%d" % one) for one in range(20)]
        assert (await surely(a, push(alice, *items))).last_oseq == 20
        epoch = a.book.epoch
        await b.caught_up()
        await a.cluster.js.delete_stream(STREAM)
        await agree_anew(epoch, a, b)
        assert sealed(a, bob) == sealed(b, bob) == [b"%d" % one for one in range(20)]
        assert (await surely(b, push(alice, *items))).last_oseq == 20
        assert (await surely(b, push(alice, alice.item([bob.id], b"20")))).last_oseq == 21
        await a.caught_up()
        assert len(sealed(a, bob)) == 21
        assert same(a, b)


@run
async def test_nodes_that_lost_everything_get_it_back_from_the_relays(fresh: Nodes, tmp_path: Path) -> None:
    async with opened(fresh, tmp_path / "a.db") as a, opened(fresh, tmp_path / "b.db") as b:
        _, alice, bob = await team(a, "acme")
        await surely(a, push(alice, *(alice.item([bob.id], b"%d" % one) for one in range(20))))
        await b.caught_up()
        epoch = a.book.epoch
        await stop(fresh)
        for node in fresh.all:
            node.wipe()
        await start(fresh)
        await agree_anew(epoch, a, b)
        assert (await surely(b, push(alice, alice.item([bob.id], b"20")))).last_oseq == 21
        await a.caught_up()
        assert sealed(a, bob) == [b"%d" % one for one in range(21)]
        assert same(a, b)


@run
async def test_a_relay_that_knows_more_is_heard_after_others_began_from_nothing(fresh: Nodes, tmp_path: Path) -> None:
    """Would break: a relay that is new to a wiped cluster would throw every team away."""
    async with opened(fresh, tmp_path / "a.db") as a:
        _, alice, bob = await team(a, "acme")
        await surely(a, push(alice, *(alice.item([bob.id], b"%d" % one) for one in range(5))))
    await stop(fresh)
    for node in fresh.all:
        node.wipe()
    await start(fresh)
    async with opened(fresh, tmp_path / "new.db") as new:
        _, carol, dave = await team(new, "newer")
        await surely(new, push(carol, carol.item([dave.id], b"since")))
        async with opened(fresh, tmp_path / "a.db") as a:
            await agree_anew("", a, new)
            for log in (a, new):
                assert sealed(log, bob) == [b"%d" % one for one in range(5)]
                assert sealed(log, dave) == [b"since"]
            assert same(a, new)


async def put_back(nodes: Nodes, kept: Path) -> None:
    """The nodes' disks as they were."""
    await stop(nodes)
    for node in nodes.all:
        node.wipe()
        shutil.copytree(kept / node.name, node.store)
    await start(nodes)


async def keep(nodes: Nodes, kept: Path) -> None:
    """Copies of the nodes' disks."""
    await stop(nodes)
    for node in nodes.all:
        shutil.copytree(node.store, kept / node.name)
    await start(nodes)


@run
async def test_a_stream_that_was_put_back_gets_what_it_lacks_from_the_relays(fresh: Nodes, tmp_path: Path) -> None:
    """Would break: messages that were acknowledged after the copy was made would be gone."""
    async with opened(fresh, tmp_path / "a.db") as a, opened(fresh, tmp_path / "b.db") as b:
        _, alice, bob = await team(a, "acme")
        await surely(a, push(alice, *(alice.item([bob.id], b"%d" % one) for one in range(5))))
        await keep(fresh, tmp_path / "kept")
        for one in range(5, 10):
            await surely(b, push(alice, alice.item([bob.id], b"%d" % one)))
        await a.caught_up()
        epoch = a.book.epoch
        await put_back(fresh, tmp_path / "kept")
        await agree_anew(epoch, a, b)
        assert sealed(a, bob) == sealed(b, bob) == [b"%d" % one for one in range(10)]
        assert same(a, b)


@run
async def test_a_stream_that_was_put_back_and_went_on_keeps_both_pasts(fresh: Nodes, tmp_path: Path) -> None:
    """A relay that had read no further than the copy takes pushes before those who had read more are back."""
    async with opened(fresh, tmp_path / "a.db") as a:
        _, alice, bob = await team(a, "acme")
        await surely(a, push(alice, alice.item([bob.id], b"old")))
        await keep(fresh, tmp_path / "kept")
        for one in range(3):
            await surely(a, push(alice, alice.item([bob.id], b"lost %d" % one)))
    await put_back(fresh, tmp_path / "kept")
    async with opened(fresh, tmp_path / "new.db") as new:
        for one in range(9):
            await surely(new, push(bob, bob.item([alice.id], b"new %d" % one)))
        async with opened(fresh, tmp_path / "a.db") as a:
            await agree_anew("", a, new)
            for log in (a, new):
                assert sealed(log, bob) == [b"old", *(b"lost %d" % one for one in range(3))]
                assert sealed(log, alice) == [b"new %d" % one for one in range(9)]
            assert same(a, new)


@run
async def test_one_node_that_lost_its_disk_gets_it_back_from_the_others(fresh: Nodes, tmp_path: Path) -> None:
    async with opened(fresh, tmp_path / "a.db") as a:
        _, alice, bob = await team(a, "acme")
        epoch = a.book.epoch
        for at, node in enumerate(fresh.all):
            await surely(a, push(alice, alice.item([bob.id], b"%d" % at)))
            await asyncio.to_thread(node.kill)
            node.wipe()
            await surely(a, push(alice, alice.item([bob.id], b"without %d" % at)))
            node.start()
            await until(lambda: whole(a), "three nodes that have everything")
        assert len(sealed(a, bob)) == 6
        assert a.book.epoch == epoch
        async with opened(fresh, tmp_path / "new.db") as new:
            assert same(a, new)


async def whole(log: NatsLog) -> bool:
    """Whether every node has what the stream has."""
    try:
        cluster = (await log.cluster.js.stream_info(STREAM)).cluster
    except Exception:
        return False
    assert cluster is not None
    replicas = cluster.replicas or []
    return len(replicas) == 2 and all(one.current and not one.offline for one in replicas)


@run
async def test_without_what_was_agreed_the_relays_agree_again(fresh: Nodes, tmp_path: Path) -> None:
    async with opened(fresh, tmp_path / "a.db") as a, opened(fresh, tmp_path / "b.db") as b:
        _, alice, bob = await team(a, "acme")
        await surely(a, push(alice, alice.item([bob.id], b"kept")))
        epoch = a.book.epoch
        await b.caught_up()
        await a.cluster.js.delete_stream(f"KV_{BUCKET}")
        await agree_anew(epoch, a, b)
        assert sealed(a, bob) == sealed(b, bob) == [b"kept"]
        assert same(a, b)
