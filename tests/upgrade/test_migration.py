"""A store made by an older telex is brought up to date once; a newer one is left alone."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path

import apsw
import pytest
from tests.link.courier import introduce, join
from tests.support.cli import TELEX, Shell

from telex import limits
from telex.db import connection
from telex.db.connection import APPLICATION_ID, Store
from telex.fs.lock import FileLock
from telex.team import link_state, outbox, receipts

SCHEMA = Path(connection.__file__).parent / "schema"
TABLES = "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name"


def age(shell: Shell, schema: int) -> None:
    """Make this home's store what an older schema made, with the mail that is in it: what came later is taken away."""
    con = apsw.Connection(f"{shell.telex_home}/telex.db")
    con.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
    first = apsw.Connection(":memory:")
    for path in sorted(SCHEMA.glob("*.sql"))[:schema]:
        first.execute(path.read_text())
    then = dict(first.execute(TABLES))
    now = dict(con.execute(TABLES))
    con.execute("PRAGMA foreign_keys = OFF; PRAGMA legacy_alter_table = ON")
    for name, sql in now.items():
        changed = sql.startswith("CREATE TRIGGER") and then.get(name) != sql
        if changed or (name not in then and sql.startswith("CREATE TABLE")):
            con.execute(f'DROP {sql.split()[1]} IF EXISTS "{name}"')
    for name, sql in then.items():
        if sql.startswith("CREATE TABLE") and name in now and now[name] != sql:
            _put_back(con, name, sql)
    for name, sql in then.items():  # what stood on a table that went, or that was put back
        if sql.startswith("CREATE ") and name not in dict(con.execute(TABLES)):
            con.execute(sql)
    con.execute(f"PRAGMA user_version = {schema}")
    assert dict(con.execute(TABLES)) == dict(first.execute(TABLES))
    con.close()


def _put_back(con: apsw.Connection, name: str, sql: str) -> None:
    """A table as it was, with the rows that are in it."""
    con.execute(f'ALTER TABLE "{name}" RENAME TO "{name}_now"; {sql}')
    columns = [[row[1] for row in con.execute(f'PRAGMA table_info("{table}")')] for table in (name, f"{name}_now")]
    shared = ", ".join(one for one in columns[0] if one in columns[1])
    con.execute(f'INSERT INTO "{name}" ({shared}) SELECT {shared} FROM "{name}_now"; DROP TABLE "{name}_now"')


def version(shell: Shell) -> int:
    con = apsw.Connection(f"{shell.telex_home}/telex.db", flags=apsw.SQLITE_OPEN_READONLY)
    found: int = next(con.execute("PRAGMA user_version"))[0]
    con.close()
    return found


def made(shell: Shell, schema: int) -> Shell:
    """A home of an older schema with mail in it: read, unread, large, and a request."""
    shell.telex("send", "@api", "hello")
    shell.telex("read", name="api")
    shell.telex("send", "@api", "unread")
    shell.telex("send", "@api", "--stdin", stdin=b"large " * 4_000)
    shell.telex("send", "@api", "which port?", "--kind", "request", name="web")
    age(shell, schema)
    assert version(shell) == schema
    return shell


@pytest.fixture
def old(shell: Shell) -> Shell:
    """A home of the first schema."""
    return made(shell, 1)


@pytest.fixture(params=range(1, limits.SCHEMA_VERSION))
def each(shell: Shell, request: pytest.FixtureRequest) -> Shell:
    """A home of each older schema, one after the other."""
    return made(shell, request.param)


def test_the_first_command_brings_an_old_store_up_to_date(each: Shell) -> None:
    before = json.loads(each.telex("inbox", "--json", name="api").out)["messages"]
    assert [one["body"][:8] for one in before] == ["unread", "large la", "which po"]
    assert version(each) == limits.SCHEMA_VERSION
    assert each.telex("doctor").status == 0
    assert [one["body"] for one in each.telex("log", "--all", "--json").json["messages"]][-1] == "hello"


def test_a_brought_up_store_is_like_a_new_one(each: Shell, tmp_path: Path) -> None:
    each.telex("who")
    new = Store(str(tmp_path / "new"))
    raised = Store(str(each.telex_home))
    assert dict(raised.con.execute(TABLES)) == dict(new.con.execute(TABLES))
    for name in ("application_id", "user_version", "journal_mode"):
        assert list(raised.con.execute(f"PRAGMA {name}")) == list(new.con.execute(f"PRAGMA {name}"))
    assert next(raised.con.execute("PRAGMA application_id"))[0] == APPLICATION_ID
    raised.close()
    new.close()


def test_a_brought_up_store_joins_a_team(each: Shell) -> None:
    """Would break: mail of before the team that is told to it, or that stands in the way of it."""
    each.telex("who")
    store = Store(str(each.telex_home))
    join(store, "bob-laptop", "member", "e" * 32)
    introduce(store, "alice-laptop", "member")
    lock = FileLock(f"{store.home}/{link_state.LOCK}")
    assert lock.acquire_within(0)
    assert each.telex("send", "@frontend@alice-laptop", "hello", name="api").status == 0
    assert each.telex("read", name="api").status == 0
    assert [one.letter.body for one in outbox.batch(store) if one.letter] == ["hello"]
    assert receipts.collect(store, 1) == 0
    lock.close()
    store.close()


