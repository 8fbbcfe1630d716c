"""What the tasks of the link's process share: the store, the relay, the team, and when to look again.

Rules kept here:
- one thread: the store is used between two awaits and never across one;
- a step that fails is tried again after a pause with full jitter, or when the relay said; a step that only waits for
  something here is woken by an event, so that nothing polls;
- a task outlives whatever its step meets: what was not foreseen is said, kept as an alert, and tried again later;
- why the relay does not answer is kept where `telex link status` finds it, written when it changes, not each time.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable

from telex import limits
from telex.core import sync
from telex.db.connection import Store
from telex.errors import RemoteFault, StoreBusy, StoreFault, StoreFull
from telex.errors.between import RelayRefused, RelayUnreachable
from telex.link.http import Relay
from telex.link.log import Log
from telex.link.membership import Membership
from telex.team import alerts
from telex.team import link_state as linking
from telex.team.link_state import Link

REMOVED = "this machine is not in the team any more"
UNKNOWN = "the relay does not know this machine: it was removed from the team, or the relay was put back"


class Line:
    """One linked machine's way to its team."""

    def __init__(self, db: Store, relay: Relay, own: Membership, log: Log) -> None:
        self.db = db
        self.relay = relay
        self.own = own
        self.log = log
        self.outgoing = asyncio.Event()  # something may have to be pushed
        self.arriving = asyncio.Event()  # the log is to be looked at now
        self.residing = asyncio.Event()  # who is here may have changed
        self.heard = asyncio.Event()  # who is at the others may have changed
        self.over = asyncio.Event()
        self.why = ""
        self._fault = ""
        self._noted = 0.0
        self._unknown = 0.0  # since when the relay does not know this machine

    @staticmethod
    def now_ms() -> int:
        """This machine's clock."""
        return int(time.time() * 1000)

    def link(self) -> Link:
        """How far the link is. Ends it where this machine has left the team, or the link rests."""
        found = linking.load(self.db)
        if found is None or found.paused or found.machine != self.own.own.machine:
            self.end("paused" if found and found.paused else "not linked any more")
            raise asyncio.CancelledError
        return found

    def end(self, why: str) -> None:
        """Let every task come to its end."""
        self.why = self.why or why
        self.over.set()

    def remove(self, words: str = REMOVED) -> None:
        """This machine was put out of the team: the person is told, and the process ends."""
        self._tell(words)
        self.end(words)

    def _given_up(self) -> bool:
        """The relay says that it does not know this machine. One that was put back may learn of it again by an owner's
        link; so the person is told at once, and the process ends after a while."""
        now = time.monotonic()
        if not self._unknown:
            self._unknown = now
            self._tell(UNKNOWN)
        if now - self._unknown > limits.LINK_UNKNOWN_SECONDS:
            self.end(UNKNOWN)
        return self.over.is_set()

    def _tell(self, words: str) -> None:
        with self.db.write():
            alerts.note(self.db, alerts.CHAIN, "", words, self.now_ms())
            linking.reached(self.db, self.now_ms(), words)

    async def steady(self, name: str, step: Callable[[], Awaitable[None]]) -> None:
        """Do a step again and again until the link ends; after a fault, later."""
        failures = 0
        while not self.over.is_set():
            least_ms = 0
            try:
                await step()
                failures = 0
                self._well()
                continue
            except RelayRefused as problem:
                if problem.facts["code"] == "machine-unknown" and self._given_up():
                    return
                least_ms = int(str(problem.facts["retry_after_ms"]))
                self._failed(name, problem.message)
            except RemoteFault as problem:
                if isinstance(problem, RelayUnreachable):
                    self.relay.skew_ms = 0  # whoever answers next says its time again
                self._failed(name, problem.message)
            except (StoreBusy, StoreFull) as problem:
                self.log.line(f"{name}: {problem.message}")
            except StoreFault as problem:  # it was repaired or put back under us: a new process opens it anew
                self.end(problem.message)
                return
            except Exception as problem:
                self.failed_at(name, problem)
            failures += 1
            await self._rest(max(least_ms, self._pause_ms(failures)))

    def failed_at(self, name: str, problem: Exception) -> None:
        """telex itself failed at something: say so where it is looked for, and go on."""
        words = f"telex failed at this ({type(problem).__name__})"
        self._failed(name, words)
        try:
            with self.db.write():
                alerts.note(self.db, alerts.FAULT, "", f"{name}: {words}; it is tried again", self.now_ms())
        except StoreFault:
            pass

    @staticmethod
    def _pause_ms(failures: int) -> int:
        chance = int.from_bytes(os.urandom(4), "big") / 2**32
        return sync.delay_ms(failures, chance, limits.LINK_RETRY_LEAST_MS, limits.LINK_RETRY_MOST_MS)

    async def _rest(self, pause_ms: int) -> None:
        """Pause, unless the link ends."""
        try:
            await asyncio.wait_for(self.over.wait(), pause_ms / 1000)
        except TimeoutError:
            pass

    def _well(self) -> None:
        """The relay has answered: say so where it did not before, else only now and then."""
        now = time.monotonic()
        self._unknown = 0.0
        if self._fault or now - self._noted > limits.LINK_REACHED_SECONDS or not self._noted:
            self._fault, self._noted = "", now
            try:
                with self.db.write():
                    linking.reached(self.db, self.now_ms())
            except StoreFault:
                self._noted = 0.0

    def _failed(self, name: str, words: str) -> None:
        self.log.line(f"{name}: {words}")
        if words != self._fault:
            self._fault = words
            try:
                with self.db.write():
                    linking.reached(self.db, self.now_ms(), words)
            except StoreFault:
                self._fault = ""


async def first_of(*events: asyncio.Event, seconds: float | None = None) -> None:
    """Sleep until one of these happens, or the time is up."""
    waits = [asyncio.ensure_future(one.wait()) for one in events]
    try:
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in waits:
            one.cancel()
