"""`python tools/bench_relay.py [--quick]`: the figures of docs/scaling.md, measured in this run.

Rules kept here: every figure of telex's own stands beside what the same disk, or the same cluster, does by itself in
the same run, with the same bytes and as many writers; machines are real clients with real signatures.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from select import select

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import apsw
import nats
from tests.link.boxes import linked
from tests.relay.machines import Chain, Peer, founded
from tests.relay.running import Relay, running
from tools.cluster import Nodes

from telex.core import members
from telex.crypto import signatures
from telex.db.connection import Store
from telex.fs import bells, processes
from telex.fs.watch import Watch
from telex.link import http
from telex.relay import commands
from telex.relay.interfaces import Log
from telex.team import directory
from telex.wire import api
from telex.wiring import open_relay

SEALED = os.urandom(1_000)
BATCH = 50  # messages in one push of a link that has a backlog
Client = tuple[Peer, http.Relay]


def say(what: str, figure: str) -> None:
    """One row of the table."""
    print(f"| {what} | {figure} |", flush=True)


# --- machines


async def crew(log: Log, url: str, count: int, most: int = 1_000_000_000) -> list[Peer]:
    """A team of so many machines, founded by the relay's own commands."""
    peers = [Peer(url, f"machine{at}") for at in range(count)]
    for peer in peers:
        peer.client.close()
    chain: Chain = await founded(log, peers[0], "bench")
    for peer in peers[1:]:
        record = chain.record(members.ADD, peer.said(members.MEMBER))
        owner = peers[0].id
        await log.submit(commands.Append(at_ms=1, team=chain.team, machine=owner, record=record, grants=[]))
        chain.took(record)
        peer.team = chain.team
    return peers


async def team_at(relay: Relay, where: str, count: int) -> list[Peer]:
    """The same, beside a relay that serves."""
    os.environ["TELEX_HOME"] = str(relay.home)
    log, _ = open_relay(where, serving=False)
    await log.start(lambda _touched: None, lambda _commands, _seconds: None)
    try:
        return await crew(log, relay.url, count)
    finally:
        await log.close()


def client(peer: Peer) -> http.Relay:
    """A machine's connection."""
    return http.Relay(peer.url, peer.id, lambda text: signatures.sign(peer.seed, text))


async def offer(one: Client, to: str, size: int) -> None:
    """One push, which must be taken whole."""
    peer, relay = one
    items = [peer.item([to], SEALED) for _ in range(size)]
    pushed = await relay.ask("push", api.Push(origin=peer.origin, items=items))
    assert pushed.last_oseq == peer.oseq, pushed


# --- durable messages per second


async def rate(act: Callable[[int], Awaitable[None]], writers: int, size: int, seconds: float) -> float:
    """Messages per second, where every act writes so many."""
    count, end = 0, time.monotonic() + seconds
    began = time.monotonic()

    async def write(at: int) -> None:
        nonlocal count
        while time.monotonic() < end:
            await act(at)
            count += size

    await asyncio.gather(*(write(at) for at in range(writers)))
    return count / (time.monotonic() - began)


async def through(relay: Relay, where: str, raw: Callable[[int, int], Awaitable[float]], seconds: float) -> None:
    """A relay's rates against those of its log."""
    peers = await team_at(relay, where, 9)
    async with AsyncExitStack() as stack:
        clients = [(peer, await stack.enter_async_context(client(peer))) for peer in peers]
        for one in clients:
            await one[1].ask("pull")  # a token
        for writers in (1, 8):
            for size in (1, BATCH):

                async def act(at: int, size: int = size) -> None:
                    await offer(clients[at], peers[8].id, size)

                own = await rate(act, writers, size, seconds)
                bare = await raw(writers, size)
                name = (
                    f"{'JetStream, three nodes' if where else 'embedded'}: {writers} machines, {size} messages a push"
                )
                say(name, f"{own:,.0f}/s; the log itself {bare:,.0f}/s; {own / bare:.0%}")


def raw_sqlite(folder: Path, seconds: float) -> Callable[[int, int], Awaitable[float]]:
    """The rate of bare inserts of the same bytes, as many in a durable commit as the machines push at once."""

    def write(writers: int, size: int) -> float:
        con = apsw.Connection(str(folder / f"raw{writers}-{size}.db"))
        con.execute("PRAGMA journal_mode = WAL").fetchall()
        con.execute("PRAGMA synchronous = FULL")
        con.execute("CREATE TABLE raw (one INTEGER PRIMARY KEY, two)")
        count, began = 0, time.monotonic()
        while time.monotonic() < began + seconds:
            con.execute("BEGIN IMMEDIATE")
            for _ in range(size * writers):
                con.execute("INSERT INTO raw (two) VALUES (?)", (SEALED,))
            con.execute("COMMIT")
            count += size * writers
        con.close()
        return count / (time.monotonic() - began)

    return lambda writers, size: asyncio.to_thread(write, writers, size)


def raw_stream(nodes: Nodes, seconds: float) -> Callable[[int, int], Awaitable[float]]:
    """The rate of bare publishes of the same bytes, as many at a time as there are machines."""

    async def write(writers: int, size: int) -> float:
        connection = await nats.connect([one.url for one in nodes.all])
        stream = connection.jetstream()
        config = nats.js.api.StreamConfig(name="raw", subjects=["raw"], num_replicas=len(nodes.all))
        await stream.add_stream(config)

        async def act(_at: int) -> None:
            await stream.publish("raw", SEALED * size)

        try:
            return await rate(act, writers, size, seconds)
        finally:
            await stream.delete_stream("raw")
            await connection.close()

    return write


