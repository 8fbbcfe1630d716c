"""The thread that writes: many commands in one commit, each for itself, and nobody answered before."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import apsw
import pytest

from telex import limits
from telex.errors.between import RelayRefused
from telex.relay import state_file
from telex.relay.state import Book, Wake
from telex.relay.writer import Writer
from telex.wire.faults import refusal


class Bench:
    """A writer over a new file, and what it said."""

    def __init__(self, folder: Path) -> None:
        self.path = str(folder / "relay.db")
        state_file.prepare(self.path)
        self.reading = state_file.open_book(self.path)
        self.commits: list[int] = []
        self.told: list[set[Wake]] = []
        self.writer = Writer(
            state_file.open_book(self.path),
            lambda touched: self.told.append(set(touched)),
            lambda commands, _seconds: self.commits.append(commands),
        )

    def teams(self) -> list[str]:
        return [row[1] for row in self.reading.rows("team.all")]

    async def close(self) -> None:
        await self.writer.close()
        self.reading.con.close()

    def held(self) -> apsw.Connection:
        """Another program's lock on the file; the writer waits for it."""
        con = apsw.Connection(self.path)
        con.execute("BEGIN IMMEDIATE")
        return con


def run(folder: Path, test: Callable[[Bench], Coroutine[Any, Any, None]]) -> None:
    """Run a test on an event loop of its own."""

    async def whole() -> None:
        bench = Bench(folder)
        await test(bench)
        await bench.close()

    asyncio.run(whole())


def makes(name: str) -> Callable[[Book], str]:
    """A job that adds a team."""

    def work(book: Book) -> str:
        book.run("team.add", name * 32, name, 1)
        book.touch(name, name)
        return name

    return work


def refuses(book: Book) -> None:
    """A job that changes something, and is refused then."""
    makes("x")(book)
    raise refusal("team-exists")


def test_what_waits_together_shares_a_commit(tmp_path: Path) -> None:
    async def test(bench: Bench) -> None:
        con = bench.held()
        jobs = [asyncio.create_task(bench.writer.do(makes(name))) for name in "abcdefgh"]
        await asyncio.sleep(0)
        con.execute("ROLLBACK")
        con.close()
        assert await asyncio.gather(*jobs) == list("abcdefgh")
        assert sum(bench.commits) == 8
        assert len(bench.commits) <= 2
        assert bench.teams() == list("abcdefgh")

    run(tmp_path, test)


def test_one_that_is_refused_leaves_the_others_standing(tmp_path: Path) -> None:
    async def test(bench: Bench) -> None:
        con = bench.held()
        jobs = [asyncio.create_task(bench.writer.do(work)) for work in (makes("a"), refuses, makes("b"))]
        await asyncio.sleep(0)
        con.execute("ROLLBACK")
        con.close()
        found = await asyncio.gather(*jobs, return_exceptions=True)
        assert (found[0], found[2]) == ("a", "b")
        assert isinstance(found[1], RelayRefused)
        assert bench.teams() == ["a", "b"]
        await asyncio.sleep(0)
        assert set().union(*bench.told) == {("a", "a"), ("b", "b")}

    run(tmp_path, test)


def test_a_bug_in_one_leaves_the_others_standing(tmp_path: Path) -> None:
    async def test(bench: Bench) -> None:
        jobs = [bench.writer.do(makes("a")), bench.writer.do(lambda book: 1 // 0), bench.writer.do(makes("b"))]
        found = await asyncio.gather(*jobs, return_exceptions=True)
        assert isinstance(found[1], ZeroDivisionError)
        assert bench.teams() == ["a", "b"]

    run(tmp_path, test)


def test_a_commit_that_fails_is_told_to_everybody_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Would break: a machine would take for durable what the disk did not take."""
    monkeypatch.setattr(limits, "BUSY_MS", 50)

    async def test(bench: Bench) -> None:
        con = bench.held()
        jobs = [bench.writer.do(makes(name)) for name in "ab"]
        found = await asyncio.gather(*jobs, return_exceptions=True)
        con.execute("ROLLBACK")
        con.close()
        codes = [one.facts["code"] for one in found if isinstance(one, RelayRefused)]
        assert codes == ["log-broken"] * 2
        assert bench.teams() == []
        assert bench.told == []
        assert await bench.writer.do(makes("c")) == "c"

    run(tmp_path, test)


def test_more_than_it_can_do_is_refused_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Would break: a slow disk would fill the memory with what waits for it."""
    monkeypatch.setattr(limits, "RELAY_QUEUE_COMMANDS", 3)

    async def test(bench: Bench) -> None:
        con = bench.held()
        jobs = [asyncio.create_task(bench.writer.do(makes(name))) for name in "abcdefghij"]
        done, _ = await asyncio.wait(jobs, return_when=asyncio.FIRST_EXCEPTION)
        refused = [one for one in done if one.exception()]
        assert refused
        con.execute("ROLLBACK")
        con.close()
        found = await asyncio.gather(*jobs, return_exceptions=True)
        assert {str(one.facts["code"]) for one in found if isinstance(one, RelayRefused)} == {"log-busy"}
        assert bench.teams() == [one for one in found if isinstance(one, str)]

    run(tmp_path, test)


def test_what_was_begun_is_finished_at_the_end(tmp_path: Path) -> None:
    async def test(bench: Bench) -> None:
        jobs = [asyncio.create_task(bench.writer.do(makes(name))) for name in "abc"]
        await asyncio.sleep(0)
        await bench.writer.close()
        assert await asyncio.gather(*jobs) == ["a", "b", "c"]
        assert bench.teams() == ["a", "b", "c"]
        with pytest.raises(RelayRefused) as caught:
            await bench.writer.do(makes("d"))
        assert caught.value.facts["code"] == "closing"

    run(tmp_path, test)


def test_one_who_went_away_stops_nobody(tmp_path: Path) -> None:
    async def test(bench: Bench) -> None:
        gone = asyncio.create_task(bench.writer.do(makes("a")))
        await asyncio.sleep(0)
        gone.cancel()
        assert await bench.writer.do(makes("b")) == "b"
        assert bench.teams() == ["a", "b"]

    run(tmp_path, test)
