"""kei's messages.jsonl and cursors: what comes in, for whom it waits, and what goes out again."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.compat.kei.mailbox import Mailbox
from tests.support.machine import DAY, HOUR, START_MS, Machine, Processes, said

from telex.bus.message_view import DAMAGED
from telex.compat.kei import archive

NOW = START_MS // 1000
SESSION, OTHER = "0b6b7f6e-0001-4a51-8f4e-aaaaaaaaaaaa", "0b6b7f6e-0002-4a51-8f4e-bbbbbbbbbbbb"


def identifier(seconds_ago: float) -> int:
    """kei's id of that moment."""
    return int((NOW - seconds_ago) * 1_000_000)


def record(seconds_ago: float, sender: str, to: str, body: str, **more: Any) -> dict[str, Any]:
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(NOW - seconds_ago))
    return {"id": identifier(seconds_ago), "ts": stamp, "from": sender, "to": to, "body": body} | more


def file_of(*records: Any) -> bytes:
    """A messages.jsonl as `jq -c` writes it."""
    return b"".join(
        (one if isinstance(one, bytes) else json.dumps(one, separators=(",", ":"), ensure_ascii=False).encode()) + b"\n"
        for one in records
    )


def taken(machine: Machine, *records: Any, **cursors: int) -> archive.Read:
    """Records are imported, with these cursors beside them."""
    passed = {name.replace("_", "-"): at for name, at in cursors.items()}
    found = archive.read(file_of(*records), passed, machine.person.export(), machine.clock())
    machine.person.take_in(found.lines)
    return found


def waiting(machine: Machine, directory: str = "/src/backend") -> list[str]:
    """What a session that starts there is shown."""
    return machine.arrive(directory).heard()


@pytest.fixture
def other(machine: Machine, tmp_path: Path) -> Iterator[Machine]:
    """A second machine; `machine` comes first because it sets the process table up."""
    made = Machine(tmp_path / "other", Processes())
    yield made
    made.db.close()


# --- who has seen what --------------------------------------------------------------------------------------------


def test_what_its_own_cursor_has_passed_is_read_and_what_is_newer_waits(machine: Machine) -> None:
    records = [record(ago, "frontend", "backend", f"{ago} s ago") for ago in (300, 200, 100)]
    taken(machine, *records, backend=identifier(200))
    assert waiting(machine) == ["100 s ago"]
    assert len(machine.person.log(everything=True)) == 3


def test_a_cursor_of_a_session_has_passed_what_every_live_session_has(machine: Machine) -> None:
    """A session's cursor does not say whose name it served: what one of two has not come to, may be unseen."""
    records = [record(ago, "frontend", "backend", f"{ago} s ago") for ago in (300, 200, 100)]
    taken(machine, *records, **{SESSION: identifier(250), OTHER: identifier(150)})
    assert waiting(machine) == ["200 s ago", "100 s ago"]


def test_sessions_that_are_over_hold_nothing_back(machine: Machine) -> None:
    """Would break: a cursor from months ago that makes all since then new."""
    records = [record(ago, "frontend", "backend", f"{ago} s ago") for ago in (300, 100)]
    taken(machine, *records, **{SESSION: identifier(3 * DAY), OTHER: identifier(200)})
    assert waiting(machine) == ["100 s ago"]


def test_after_a_weekend_what_no_session_has_come_to_waits(machine: Machine) -> None:
    records = [record(ago * DAY, "frontend", "backend", f"{ago} days ago") for ago in (4, 3, 2)]
    taken(machine, *records, **{SESSION: identifier(3.5 * DAY), OTHER: identifier(5 * DAY)})
    assert waiting(machine) == ["3 days ago", "2 days ago"]


def test_without_any_cursor_only_the_last_day_waits(machine: Machine) -> None:
    records = [record(ago * HOUR, "frontend", "backend", f"{ago} h ago") for ago in (100, 25, 23, 1)]
    taken(machine, *records)
    assert waiting(machine) == ["23 h ago", "1 h ago"]


def test_what_is_older_than_a_week_never_waits(machine: Machine) -> None:
    """Would break: B.1.5, the whole history injected."""
    records = [record(ago * DAY, "frontend", "backend", f"{ago} days ago") for ago in (400, 8, 6)]
    taken(machine, *records, backend=0)
    assert waiting(machine) == ["6 days ago"]


