"""What a home holds, and what is wrong with it.

Rules kept here: the judgement goes by what SQLite, the hashes and the files say, not by what telex answers; a home
is opened as the next process would open it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import apsw

from telex.core import delivery
from telex.db.connection import Store, query
from telex.fs import bells, bodies
from telex.mail import gaps, messages

_WAITING = """
SELECT a.name, a.kind, a.bell, coalesce(s.ended_ms, 0) FROM address a LEFT JOIN session s ON s.id = a.session
WHERE a.bell <> '' AND EXISTS (SELECT 1 FROM delivery d WHERE d.recipient = a.id AND d.state IN ('queued', 'handed'))
"""
_TABLES_DIFFER = """
SELECT (SELECT count(*) FROM delivery d WHERE d.state = 'handed'
        AND NOT EXISTS (SELECT 1 FROM handed h WHERE h.message = d.message AND h.recipient = d.recipient))
     + (SELECT count(*) FROM handed h WHERE NOT EXISTS
        (SELECT 1 FROM delivery d WHERE d.state = 'handed' AND d.message = h.message AND d.recipient = h.recipient))
"""
_DELIVERIES = "SELECT d.message, a.name, d.state FROM delivery d JOIN address a ON a.id = d.recipient"


class Look(NamedTuple):
    """What a home holds."""

    bodies: dict[int, str]  # by message number, whole
    states: dict[tuple[int, str], str]  # by message number and name
    names: dict[str, bool]  # of sessions: whether they live
    members: set[tuple[str, str]]  # channel, name
    problems: list[str]

    def queued(self, name: str) -> list[int]:
        """The numbers of what waits to be shown to a name."""
        return sorted(n for (n, who), state in self.states.items() if who == name and state == delivery.QUEUED)

    def number(self, body: str) -> int:
        """The number of the message with that body; 0 for none."""
        return next((n for n, found in self.bodies.items() if found == body), 0)

    def recipients(self, number: int) -> int:
        """How many deliveries a message has."""
        return sum(n == number for n, _ in self.states)


def look(home: Path) -> Look:
    """Open a home as the next process would, read everything, close it."""
    db = Store(str(home))
    try:
        return _look(db)
    finally:
        db.close()


def _look(db: Store) -> Look:
    problems = _integrity(db) + _index(db) + silent_bells(db) + _called_lost(db)
    states = {(n, name): state for n, name, state in db.con.execute(_DELIVERIES)}
    found: dict[int, str] = {}
    for (number,) in list(db.con.execute("SELECT n FROM message ORDER BY n")):
        message = messages.get(db, number)
        assert message is not None
        body = messages.whole_body(db, message)
        found[number] = message.body if body is None else body
        if not message.sound():
            problems.append(f"m{number} is torn: its hash does not fit")
        if body is None:
            problems.append(f"m{number}'s body beside the store is missing or damaged")
        if not any(n == number for n, _ in states):
            problems.append(f"m{number} is torn: it is for nobody")
    problems += ["what was handed over is not what the states say"] if next(db.con.execute(_TABLES_DIFFER))[0] else []
    problems += [f"m{n} for @{name} is {state}" for (n, name), state in states.items() if state not in delivery.STATES]
    sessions = "SELECT a.name, s.ended_ms = 0 FROM session s JOIN address a ON a.session = s.id"
    member = "SELECT c.name, a.name FROM member m JOIN address c ON c.id = m.channel JOIN address a ON a.id = m.address"
    return Look(
        bodies=found,
        states=states,
        names={name: bool(lives) for name, lives in db.con.execute(sessions)},
        members=set(db.con.execute(member)),
        problems=problems,
    )


def _integrity(db: Store) -> list[str]:
    """What SQLite finds wrong with its pages and its references."""
    try:
        found = [f"integrity: {row[0]}" for row in db.con.execute("PRAGMA integrity_check") if row[0] != "ok"]
        found += [f"a row of {row[0]} refers to nothing" for row in db.con.execute("PRAGMA foreign_key_check")]
    except apsw.Error as problem:
        return [f"integrity: {problem}"]
    return found


def silent_bells(db: Store) -> list[str]:
    """The promise of the bell, as it is broken: mail waits for a live session, and its bell is not there."""
    return [
        f"mail waits for @{name} and its bell is silent"
        for name, _, bell, ended in db.con.execute(_WAITING)
        if not ended and not bells.rings(db.home, bell)
    ]


def _index(db: Store) -> list[str]:
    """Whether the search index holds exactly the words of the messages."""
    db.con.execute("BEGIN IMMEDIATE")
    try:
        db.con.execute(query("index.update"))
        db.con.execute("INSERT INTO words (words, rank) VALUES ('integrity-check', 1)")
    except apsw.Error as problem:
        return [f"the search index: {problem}"]
    finally:
        db.con.execute("ROLLBACK")
    return []


def _called_lost(db: Store) -> list[str]:
    """No crash and no power cut damages a log: whoever says so raises a false alarm."""
    words = gaps.noted(db)
    return [f"a false alarm: {words}"] if words else []


def drafts(home: Path) -> list[str]:
    """Half-written bodies that were left beside the store."""
    return [name for name in os.listdir(home / bells.BODIES) if "." in name]


def whole_bodies(home: Path) -> list[str]:
    """Bodies beside the store that are not what their name says."""
    names = [name for name in os.listdir(home / bells.BODIES) if "." not in name]
    return [f"bodies/{name} is torn" for name in names if bodies.load(str(home), bytes.fromhex(name)) is None]
