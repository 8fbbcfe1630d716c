"""Export, import and purge: mail that comes back whole, a file that is taken whole or not, deleting that deletes."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.cli import Shell
from tests.support.machine import DAY, HOUR, Machine, Processes, Seat, said

from telex import limits
from telex.bus.message_view import DAMAGED
from telex.errors import ImportInvalid, NameInvalid, StoreCorrupt
from telex.fs import bells


@pytest.fixture
def other(machine: Machine, tmp_path: Path) -> Iterator[Machine]:
    """A second machine; `machine` comes first because it sets the process table up."""
    made = Machine(tmp_path / "other", Processes())
    yield made
    made.db.close()


def written_to(machine: Machine) -> list[Seat]:
    """A machine with a bit of everything on it."""
    api, web = machine.named("api", "web")
    first = api.send("@web", "hello ☎ \u2028 \x1b[31m", data='{"ü": [1, null]}', key="k", ttl_s=HOUR)
    web.reply(first.id, "yes", kind="reply")
    api.send("@web,@dana,@later", "to many", kind="request", thread="release")
    api.send("@dana", "x" * 50_000)
    machine.person.send("all", "from the person")
    web.hook()
    machine.clock.pass_by(60)
    return [api, web]


# --- out and in -------------------------------------------------------------------------------------------


def test_what_is_exported_comes_back_the_same(machine: Machine, other: Machine) -> None:
    written_to(machine)
    lines = list(machine.person.export())
    assert other.person.take_in(lines) == (5, 0)
    expected = [json.loads(line) for line in lines]
    for record in expected:  # a file must not speak to an agent as the person or as telex
        for one in record["deliveries"] if record["sender_kind"] != "session" else ():
            if one["state"] == "queued":
                one.update(state="expired", reason="imported as it was", closed_ms=one["changed_ms"])
    assert [json.loads(line) for line in other.person.export()] == expected


def test_a_second_import_takes_nothing(machine: Machine, other: Machine) -> None:
    written_to(machine)
    lines = list(machine.person.export())
    other.person.take_in(lines)
    assert other.person.take_in(lines) == (0, 5)
    assert machine.person.take_in(lines) == (0, 5)
    assert len(list(other.person.export())) == 5


def test_what_was_taken_in_is_found_shown_and_answered(machine: Machine, other: Machine) -> None:
    written_to(machine)
    other.person.take_in(machine.person.export())
    assert len(other.person.search("many", everything=True)) == 1
    assert said(other.person.thread("release")) == ["to many"]
    assert other.person.log(everything=True)[1].size == 50_000
    later = other.arrive("/src/later")
    assert later.rings()
    assert "> to many" in later.hook()
    assert all(other.person.show(one.id).sound for one in other.person.log(everything=True))


def test_an_export_is_one_object_a_line(machine: Machine) -> None:
    written_to(machine)
    for line in machine.person.export():
        assert len(line.splitlines()) >= 1
        assert "\n" not in line
        found = json.loads(line)
        assert found["telex"] == 1
        assert found["sound"]


def test_a_damaged_message_is_exported_as_such(machine: Machine) -> None:
    written_to(machine)
    with machine.db.write():
        machine.db.con.execute("UPDATE message SET body = 'changed' WHERE n = 1")
    assert [json.loads(line)["sound"] for line in machine.person.export()] == [False, True, True, True, True]


def test_a_damaged_message_does_not_come_in_as_a_sound_one(machine: Machine, other: Machine) -> None:
    """Would break: a new hash over what the disk made of a message."""
    api, _ = machine.named("api", "web")
    for number in range(4):
        api.send("@web", f"number {number}", key=f"k{number}")
    with machine.db.write():
        machine.db.con.execute("UPDATE message SET body = 'forged' WHERE n = 1")
        machine.db.con.execute("UPDATE message SET sender_name = 'b o s s' WHERE n = 2")
        machine.db.con.execute("UPDATE message SET addressed = 'x' || char(10) || '@y' WHERE n = 3")
    assert other.person.take_in(machine.person.export()) == (2, 0)
    assert other.arrive("/src/web").heard() == ["number 3"]
    assert said(other.person.log(everything=True)) == ["number 3", DAMAGED]
    [receipt] = other.person.show("m1").deliveries
    assert (receipt.state, receipt.reason) == ("dead", "damaged on disk")


def test_a_key_that_is_taken_here_is_dropped_on_the_way_in(machine: Machine, other: Machine) -> None:
    written_to(machine)
    other.arrive("/src/api").send("@web", "another message", key="k")
    other.person.take_in(machine.person.export())
    assert [one.body for one in other.person.log(everything=True)].count("another message") == 1


# --- a file that is not whole -------------------------------------------------------------------------------

LINE: dict[str, Any] = {
    "telex": 1,
    "uuid": "019ab000-0000-7000-8000-000000000001",
    "sender": "api",
    "sender_kind": "session",
    "client": "claude",
    "place": "/src/api",
    "to": "@web",
    "kind": "note",
    "body": "hello",
    "data": "",
    "thread": "",
    "topic": "",
    "reply_to": "",
    "hops": 0,
    "auto": 0,
    "quiet": 0,
    "created_ms": 1_795_296_600_000,
    "expires_ms": 0,
    "deadline_ms": 0,
    "key": "",
    "sound": True,
    "deliveries": [],
}
DELIVERY: dict[str, Any] = {
    "name": "web",
    "kind": "session",
    "state": "read",
    "via": "direct",
    "reason": "",
    "changed_ms": 1,
    "shown_ms": 1,
    "read_ms": 1,
    "closed_ms": 0,
}
UNFIT: list[dict[str, Any]] = [
    {"telex": 2},
    {"telex": "1"},
    {"uuid": ""},
    {"uuid": "m7"},
    {"uuid": "#019ab000-0000-7000-8000-000000000001"},
    {"uuid": "01 9a b0 00 00 00 70 00 80 00 00"},
    {"uuid": "019ab000000070008000000000000001 "},
    {"thread": "zzz"},
    {"thread": "m1"},
    {"reply_to": "m1"},
    {"to": ""},
    {"to": "@web\n[forged] x"},
    {"to": "#"},
    {"sender": "a b"},
    {"sender": "../x"},
    {"sender": "\u0430pi"},
    {"sender_kind": "root"},
    {"kind": "order"},
    {"body": ""},
    {"body": 7},
    {"body": "\0"},
    {"body": "\udcff"},
    {"body": "\udcc3\udca9"},
    {"place": "\udcff"},
    {"client": "\0"},
    {"key": "k" * (limits.KEY_CHARS + 1)},
    {"key": None},
    {"data": "nope"},
    {"data": "[1]"},
    {"data": '{"a": "' + "x" * limits.DATA_MOST_BYTES + '"}'},
    {"hops": "0"},
    {"hops": -1},
    {"hops": True},
    {"created_ms": 10**30},
    {"created_ms": 1.5},
    {"deadline_ms": -1},
    {"deliveries": None},
    {"deliveries": [7]},
    {"deliveries": [DELIVERY | {"state": "lost"}]},
    {"deliveries": [DELIVERY | {"via": "pigeon"}]},
    {"deliveries": [DELIVERY | {"name": "a b"}]},
    {"deliveries": [DELIVERY | {"kind": "root"}]},
    {"deliveries": [DELIVERY | {"changed_ms": "1"}]},
    {"deliveries": [DELIVERY | {"read_ms": 2**63}]},
    {"deliveries": [DELIVERY | {"reason": 7}]},
    {"deliveries": [DELIVERY | {"reason": "\udcff"}]},
    {"deliveries": [{}]},
    {"deliveries": [DELIVERY, DELIVERY]},
]


@pytest.mark.parametrize("change", UNFIT, ids=lambda one: ascii(one)[:60])
def test_one_line_that_is_no_message_leaves_everything_out(machine: Machine, change: dict[str, Any]) -> None:
    whole = json.dumps(LINE | {"uuid": "019ab000-0000-7000-8000-00000000000f"})
    with pytest.raises(ImportInvalid, match="line 3 is not an exported message"):
        machine.person.take_in([whole, "", json.dumps(LINE | change)])
    assert list(machine.person.export()) == []


@pytest.mark.parametrize("line", ["{", "[]", "7", "null", '"telex"', "{}", '{"telex": 1}', "\x00", "[" * 100_000])
def test_a_line_that_is_something_else_leaves_everything_out(machine: Machine, line: str) -> None:
    with pytest.raises(ImportInvalid, match="line 2"):
        machine.person.take_in([json.dumps(LINE), line])
    assert list(machine.person.export()) == []


@pytest.mark.parametrize("field", [name for name in LINE if name != "sound"])
def test_a_field_that_is_missing_leaves_everything_out(machine: Machine, field: str) -> None:
    record = {name: value for name, value in LINE.items() if name != field}
    with pytest.raises(ImportInvalid):
        machine.person.take_in([json.dumps(record)])


def test_the_line_itself_is_fine(machine: Machine) -> None:
    assert machine.person.take_in([json.dumps(LINE | {"deliveries": [DELIVERY], "unknown": 7})]) == (1, 0)


def test_the_same_message_twice_in_a_file_is_taken_once(machine: Machine) -> None:
    assert machine.person.take_in([json.dumps(LINE), json.dumps(LINE)]) == (1, 1)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=[]), max_size=8),
    lambda below: st.lists(below, max_size=2) | st.dictionaries(st.text(max_size=4), below, max_size=2),
    max_leaves=4,
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(list(LINE)), VALUES, min_size=1, max_size=3))
def test_no_value_of_any_field_breaks_the_store(machine: Machine, change: dict[str, Any]) -> None:
    """Taken or refused, and what was taken can be listed, shown and exported again."""
    try:
        machine.person.take_in([json.dumps(LINE | change)])
    except ImportInvalid:
        return
    for letter in machine.person.log(everything=True, most=3):
        machine.person.show(letter.id)
        assert json.loads(letter.data or "{}") is not None
    for line in machine.person.export():
        json.loads(line)


# --- deleting ---------------------------------------------------------------------------------------------


def bytes_of(machine: Machine) -> bytes:
    """Everything that lies in the home."""
    found = []
    for where, _, files in os.walk(machine.home):
        found += [Path(where, name).read_bytes() for name in sorted(files)]
    return b"".join(found)


def test_what_is_purged_is_gone_from_the_disk(machine: Machine) -> None:
    api, web = machine.named("api", "web")
    api.send("@web", "CANARY-small in a row", data='{"CANARY-data": 1}', key="CANARY-key", thread="canary-topic")
    api.send("@web", "CANARY-large " * 2_000)
    api.send("@web", "kept")
    web.read()
    machine.clock.pass_by(DAY)
    machine.db.close()
    machine.db.__init__(machine.home)  # type: ignore[misc]
    before = bytes_of(machine)
    assert b"CANARY-small" in before
    assert b"CANARY-large" in before
    api.send("@web", "young")
    assert machine.person.purge(older_than_s=HOUR) == 3
    machine.db.close()
    after = bytes_of(machine)
    assert b"CANARY" not in after
    assert b"canary" not in after
    assert os.listdir(f"{machine.home}/{bells.BODIES}") == []
    machine.db.__init__(machine.home)  # type: ignore[misc]
    assert said(machine.person.log(everything=True)) == ["young"]
    assert machine.person.search("CANARY", everything=True) == []


def test_what_nobody_has_read_stays_unless_it_is_wanted(machine: Machine) -> None:
    api, web = machine.named("api", "web")
    api.send("@web", "unread")
    api.send("@later", "unread too")
    machine.clock.pass_by(DAY)
    assert machine.person.purge(older_than_s=HOUR) == 0
    assert web.rings()
    assert machine.person.purge(older_than_s=HOUR, open_too=True) == 2
    assert not web.rings()
    assert web.heard() == []


def test_only_what_one_name_sent_or_was_sent(machine: Machine) -> None:
    api, web, docs = machine.named("api", "web", "docs")
    api.send("@web", "one")
    web.send("@docs", "two")
    docs.send("@api", "three")
    for seat in (api, web, docs):
        seat.read()
    machine.clock.pass_by(1)
    assert machine.person.purge(older_than_s=0, partner="@docs") == 2
    assert said(machine.person.log(everything=True)) == ["one"]
    assert machine.person.purge(older_than_s=0, partner="@nobody") == 0
    with pytest.raises(NameInvalid):
        machine.person.purge(older_than_s=0, partner="a b")


def test_ids_are_never_used_again(machine: Machine) -> None:
    api, web = machine.named("api", "web")
    api.send("@web", "one")
    web.read()
    machine.person.purge(older_than_s=0)
    assert api.send("@web", "two").id == "m2"


def test_the_rest_stays_sound_and_searchable_after_a_purge(machine: Machine) -> None:
    api, web = machine.named("api", "web")
    for number in range(200):
        machine.clock.pass_by(1)
        api.send("@web", f"number {number} needle")
        web.read()
    assert machine.person.purge(older_than_s=100) in (100, 101)
    found = machine.person.search("needle", everything=True, most=999)
    assert len(found) in (99, 100)
    assert all(machine.person.show(one.id).sound for one in found)
    [row] = machine.db.con.execute("PRAGMA integrity_check")
    assert row == ("ok",)
    machine.db.con.execute("INSERT INTO words (words) VALUES ('integrity-check')")


def test_a_purge_of_nothing_does_nothing(machine: Machine) -> None:
    assert machine.person.purge(older_than_s=0) == 0


def test_a_thread_whose_beginning_was_purged_is_still_told(machine: Machine) -> None:
    api, web = machine.named("api", "web")
    first = api.send("@web", "one")
    web.read()
    machine.clock.pass_by(DAY)
    second = web.reply(first.id, "two")
    machine.person.purge(older_than_s=HOUR)
    assert said(api.thread(second.id)) == ["two"]
    assert api.show(second.id).sound
    assert "answers m1" in api.hook()


def test_a_store_that_is_none_is_said_to_be(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    (home / "telex.db").write_bytes(b"not a database at all" * 100)
    with pytest.raises(StoreCorrupt):
        Machine(home, Processes())


# --- what a file is, its content says ---------------------------------------------------------------------------

KEI = b'{"id":1577836800000001,"ts":"2020-01-01T00:00:00Z","from":"frontend","to":"backend","body":"hi"}\n'
IPC = """
CREATE TABLE messages (id INTEGER PRIMARY KEY AUTOINCREMENT, from_id TEXT, to_id TEXT, content TEXT, timestamp TEXT,
                       data TEXT, summary TEXT, large_file_path TEXT, read_flag INTEGER DEFAULT 0);
