"""Counts and times for Prometheus, in a registry of the relay's own.

Rule kept here: no label holds anything of a team, a machine, an address or a person.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_COMMANDS = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class Metrics:
    """What one relay process counts."""

    def __init__(self) -> None:
        made = self._registry = CollectorRegistry()
        self._requests = Counter("telex_relay_requests", "Requests answered", ["route", "status"], registry=made)
        self._seconds = Histogram(
            "telex_relay_request_seconds", "Time to an answer", ["route"], buckets=_SECONDS, registry=made
        )
        self._refused = Counter("telex_relay_refusals", "Requests refused, by reason", ["code"], registry=made)
        self._items = Counter("telex_relay_items", "Envelopes, by what became of them", ["outcome"], registry=made)
        self._commits = Histogram(
            "telex_relay_commit_seconds", "Time of a durable commit", buckets=_SECONDS, registry=made
        )
        self._batches = Histogram(
            "telex_relay_commit_commands", "Commands that shared a commit", buckets=_COMMANDS, registry=made
        )
        self._waiting = Gauge("telex_relay_waiting", "Requests that wait for something to come", registry=made)

    def answered(self, route: str, status: int, seconds: float) -> None:
        """A request has its answer."""
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def refused(self, code: str) -> None:
        """Something was refused."""
        self._refused.labels(code).inc()

    def items(self, offered: int, refused: int) -> None:
        """A push was answered."""
        self._items.labels("offered").inc(offered)
        self._items.labels("refused").inc(refused)

    def committed(self, commands: int, seconds: float) -> None:
        """A commit is durable."""
        self._commits.observe(seconds)
        self._batches.observe(commands)

    def text(self, waiting: int) -> bytes:
        """Everything, as Prometheus reads it."""
        self._waiting.set(waiting)
        return generate_latest(self._registry)
