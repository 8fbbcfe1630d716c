"""The embedded log: one process, one SQLite file, which puts commands into order by applying them.

Rule kept here: a command is in order, durable and applied in one and the same commit.
"""

from __future__ import annotations

import apsw

from telex.relay import commands, state_file
from telex.relay.interfaces import Measure, Notify
from telex.relay.state import Book
from telex.relay.transitions import apply
from telex.relay.writer import Writer, broken


class SqliteLog:
    """The port `Log` over a file that this process alone serves. It is also where parts lie: the port `Parts`."""

    def __init__(self, path: str, *, serving: bool = True) -> None:
        """Raises RelayRunning, RelayFileUnusable, RelayFileNewer. Without `serving`, beside whoever serves."""
        state_file.prepare(path)
        self._path = path
        self._lock = state_file.Serving(path) if serving else None
        self._writer: Writer | None = None
        self.book: Book = state_file.open_book(path)

    async def start(self, notify: Notify, measure: Measure) -> None:
        """Begin, on the running event loop."""
        self._writer = Writer(state_file.open_book(self._path), notify, measure)

    async def submit(self, command: commands.Any) -> commands.Result:
        """Apply it, durably. Raises RelayRefused."""
        assert self._writer is not None, "a log that was not started"
        return await self._writer.do(lambda book: apply(book, command))

    async def caught_up(self) -> bool:
        """Nothing is durable before the file shows it."""
        return False

    async def put(self, team: str, digest: str, data: bytes) -> None:
        """Keep a part's bytes. Raises RelayRefused."""
        assert self._writer is not None, "a log that was not started"
        await self._writer.do(lambda book: book.run("part.put_data", team, digest, data))

    async def get(self, team: str, digest: str) -> bytes | None:
        """A part's bytes. Raises RelayRefused."""
        try:
            found: bytes | None = self.book.value("part.data", team, digest)
        except apsw.Error as problem:
            raise broken(problem) from None
        return found

    async def drop(self, team: str, digest: str) -> None:
        """Nothing is left to do: the sweep that forgot the part removed its bytes in the same commit."""

    async def close(self) -> None:
        """Finish what was submitted, and end."""
        if self._writer is not None:
            await self._writer.close()
        self.book.con.close()
        if self._lock is not None:
            self._lock.release()