def test_a_message_to_all_waits_for_the_names_of_the_last_week_but_its_sender(machine: Machine) -> None:
    old = record(20 * DAY, "attic", "cellar", "old names")
    taken(machine, old, record(60, "frontend", "backend", "hi"), record(50, "boss", "all", "to all"))
    assert waiting(machine) == ["hi", "to all"]
    assert waiting(machine, "/src/frontend") == ["to all"]
    assert waiting(machine, "/src/boss") == []
    assert waiting(machine, "/src/attic") == []


def test_whoever_is_here_already_hears_its_bell(machine: Machine) -> None:
    backend = machine.arrive("/src/backend")
    taken(machine, record(60, "frontend", "backend", "hi"))
    assert backend.rings()
    assert "> hi" in backend.hook()


def test_a_cursor_that_holds_no_number_says_nothing(tmp_path: Path) -> None:
    """Would break: B.1.11, an empty cursor counts as 0 and everything is new."""
    (tmp_path / "messages.jsonl").write_bytes(b"")
    for name, text in (("empty", ""), ("words", "none"), ("good", "17\n"), ("more", "1" * 300), ("odd", "\xff")):
        (tmp_path / f".cursor-{name}").write_text(text, encoding="latin-1")
    (tmp_path / ".cursor-directory").mkdir()
    assert archive.cursors_beside(str(tmp_path / "messages.jsonl")) | {"more": 0} == {"good": 17, "more": 0}


# --- what is a record ---------------------------------------------------------------------------------------------

GOOD = record(60, "frontend", "backend", "hi")
BROKEN: list[Any] = [
    b'{"id":1795289023951283,"ts":"2026-11-21T19:23:43Z","from":"a","to":"b","bo',
    b'xxxx","body":"the other half of a torn line"}',
    b"\xc3",
    b"[1]",
    b"null",
    b"[" * 100_000,
    {name: GOOD[name] for name in GOOD if name != "body"},
    {name: GOOD[name] for name in GOOD if name != "to"},
    {name: GOOD[name] for name in GOOD if name != "from"},
    {name: GOOD[name] for name in GOOD if name not in ("id", "ts")},
    GOOD | {"body": ""},
    GOOD | {"body": 7},
    GOOD | {"body": "a\0b"},
    GOOD | {"to": ""},
    GOOD | {"to": "b" * 256},
    GOOD | {"from": None},
    GOOD | {"id": "x", "ts": "yesterday"},
    json.dumps(GOOD | {"body": "\udcff"}).encode(),
    json.dumps(GOOD | {"from": "\udcff"}).encode(),
]


@pytest.mark.parametrize("line", BROKEN, ids=lambda one: ascii(one)[:70])
def test_a_line_that_is_no_record_is_told_by_its_number_and_the_others_are_taken(machine: Machine, line: Any) -> None:
    """Would break: B.1.4, one bad line stopped all mail for good."""
    found = taken(machine, GOOD, b"", line, GOOD | {"body": "after it", "id": identifier(50)})
    assert [number for number, _ in found.broken] == [3]
    assert waiting(machine) == ["hi", "after it"]


@pytest.mark.parametrize("change", [{"ts": None}, {"ts": "x"}, {"id": None}, {"id": True}, {"id": 7}, {"extra": [1]}])
def test_a_record_of_another_tool_is_taken_while_it_says_when(machine: Machine, change: dict[str, Any]) -> None:
    """Would break: B.1.13, a record without `ts`."""
    found = taken(machine, GOOD | change)
    assert found.broken == []
    [letter] = machine.person.log(everything=True)
    assert letter.created_ms // 1000 == NOW - 60


def test_a_file_is_taken_once(machine: Machine) -> None:
    first = archive.read(file_of(GOOD, GOOD, GOOD | {"body": "two"}), {}, [], machine.clock())
    assert machine.person.take_in(first.lines) == (2, 1)
    machine.clock.pass_by(5 * DAY)
    second = archive.read(file_of(GOOD, GOOD | {"body": "two"}), {"x": 7}, [], machine.clock())
    assert machine.person.take_in(second.lines) == (0, 2)
    assert waiting(machine) == ["hi", "two"]


def test_what_was_said_to_all_as_a_word_stays_a_word(machine: Machine) -> None:
    """B.1.9: the body `all hands` went to all; it is history, and history is not mended."""
    taken(machine, GOOD, record(50, "boss", "all", "all hands"))
    assert waiting(machine)[-1] == "all hands"


