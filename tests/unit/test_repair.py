"""A repair saves every row of every table that can be read, whatever schema the damaged store has.

What is saved is compared with what the same store becomes without damage: brought up to date by its migrations alone.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import apsw
import pytest

from telex import limits, salvage
from telex.db import connection
from telex.db.connection import APPLICATION_ID, DATABASE, Store
from telex.mail import addresses

shared = salvage._shared
SCHEMAS = range(1, limits.SCHEMA_VERSION + 1)
CHECKED = {"kind": "session", "wake": "direct", "reason": "joined", "via": "direct"}  # columns that take few words
Rows = dict[str, list[dict[str, Any]]]


def tables(con: apsw.Connection) -> list[str]:
    names = [name for (name,) in con.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")]
    return [name for name in names if not name.startswith(("words", "sqlite_"))]


def rows(home: Path) -> Rows:
    """Everything in a store, each row by the names of its columns."""
    con = apsw.Connection(str(home / DATABASE))
    found: Rows = {}
    for table in tables(con):
        cursor = con.execute(f'SELECT * FROM "{table}"')
        found[table] = [dict(zip([one[0] for one in cursor.get_description()], row, strict=True)) for row in cursor]
    con.close()
    return found


def full(home: Path, schema: int) -> None:
    """A store of a schema with two rows in every table; no two columns of a row hold the same."""
    db = Store(str(home), schema=schema)
    with db.write():
        for table in tables(db.con):
            columns = [(name, kind) for _, name, kind, *_ in db.con.execute(f'PRAGMA table_info("{table}")')]
            for number in (1, 2) if table != "link" else (1,):
                row = [value(name, kind, at, number) for at, (name, kind) in enumerate(columns)]
                db.con.execute(f'INSERT INTO "{table}" VALUES ({", ".join("?" * len(row))})', row)
    db.con.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    db.close()


def value(name: str, kind: str, at: int, number: int) -> int | str | bytes:
    if name == "one":
        return 1
    if kind == "INTEGER":
        return number * 100 + at
    words = CHECKED.get(name, f"{name} {number}")
    return words if kind == "TEXT" else words.encode()


def repaired(tmp_path: Path, schema: int) -> tuple[Rows, Rows]:
    """What a store becomes by its migrations, and what is saved of it."""
    home, sound, saved = tmp_path / "old", tmp_path / "sound", tmp_path / "saved"
    full(home, schema)
    shutil.copytree(home, sound)
    Store(str(sound)).close()
    salvage.save(str(home), str(saved))
    return rows(sound), rows(saved)


@pytest.fixture(autouse=True)
def no_renewal(monkeypatch: pytest.MonkeyPatch) -> None:
    """The outbox's renewal reads routes, which are no routes here; test_lost_log has it."""
    monkeypatch.setattr(addresses, "linked", lambda _: False)


@pytest.mark.parametrize("schema", SCHEMAS)
def test_a_repair_saves_every_row_as_the_migrations_would_have_it(tmp_path: Path, schema: int) -> None:
    wanted, found = repaired(tmp_path, schema)
    assert all(wanted[table] for table in rows(tmp_path / "old") if table in wanted)
    assert found == wanted


@pytest.mark.parametrize("schema", SCHEMAS)
def test_what_is_saved_is_a_store_of_the_newest_schema(tmp_path: Path, schema: int) -> None:
    full(tmp_path / "old", schema)
    salvage.save(str(tmp_path / "old"), str(tmp_path / "saved"))
    con = apsw.Connection(str(tmp_path / "saved" / DATABASE))
    assert next(con.execute("PRAGMA user_version"))[0] == limits.SCHEMA_VERSION
    assert next(con.execute("PRAGMA application_id"))[0] == APPLICATION_ID
    con.close()


@pytest.mark.parametrize("schema", SCHEMAS)
def test_a_store_whose_number_was_put_back_keeps_what_it_has(tmp_path: Path, schema: int) -> None:
    """An older telex that still ran wrote its own number into a store of the newest schema."""
    home = tmp_path / "old"
    full(home, limits.SCHEMA_VERSION)
    before = rows(home)
    con = apsw.Connection(str(home / DATABASE))
    con.execute(f"PRAGMA user_version = {schema}")
    con.close()
    salvage.save(str(home), str(tmp_path / "saved"))
    assert rows(tmp_path / "saved") == before


def test_a_column_in_another_place_keeps_its_value(tmp_path: Path) -> None:
    """Would break: rows are copied by position, and a moment becomes a name's age."""
    home = tmp_path / "old"
    full(home, limits.SCHEMA_VERSION)
    before = rows(home)
    con = apsw.Connection(str(home / DATABASE))
    con.execute("""
        ALTER TABLE forward RENAME TO was;
        CREATE TABLE forward (until_ms INTEGER NOT NULL, address INTEGER NOT NULL, name TEXT NOT NULL PRIMARY KEY,
                              of_a_later_telex TEXT NOT NULL DEFAULT 'x') STRICT, WITHOUT ROWID;
        INSERT INTO forward (name, address, until_ms) SELECT name, address, until_ms FROM was;
        DROP TABLE was""")
    con.close()
    salvage.save(str(home), str(tmp_path / "saved"))
    assert rows(tmp_path / "saved") == before


def test_a_table_that_is_gone_costs_itself_alone(tmp_path: Path) -> None:
    home = tmp_path / "old"
    full(home, limits.SCHEMA_VERSION)
    before = rows(home)
    con = apsw.Connection(str(home / DATABASE))
    con.execute("DROP TABLE owed; ALTER TABLE pair DROP COLUMN cause")
    con.close()
    salvage.save(str(home), str(tmp_path / "saved"))
    assert rows(tmp_path / "saved") == before | {"owed": [], "pair": []}


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("_schema", lambda _: limits.SCHEMA_VERSION),  # as it was: what a migration would have changed is lost
        ("_shared", lambda old, new, table: "" if table == "session" else shared(old, new, table)),
    ],
)
def test_a_planted_repair_that_leaves_rows_behind_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, fault: Any
) -> None:
    monkeypatch.setattr(salvage, name, fault)
    wanted, found = repaired(tmp_path, 3)
    assert found != wanted


def test_every_migration_is_found_by_what_it_makes(tmp_path: Path) -> None:
    """Would break: a store's schema cannot be told any more once its number is damaged."""
    for schema in SCHEMAS:
        db = Store(str(tmp_path / f"s{schema}"), schema=schema)
        found = [number for number, way, marker, _ in connection.migrations() if db.value(way, *marker)]
        assert found == [*range(1, schema + 1)]
        db.close()
