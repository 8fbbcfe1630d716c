"""T6: a bit flipped, an end cut off, a page of zeros or a foreign sector, anywhere in the store's files.

What would break: a damaged message given out as sound; an exception that no caller expects; a hook that disturbs its
client; mail that goes without a word.
"""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import apsw
import pytest
from tests.crash import damage
from tests.crash.damage import DATABASE_FILE, LOG_FILE, WAYS, Stock
from tests.crash.harness import Machine, scaled

from telex.mail import messages

FILES = scaled(800, 50_000)
SHARES = 2


@pytest.fixture(scope="module")
def stocks(machine: Machine) -> dict[str, Stock]:
    """A home that is all in its database, and one that is all in its log."""
    return {
        DATABASE_FILE: damage.stock(machine, "in the database", checkpoint=True),
        LOG_FILE: damage.stock(machine, "in the log", checkpoint=False),
    }


def plans(stocks: dict[str, Stock], share: int) -> list[tuple[Stock, str, str, int]]:
    """Which file is damaged how, for each store of a share: of five, three in the database, one in the log, and one
    beside the store or in the database again."""
    found = []
    for seed in range(share, FILES, SHARES):
        dice = random.Random(seed)
        database, log = stocks[DATABASE_FILE], stocks[LOG_FILE]
        beside = [name for name in database.files if name.startswith("bodies/")]
        place = (DATABASE_FILE, DATABASE_FILE, LOG_FILE, DATABASE_FILE, dice.choice([*beside, DATABASE_FILE]))[seed % 5]
        way = dice.choice(["a bit flipped", *WAYS])
        found.append((log if place == LOG_FILE else database, place, way, seed))
    return found


@pytest.mark.parametrize("share", range(SHARES))
def test_damage_is_told_and_never_shown(machine: Machine, stocks: dict[str, Stock], share: int) -> None:
    """Would break: the row's hash, the body's hash, and the errors that SQLite's and Python's become."""
    home, wrong, told = machine.root / "damaged", Counter[str](), Counter[str]()
    for stock, name, way, seed in plans(stocks, share):
        damage.lay_out(stock, name, way, random.Random(seed), home)
        for words in damage.used(machine, home, told, seed // SHARES):
            wrong[f"{words} ({way} in {name})"] += 1
    assert wrong == {}
    assert min(told["message"], told["store-corrupt"]) >= FILES // SHARES // 10, told


@pytest.mark.parametrize(("place", "turn"), [(DATABASE_FILE, 0), (LOG_FILE, 1)])
def test_a_sound_store_passes(machine: Machine, stocks: dict[str, Stock], place: str, turn: int) -> None:
    """Would break: the test above, if a body's sum did not fit what is sound."""
    home = machine.root / "sound"
    damage.lay_out(stocks[place], place, "a bit flipped", random.Random(1), home)
    (home / place).write_bytes(stocks[place].files[place])
    assert damage.numbers(home) == set(range(1, damage.MESSAGES + 2))
    told = Counter[str]()
    assert list(damage.used(machine, home, told, turn)) == []
    assert set(told) <= {"message-unknown", "move-refused", "message"}, told
    assert not told["message"]


def test_a_store_that_does_not_check_its_hashes_is_noticed(
    machine: Machine, stocks: dict[str, Stock], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Would break: the eyes of this test, if a damaged body could pass them."""
    monkeypatch.setattr(messages.Message, "sound", lambda self: True)
    home, stock = machine.root / "unchecked", stocks[DATABASE_FILE]
    noticed = Counter[str]()
    for seed in range(scaled(240, 1_000)):
        damage.lay_out(stock, DATABASE_FILE, "a bit flipped", random.Random(seed), home)
        noticed.update(
            words.partition(" is damaged and")[1] or words.partition(": ")[0]
            for words in damage.used(machine, home, Counter(), 0)
        )
    assert noticed[" is damaged and"]
    assert noticed["the hook showed a damaged body"]


def test_a_message_that_goes_without_a_word_is_noticed(
    machine: Machine, stocks: dict[str, Stock], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Would break: the count of rows, if a repair that deletes what it cannot read could pass it."""
    monkeypatch.setattr(messages, "bury", lambda db, damaged, recipient, now_ms: db.con.execute(_DELETE, (damaged.n,)))
    home, stock = machine.root / "deleting", stocks[DATABASE_FILE]
    found: list[str] = []
    for seed in range(scaled(400, 1_000)):
        damage.lay_out(stock, DATABASE_FILE, "a bit flipped", random.Random(seed), home)
        found += damage.used(machine, home, Counter(), 0)
        if any("gone without a word" in words for words in found):
            return
    pytest.fail("no deletion was noticed")


_DELETE = "DELETE FROM message WHERE n = ?"


def overwrite(home: Path, statement: str) -> None:
    """Change a store as only damage can: its tables take any value, and nothing is checked."""
    con = apsw.Connection(str(home / DATABASE_FILE))
    con.execute("PRAGMA writable_schema = ON")
    con.execute("UPDATE sqlite_schema SET sql = replace(replace(sql, 'STRICT', ''), 'NOT NULL', '')")
    con.execute("PRAGMA writable_schema = RESET")
    con.execute(statement)
    assert con.changes()
    con.close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE message SET body = CAST(body AS BLOB) WHERE aside = 0",
        "UPDATE message SET sender_name = CAST(sender_name AS BLOB)",
        "UPDATE message SET created_ms = 'x'",
        "UPDATE message SET expires_ms = NULL",
        "UPDATE message SET body = NULL",
        "UPDATE session SET pid = NULL",
        "UPDATE delivery SET via = NULL",
        "UPDATE address SET arrival_ms = NULL",
        "UPDATE address SET cause_ms = NULL",
        "UPDATE message SET sender = 0",
        "UPDATE delivery SET state = CAST(state AS BLOB)",
        "UPDATE address SET name = CAST(name AS BLOB) WHERE kind = 'session'",
        "UPDATE address SET id = id + 100 WHERE kind = 'session'",
        "UPDATE session SET pid = 'x'",
    ],
)
def test_a_value_of_another_type_is_damage_and_no_bug(
    machine: Machine, stocks: dict[str, Stock], statement: str
) -> None:
    """Would break: a row taken as it comes. One flipped bit turns text into bytes that read and hash the same."""
    home = machine.root / "typed"
    for turn in (0, 1):
        damage.lay_out(stocks[DATABASE_FILE], DATABASE_FILE, "a bit flipped", random.Random(1), home)
        (home / DATABASE_FILE).write_bytes(stocks[DATABASE_FILE].files[DATABASE_FILE])
        overwrite(home, statement)
        told = Counter[str]()
        assert list(damage.used(machine, home, told, turn)) == []
        assert told["message"] or told["store-corrupt"], told
