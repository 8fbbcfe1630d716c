"""What a relay does by itself: it notes who was there, and removes what is too old."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from tests.contract.relay_port import World
from tests.relay.machines import hex_id

from telex import limits
from telex.relay import commands
from telex.relay.auth import Caller
from telex.relay.clock import now_ms
from telex.relay.log_sqlite import SqliteLog
from telex.relay.quota import Quotas
from telex.relay.service import Desk

DAY_MS = 86_400_000


async def furnished(folder: Path) -> tuple[World, Desk]:
    """A desk over a log with a team in it."""
    log = SqliteLog(str(folder / "relay.db"))
    world, desk = World(log, log), Desk(log, log, Quotas(keep_days=1), "http://127.0.0.1:1")
    await desk.start()
    await world.found()
    return world, desk


def kept(world: World) -> list[bytes]:
    """The bodies that are still there."""
    return world.page(world.bob)


def test_a_sweep_removes_what_is_older_than_its_days(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "RELAY_SWEEP_ROWS", 2)

    async def test() -> None:
        world, desk = await furnished(tmp_path)
        for age_ms in (3 * DAY_MS, 2 * DAY_MS, 0):
            items = [world.alice.item([world.bob.id], b"%d" % age_ms) for _ in range(3)]
            await world.do(world.push(world.alice, *items, at_ms=now_ms() - age_ms))
        await desk.sweep()
        assert kept(world) == [b"0"] * 3
        await desk.sweep()
        assert kept(world) == [b"0"] * 3
        await desk.close()
        world.close()

    asyncio.run(test())


def test_a_clock_that_jumped_ahead_trims_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Would break: a clock set wrong for a minute would remove a month of mail that nobody has fetched."""

    async def test() -> None:
        world, desk = await furnished(tmp_path)
        await world.do(world.push(world.alice, world.alice.item([world.bob.id], b"unread"), at_ms=now_ms()))
        real = time.time
        monkeypatch.setattr(time, "time", lambda: real() + 40 * 86_400)
        await desk.sweep()
        assert kept(world) == [b"unread"]
        monkeypatch.undo()
        await desk.sweep()
        assert kept(world) == [b"unread"]
        await desk.close()
        world.close()

    asyncio.run(test())


def test_a_part_that_nothing_needs_goes_after_a_day(tmp_path: Path) -> None:
    async def test() -> None:
        world, desk = await furnished(tmp_path)
        team = world.chain.team
        for number, age_ms in enumerate((2 * DAY_MS, 0)):
            digest = f"{number:064x}"
            await world.parts.put(team, digest, b"part")
            keep = commands.KeepPart(
                at_ms=now_ms() - age_ms,
                team=team,
                machine=world.alice.id,
                digest=digest,
                size=4,
                team_bytes_most=1_000,
            )
            await world.do(keep)
        await desk.sweep()
        assert await world.parts.get(team, f"{0:064x}") is None
        assert await world.parts.get(team, f"{1:064x}") == b"part"
        await desk.close()
        world.close()

    asyncio.run(test())


def test_who_was_heard_is_written_down_also_at_the_end(tmp_path: Path) -> None:
    async def test() -> None:
        world, desk = await furnished(tmp_path)
        desk.heard(Caller(world.chain.team, world.bob.id, "member", 0), 12_345, 0)
        await desk.close()
        again = SqliteLog(str(tmp_path / "relay.db"))
        assert dict(again.book.rows("chain.seen", world.chain.team))[world.bob.id] == 12_345
        await again.close()
        world.close()

    asyncio.run(test())


def test_a_machine_of_another_team_is_not_heard(tmp_path: Path) -> None:
    async def test() -> None:
        world, desk = await furnished(tmp_path)
        sign = commands.Sign(team=hex_id(), machine=world.bob.id, seen_ms=12_345, cursor=9)
        await world.do(commands.Heard(at_ms=1, signs=[sign]))
        assert dict(world.log.book.rows("chain.seen", world.chain.team))[world.bob.id] == 0
        await desk.close()
        world.close()

    asyncio.run(test())
