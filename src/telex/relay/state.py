"""The state of a relay: one SQLite file, asked and changed by named queries.

Rules kept here: SQL lives in `sql/*.sql`, named by `-- :name` lines; a book belongs to one thread; what a change
concerns is noted in `touched`, so that whoever waits for it is woken after the commit.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import apsw

from telex import limits
from telex.core import members
from telex.errors import Bug
from telex.relay.commands import Asked
from telex.wire.faults import refusal

Wake = tuple[str, str]  # a team and a machine of it; for an invitation: JOIN and its number
JOIN = "join"

_HERE = os.path.dirname(__file__)
_QUERIES: dict[str, str] = {}


def query(name: str) -> str:
    """The SQL named `noun.name`, from `sql/noun.sql`."""
    if name not in _QUERIES:
        noun = name.partition(".")[0]
        with open(f"{_HERE}/sql/{noun}.sql", encoding="utf-8") as file:
            for part in file.read().split("\n-- :")[1:]:
                head, _, text = part.partition("\n")
                _QUERIES[f"{noun}.{head.split()[0]}"] = text.strip()
        if name not in _QUERIES:
            raise Bug(what=f"no query {name}")
    return _QUERIES[name]


class Book:
    """One connection to the file, and what its last change concerns."""

    def __init__(self, con: apsw.Connection) -> None:
        self.con = con
        self.touched: set[Wake] = set()
        self.teams: dict[str, members.Team] = {}  # as their chains say; checked against the file before use

    def rows(self, name: str, *values: Any) -> list[tuple[Any, ...]]:
        """The rows of a named query."""
        return self.con.execute(query(name), values).fetchall()

    def row(self, name: str, *values: Any) -> tuple[Any, ...] | None:
        """The first row of a named query, or None."""
        found: tuple[Any, ...] | None = self.con.execute(query(name), values).fetchone()
        return found

    def value(self, name: str, *values: Any) -> Any:
        """The first column of the first row, or None."""
        found = self.con.execute(query(name), values).fetchone()
        return None if found is None else found[0]

    def run(self, name: str, *values: Any) -> int:
        """Execute a named statement; the number of rows it changed."""
        self.con.execute(query(name), values)
        return self.con.changes()

    @contextmanager
    def snapshot(self) -> Iterator[Book]:
        """Several queries that see one state."""
        self.con.execute("BEGIN")
        try:
            yield self
        finally:
            self.con.execute("COMMIT")

    @property
    def epoch(self) -> str:
        """Which log this is."""
        return str(self.value("book.epoch"))

    def standing(self, team: str, machine: str, roles: tuple[str, ...]) -> str:
        """The role of a machine that may do this now. Raises RelayRefused for one that may not, or is gone."""
        found = self.row("chain.standing", machine)
        if found is None or found[0] != team or found[2]:
            raise refusal("machine-unknown")
        if found[1] not in roles:
            raise refusal("role-forbids", role=found[1])
        return str(found[1])

    def once(self, machine: str, asked: Asked | None) -> None:
        """Obey a signed request once, whichever process of the relay was asked. Raises RelayRefused."""
        if asked is not None and not self.run("chain.asked", machine, asked.nonce, asked.at_ms):
            raise refusal("replayed")

    def remember(self, team: members.Team) -> None:
        """Keep a team's state for the next record, some teams' at most."""
        if len(self.teams) >= limits.RELAY_TEAMS_KNOWN:
            self.teams.clear()
        self.teams[team.id] = team

    def touch(self, team: str, machine: str) -> None:
        """Whoever waits for this machine's next page, or step of a pairing, has something to see."""
        self.touched.add((team, machine))

    def touch_team(self, team: str) -> None:
        """Likewise for all machines of a team."""
        self.touched.update((team, machine) for (machine,) in self.rows("chain.members", team))
