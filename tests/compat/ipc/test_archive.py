"""claude-ipc-mcp's messages.db, taken in: what was unread waits, what was read is history, nothing comes twice."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import apsw
import pytest
from tests.compat.ipc.port import Port
from tests.support.cli import Shell

from telex.compat.ipc.archive import records
from telex.errors import FileUnreadable

# compat.md, A.2: the tables as the original makes them.
SCHEMA = """
CREATE TABLE messages (id INTEGER PRIMARY KEY AUTOINCREMENT, from_id TEXT, to_id TEXT, content TEXT, timestamp TEXT,
                       data TEXT, summary TEXT, large_file_path TEXT, read_flag INTEGER DEFAULT 0);
CREATE TABLE instances (instance_id TEXT PRIMARY KEY, last_seen TEXT);
CREATE TABLE sessions (session_token_hash TEXT PRIMARY KEY, instance_id TEXT, created_at TEXT, expires_at TEXT);
CREATE TABLE name_history (old_name TEXT PRIMARY KEY, new_name TEXT, changed_at TEXT);
"""
WHEN = "2026-11-21T19:32:08.404620"


def made(path: Path, *rows: tuple[int | str | bytes | None, ...]) -> Path:
    """A database with these messages: from, to, content, timestamp, data, summary, file, read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    con = apsw.Connection(str(path))
    con.execute(SCHEMA)
    for row in rows:
        con.execute(
            "INSERT INTO messages (from_id, to_id, content, timestamp, data, summary, large_file_path, read_flag) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            row,
        )
    con.close()
    return path


def database(shell: Shell) -> Path:
    return shell.home / ".claude-ipc-data" / "messages.db"


def test_what_was_unread_waits_and_what_was_read_is_history(shell: Shell, port: Port) -> None:
    path = made(
        database(shell),
        ("Alice", "bob", "first", WHEN, "{}", None, None, 0),
        ("Alice", "bob", "old news", WHEN, None, None, None, 1),
        ("carol", "bob", "with data", WHEN, '{"a": [1]}', None, None, 0),
        ("system", "bob", "📝 x renamed to y", WHEN, "", None, None, 0),
    )
    found = shell.telex("import", str(path), "--queued")
    assert (found.status, found.out) == (0, "4 messages taken in, 0 were here already\n"), found.err
    bob = port.client("bob")
    heard = bob.check()
    assert [(one["from"], one["message"]["content"], one["message"]["data"]) for one in heard] == [
        ("alice", "first", {}),
        ("carol", "with data", {"a": [1]}),
    ]
    assert heard[0]["timestamp"][:23] == WHEN[:23]
    assert bob.check() == []
    assert "old news" in shell.telex("log", "--all").out


def test_importing_twice_takes_nothing_twice(shell: Shell) -> None:
    row = ("alice", "bob", "same words", WHEN, None, None, None, 0)
    path = made(database(shell), row, row)
    shell.telex("import", str(path))
    assert shell.telex("import", str(path)).out == "0 messages taken in, 2 were here already\n"
    con = apsw.Connection(str(path))
    con.execute("UPDATE messages SET read_flag = 1")
    con.execute("INSERT INTO messages (from_id, to_id, content, timestamp) VALUES ('alice', 'bob', 'new', ?)", (WHEN,))
    con.close()
    assert shell.telex("import", str(path)).out == "1 message taken in, 2 were here already\n"


def test_a_large_message_is_read_in_from_its_file(shell: Shell) -> None:
    large = shell.home / ".claude-ipc-data" / "large-messages" / "20261121-193208_alice_bob_message.md"
    text = "# IPC Message\n\nFrom: alice\nTo: bob\nTime: x\nSize: 29.3KB\n\n## Content\n\n" + "long " * 6_000
    path = made(
        database(shell),
        ("alice", "bob", "long. long. Full content saved to: x", WHEN, None, "long. long.", str(large), 0),
        ("alice", "bob", "gone. Full content saved to: x", WHEN, None, "gone.", str(large) + "x", 0),
    )
    large.parent.mkdir()
    large.write_text(text)
    first, second = (json.loads(line) for line in records(str(path)))
    assert first["body"] == "long " * 6_000
    assert second["body"] == "gone. Full content saved to: x"


def test_odd_rows_are_taken_as_well_as_they_can_be(tmp_path: Path, shell: Shell) -> None:
    path = made(
        tmp_path / "messages.db",
        ("_x", "me", "to a reserved name", "no time", "not json", None, None, 0),
        (None, "Bob!", None, None, None, None, None, None),
        ("a.b", "c", "nul \0 in it", WHEN, '{"big": "' + "y" * 20_000 + '"}', None, None, 0),
        ("blob", "c", b"\xff\xfe", WHEN, "[1]", None, None, 0),
    )
    found = [json.loads(line) for line in records(str(path))]
    assert [(one["sender"], one["to"]) for one in found] == [
        ("x_x", "@me-1"),
        ("session", "@bob"),
        ("a.b", "@c"),
        ("blob", "@c"),
    ]
    assert found[0]["created_ms"] == 0
    assert found[0]["body"].endswith("data:\nnot json")
    assert "y" * 20_000 in found[2]["body"]
    assert shell.telex("import", str(path)).status == 0


def test_the_time_is_local_time(tmp_path: Path) -> None:
    path = made(tmp_path / "m.db", ("a", "b", "x", WHEN, None, None, None, 0))
    [one] = [json.loads(line) for line in records(str(path))]
    assert one["created_ms"] == int(datetime.fromisoformat(WHEN).timestamp() * 1000)


def test_the_database_is_not_changed(tmp_path: Path) -> None:
    path = made(tmp_path / "m.db", ("a", "b", "x", WHEN, None, None, None, 0))
    before = path.read_bytes()
    path.chmod(0o400)
    assert len(list(records(str(path)))) == 1
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir() if one.name.startswith("m.db")] == ["m.db"]


@pytest.mark.parametrize("content", [b"", b"SQLite format 3\0 and then nothing", b"text"])
def test_what_is_no_such_database_is_said(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "m.db"
    path.write_bytes(content)
    with pytest.raises(FileUnreadable, match=r"it is no messages\.db of claude-ipc-mcp"):
        list(records(str(path)))
