"""What differs between one relay and a cluster: who puts commands into order, and where large parts lie.

Rules kept here:
- all state is one SQLite file that one function changes, command by command (`relay.book`); both adapters use it,
  so rules and queries exist once;
- the embedded adapter applies a command at once, in a durable transaction; the cluster's adapter publishes it, and
  applies what its tail brings, in the order that the stream gave;
- `submit` returns only after the command is durable and this process's own file shows it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from telex.relay import commands
from telex.relay.state import Book, Wake

Notify = Callable[[frozenset[Wake]], None]  # called on the event loop, after every commit that changed something
Measure = Callable[[int, float], None]  # after every commit: its commands, and its seconds


class Log(Protocol):
    """Puts commands into one order for ever, and applies them."""

    book: Book  # for reading, on the event loop's thread

    async def start(self, notify: Notify, measure: Measure) -> None:
        """Begin, on the running event loop. Raises RelayFileUnusable and its like."""

    async def submit(self, command: commands.Any) -> commands.Result:
        """Put it into the order and apply it. Raises RelayRefused: by the rules, or a 503 when it cannot be durable.

        A 503 does not say that the command was not, or will not be, applied.
        """

    async def caught_up(self) -> bool:
        """Wait until this process's file shows all that was durable when it was asked; whether that was more than it
        had. Raises RelayRefused."""

    async def close(self) -> None:
        """Finish what was submitted, and end."""


class Parts(Protocol):
    """The bytes of sealed parts of large bodies, by team and digest."""

    async def put(self, team: str, digest: str, data: bytes) -> None:
        """Keep them durably; the same again is harmless. Raises RelayRefused with a 503."""

    async def get(self, team: str, digest: str) -> bytes | None:
        """The bytes, or None. Raises RelayRefused with a 503."""

    async def drop(self, team: str, digest: str) -> None:
        """Forget them; what is not there is no error."""
