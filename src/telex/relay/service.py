"""What every room of a relay works with: its log, its waiters, its quotas, its clock.

Rules kept here: nothing is kept in memory that another process, or the next one, would need; what was heard of
machines is written down now and then, because a lost word of it costs nothing.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any, NamedTuple

import apsw
import msgspec

from telex import limits
from telex.errors.between import RelayRefused
from telex.relay import commands, logs
from telex.relay.auth import Caller, Door
from telex.relay.clock import Steadiness, now_ms
from telex.relay.interfaces import Log, Parts
from telex.relay.metrics import Metrics
from telex.relay.quota import Meter, Quotas
from telex.relay.state import Book
from telex.relay.waiters import Wakes
from telex.relay.writer import broken
from telex.wire.faults import refusal
from telex.wire.routes import Route


class Call(NamedTuple):
    """One request, let in and read."""

    route: Route
    caller: Caller  # nobody, where the route is for anybody
    source: str  # the address it came from
    places: dict[str, str]
    query: Any  # the route's query type
    body: Any  # the route's body type
    at_ms: int


class Stream(NamedTuple):
    """An answer that goes on: server-sent events."""

    events: Any  # an asynchronous iterator of bytes


Answer = msgspec.Struct | bytes | Stream | None

NOBODY = Caller("", "", "", 0)


def asked(caller: Caller) -> commands.Asked:
    """The request of a caller, for a command that is to be obeyed once by all relays of a cluster."""
    return commands.Asked(nonce=caller.nonce, at_ms=caller.asked_ms)


class Desk:
    """The relay's state in this process."""

    def __init__(self, log: Log, parts: Parts, quotas: Quotas, audience: str) -> None:
        self.log = log
        self.parts = parts
        self.quotas = quotas
        self.meter = Meter(quotas)
        self.wakes = Wakes()
        self.metrics = Metrics()
        self.door = Door(audience, now_ms())
        self.clock = Steadiness()
        self._heard: dict[str, commands.Sign] = {}
        self._well_until = 0.0
        self._probing = asyncio.Lock()

    async def start(self) -> None:
        """Begin to take commands."""
        await self.log.start(self.wakes.wake, self.metrics.committed)

    @property
    def book(self) -> Book:
        """For reading."""
        return self.log.book

    async def submit(self, command: commands.Any) -> Any:
        """Put a command into the log; what it gave. Raises RelayRefused."""
        return await self.log.submit(command)

    def heard(self, caller: Caller, at_ms: int, cursor: int) -> None:
        """A machine was there, and has read so far."""
        self._heard[caller.machine] = commands.Sign(
            team=caller.team, machine=caller.machine, seen_ms=at_ms, cursor=cursor
        )

    async def note_heard(self) -> None:
        """Write down what was heard. Raises RelayRefused."""
        heard, self._heard = self._heard, {}
        signs = list(heard.values())
        for start in range(0, len(signs), limits.RELAY_COMMIT_COMMANDS):
            part = signs[start : start + limits.RELAY_COMMIT_COMMANDS]
            await self.submit(commands.Heard(at_ms=now_ms(), signs=part))

    async def sweep(self) -> None:
        """Remove what is too old, little by little. Raises RelayRefused."""
        at_ms = now_ms()
        if not self.clock.steady():
            logs.say("clock-jumped", advice="nothing is trimmed until the relay is started again")
            return
        before_ms, parts_before_ms = at_ms - self.quotas.keep_ms, at_ms - limits.RELAY_PART_MS
        for (team,) in self.book.rows("team.to_sweep", before_ms, parts_before_ms):
            more = True
            while more:
                one = commands.Sweep(
                    at_ms=at_ms,
                    team=team,
                    before_ms=before_ms,
                    parts_before_ms=parts_before_ms,
                    rows=limits.RELAY_SWEEP_ROWS,
                )
                swept: commands.Swept = await self.submit(one)
                for digest in swept.parts:
                    await self.parts.drop(team, digest)
                more = max(swept.entries, len(swept.parts)) == limits.RELAY_SWEEP_ROWS
        await self.submit(commands.Expire(at_ms=at_ms))

    async def probe(self) -> None:
        """Whether the log can be written, and read. Raises RelayRefused. Asked often, it writes once a second."""
        async with self._probing:
            if time.monotonic() < self._well_until:
                return
            try:
                async with asyncio.timeout(limits.RELAY_PROBE_SECONDS):
                    await self.submit(commands.Probe(at_ms=now_ms()))
                assert self.book.epoch
            except apsw.Error as problem:
                raise broken(problem) from None
            except TimeoutError:
                raise refusal("log-broken", retry_after_ms=limits.RELAY_RETRY_MS) from None
            self._well_until = time.monotonic() + limits.RELAY_RETRY_MS / 1000

    async def keep_house(self) -> None:
        """Until cancelled: note what was heard, and sweep. What fails is tried again the next time."""
        swept = 0.0
        while True:
            await asyncio.sleep(limits.RELAY_HEARD_SECONDS)
            try:
                await self.note_heard()
                if time.monotonic() - swept >= limits.RELAY_SWEEP_SECONDS:
                    swept = time.monotonic()
                    await self.sweep()
            except RelayRefused as problem:
                self.metrics.refused(str(problem.facts["code"]))
            except apsw.Error as problem:
                self.metrics.refused(str(broken(problem).facts["code"]))
            except Exception as problem:  # the house must be kept all the same
                logs.bug(problem, "house")

    async def close(self) -> None:
        """Finish what was begun, and end."""
        try:
            await self.note_heard()
        except RelayRefused:
            pass
        await self.log.close()