# --- from a send to a bell, and what waiting costs


def from_send_to_bell(folder: Path, count: int) -> None:
    """A message written at alice's until a bell moves at bob's, with links and a relay of their own processes."""
    with linked(folder, TELEX_SENDS_PER_MINUTE="1000000", TELEX_REPEAT_SECONDS="0") as two:
        two.alice.start()
        bob = two.bob.start()
        times = []
        with two.alice.bus("writer") as bus, Watch(f"{two.bob.telex_home}/{bells.BELLS}", "") as watch:
            for number in range(count):
                time.sleep(0.5)
                while select([watch.fileno()], [], [], 0)[0]:
                    watch.drain()
                began = time.monotonic()
                bus.send(f"@reader@{two.bob.name}", f"number {number}")
                assert select([watch.fileno()], [], [], 30)[0], "no bell"
                times.append(time.monotonic() - began)
        say("a send on one machine to a bell on the other, p50", f"{statistics.median(times) * 1000:.0f} ms")
        time.sleep(15)  # what presence had to say is said
        used, began = cpu_seconds(bob.pid), time.monotonic()
        time.sleep(30)
        share = (cpu_seconds(bob.pid) - used) / (time.monotonic() - began)
        say("a link with nothing to do", f"{share:.2%} of a core")


def from_start_to_roster(folder: Path, count: int) -> None:
    """A session that starts at bob's until alice's store knows it, and likewise its end."""
    with linked(folder) as two:
        two.alice.start()
        two.bob.start()
        times: dict[bool, list[float]] = {True: [], False: []}
        with two.alice.bus("looker") as alice, two.bob.bus("starter") as bob:
            for number in range(count):
                for here in (True, False):
                    time.sleep(2)  # what was told before is told
                    began = time.monotonic()
                    if here:
                        bob.enter(f"new-{number}")
                    else:
                        session = bob.me.session
                        assert session is not None
                        bob.exit(session.key, "the bench is done with it")
                    while _is_there(alice.db, f"new-{number}") != here:
                        time.sleep(0.005)
                    times[here].append(time.monotonic() - began)
        say("a session starts on one machine, the other knows, p50", f"{statistics.median(times[True]) * 1000:.0f} ms")
        say("the same for its end, p50", f"{statistics.median(times[False]) * 1000:.0f} ms")


def _is_there(db: Store, name: str) -> bool:
    return any(one.state not in ("", processes.OFFLINE) for one in directory.find(db, name))


def cpu_seconds(pid: int) -> float:
    """What a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mib(pid: int) -> float:
    """The memory that a process has."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


async def waiting(relay: Relay, where: str, machines: int, seconds: float) -> None:
    """So many machines wait; what they take, and how long a push takes meanwhile until its reader has it."""
    assert relay.process is not None
    before = resident_mib(relay.process.pid)
    peers = await team_at(relay, where, machines)
    arrived = {peer.id: asyncio.Event() for peer in peers}
    async with AsyncExitStack() as stack:
        clients = [(peer, await stack.enter_async_context(client(peer))) for peer in peers]
        ready = asyncio.Semaphore(machines)
        tasks = [asyncio.create_task(wait(one, arrived[one[0].id], ready)) for one in clients[1:]]
        while ready._value > 1:
            await asyncio.sleep(0.2)
        await asyncio.sleep(2)
        used = resident_mib(relay.process.pid) - before
        say(
            f"{machines} waiting machines: memory",
            f"{used:.0f} MiB more than {before:.0f}; {used * 1024 / machines:.0f} KiB each",
        )
        times: list[float] = []
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            target = peers[1 + len(times) % (machines - 1)]
            arrived[target.id].clear()
            began = time.monotonic()
            await offer(clients[0], target.id, 1)
            await arrived[target.id].wait()
            times.append(time.monotonic() - began)
        times.sort()
        p50, p99 = times[len(times) // 2] * 1000, times[len(times) * 99 // 100] * 1000
        say(
            f"{machines} waiting machines: push to page, {len(times) / seconds:.0f}/s",
            f"p50 {p50:.0f} ms, p99 {p99:.0f} ms",
        )
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def wait(one: Client, arrived: asyncio.Event, ready: asyncio.Semaphore) -> None:
    """Poll as a link does; the first page says which log it is."""
    _, relay = one
    page = await relay.ask("pull")
    await ready.acquire()
    cursor = page.head
    while True:
        query: dict[str, str | int] = {"epoch": page.epoch, "after": cursor, "records": page.records, "wait_ms": 30_000}
        page = await relay.ask("pull", query=query, wait_s=30)
        cursor = page.scanned
        if page.items:
            arrived.set()


def main() -> None:
    """All of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="short runs: whether it works, not how fast it is")
    quick = parser.parse_args().quick
    seconds, machines = (1.0, 50) if quick else (8.0, 1_000)
    print("| what | figure |\n|---|---|")
    with tempfile.TemporaryDirectory(prefix="telex-bench-") as root:
        folder = Path(root)
        with running(folder / "one") as relay:
            asyncio.run(through(relay, "", raw_sqlite(folder, seconds), seconds))
        with running(folder / "many") as relay:
            asyncio.run(waiting(relay, "", machines, seconds * 2))
        nodes = Nodes(folder / "nodes")
        try:
            nodes.start()
            with running(folder / "cluster", "--log", nodes.log) as relay:
                asyncio.run(through(relay, nodes.log, raw_stream(nodes, seconds), seconds))
        finally:
            nodes.kill()
        from_send_to_bell(folder / "pair", 5 if quick else 40)
        from_start_to_roster(folder / "roster", 3 if quick else 20)


if __name__ == "__main__":
    main()
