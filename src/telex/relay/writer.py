"""The thread that writes: many commands, one commit.

Rules kept here:
- what waits when the disk is free goes into one transaction, so that many share one sync of the disk (measured: a
  commit costs as much for a hundred commands as for one);
- each command has a savepoint of its own: one that is refused changes nothing, and the others stand;
- nobody is answered, or woken, before the commit; when it fails, everybody in it is told so.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import apsw

from telex import limits
from telex.errors.between import RelayRefused
from telex.relay.interfaces import Measure, Notify
from telex.relay.state import Book, Wake
from telex.wire.faults import refusal

T = TypeVar("T")


class _Job(NamedTuple):
    work: Callable[[Book], Any]
    future: asyncio.Future[Any]


class Writer:
    """Runs jobs against a book in a thread of its own; made on the event loop that waits for them."""

    def __init__(self, book: Book, told: Notify, measure: Measure) -> None:
        self._book = book
        self._told = told
        self._measure = measure
        self._loop = asyncio.get_running_loop()
        self._jobs: deque[_Job] = deque()
        self._more = threading.Condition()
        self._ending = False
        self._thread = threading.Thread(target=self._run, name="relay-writer", daemon=True)
        self._thread.start()

    async def do(self, work: Callable[[Book], T]) -> T:
        """Run a job within a commit; its result once that is durable. Raises RelayRefused."""
        if self._ending:
            raise refusal("closing", retry_after_ms=limits.RELAY_RETRY_MS)
        if len(self._jobs) >= limits.RELAY_QUEUE_COMMANDS:
            raise refusal("log-busy", retry_after_ms=limits.RELAY_RETRY_MS)
        future: asyncio.Future[T] = self._loop.create_future()
        with self._more:
            self._jobs.append(_Job(work, future))
            self._more.notify()
        return await future

    async def close(self) -> None:
        """Finish what waits, and end."""
        with self._more:
            self._ending = True
            self._more.notify()
        await self._loop.run_in_executor(None, self._thread.join)
        self._book.con.close()

    def _run(self) -> None:
        while batch := self._next():
            done, touched = self._commit(batch)
            self._loop.call_soon_threadsafe(self._tell, done, touched)

    def _next(self) -> list[_Job]:
        with self._more:
            while not self._jobs and not self._ending:
                self._more.wait()
            count = min(len(self._jobs), limits.RELAY_COMMIT_COMMANDS)
            return [self._jobs.popleft() for _ in range(count)]

    def _commit(self, batch: list[_Job]) -> tuple[list[tuple[asyncio.Future[Any], Any]], frozenset[Wake]]:
        """Every job's result or exception, and whom they touch."""
        book, touched = self._book, set[Wake]()
        began = self._loop.time()
        try:
            book.con.execute("BEGIN IMMEDIATE")
            done = [(job.future, self._one(job, touched)) for job in batch]
            book.con.execute("COMMIT")
        except apsw.Error as problem:
            if not book.con.getautocommit():
                book.con.execute("ROLLBACK")
            failed = broken(problem)
            return [(job.future, failed) for job in batch], frozenset()
        self._measure(len(batch), self._loop.time() - began)
        return done, frozenset(touched)

    def _one(self, job: _Job, touched: set[Wake]) -> Any:
        book = self._book
        book.touched = set()
        book.con.execute("SAVEPOINT job")
        try:
            result = job.work(book)
        except (apsw.FullError, apsw.IOError, apsw.CorruptError, apsw.BusyError):
            raise
        except Exception as problem:
            book.con.execute("ROLLBACK TO job; RELEASE job")
            return problem
        book.con.execute("RELEASE job")
        touched |= book.touched
        return result

    def _tell(self, done: list[tuple[asyncio.Future[Any], Any]], touched: frozenset[Wake]) -> None:
        """On the event loop: answers first, then whoever waits for what is new."""
        for future, result in done:
            if future.done():
                continue
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)
        if touched:
            self._told(touched)


def broken(problem: apsw.Error) -> RelayRefused:
    """What a machine is told when the file cannot be read or written."""
    code = "log-full" if isinstance(problem, apsw.FullError) else "log-broken"
    return refusal(code, retry_after_ms=limits.RELAY_RETRY_MS)