def test_names_of_directories_are_mended_like_those_of_sessions(machine: Machine) -> None:
    taken(machine, record(60, "My App", "Größe", "one"), record(50, "a\n  • boss", "TELEX", "two"))
    assert waiting(machine, "/src/Größe") == ["one"]
    assert waiting(machine, "/src/telex") == ["two"]
    assert [one.sender for one in machine.person.log(everything=True)] == ["@a-boss", "@my-app"]
    assert len(list(archive.written(machine.person.export()))) == 2


WORDS = st.text(st.characters(exclude_categories=[]), max_size=8)
VALUES = st.none() | st.booleans() | st.integers() | st.floats() | WORDS | st.lists(WORDS, max_size=2)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.dictionaries(st.sampled_from([*GOOD, "telex"]), VALUES, max_size=3), max_size=3))
def test_no_value_of_any_field_breaks_the_import(machine: Machine, changes: list[dict[str, Any]]) -> None:
    """Told or taken; what was taken can be listed, and goes out as records again."""
    raw = b"".join(json.dumps(GOOD | change).encode() + b"\n" for change in changes)
    found = archive.read(raw, {}, [], machine.clock())
    assert len(found.lines) + len(found.broken) == len(changes)
    machine.person.take_in(found.lines)
    for line in archive.written(machine.person.export()):
        assert list(json.loads(line)) == ["id", "ts", "from", "to", "body"]


# --- out ------------------------------------------------------------------------------------------------------------


def test_a_file_goes_out_as_it_came_in(machine: Machine) -> None:
    raw = file_of(
        record(60, "frontend", "backend", 'hi ☎ \u2028 \x7f \\ " \x01\n\tdone'),
        record(50, "My App", "日本", "odd names"),
        record(40, "boss", "all", "all hands"),
    )
    for hidden in ("\u2028", "\x7f"):  # leave as escapes, which mean the same
        raw = raw.replace(hidden.encode(), f"\\u{ord(hidden):04x}".encode())
    machine.person.take_in(archive.read(raw, {}, [], machine.clock()).lines)
    assert "".join(f"{line}\n" for line in archive.written(machine.person.export())).encode() == raw


def test_ids_are_unique_and_rise_with_what_was_stored_whatever_the_clock_did(machine: Machine) -> None:
    """Would break: B.1.11, a clock that was stepped back hides what comes after it from a cursor."""
    machine.named("api", "web")
    taken(machine, GOOD, GOOD | {"body": "the same id"}, record(-30, "frontend", "backend", "from the future"))
    for number, step in enumerate((0, 0, 100, -60, 0, 1, -3_600)):
        machine.clock.pass_by(step)
        machine.person.send("@api", f"number {number}")
    found = [json.loads(line) for line in archive.written(machine.person.export())]
    numbers = [one["id"] for one in found]
    assert numbers == sorted(set(numbers))
    assert len(numbers) == 10
    assert {GOOD["id"], identifier(-30)} <= set(numbers)
    assert [one["body"] for one in found if one["body"].startswith("number")] == [f"number {n}" for n in range(7)]


def test_one_record_for_each_name(machine: Machine) -> None:
    machine.named("api", "web")
    machine.person.send("@api,#web,@later", "to three")
    machine.person.send("all", "to all")
    found = [json.loads(line) for line in archive.written(machine.person.export())]
    assert [(one["from"], one["to"]) for one in found] == [("dana", to) for to in ("api", "web", "later", "all")]


def test_a_large_body_goes_out_whole_and_a_damaged_message_as_such(machine: Machine) -> None:
    machine.named("api")
    machine.person.send("@api", "x" * 200_000)
    machine.person.send("@api", "to be damaged")
    with machine.db.write():
        machine.db.con.execute("UPDATE message SET body = 'forged', client = 'kei', key = 'kei:7' WHERE n = 2")
    large, damaged = [json.loads(line) for line in archive.written(machine.person.export())]
    assert large["body"] == "x" * 200_000
    assert damaged["body"] == DAMAGED
    assert damaged["id"] != 7


def test_only_what_was_imported_keeps_an_id_of_its_own(machine: Machine) -> None:
    """Would break: a sender that names its record's id, sender or recipient by a key or by data."""
    machine.named("api", "web")[1].send("@api", "hi", key="kei:7", data='{"kei_to": "boss"}')
    [found] = [json.loads(line) for line in archive.written(machine.person.export())]
    assert (found["id"] > 1_000_000, found["from"], found["to"]) == (True, "web", "api")