def test_many_processes_at_once_bring_it_up_once(old: Shell) -> None:
    """Would break: two processes that both find schema 1 and both run its successor's statements."""
    environment = {**old.environment}
    running = [
        subprocess.Popen(
            [TELEX, "send", "@api", f"at once {number}"],
            env={**environment, "TELEX_NAME": f"s{number}"},
            cwd=old.work,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for number in range(12)
    ]
    answers = [(one.communicate(timeout=60), one.returncode) for one in running]
    assert [status for _, status in answers] == [0] * 12, answers
    bodies = [one["body"] for one in old.telex("inbox", "--json", "--limit", "50", name="api").json["messages"]]
    assert sorted(bodies[3:]) == sorted(f"at once {number}" for number in range(12))
    assert old.telex("doctor").status == 0


def test_who_opens_it_while_it_is_being_brought_up_waits(old: Shell) -> None:
    holder = apsw.Connection(f"{old.telex_home}/telex.db")
    holder.execute("BEGIN IMMEDIATE")
    waiting = subprocess.Popen(
        [TELEX, "inbox", "--json"],
        env={**old.environment, "TELEX_NAME": "api"},
        cwd=old.work,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    end = time.monotonic() + 30
    while not opened(waiting.pid):
        assert time.monotonic() < end
        time.sleep(0.01)
    assert waiting.poll() is None
    holder.execute("ROLLBACK")
    out, err = waiting.communicate(timeout=60)
    assert waiting.returncode == 0, err
    assert len(json.loads(out)["messages"]) == 3


def test_an_older_telex_that_still_runs_cannot_make_it_be_done_twice(old: Shell) -> None:
    """Would break: its checkpoint writes its own schema's number, and the next command finds the tables there."""
    old.telex("who")
    con = apsw.Connection(f"{old.telex_home}/telex.db")
    con.execute("PRAGMA user_version = 1")  # what schema 1's checkpoint did
    con.close()
    assert len(old.telex("inbox", "--json", name="api").json["messages"]) == 3
    assert version(old) == limits.SCHEMA_VERSION


def test_a_checkpoint_leaves_the_number_that_a_newer_telex_wrote(old: Shell) -> None:
    store = Store(str(old.telex_home))
    other = apsw.Connection(f"{old.telex_home}/telex.db")
    other.execute(f"PRAGMA user_version = {limits.SCHEMA_VERSION + 1}")
    for number in range(2 * limits.CHECKPOINT_PAGES):
        with store.write():
            store.run("settings.set", f"filler-{number % 50}", "x" * 2_000)
    assert next(other.execute("PRAGMA user_version"))[0] == limits.SCHEMA_VERSION + 1
    other.close()
    store.close()


def test_a_bring_up_that_fails_leaves_the_old_store(old: Shell) -> None:
    con = apsw.Connection(f"{old.telex_home}/telex.db")
    con.execute("CREATE TABLE spelling (in_the_way)")
    con.close()
    found = old.telex("inbox", name="api")
    assert found.status == 1
    assert version(old) == 1
    con = apsw.Connection(f"{old.telex_home}/telex.db")
    assert [row for row in con.execute(TABLES) if row[0] == "guest"] == []
    con.execute("DROP TABLE spelling")
    con.close()
    assert "unread" in old.telex("inbox", name="api").out


def test_a_newer_store_is_left_alone_and_said_to_be_newer(old: Shell) -> None:
    old.telex("who")
    con = apsw.Connection(f"{old.telex_home}/telex.db")
    con.execute(f"PRAGMA user_version = {limits.SCHEMA_VERSION + 1}")
    con.close()
    found = old.telex("send", "@api", "x", "--json")
    assert (found.status, found.error["code"]) == (1, "store-newer")
    for words in (["inbox"], ["ipc", "check"], ["ipc", "serve", "--port", "0"]):
        found = old.telex(*words)
        assert found.status == 1
        assert "has schema" in found.err
    assert version(old) == limits.SCHEMA_VERSION + 1


def test_the_hook_is_silent_before_a_newer_store(shell: Shell) -> None:
    assert shell.telex("install", "claude").status == 0
    start = '{"hook_event_name": "SessionStart", "session_id": "s-1", "source": "startup", "cwd": "/"}'
    hook = f"{shell.telex_home}/bin/hook.py"
    found = shell.run([hook_python(hook), "-I", "-S", hook, "claude", "SessionStart"], start.encode())
    assert found.status == 0
    con = apsw.Connection(f"{shell.telex_home}/telex.db")
    con.execute(f"PRAGMA user_version = {limits.SCHEMA_VERSION + 1}")
    con.close()
    found = shell.run([hook_python(hook), "-I", "-S", hook, "claude", "SessionStart"], start.encode())
    assert (found.status, found.out, found.err) == (0, "", "")


def opened(pid: int) -> bool:
    """Whether a process has the store open."""
    try:
        names = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
    except OSError:
        return False
    return any(name.endswith("/telex.db") for name in names)


def hook_python(hook: str) -> str:
    """The interpreter that the launchers start."""
    import sys

    assert Path(hook).exists()
    return sys.executable