INSERT INTO messages (from_id, to_id, content, timestamp, read_flag)
VALUES ('fred', 'wsl2', 'hello wsl2', '2026-11-21T19:32:08.404620', 0);
"""


def test_the_database_of_claude_ipc_is_taken_in(shell: Shell) -> None:
    con = apsw.Connection(str(shell.work / "messages.db"))
    con.execute(IPC)
    con.close()
    assert shell.telex("import", "messages.db", "--queued").out == "1 message taken in, 0 were here already\n"
    assert shell.telex("import", "messages.db").out == "0 messages taken in, 1 was here already\n"
    assert "hello wsl2" in shell.telex("read", name="wsl2").out


@pytest.mark.parametrize(
    ("raw", "status", "answer"),
    [
        (KEI, 0, "1 message taken in, 0 were here already\n"),
        (b'{"id":15\n\n' + KEI, 1, "1 message taken in, 0 were here already, 1 line skipped\n"),
        (KEI + b"\xff\xfe\n", 1, "1 message taken in, 0 were here already, 1 line skipped\n"),
        (KEI + json.dumps(LINE).encode(), 1, "1 message taken in, 0 were here already, 1 line skipped\n"),
        (json.dumps(LINE).encode() + b"\n", 0, "1 message taken in, 0 were here already\n"),
        (json.dumps(LINE | {"body": "a\u2028b\u0085c"}, ensure_ascii=False).encode(), 0, "1 message taken in, 0 were"),
        (json.dumps(LINE).encode() + b"\n" + KEI, 2, ""),
        (b"{\n" + json.dumps(LINE).encode(), 2, ""),
        (b"", 0, "0 messages taken in, 0 were here already\n"),
        (b"SQLite format 3\0 and nothing else", 2, ""),
        (b"SQLite", 2, ""),
    ],
)
def test_the_first_line_that_says_what_it_is_decides(shell: Shell, raw: bytes, status: int, answer: str) -> None:
    (shell.work / "file").write_bytes(raw)
    ran = shell.telex("import", "file")
    assert (ran.status, ran.out.startswith(answer)) == (status, True)
    assert bool(ran.err) == (status > 0)


def test_many_lines_that_are_none_are_told_in_short(shell: Shell) -> None:
    (shell.work / "file").write_bytes(KEI + b"nothing\n" * 50)
    ran = shell.telex("import", "file")
    assert len(ran.err.splitlines()) == limits.LIST_ROWS + 1
    assert ran.err.endswith("and 30 more; --json lists them all\n")
    assert shell.telex("import", "file", "--json").json["skipped"] == list(range(2, 52))
