"""The embedded log holds to the contract; and commands alone make its state."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.contract.relay_port import LogContract, World, appending, dump, founding, test_commands_travel_whole

from telex.core import members
from telex.relay import commands
from telex.relay.interfaces import Log, Parts
from telex.relay.log_sqlite import SqliteLog
from telex.relay.state_file import open_book, prepare
from telex.relay.transitions import apply

__all__ = ["test_commands_travel_whole"]


class TestSqlite(LogContract):
    """One process, one file."""

    async def open(self, folder: Path) -> tuple[Log, Parts]:
        made = SqliteLog(str(folder / "relay.db"))
        return made, made


def test_the_same_commands_make_the_same_state(tmp_path: Path) -> None:
    """Would break: two relays of a cluster would tell two stories. The twin: another time is another state."""
    log = SqliteLog(str(tmp_path / "unused.db"))
    world = World(log, log)
    chain, alice, bob = world.chain, world.alice, world.bob
    story: list[commands.Any] = [*founding(chain)]
    record = chain.record(members.ADD, bob.said(members.MEMBER))
    chain.took(record)
    story += [appending(chain, record)]
    story += [world.push(alice, alice.item([bob.id]), alice.item(["*"]), at_ms=at_ms) for at_ms in range(10, 20)]
    story += [commands.Sweep(at_ms=30, team=chain.team, before_ms=15, parts_before_ms=0, rows=100)]
    story += [commands.SetRoster(at_ms=31, team=chain.team, machine=bob.id, key=1, sealed=b"x", asked_ms=31)]

    def told(name: str, commands_of: list[commands.Any]) -> object:
        prepare(str(tmp_path / name))
        book = open_book(str(tmp_path / name))
        with book.con:
            for command in commands_of:
                apply(book, commands.decode(commands.encode(command)))
        state = dump(book)
        book.con.close()
        return state

    assert told("one.db", story) == told("two.db", story)
    assert told("three.db", [*story[:-2], commands.Expire(at_ms=31)]) != told("four.db", story)
    asyncio.run(log.close())
    world.close()
