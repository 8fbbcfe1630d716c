"""One call of a tool, a resource or a prompt: who makes it, its bus, its progress, and sleeping for mail.

Rules kept here: the caller is resolved once per call; a job that takes mail has the inbox to itself until the answer
has left; sleeping costs nothing (a descriptor on the event loop, no thread, no timer but for progress, which looks for
deadlines that have passed), and what is cancelled while it sleeps has taken nothing.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TypeVar

import anyio

from telex import limits
from telex.bus import inbox

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
    from typing import Any

    from telex.bus import Bus, Caller
    from telex.fs.watch import Watch
    from telex.mcp.answer import Answer
    from telex.mcp.bus_thread import Desk
    from telex.mcp.caller import Callers
    from telex.mcp.pending import Exchange

    Report = Callable[[float, float | None, str], Awaitable[None]]

Found = TypeVar("Found")
_AT_ONCE_SECONDS = 1e-6


class Call:
    """One call, as the tools see it."""

    def __init__(
        self, desk: Desk, callers: Callers, exchange: Exchange, meta: Mapping[str, Any], client: str, report: Report
    ) -> None:
        self._desk = desk
        self._callers = callers
        self._exchange = exchange
        self._meta = meta
        self._client = client
        self._report = report
        self._caller: Caller | None = None

    async def do(self, job: Callable[[Bus], Found]) -> Found:
        """Run a job with the caller's bus. Raises what it raises, and WhoAreYou, CallerUnnamed, NameTaken."""
        return await self._desk.do(lambda bus: job(self._acting(bus)))

    def _acting(self, bus: Bus) -> Bus:
        if self._caller is None:
            self._caller = self._callers.resolve(bus, self._meta, self._client)
        return bus.acting(self._caller)

    async def take(self, job: Callable[[Bus], Answer]) -> Answer:
        """The same for a job whose answer may carry mail to be marked."""
        answer = await self._taken(job)
        assert answer is not None
        return answer

    async def _taken(self, job: Callable[[Bus], Answer | None]) -> Answer | None:
        place = self._desk.inbox(await self.do(lambda bus: bus.me.address.id))
        await place.acquire()
        held = False
        try:
            answer = await self.do(job)
            if answer and answer.taking:
                held = True
                await self._exchange.hold(answer.taking, place)
            return answer
        finally:
            if not held:
                place.release()

    async def sleep(self, look: Callable[[Bus], Answer | None], timeout_s: float) -> Answer | None:
        """Look whenever a bell moves, until there is an answer or the time is up (None)."""
        began = anyio.current_time()
        self._exchange.sleeping = True
        async with self.bell() as bell:
            answer = await self._taken(lambda bus: settled(bus, look))
            while answer is None:
                left = began + timeout_s - anyio.current_time()
                if left <= 0:
                    return None
                with anyio.move_on_after(min(left, limits.MCP_PROGRESS_SECONDS)) as step:
                    await bell.moved()
                if step.cancelled_caught:
                    await self._report(round(anyio.current_time() - began), timeout_s, "waiting for mail")
                    await self._desk.do_if_idle(lambda bus: bus.notice_overdue())
                else:
                    answer = await self._taken(lambda bus: settled(bus, look))
            return answer

    @asynccontextmanager
    async def bell(self) -> AsyncIterator[Bell]:
        """The caller's bell, listened to from here on."""
        watch = await self.do(lambda bus: bus.watch())
        with watch:
            yield Bell(watch)


class Bell:
    """What says that something may have come."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch

    async def moved(self) -> None:
        """Sleep until some bell moves; whose it was, a look must tell."""
        if self._watch.fileno() < 0:
            await anyio.sleep(limits.WAIT_POLL_MS / 1000)
            return
        await anyio.wait_readable(self._watch.fileno())
        self._watch.drain()


def settled(bus: Bus, look: Callable[[Bus], Found | None]) -> Found | None:
    """A look that also sees what a sender who has rung is still committing."""
    found: list[Found] = []

    def seen() -> list[Any]:
        one = look(bus)
        found.extend([] if one is None else [one])
        return found

    inbox.until(bus.db, bus.me, seen, bus.clock, _AT_ONCE_SECONDS)
    return found[0] if found else None
