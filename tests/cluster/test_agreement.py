"""The log of a cluster: every relay obeys the same commands in the same order, and says only what is durable."""

from __future__ import annotations

import asyncio
from pathlib import Path

import nats
import pytest
from nats.js import api as js
from tests.cluster import planted
from tests.cluster.logs import log_of, opened, push, run, sealed, state, surely, team, until
from tools.cluster import Nodes

from telex import limits
from telex.errors.between import RelayLogUnusable, RelayRefused
from telex.relay import commands
from telex.relay.jetstream.apply import Ordered
from telex.relay.jetstream.connection import STREAM
from telex.relay.jetstream.consumer import SEEN, Tail
from telex.relay.jetstream.log import NatsLog

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore:unclosed")


@run
async def test_two_relays_that_write_at_once_have_the_same_file(nodes: Nodes, tmp_path: Path) -> None:
    async with opened(nodes, tmp_path / "a.db") as a, opened(nodes, tmp_path / "b.db") as b:
        _, alice, bob = await team(a, "both")
        await b.caught_up()
        await asyncio.gather(
            *(surely(a, push(alice, alice.item([bob.id], b"a%d" % one))) for one in range(40)),
            *(surely(b, push(bob, bob.item([alice.id], b"b%d" % one))) for one in range(40)),
        )
        await a.caught_up()
        await b.caught_up()
        assert sealed(a, bob) == [b"a%d" % one for one in range(40)]
        assert state(a) == state(b)


@run
async def test_what_the_rules_refuse_is_refused_alike_and_changes_nothing(nodes: Nodes, tmp_path: Path) -> None:
    async with opened(nodes, tmp_path / "a.db") as a, opened(nodes, tmp_path / "b.db") as b:
        await a.submit(commands.MakeTeam(at_ms=1, team="ab" * 16, name="refused"))
        for log in (a, b):
            with pytest.raises(RelayRefused, match="there is a team"):
                await log.submit(commands.MakeTeam(at_ms=2, team="ab" * 16, name="refused"))
        await a.caught_up()
        await b.caught_up()
        assert state(a) == state(b)


@run
async def test_a_relay_that_starts_has_everything_before_it_serves(nodes: Nodes, tmp_path: Path) -> None:
    async with opened(nodes, tmp_path / "a.db") as a:
        _, alice, bob = await team(a, "replayed")
        await surely(a, push(alice, *(alice.item([bob.id], b"%d" % one) for one in range(100))))
        async with opened(nodes, tmp_path / "new.db") as new:
            assert len(sealed(new, bob)) == 100
            assert state(new) == state(a)


@run
async def test_a_relay_that_lags_waits_until_it_has_what_was_durable(nodes: Nodes, tmp_path: Path) -> None:
    """Would break: a machine that asks the slower of two relays would take its log for one that went back."""
    async with opened(nodes, tmp_path / "a.db") as a, opened(nodes, tmp_path / "b.db") as b:
        _, alice, bob = await team(a, "lagging")
        for one in range(20):
            await surely(a, push(alice, alice.item([bob.id], b"%d" % one)))
            await b.caught_up()
            assert len(sealed(b, bob)) == one + 1


@run
async def test_an_id_that_comes_again_after_the_stream_forgot_it_is_not_obeyed(fresh: Nodes, tmp_path: Path) -> None:
    """Would break: a node that was paused brings a command hours later, and it happens twice."""
    async with opened(fresh, tmp_path / "a.db") as a:
        config = await a.cluster.js.stream_info(STREAM)
        config.config.duplicate_window = 0.1
        await a.cluster.js.update_stream(config.config)
        made = commands.Invite(
            at_ms=1, team="ab" * 16, machine="", role="owner", nameplates=[7, 8], until_ms=2**50, most=9, words="w"
        )
        await a.submit(commands.MakeTeam(at_ms=1, team="ab" * 16, name="twice"))
        headers = {js.Header.MSG_ID.value: "the same", SEEN: "1"}
        places = []
        for _ in range(2):
            ack = await a.cluster.js.publish(f"{STREAM}.-", commands.encode(made), headers=dict(headers))
            places.append(ack.seq)
            await asyncio.sleep(0.5)
        assert places[1] > places[0], "the stream itself remembered"
        await a.caught_up()
        assert len(state(a)["invitation"]) == 1
        assert not await a.agreeing.went_back(await a.cluster.state(), (await a.cluster.agreed()).said)  # type: ignore[union-attr]


@run
async def test_a_command_of_long_ago_is_not_obeyed(
    nodes: Nodes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "CLUSTER_IDS", 5)
    async with opened(nodes, tmp_path / "a.db") as a:
        for one in range(10):
            await a.submit(commands.Probe(at_ms=one))
        late = commands.MakeTeam(at_ms=1, team="cd" * 16, name="late")
        headers = {js.Header.MSG_ID.value: "late", SEEN: str(a.position - 8)}
        await a.cluster.js.publish(f"{STREAM}.-", commands.encode(late), headers=headers)
        await a.caught_up()
        assert a.book.rows("team.named", "late") == []


