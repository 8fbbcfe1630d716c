"""Sealed parts of large bodies in the cluster's object store, each under its team and digest.

Rule kept here: a part that was put lately is not removed, because another relay may be about to say that its team has
it; what stays so without need is a part's size, not somebody's message.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from nats.js import errors as refused

from telex import limits
from telex.relay.jetstream.connection import FAULTS, Cluster
from telex.wire.faults import refusal


class NatsParts:
    """The port `Parts` over an object store."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    async def put(self, team: str, digest: str, data: bytes) -> None:
        """Keep a part's bytes. Raises RelayRefused."""
        try:
            async with asyncio.timeout(limits.CLUSTER_SUBMIT_SECONDS):
                await self._cluster.objects.put(_name(team, digest), data)
        except FAULTS:
            raise refusal("log-broken", retry_after_ms=limits.RELAY_RETRY_MS) from None

    async def get(self, team: str, digest: str) -> bytes | None:
        """A part's bytes. Raises RelayRefused."""
        try:
            async with asyncio.timeout(limits.CLUSTER_SUBMIT_SECONDS):
                return bytes((await self._cluster.objects.get(_name(team, digest))).data or b"")
        except refused.NotFoundError:
            return None
        except FAULTS:
            raise refusal("log-broken", retry_after_ms=limits.RELAY_RETRY_MS) from None

    async def drop(self, team: str, digest: str) -> None:
        """Forget a part's bytes, unless they were put lately. Raises RelayRefused."""
        name = _name(team, digest)
        try:
            async with asyncio.timeout(limits.CLUSTER_SUBMIT_SECONDS):
                put = datetime.fromisoformat((await self._cluster.objects.get_info(name)).mtime or "")
                if (datetime.now(UTC) - put).total_seconds() * 1000 > limits.CLUSTER_PART_KEPT_MS:
                    await self._cluster.objects.delete(name)
        except (refused.NotFoundError, ValueError):
            return
        except FAULTS:
            raise refusal("log-broken", retry_after_ms=limits.RELAY_RETRY_MS) from None


def _name(team: str, digest: str) -> str:
    return f"{team}.{digest}"
