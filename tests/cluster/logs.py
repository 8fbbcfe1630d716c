"""Logs of a cluster in the test's own process, and what a machine says to them."""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import apsw
from tests.relay.machines import Chain, Peer, founded
from tools.cluster import Nodes

from telex.core import members
from telex.errors.between import RelayRefused
from telex.relay import commands, state_file
from telex.relay.jetstream.connection import Cluster
from telex.relay.jetstream.log import NatsLog
from telex.wire import api

MANY = 1_000_000_000
LONGEST_SECONDS = 90.0
TEST_SECONDS = 600.0  # a test that takes longer hangs


def run(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """A test that is a coroutine, on an event loop of its own; one that hangs fails, and does not hold up the rest."""

    async def bounded(*fixtures: Any, **named: Any) -> None:
        async with asyncio.timeout(TEST_SECONDS):
            await test(*fixtures, **named)

    @functools.wraps(test)
    def whole(*fixtures: Any, **named: Any) -> None:
        asyncio.run(bounded(*fixtures, **named))

    return whole


@asynccontextmanager
async def opened(nodes: Nodes, path: Path) -> AsyncIterator[NatsLog]:
    """A relay's log, from its file; it is up to date once this begins."""
    log = log_of(nodes, path)
    try:
        await log.start(lambda _touched: None, lambda _commands, _seconds: None)
        yield log
    finally:
        await log.close()


def log_of(nodes: Nodes, path: Path) -> NatsLog:
    """A log that was not started."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return NatsLog(Cluster(nodes.log.split(",")), str(path), state_file.Serving(str(path)))


async def team(log: NatsLog, name: str) -> tuple[Chain, Peer, Peer]:
    """A team of alice, who owns it, and bob."""
    alice, bob = Peer("http://nowhere", "alice"), Peer("http://nowhere", "bob")
    alice.client.close()
    bob.client.close()
    chain = await founded(log, alice, name)
    record = chain.record(members.ADD, bob.said(members.MEMBER))
    grants = [chain.grant(bob)]
    await log.submit(commands.Append(at_ms=1, team=chain.team, machine=alice.id, record=record, grants=grants))
    chain.took(record)
    bob.team = chain.team
    return chain, alice, bob


def push(sender: Peer, *items: api.Item) -> commands.Push:
    """What a relay makes of a push."""
    return commands.Push(
        at_ms=1,
        team=sender.team,
        machine=sender.id,
        origin=sender.origin,
        items=list(items),
        waiting_most=MANY,
        team_bytes_most=MANY,
    )


async def surely(log: NatsLog, command: commands.Push) -> api.Pushed:
    """Push until it is answered, as a link does."""
    end = time.monotonic() + LONGEST_SECONDS
    while True:
        try:
            pushed = await log.submit(command)
            assert isinstance(pushed, api.Pushed)
            return pushed
        except RelayRefused as problem:
            assert problem.facts["status"] == 503, problem
            assert time.monotonic() < end, "the cluster did not come back"
            await asyncio.sleep(0.2)


def sealed(log: NatsLog, machine: Peer) -> list[bytes]:
    """What is there for a machine, in order."""
    return [row[2] for row in log.book.rows("entry.page", machine.team, machine.id, 0, 100_000)]


async def until(true: Callable[[], Any] | Callable[[], Awaitable[Any]], what: str) -> None:
    """Wait for a condition."""
    end = time.monotonic() + LONGEST_SECONDS
    while True:
        found = true()
        if asyncio.iscoroutine(found):
            found = await found
        if found:
            return
        assert time.monotonic() < end, f"it did not come: {what}"
        await asyncio.sleep(0.05)


def state(log: NatsLog) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that a relay's file says, table by table."""
    return dumped(log.book.con)


def dumped(con: apsw.Connection) -> dict[str, list[tuple[Any, ...]]]:
    """The same of any file."""
    tables = [name for (name,) in con.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")]
    return {str(name): sorted(con.execute(f"SELECT * FROM {name}").fetchall(), key=repr) for name in tables}
