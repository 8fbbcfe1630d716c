"""Messages that were stored and are gone: found by the note of the newest number, said once, never hidden.

Rules kept here: a number that was given out is never given out again, whatever the store has forgotten; the person is
told once which numbers are gone, and `telex doctor` says so until a repair; a note too far ahead is not this store's
and counts for nothing. What is found is noted as settings: the sweep of the same write tells the person, and the outbox
begins anew before it gives out a number.
"""

from __future__ import annotations

from telex import limits
from telex.core.message import short_id
from telex.db.connection import Store
from telex.mail import addresses

# settings
_NOTED = "lost"  # what doctor says
_UNTOLD = "lost_untold"  # what the person was not told of yet
OUTBOX_UNSURE = "outbox_unsure"  # whether the outbox may have forgotten numbers too


def gap(db: Store) -> tuple[int, int] | None:
    """The first and last number that were given out and that the store does not know of."""
    last = db.newest.number  # looked at first: a sender may note one more between the two looks
    return _believed(db.value("store.last_number") + 1, last)


def skip(db: Store, number: int) -> int:
    """A message was just given a number that had been given out before: its new number. Inside a write."""
    found = _believed(number, db.newest.number)
    if found is None:
        db.newest.distrust()
        return number
    db.run("mail.renumber", found[1] + 1, number)
    _settle(db, *found, known=found[1] + 1)
    return found[1] + 1


def acknowledge(db: Store) -> str:
    """Which messages are gone, as doctor says it for the last time; '' for none. Inside a write."""
    if found := gap(db):
        _settle(db, *found, known=found[1])
    words = noted(db)
    db.run("settings.unset", _NOTED)
    return words


def noted(db: Store) -> str:
    """Which messages are gone and were not acknowledged yet, in words; '' for none."""
    found = gap(db)
    return ", ".join(filter(None, (db.value("store.lost"), found and between(*found))))


def take_untold(db: Store) -> str:
    """Which messages are gone that the person was not told of, as it is put to them; '' for none. Inside a write."""
    words = db.value("store.setting", _UNTOLD)
    if not words:
        return ""
    db.run("settings.unset", _UNTOLD)
    return told(words)


def told(words: str) -> str:
    """The same with what it means."""
    return f"stored once and gone now: {words}; the store's log was damaged, or an older copy of the store put back"


def between(first: int, last: int) -> str:
    """Those numbers, as they are written."""
    return short_id(first) if first == last else f"{short_id(first)} to {short_id(last)}"


def raise_sequence(db: Store, known: int) -> None:
    """Let the next number be larger than this one. Inside a write."""
    if not db.run("store.raise_sequence", known):
        db.run("store.begin_sequence", known)


def _believed(first: int, last: int) -> tuple[int, int] | None:
    return (first, last) if first <= last < first + limits.LOST_MESSAGES else None


def _settle(db: Store, first: int, last: int, known: int) -> None:
    raise_sequence(db, known)
    words = between(first, last)
    noted = ", ".join(filter(None, (db.value("store.lost"), words)))
    db.run("settings.set", _NOTED, ", ".join(noted.split(", ")[-limits.LIST_ROWS :]))
    db.run("settings.set", _UNTOLD, words)
    if addresses.linked(db):  # numbers of the outbox that were forgotten must not be given out again either
        db.run("settings.set", OUTBOX_UNSURE, "1")
