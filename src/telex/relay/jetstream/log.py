"""The log as a cluster keeps it: commands go through a stream, every relay obeys them in the stream's order.

Rules kept here:
- a command is published under an id that was made before the first attempt, and again under the same id for as long as
  nobody said what became of it; it is answered with what this relay's own file gave when the stream brought it back;
- what was not answered in time is a 503, which says nothing of what became of it;
- this relay's file is a copy: whatever is wrong with it or with the stream, it is settled anew what both are;
- only so much is on its way at a time; more is refused with a time to try again.
"""

from __future__ import annotations

import asyncio
import secrets
from functools import partial

import apsw
import msgspec
from nats.js import api
from nats.js import errors as refused

from telex import limits
from telex.errors.between import RelayLogUnusable, RelayRefused
from telex.relay import commands, logs, state_file
from telex.relay.interfaces import Measure, Notify
from telex.relay.jetstream.agreement import Agreeing
from telex.relay.jetstream.apply import Ordered, Outcome, obey
from telex.relay.jetstream.connection import FAULTS, STREAM, Agreement, Cluster
from telex.relay.jetstream.consumer import SEEN, Tail
from telex.relay.state import Book
from telex.relay.writer import Writer
from telex.wire.faults import refusal

_FULL = (10023, 10047, 10077)  # the server's codes for: no resources, no storage, the stream is full
_NOBODY = "-"


