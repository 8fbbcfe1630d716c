"""A repair saves every table, with every column that a later schema gave it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from telex.errors import StoreFault
from telex.store import doctor
from telex.store.sqlite import Store, query

NOT_SAVED = {"words", "sqlite_sequence"}  # the index is made anew, the last number is raised
CHECKED = {"kind": "session", "wake": "direct", "reason": "joined", "via": "direct"}  # columns that take few words
VALUES: dict[str, int | str | bytes] = {"INTEGER": 1, "TEXT": "x", "BLOB": b"x"}


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Store]:
    made = Store(str(tmp_path / "home"))
    made.con.execute("PRAGMA foreign_keys = OFF")
    yield made
    made.close()


def tables(db: Store) -> set[str]:
    names = {name for (name,) in db.con.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    return {name for name in names if not name.startswith("words_")} - NOT_SAVED


def lost(db: Store) -> list[str]:
    """The tables of which a repair would not save a row."""
    found = []
    for table in sorted(tables(db)):
        columns = [(name, kind) for _, name, kind, *_ in db.con.execute(f"PRAGMA table_info({table})")]
        row = tuple((CHECKED.get(name) if kind == "TEXT" else None) or VALUES[kind] for name, kind in columns)
        try:
            with db.write():
                db.run(f"doctor.put_{table}", *row)
            saved = row in list(db.con.execute(query(f"doctor.save_{table}")))
        except (StoreFault, apsw.BindingsError):
            saved = False
        found += [] if saved and table in doctor._TABLES else [table]
    return found


def test_a_repair_saves_a_row_of_every_table_whole(db: Store) -> None:
    """Would break: all sessions were lost in a repair once their table had two columns more."""
    assert lost(db) == []
    assert set(doctor._TABLES) == tables(db)


@pytest.mark.parametrize("table", ["session", "arrival", "one_shot"])
def test_a_column_that_a_repair_does_not_save_is_noticed(db: Store, table: str) -> None:
    """Would break: the test above, if it could not see a row that does not fit."""
    db.con.execute(f"ALTER TABLE {table} ADD COLUMN later TEXT NOT NULL DEFAULT ''")
    assert lost(db) == [table]
