"""Saving what can be read of a damaged store into a new one.

Rules kept here: the damaged file is only read; the new store begins with the schema of the damaged one, so columns meet
by name and the migrations change the rows as they change those of a sound store; a table or column that cannot be found
costs itself alone; each table is read from both ends, because a damaged page blocks one way only.
"""

from __future__ import annotations

import time

import apsw

from telex import limits
from telex.db.connection import DATABASE, Store, migrations, query
from telex.errors import StoreFault
from telex.mail import addresses, gaps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from telex.db.connection import SqlValue


def save(home: str, draft: str) -> dict[str, int]:
    """Make a store in the directory `draft` of what can be read of this home's; how many rows of each table."""
    old = _open(home)
    saved = _copy(old, draft) if old else {}
    new = Store(draft)  # brings it up to date
    with new.write():
        new.run("index.rebuild")
        if old:
            _copy_last_number(old, new)
        if addresses.linked(new):  # what was saved may be less than what was sent: no number is given out again
            from telex.team import outbox

            outbox.renew(new, int(time.time() * 1000))
    new.empty_log()
    new.close()
    if old:
        old.close()
    return saved


def _open(home: str) -> apsw.Connection | None:
    try:
        old = apsw.Connection(f"{home}/{DATABASE}")
        old.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)  # the damaged file stays as it is
    except apsw.Error:
        return None
    return old


def _copy(old: apsw.Connection, draft: str) -> dict[str, int]:
    new = Store(draft, schema=_schema(old))
    saved: dict[str, int] = {}
    with new.write():
        for (table,) in list(new.rows("doctor.tables")):
            if not (names := _shared(old, new, table)):
                continue
            put = str(new.value("doctor.put_way", table, names))
            for backwards in (0, 1):
                read = str(new.value("doctor.read_way", table, names, backwards))
                saved[table] = saved.get(table, 0) + _copy_rows(old, new, read, put)
    new.close()
    return saved


def _schema(old: apsw.Connection) -> int:
    """What a damaged store says its schema is, or the newest whose table or column it has: an older telex that still
    ran may have put its own number back."""
    found = _number(old, "doctor.user_version")
    for number, way, marker, _ in migrations():
        if _number(old, way, *marker):
            found = max(found, number)
    return min(max(found, 1), limits.SCHEMA_VERSION)


def _number(old: apsw.Connection, name: str, *values: SqlValue) -> int:
    try:
        return int(next(old.execute(query(name), values))[0])
    except apsw.Error:
        return 0


def _shared(old: apsw.Connection, new: Store, table: str) -> str:
    """The columns that both have, as a JSON list; '' for none."""
    try:
        there = {name for (name,) in old.execute(query("doctor.columns"), (table,))}
    except apsw.Error:
        return ""
    names = [f'"{name}"' for (name,) in new.rows("doctor.columns", table) if name in there]
    return f"[{', '.join(names)}]" if names else ""


def _copy_rows(old: apsw.Connection, new: Store, read: str, put: str) -> int:
    """Copy rows until the way is blocked; how many were new."""
    copied = 0
    try:
        for row in old.execute(read):
            try:
                new.con.execute(put, row)
                copied += new.con.changes()
            except apsw.Error:
                continue  # a row that does not fit its table is not a row of telex
    except (apsw.Error, UnicodeDecodeError):
        pass
    return copied


def _copy_last_number(old: apsw.Connection, new: Store) -> None:
    """So that the number of a message that was purged is not used again, nor taken for one that was lost."""
    try:
        gaps.raise_sequence(new, next(old.execute(query("store.last_number")))[0])
    except (apsw.Error, StoreFault):
        pass