class NatsLog:
    """The port `Log` over a stream, and a file of this process alone."""

    def __init__(self, cluster: Cluster, path: str, lock: state_file.Serving) -> None:
        """Raises RelayFileUnusable, RelayFileNewer."""
        state_file.prepare(path)
        self.cluster = cluster
        self._path = path
        self._lock = lock
        self.book: Book = state_file.open_book(path)
        self.agreeing = Agreeing(cluster, path, self.book)
        self._waiting: dict[str, asyncio.Future[commands.Result]] = {}
        self._bytes = 0  # of what is waited for
        self._moved = asyncio.Condition()
        self.position = 0
        self._base = ""  # '' until it is settled what the file is made from
        self._said = ""  # why the stream could not be followed last
        self._doubt = False
        self._looking = asyncio.Lock()
        self._looked = 0.0
        self._closing = False
        self._running: asyncio.Task[None] | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._spread = 1 + secrets.randbelow(200) / 1000  # so that not every relay keeps its file at the same moment

    async def start(self, notify: Notify, measure: Measure) -> None:
        """Begin: reach the cluster, and obey all that is there. Raises RelayLogUnusable."""
        self._notify, self._measure = notify, measure
        await self.cluster.start()
        self._running = asyncio.create_task(self._run())
        try:
            async with asyncio.timeout(limits.CLUSTER_START_SECONDS):
                while not self._base:
                    await self._change()
                state = await self.cluster.state()
                while self.position < state.last and not self._doubt:
                    await self._change()
        except FAULTS:
            await self._end()
            problem, advice = "its relay log does not come up", "see that most of its nodes run"
            raise RelayLogUnusable(place=self.cluster.place, problem=problem, advice=advice) from None

    async def submit(self, command: commands.Any) -> commands.Result:
        """Put it into the order, and wait until this file shows it. Raises RelayRefused."""
        if self._closing:
            raise refusal("closing", retry_after_ms=limits.RELAY_RETRY_MS)
        data = commands.encode(command)
        if len(self._waiting) >= limits.RELAY_QUEUE_COMMANDS or self._bytes >= limits.CLUSTER_INFLIGHT_BYTES:
            raise refusal("log-busy", retry_after_ms=limits.RELAY_RETRY_MS)
        name = secrets.token_hex(limits.RELAY_ID_BYTES)
        future: asyncio.Future[commands.Result] = asyncio.get_running_loop().create_future()
        self._waiting[name] = future
        self._bytes += len(data)
        subject = f"{STREAM}.{getattr(command, 'team', '') or _NOBODY}"
        publishing = asyncio.create_task(self._publish(name, subject, data, future))
        try:
            async with asyncio.timeout(limits.CLUSTER_SUBMIT_SECONDS):
                return await future
        except TimeoutError:
            raise refusal("log-broken", retry_after_ms=limits.RELAY_RETRY_MS) from None
        finally:
            publishing.cancel()
            del self._waiting[name]
            self._bytes -= len(data)

    async def _publish(self, name: str, subject: str, data: bytes, future: asyncio.Future[commands.Result]) -> None:
        """Until the stream has it, or the tail has brought it."""
        headers = {api.Header.MSG_ID: name, SEEN: str(self.position)}
        while not future.done():
            try:
                ack = await self.cluster.js.publish(subject, data, stream=STREAM, headers=dict(headers))
            except refused.APIError as problem:
                if problem.err_code in _FULL and not future.done():
                    future.set_exception(refusal("log-full", retry_after_ms=limits.RELAY_RETRY_MS))
                await asyncio.sleep(limits.CLUSTER_PAUSE_SECONDS)
            except FAULTS:
                await asyncio.sleep(limits.CLUSTER_PAUSE_SECONDS)
            else:
                if ack.seq <= self.position and not future.done():
                    self._doubt = True  # it was given a place that this file has read something else at
                return

    async def caught_up(self) -> bool:
        """Wait until this file shows all that the stream has now; whether that was more than before.

        Raises RelayRefused.
        """
        loop = asyncio.get_running_loop()
        asked, before = loop.time(), (self._base, self.position)
        async with self._looking:
            if self._looked < asked:  # else somebody else's look came after this question
                self._looked = loop.time()
                try:
                    async with asyncio.timeout(limits.CLUSTER_SUBMIT_SECONDS):
                        await self._catch_up()
                except FAULTS:
                    raise refusal("log-broken", retry_after_ms=limits.RELAY_RETRY_MS) from None
        return (self._base, self.position) != before

    async def _catch_up(self) -> None:
        position = self.position
        state, found = await self.cluster.state(), await self.cluster.agreed()
        if found is None or found.said.name != self._base or state.last < position:
            self._doubt = True
            while self._doubt:
                await self._change()
        while found is not None and found.said.name == self._base and self.position < state.last:
            await self._change()

    async def _change(self) -> None:
        async with self._moved:
            await self._moved.wait()

    async def _moves(self, base: str, position: int) -> None:
        async with self._moved:
            self._base, self.position = base, position
            self._moved.notify_all()

    async def _run(self) -> None:
        """Until cancelled: settle what the file is made from, then follow the stream."""
        while True:
            try:
                await self._follow(await self.agreeing.settle())
            except RelayRefused as problem:
                self._say(str(problem.facts["code"]))
            except (RelayLogUnusable, msgspec.DecodeError, apsw.Error, *FAULTS) as problem:
                self._say(type(problem).__name__)
            except Exception as problem:
                logs.bug(problem, "log")
            await asyncio.sleep(limits.CLUSTER_PAUSE_SECONDS)

    def _say(self, kind: str) -> None:
        """Once for as long as it is the same."""
        if kind != self._said:
            self._said = kind
            logs.say("log-broken", kind=kind)

    async def _follow(self, said: Agreement) -> None:
        """Obey what comes, until something is wrong."""
        made = state_file.open_book(self._path)
        made.con.execute("PRAGMA synchronous = NORMAL")  # a copy: what a power cut takes, the stream brings again
        writer, tail = Writer(made, self._notify, self._measure), Tail(self.cluster, self.book.value("book.position"))
        try:
            await tail.open()
            self._doubt = False
            await self._settled()
            loop = asyncio.get_running_loop()
            looked = loop.time()
            while not self._doubt:
                if batch := await tail.next():
                    await self._obey(writer, batch)
                if loop.time() - looked > limits.CLUSTER_LOOK_SECONDS:
                    said, looked = await self._look(said), loop.time()
        finally:
            await writer.close()
            await tail.close()

    async def _settled(self) -> None:
        """The file is in use; where it is another log than before, everybody looks at it anew."""
        base, position = self.book.value("ordered.base"), self.book.value("book.position")
        if base != self._base:
            self.book.touched = set()
            for (team,) in self.book.rows("team.ids"):
                self.book.touch_team(team)
            self._notify(frozenset(self.book.touched))
        self._said = ""
        await self._moves(base, position)

    async def _obey(self, writer: Writer, batch: list[Ordered]) -> None:
        """Into the file, in one commit or a few; then whoever waits for one of them hears what it gave."""
        outcomes: list[Outcome] = await asyncio.gather(*(writer.do(partial(obey, one=one)) for one in batch))
        for one, outcome in zip(batch, outcomes, strict=True):
            future = self._waiting.get(one.id)
            if future is None or future.done():
                continue
            if outcome.problem is not None:
                future.set_exception(outcome.problem)
            else:
                future.set_result(outcome.result)
        await self._moves(self._base, batch[-1].position)

    async def _look(self, said: Agreement) -> Agreement:
        """Whether the stream is still the one that is agreed on and was read; now and then, keep the file there."""
        state, found = await self.cluster.state(), await self.cluster.agreed()
        now = found.said if found else None
        if (
            now is None
            or (now.name, now.stream) != (said.name, state.identity)
            or await self.agreeing.went_back(state, now)
        ):
            self._doubt = True
        elif self.position - now.after > limits.CLUSTER_SNAPSHOT_COMMANDS * self._spread and self._keeping is None:
            self._keeping = asyncio.create_task(self._keep(now))
        return now or said

    async def _keep(self, said: Agreement) -> None:
        try:
            await self.agreeing.keep(said)
        except FAULTS as problem:
            logs.say("log-not-kept", kind=type(problem).__name__)
        finally:
            self._keeping = None

    async def close(self) -> None:
        """Refuse what was submitted and not obeyed, and end."""
        self._closing = True
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(refusal("closing", retry_after_ms=limits.RELAY_RETRY_MS))
        await self._end()
        self.book.con.close()
        self._lock.release()

    async def _end(self) -> None:
        for task in [self._keeping, self._running]:
            while task is not None and not task.done():
                task.cancel()  # once more where it was swallowed: nats-py does so while it flushes
                await asyncio.wait([task], timeout=limits.CLUSTER_PAUSE_SECONDS)
        await self.cluster.close()
