"""What the simulated machines and the simulated relay have in common: letters, crashes, and the rules they go by.

Rule kept here: the rules are the functions of `telex.core.sync` and `telex.core.delivery` themselves; a planted bug
is the one place where another function or habit stands in for one of them.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import NamedTuple

from telex.core import delivery, sync

LETTER, RECEIPTS = "letter", "receipts"


class Letter(NamedTuple):
    """A message, or receipts, as its sender committed it."""

    id: str
    host: str  # which installation sent it: a machine that was cloned has two
    machine: str
    to: tuple[str, ...]
    number: int  # of all commits in this history
    size: int
    kind: str = LETTER
    states: tuple[tuple[str, str], ...] = ()  # of receipts: a letter's id and what became of it
    record: int = 0  # the membership record that its sender knew; > 0 for a letter to every machine
    bad: bool = False  # the relay will not take it


class Item(NamedTuple):
    """A letter as the outbox numbers it."""

    oseq: int
    letter: Letter
    after: dict[str, int]


class Crashed(Exception):
    """The process is gone, between two steps."""


class Fuse:
    """Ends an action after some of its steps, when it is lit."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._left = -1

    def light(self, most: int = 10) -> None:
        """The next action crashes after fewer steps than that, if it has so many."""
        self._left = self._rng.randrange(most)

    def out(self) -> None:
        """It burns no more."""
        self._left = -1

    def point(self) -> None:
        """A place between two steps."""
        if self._left >= 0:
            if self._left == 0:
                self._left = -1
                raise Crashed
            self._left -= 1


class Rules:
    """How the parts decide. Bugs are planted here."""

    def __init__(self) -> None:
        self.admit: Callable[[int, int, str, str | None], str] = sync.admit
        self.batch: Callable[[list[int]], int] = sync.batch
        self.pushed: Callable[[sync.Outgoing, str, int, bool, int], sync.Offered] = sync.pushed
        self.pulled: Callable[[sync.Incoming, int, sync.Scan], sync.Taken] = sync.pulled
        self.again: Callable[[int], int] = sync.again
        self.follows: Callable[[int, int, int], str] = sync.follows
        self.allowed: Callable[[str, str], bool] = delivery.allowed
        self.habits: set[str] = set()  # bad ones, by name
