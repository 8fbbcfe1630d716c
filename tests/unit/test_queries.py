"""Every named query is valid SQL, and none walks through a table that grows with history or with others' mail."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from tests.support.machine import Machine

import telex
from telex.db import connection

SOURCE = Path(telex.__file__).parent
FILES = sorted((SOURCE / "db" / "sql").glob("*.sql"))
GROWING = ("message", "delivery", "words", "owed", "due", "outbox", "arrival", "known_id")

# What looks at everything, because that is what it is for. Nothing of this runs in a hook, a send, a read or a look.
WHOLE = {
    "history.all_numbers": "export",
    "history.purgeable": "purge",
    "history.everything": "walks backwards from the newest, as far as its LIMIT",
    "history.after": "walks forwards from a message, for following",
    "history.newest": "the last entry of the index",
    "outbox.all": "a new origin, for which everything that is kept is numbered anew",
    "outbox.first": "the first entry of the table",
    "rosters.drop_arrivals": "a machine that was removed from the team",
    "mail.oldest": "walks forwards from where keeping has come to, as far as its LIMIT",
}
TO_DO = ("INDEX arrival_due", "INDEX outbox_waiting")  # they hold only what the link has still to do
WHOLE_NOUNS = ("doctor",)  # and the store's own repair
SORTING = {"mail.open": "of one inbox, what waits and what is owed: at most what may wait for one recipient"}


def names() -> list[str]:
    """Every query there is, as the code asks for it."""
    found = []
    for path in FILES:
        found += [f"{path.stem}.{name}" for name in re.findall(r"^-- :(\w+)", path.read_text(), re.MULTILINE)]
    return found


def values(sql: str) -> list[int]:
    """Something for every gap."""
    numbered = [int(number) for number in re.findall(r"\?(\d+)", sql)]
    return [1] * (max(numbered) if numbered else len(re.findall(r"\?", re.sub(r"'[^']*'", "", sql))))


def plan(machine: Machine, name: str) -> list[str]:
    """How SQLite goes about a query."""
    sql = connection.query(name)
    return [str(row[3]) for row in machine.db.con.execute(f"EXPLAIN QUERY PLAN {sql}", values(sql))]


@pytest.mark.parametrize("name", names())
def test_no_query_scans_what_grows(machine: Machine, name: str) -> None:
    if name in WHOLE or name.startswith(WHOLE_NOUNS):
        return
    sql, steps = connection.query(name), plan(machine, name)
    aliases = {alias: table for table, alias in re.findall(r"\b(?:FROM|JOIN) (\w+) (\w)\b", sql)}
    for step in steps:
        if re.match(r"(CO-ROUTINE|MATERIALIZE) \w+$", step):
            aliases[step.split()[1]] = "a result of this very query"
    for step in steps:
        scanned = re.match(r"SCAN (\w+)(?! VIRTUAL TABLE)", step)
        scanned = None if step.endswith(TO_DO) else scanned
        assert not scanned or aliases.get(scanned[1], scanned[1]) not in GROWING, f"{name}: {step}"
        sorts = "TEMP B-TREE FOR ORDER BY" in step and "LIMIT" in sql and not name.startswith("people.")
        sorts = sorts and name not in SORTING
        assert not sorts, f"{name} sorts all to show a few"


def test_a_query_that_scans_is_noticed(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connection._QUERIES, "mail.by_uuid", "SELECT n FROM message WHERE hex(uuid) = ?")
    with pytest.raises(AssertionError, match="SCAN message"):
        test_no_query_scans_what_grows(machine, "mail.by_uuid")


def test_every_exception_is_still_one(machine: Machine) -> None:
    assert set(WHOLE) <= set(names())


def test_a_query_has_one_name_and_a_remark_where_it_needs_one() -> None:
    listed = names()
    assert len(listed) == len(set(listed))


def test_every_query_that_the_code_asks_for_exists() -> None:
    nouns = "|".join(path.stem for path in FILES)
    asked = set()
    for path in SOURCE.rglob("*.py"):
        words = [node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant)]
        asked |= {word for word in words if isinstance(word, str) and re.fullmatch(rf"({nouns})\.\w*[a-z]", word)}
    assert asked - {"settings.json", "hook.py"} <= set(names())