@run
async def test_a_stream_that_could_lose_something_is_refused(fresh: Nodes, tmp_path: Path) -> None:
    client = await nats.connect(fresh.all[0].url)
    config = js.StreamConfig(name=STREAM, subjects=["telex.>"], max_msgs=10, storage=js.StorageType.MEMORY)

    async def made() -> bool:
        try:
            return bool(await client.jetstream().add_stream(config))
        except nats.errors.Error:
            return False

    await until(made, "a stream")
    await client.close()
    log = log_of(fresh, tmp_path / "a.db")
    with pytest.raises(RelayLogUnusable, match=r"not kept in files.*forgets what is old or too much"):
        await log.start(lambda _touched: None, lambda _commands, _seconds: None)
    await log.close()


async def push_to_a_minority(nodes: Nodes, folder: Path) -> RelayRefused | None:
    """How a push is refused while one node of three runs; None where it was said to be taken."""
    async with opened(nodes, folder / "a.db") as a:
        _, alice, bob = await team(a, "minority")
        for node in nodes.all[1:]:
            node.kill()
        item = alice.item([bob.id], b"kept")
        try:
            await a.submit(push(alice, item))
            return None
        except RelayRefused as problem:
            refused = problem
        for node in nodes.all[1:]:
            node.start()
        assert (await surely(a, push(alice, item))).last_oseq == 1
        assert sealed(a, bob) == [b"kept"]
    return refused


@run
async def test_without_most_of_the_nodes_nothing_is_said_to_be_taken(fresh: Nodes, tmp_path: Path) -> None:
    """Would break: "sent" for what one node alone has, and may lose."""
    refused = await push_to_a_minority(fresh, tmp_path)
    assert refused is not None
    assert refused.facts["status"] == 503
    assert refused.facts["retry_after_ms"]


@run
async def test_a_relay_that_answers_too_early_is_found_out(
    fresh: Nodes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The twin of the test above."""
    monkeypatch.setattr(NatsLog, "submit", NatsLog.submit)  # put back afterwards
    planted.early()
    assert await push_to_a_minority(fresh, tmp_path) is None


@run
async def test_too_much_on_its_way_is_refused_with_a_time_to_try_again(
    nodes: Nodes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "RELAY_QUEUE_COMMANDS", 8)
    async with opened(nodes, tmp_path / "a.db") as a:
        probes = (a.submit(commands.Probe(at_ms=one)) for one in range(50))
        answers = await asyncio.gather(*probes, return_exceptions=True)
        refused = [one for one in answers if isinstance(one, RelayRefused)]
        assert len(refused) == 42
        assert {one.facts["code"] for one in refused} == {"log-busy"}
        assert all(one.facts["retry_after_ms"] for one in refused)


@run
async def test_the_file_is_kept_in_the_cluster_and_the_stream_is_cut(
    fresh: Nodes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new relay begins with the snapshot; one that was away for longer than the stream reaches, too."""
    monkeypatch.setattr(limits, "CLUSTER_SNAPSHOT_COMMANDS", 50)
    monkeypatch.setattr(limits, "CLUSTER_LOOK_SECONDS", 0)
    async with opened(fresh, tmp_path / "away.db"):
        pass
    async with opened(fresh, tmp_path / "a.db") as a:
        _, alice, bob = await team(a, "kept")
        for one in range(200):
            await surely(a, push(alice, alice.item([bob.id], b"%d" % one)))

        async def cut() -> bool:
            return (await a.cluster.state()).first > 50

        await until(cut, "the stream to be cut")
        for name in ("new.db", "away.db"):
            async with opened(fresh, tmp_path / name) as other:
                assert sealed(other, bob) == [b"%d" % one for one in range(200)]
                assert {**state(other), "recent": []} == {**state(a), "recent": []}


@run
async def test_a_log_ends_though_its_first_cancellation_was_swallowed(
    nodes: Nodes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Would break: a relay that is told to end while its library flushes would stay for ever."""
    swallowed: list[Tail] = []
    original = Tail.next

    async def swallows_one(tail: Tail) -> list[Ordered]:
        try:
            return await original(tail)
        except asyncio.CancelledError:
            if swallowed:
                raise
            swallowed.append(tail)
            return []

    monkeypatch.setattr(Tail, "next", swallows_one)
    log = log_of(nodes, tmp_path / "a.db")
    await log.start(lambda _touched: None, lambda _commands, _seconds: None)
    async with asyncio.timeout(30):
        await log.close()
    assert swallowed
