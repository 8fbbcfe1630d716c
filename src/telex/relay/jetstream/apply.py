"""A command as a stream brings it, and what a relay does with it: the same at every relay.

Rules kept here:
- the command, its place and its id go into the book in one commit, so a relay that was killed goes on exactly there;
- an id is obeyed once. A publisher that heard nothing tries again with the same id, and a node that was asleep may
  bring it hours later, when the stream itself has forgotten it;
- ids are kept for as many places as a command may come late, counted from what its relay had seen when it made it; what
  comes later than that is not obeyed. No clock is asked.
"""

from __future__ import annotations

from typing import NamedTuple

import apsw

from telex import limits
from telex.relay import commands
from telex.relay.state import Book
from telex.relay.transitions import apply
from telex.wire.faults import refusal


class Ordered(NamedTuple):
    """One command, where the stream has it."""

    position: int
    id: str
    seen: int  # the place up to which its relay had obeyed, when it made it
    command: commands.Any


class Outcome(NamedTuple):
    """What became of it: what the rules gave, or raised."""

    result: commands.Result = None
    problem: Exception | None = None


def obey(book: Book, one: Ordered) -> Outcome:
    """Apply a command that is next in the stream; within the caller's commit."""
    outcome = _outcome(book, one)
    book.run("ordered.add", one.id, one.position)
    book.run("book.set_position", one.position)
    if one.position % limits.CLUSTER_FORGET_EVERY == 0:
        book.run("ordered.forget", one.position - limits.CLUSTER_IDS)
    return outcome


def _outcome(book: Book, one: Ordered) -> Outcome:
    if one.position - one.seen > limits.CLUSTER_IDS or book.value("ordered.place", one.id) is not None:
        return Outcome(problem=refusal("log-busy", retry_after_ms=limits.RELAY_RETRY_MS))
    book.con.execute("SAVEPOINT obey")
    try:
        outcome = Outcome(result=apply(book, one.command))
    except (apsw.FullError, apsw.IOError, apsw.CorruptError, apsw.BusyError, MemoryError):
        raise
    except Exception as problem:
        book.con.execute("ROLLBACK TO obey")
        book.touched.clear()
        outcome = Outcome(problem=problem)
    book.con.execute("RELEASE obey")
    return outcome
