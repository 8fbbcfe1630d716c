"""What the link found wrong: kept for `telex link status`, and told to the person.

Rules kept here: the same words are kept once an hour, and the person is told once an hour of each kind, so that whoever
causes trouble on purpose cannot bury them; the newest are kept, the oldest go.
"""

from __future__ import annotations

from telex import limits
from telex.core.record import Record
from telex.db.connection import Store
from telex.mail import addresses, notices

# The kinds, each with what begins the notice of it.
GAP, REFUSED, CHAIN, GUESS, KEY, FORK = "gap", "refused", "chain", "guess", "key", "fork"
REPLAY, FAULT, CLOCK = "replay", "fault", "clock"
PART = "part"  # an optional part of telex is missing, so nothing runs


class Trouble(Record):
    """One thing that was found wrong."""

    n: int
    at_ms: int
    machine: str  # whose it seems to be; '' for the relay's
    kind: str
    words: str


def note(db: Store, kind: str, machine: str, words: str, now_ms: int, rest_ms: int = limits.TROUBLE_REST_MS) -> None:
    """Keep it, and tell the person, once in `rest_ms`. Inside a write."""
    since = now_ms - rest_ms
    found = db.row("trouble.lately", kind, machine, words, since)
    same, alike = found or (0, 0)
    if same:
        return
    db.run("trouble.add", now_ms, machine, kind, words)
    db.run("trouble.trim", limits.TROUBLE_ROWS)
    if not alike:
        tell(db, f"the link found something wrong: {words}; 'telex link status' has the rest", now_ms)


def tell(db: Store, words: str, now_ms: int) -> None:
    """A notice for the person of this machine. Inside a write."""
    person = addresses.person(db, addresses.user_name(), now_ms)
    notices.notify(db, person.id, words, 0, now_ms)


def recent(db: Store, most: int = limits.LIST_ROWS) -> list[Trouble]:
    """The newest ones, newest first."""
    return [Trouble.of_row(row) for row in db.rows("trouble.recent", most)]


def missing_part(db: Store, reached_ms: int) -> str:
    """Why the link could not even start since the relay was reached last: which part is missing, and what brings it.
    '' where that is not so."""
    return str(db.value("trouble.newest", PART, reached_ms) or "")