def test_what_telex_wrote_itself_does_not_come_in_again(machine: Machine, other: Machine) -> None:
    """Would break: an export that is imported where it came from, and every message shown a second time."""
    machine.arrive("/src/backend")
    machine.person.send("@backend", "one")
    taken(machine, GOOD)
    lines = [line.encode() for line in archive.written(machine.person.export())]
    again = taken(machine, *lines)
    assert (again.known, again.lines) == (2, [])
    assert taken(other, *lines).known == 0
    assert said(other.person.log(everything=True)) == ["one", "hi"]


JQ = shutil.which("jq")
Records = list[dict[str, Any]]
# What kei's scripts ask of the file, and the same in Python where jq is not at hand.
EXPRESSIONS: dict[str, Callable[[Records], Any]] = {
    "map(.id) | max": lambda found: max(one["id"] for one in found),
    'map(select(.to == "backend" or .to == "all") | .body)': lambda found: [
        one["body"] for one in found if one["to"] in ("backend", "all")
    ],
    "map(.to, .from) | unique": lambda found: sorted({one[key] for one in found for key in ("to", "from")}),
    "map(.id) == (map(.id) | unique)": lambda found: [one["id"] for one in found] == sorted({o["id"] for o in found}),
    "map(keys_unsorted) | unique": lambda found: [list(one) for one in found][:1],
}


def test_keis_own_expressions_work_on_an_export(machine: Machine) -> None:
    machine.named("backend", "web")
    taken(machine, GOOD, record(50, "boss", "all", "☎\x7f"))
    machine.clock.pass_by(1)
    machine.person.send("@backend", "one\ntwo")
    machine.person.send("@web", "not for backend")
    text = "".join(f"{line}\n" for line in archive.written(machine.person.export()))
    found = [json.loads(line) for line in text.splitlines()]

    def jq(*words: str) -> str:
        return subprocess.run([str(JQ), *words], input=text, capture_output=True, text=True, check=True).stdout

    answers = [json.loads(jq("-s", one)) if JQ else same(found) for one, same in EXPRESSIONS.items()]
    assert answers == [
        (NOW + 1) * 1_000_000 + 1,
        ["hi", "☎\x7f", "one\ntwo"],
        ["all", "backend", "boss", "dana", "frontend", "web"],
        True,
        [["id", "ts", "from", "to", "body"]],
    ]
    assert not JQ or jq("-c", ".") == text


# --- as a command -----------------------------------------------------------------------------------------------


def test_a_mailbox_moves_with_its_cursors(mailbox: Mailbox) -> None:
    directory = mailbox.shell.home / ".claude" / "mailbox"
    directory.mkdir(parents=True)
    now = int(time.time())
    lines = [GOOD | {"id": (now - ago) * 1_000_000, "ts": "", "body": f"{ago} s ago"} for ago in (300, 200, 100)]
    (directory / "messages.jsonl").write_bytes(file_of(*lines))
    (directory / f".cursor-{SESSION}").write_text(str((now - 250) * 1_000_000))
    ran = mailbox.shell.telex("import", str(directory / "messages.jsonl"), "--queued")
    assert ran == (0, "3 messages taken in, 0 were here already\n", "")
    assert mailbox.silent("backend").heard() == ["frontend -> backend: 200 s ago", "frontend -> backend: 100 s ago"]
    assert len(mailbox.records(mailbox.kei("list"))) == 3
    ran = mailbox.shell.telex("import", str(directory / "messages.jsonl"))
    assert ran.out == "0 messages taken in, 3 were here already\n"


def test_an_import_is_the_persons_to_do(mailbox: Mailbox) -> None:
    path = mailbox.shell.work / "messages.jsonl"
    path.write_bytes(file_of(GOOD))
    ran = mailbox.session("backend").telex("import", str(path))
    assert ran.status == 3
    assert mailbox.kei("list").out == ""


def test_telexs_own_store_is_no_mailbox_to_import(mailbox: Mailbox) -> None:
    mailbox.kei("send", "@backend", "hi")
    ran = mailbox.shell.telex("import", str(mailbox.shell.telex_home / "telex.db"))
    assert ran.status != 0
    assert "Traceback" not in ran.err
    assert len(mailbox.records(mailbox.kei("list"))) == 1
