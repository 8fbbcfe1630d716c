"""Who waits for what: long polls and event streams, woken by the commit that gives them something.

Rules kept here: nobody asks the file while nothing happens; a waiter looks, and then waits, without giving the event
loop away between the two, so no wake-up is lost; a machine that opens too many waits gets its oldest answered.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable

from telex import limits
from telex.relay.state import Wake

WOKEN, LATE, ENOUGH = "woken", "late", "enough"  # something came; nothing did; answer now, whatever there is
Waiter = asyncio.Future[str]


class Wakes:
    """All waiters of this process; used on the event loop only."""

    def __init__(self) -> None:
        self._waiting: dict[Wake, deque[Waiter]] = {}
        self.closing = False
        self.count = 0

    def wake(self, keys: Iterable[Wake]) -> None:
        """Something happened to these."""
        for key in keys:
            for waiter in self._waiting.get(key, ()):
                _end(waiter, WOKEN)

    def close(self) -> None:
        """The relay ends: everybody is answered with what there is."""
        self.closing = True
        for waiters in self._waiting.values():
            for waiter in waiters:
                _end(waiter, ENOUGH)

    async def wait(self, key: Wake, seconds: float) -> str:
        """Sleep until something happens to this key, or that time is over; which of the two."""
        if self.closing or seconds <= 0:
            return ENOUGH
        loop = asyncio.get_running_loop()
        waiter: Waiter = loop.create_future()
        mine = self._waiting.setdefault(key, deque())
        if len(mine) >= limits.RELAY_WAITS:
            _end(mine[0], ENOUGH)
        mine.append(waiter)
        self.count += 1
        timer = loop.call_later(seconds, _end, waiter, LATE)
        try:
            return await waiter
        finally:
            timer.cancel()
            self.count -= 1
            mine.remove(waiter)
            if not mine and self._waiting.get(key) is mine:
                del self._waiting[key]


def _end(waiter: Waiter, how: str) -> None:
    if not waiter.done():
        waiter.set_result(how)
