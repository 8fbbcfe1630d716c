"""Where the bus is spoken to: one job at a time, beside the event loop.

Rules kept here: a bus blocks (a busy store for up to ten seconds), so it is never called on the event loop, where
progress and cancellation live; only one thread at a time has it; a job that has begun runs to its end and its
result is handed over even where the request was given up meanwhile, so that nothing taken is left lying.
"""

from __future__ import annotations

from typing import TypeVar

import anyio
import anyio.to_thread

from telex.errors import StoreFault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from telex.bus import Bus

Found = TypeVar("Found")


class Desk:
    """The bus of this server. Made inside the event loop."""

    def __init__(self, open_bus: Callable[[], Bus]) -> None:
        self._open = open_bus
        self._bus: Bus | None = None
        self._one = anyio.CapacityLimiter(1)
        self._inboxes: dict[int, anyio.Semaphore] = {}

    async def do(self, job: Callable[[Bus], Found]) -> Found:
        """Run a job with the bus, opened on first use. Raises what the job raises, and StoreFault."""
        return await anyio.to_thread.run_sync(self._run, job, limiter=self._one)

    async def do_if_idle(self, job: Callable[[Bus], None]) -> None:
        """The same for what can wait: nothing while another job has the bus."""
        if self._one.available_tokens:
            await self.do(job)

    def _run(self, job: Callable[[Bus], Found]) -> Found:
        if self._bus is None or self._replaced(self._bus):
            self._bus = self._open()
        return job(self._bus)

    def _replaced(self, bus: Bus) -> bool:
        """Whether a repair has put another store in the place of the one that is open here."""
        try:
            bus.db.check_in_place()
        except StoreFault:
            bus.close()
            return True
        return False

    def inbox(self, address: int) -> anyio.Semaphore:
        """What keeps two answers from showing the same mail of one address."""
        return self._inboxes.setdefault(address, anyio.Semaphore(1))
