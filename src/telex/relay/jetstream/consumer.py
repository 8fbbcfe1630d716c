"""Reading the stream as it grows, from a place on.

Rules kept here:
- every place comes once and in order; a hole, a jump or silence ends the tail, and whoever reads begins a new one after
  looking whether the stream is still the same; nothing is skipped on the quiet;
- the consumer is one of the cluster's memory only: losing it costs a new one.
"""

from __future__ import annotations

import asyncio
from collections import deque

import msgspec
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.js import api

from telex import limits
from telex.relay import commands
from telex.relay.jetstream.apply import Ordered
from telex.relay.jetstream.connection import STREAM, Cluster

SEEN = "Telex-Seen"  # the header of a command: up to where its relay had read
_STALLED = "Nats-Consumer-Stalled"


class Tail:
    """One consumer, from after a place on; used on the event loop."""

    def __init__(self, cluster: Cluster, after: int) -> None:
        self._cluster = cluster
        self._position = after
        self._got: deque[Msg] = deque()
        self._more = asyncio.Event()
        self._heard = asyncio.get_running_loop().time()
        self._subscription: Subscription | None = None
        self._consumer = ""

    async def open(self) -> None:
        """Begin. Raises what the cluster raises."""
        client = self._cluster.client
        inbox = client.new_inbox()
        self._subscription = await client.subscribe(inbox, cb=self._take)
        config = api.ConsumerConfig(
            deliver_policy=api.DeliverPolicy.BY_START_SEQUENCE,
            opt_start_seq=self._position + 1,
            deliver_subject=inbox,
            ack_policy=api.AckPolicy.NONE,
            max_deliver=1,
            mem_storage=True,
            num_replicas=1,
            idle_heartbeat=limits.CLUSTER_BEAT_SECONDS,
            flow_control=True,
            inactive_threshold=limits.CLUSTER_START_SECONDS,
        )
        self._consumer = (await self._cluster.js.add_consumer(STREAM, config)).name

    async def _take(self, msg: Msg) -> None:
        """From the cluster: a command, a sign of life, or the question whether it was read."""
        self._heard = asyncio.get_running_loop().time()
        headers = msg.headers or {}
        if headers.get(api.Header.STATUS) == "100":
            answer_to = msg.reply or headers.get(_STALLED, "")
            if answer_to:
                await self._cluster.client.publish(answer_to)
        else:
            self._got.append(msg)
        self._more.set()

    async def next(self) -> list[Ordered]:
        """What comes next, as much as fits one commit; nothing after a while without any.

        Raises ConnectionAbortedError where it cannot go on, but a new one can; msgspec.DecodeError for a command that
        this version does not know.
        """
        if not self._got:
            self._more.clear()
            try:
                async with asyncio.timeout(limits.CLUSTER_BEAT_SECONDS):
                    await self._more.wait()
            except TimeoutError:
                pass
        if asyncio.get_running_loop().time() - self._heard > limits.CLUSTER_SILENCE_SECONDS and not self._got:
            raise ConnectionAbortedError("silence")
        count = min(len(self._got), limits.RELAY_COMMIT_COMMANDS)
        return [self._read(self._got.popleft()) for _ in range(count)]

    def _read(self, msg: Msg) -> Ordered:
        place = msg.metadata.sequence.stream
        if place != self._position + 1:
            raise ConnectionAbortedError(f"{place} after {self._position}")
        headers = msg.headers or {}
        try:
            seen = int(headers.get(SEEN, "0"))
        except ValueError:
            raise msgspec.DecodeError(SEEN) from None
        self._position = place
        return Ordered(place, headers.get(api.Header.MSG_ID, ""), seen, commands.decode(msg.data))

    async def close(self) -> None:
        """End it; the cluster forgets it by itself where it cannot be told."""
        try:
            if self._subscription is not None:
                await self._subscription.unsubscribe()
            if self._consumer:
                await self._cluster.js.delete_consumer(STREAM, self._consumer)
        except Exception:  # noqa: S110
            pass
