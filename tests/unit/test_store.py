"""The store itself: what its faults are called, who waits for whom, and what a write leaves behind."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

import apsw
import pytest
from tests.support.machine import Machine, Processes

from telex import limits
from telex.db import connection
from telex.db.connection import Store
from telex.errors import (
    HomeUnsafe,
    StoreBusy,
    StoreCorrupt,
    StoreFull,
    StoreNewer,
    StoreShut,
    StoreUnreachable,
    TelexError,
)
from telex.fs import bells, reserve
from telex.fs.lock import FileLock
from telex.mail import addresses

# --- faults -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("problem", "kind"),
    [
        (apsw.FullError("database or disk is full"), StoreFull),
        (OSError(28, "No space left on device"), StoreFull),
        (OSError(122, "Disk quota exceeded"), StoreFull),
        (apsw.BusyError("database is locked"), StoreBusy),
        (apsw.LockedError("table is locked"), StoreBusy),
        (apsw.CorruptError("malformed"), StoreCorrupt),
        (apsw.NotADBError("file is not a database"), StoreCorrupt),
        (apsw.FormatError("x"), StoreCorrupt),
        (apsw.SQLError("no such table"), StoreCorrupt),
        (apsw.IOError("disk I/O error"), StoreUnreachable),
        (apsw.CantOpenError("unable to open"), StoreUnreachable),
        (apsw.ReadOnlyError("readonly"), StoreShut),
        (OSError(1, "Operation not permitted"), StoreShut),
        (OSError(13, "Permission denied"), StoreShut),
        (OSError(30, "Read-only file system"), StoreShut),
        (OSError(5, "Input/output error"), StoreUnreachable),
        (OSError(), StoreUnreachable),
    ],
)
def test_every_fault_has_its_name(problem: Exception, kind: type[TelexError]) -> None:
    found = connection.fault("/home/dana/.telex", problem)
    assert type(found) is kind
    assert found.message


# --- opening ----------------------------------------------------------------------------------------------


def test_a_new_home_has_its_rooms_and_is_private(tmp_path: Path) -> None:
    Store(f"{tmp_path}/a/b/home").close()
    home = tmp_path / "a" / "b" / "home"
    for path in (home, *home.iterdir()):
        assert not stat.S_IMODE(path.stat().st_mode) & 0o077, path
    assert {path.name for path in home.iterdir() if path.is_dir()} == set(bells.DIRECTORIES)


def test_opening_again_finds_what_was_there(machine: Machine) -> None:
    machine.person.send("@api", "hello")
    other = Store(machine.home)
    assert other.value("history.newest") == 1
    other.close()


@pytest.mark.parametrize("version", [limits.SCHEMA_VERSION + 1, 2**31 - 1])
def test_a_newer_store_is_not_opened(machine: Machine, version: int) -> None:
    machine.db.con.execute(f"PRAGMA user_version = {version}")
    with pytest.raises(StoreNewer, match=f"schema {version}; this telex knows {limits.SCHEMA_VERSION}"):
        Store(machine.home)


def test_a_store_with_another_number_in_its_header_is_not_ours(machine: Machine) -> None:
    machine.db.con.execute("PRAGMA application_id = 7")
    with pytest.raises(StoreCorrupt, match="not a telex store"):
        Store(machine.home)


def test_a_home_that_is_no_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(HomeUnsafe, match="is not a directory"):
        Store(f"{tmp_path}/file")
    with pytest.raises(StoreUnreachable):
        Store(f"{tmp_path}/file/below")


def test_a_home_that_cannot_be_made_is_said_to_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "mkdir", refuse)
    with pytest.raises(StoreShut, match="Permission denied"):
        Store(f"{tmp_path}/home")


def test_the_schema_is_as_written(machine: Machine) -> None:
    schema = Path(connection.__file__).parent / "schema"
    fresh = apsw.Connection(":memory:")
    for path in sorted(schema.glob("*.sql")):
        fresh.execute(path.read_text())
    sql = "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY 1, 2"
    assert list(machine.db.con.execute(sql)) == list(fresh.execute(sql))
    assert len(list(schema.glob("*.sql"))) == limits.SCHEMA_VERSION


# --- writing ----------------------------------------------------------------------------------------------


def test_a_write_that_fails_leaves_nothing_and_lets_go(machine: Machine) -> None:
    def broken() -> None:
        with machine.db.write():
            addresses.awaited(machine.db, "half", machine.clock())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        broken()
    assert machine.db.row("people.address_by_name", "half") is None
    other = FileLock(f"{machine.home}/write.lock")
    assert other.acquire_within(0)
    other.close()


def test_what_follows_a_commit_never_makes_it_a_failure(machine: Machine) -> None:
    def broken() -> None:
        raise StoreBusy(seconds=1)

    done: list[str] = []
    with machine.db.write():
        addresses.awaited(machine.db, "whole", machine.clock())
        machine.db.after_commit(broken)
        machine.db.after_commit(done.append, "after")
    assert done == ["after"]
    assert machine.db.row("people.address_by_name", "whole")


def test_what_follows_a_commit_is_forgotten_on_a_rollback(machine: Machine) -> None:
    done: list[str] = []

    def broken() -> None:
        with machine.db.write():
            machine.db.after_commit(done.append, "after")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        broken()
    with machine.db.write():
        pass
    assert done == []


def test_a_bell_that_cannot_be_rung_stops_the_send(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    [_] = machine.named("api")

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(bells, "ring", refuse)
    with pytest.raises(StoreFull):
        machine.person.send("@api", "hello")
    monkeypatch.undo()
    assert machine.db.value("history.newest") == 0


def test_a_process_of_ours_waits_only_so_long_for_a_writer_that_never_ends(machine: Machine) -> None:
    hog = FileLock(f"{machine.home}/write.lock")
    hog.acquire()
    waiting = Store(machine.home, own_process=True, patience_ms=20)
    with pytest.raises(StoreBusy), waiting.write():
        pass
    hog.close()
    with waiting.write():
        pass
    waiting.close()


def test_another_writer_in_sqlite_itself_is_waited_for_only_so_long(machine: Machine) -> None:
    other = apsw.Connection(f"{machine.home}/telex.db")
    other.execute("BEGIN IMMEDIATE")
    waiting = Store(machine.home, patience_ms=1)
    with pytest.raises(StoreBusy), waiting.write():
        pass
    other.execute("ROLLBACK")
    with waiting.write():
        pass
    waiting.close()
    other.close()


def test_a_store_that_was_put_aside_is_written_no_more(machine: Machine) -> None:
    old = Store(machine.home)
    for name in ("telex.db", "telex.db-wal", "telex.db-shm"):
        os.rename(f"{machine.home}/{name}", f"{machine.home}/old-{name}")
    Store(machine.home).close()
    with pytest.raises(StoreUnreachable, match="replaced while it was open"), old.write():
        pass
    os.unlink(f"{machine.home}/telex.db")
    with pytest.raises(StoreUnreachable), old.write():
        pass
    old.close()


def test_a_store_is_not_carried_across_a_fork(machine: Machine) -> None:
    pid = os.fork()
    if pid == 0:
        try:
            machine.db.write().__enter__()
        except AssertionError:
            os._exit(7)
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 7


def test_the_log_ends(machine: Machine) -> None:
    """Short-lived processes alone must not let the write-ahead log grow without end."""
    for number in range(300):
        machine.person.send("@later", f"{number} " + "x" * 2_000)
        machine.clock.pass_by(1)
    assert os.stat(f"{machine.home}/telex.db-wal").st_size < 4 * 4_096 * limits.CHECKPOINT_PAGES


def test_closing_leaves_the_log_for_others(machine: Machine, tmp_path: Path) -> None:
    other = Machine(tmp_path / "other", Processes())
    other.person.send("@later", "hello")
    other.db.close()
    assert os.stat(f"{other.home}/telex.db-wal").st_size > 0


# --- the reserve --------------------------------------------------------------------------------------------


def test_room_is_kept_and_given_up_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "RESERVE_FREE_BYTES", 0)
    home = str(tmp_path)
    reserve.make(home)
    reserve.make(home)
    path = tmp_path / "reserve"
    assert path.stat().st_size == limits.RESERVE_BYTES
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert reserve.release(home)
    assert not reserve.release(home)


def test_no_room_is_taken_where_there_is_little(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "RESERVE_FREE_BYTES", 2**62)
    reserve.make(str(tmp_path))
    assert not (tmp_path / "reserve").exists()


def test_a_reserve_that_cannot_be_filled_is_given_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(fd: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(limits, "RESERVE_FREE_BYTES", 0)
    monkeypatch.setattr(os, "write", refuse)
    reserve.make(str(tmp_path))
    assert not (tmp_path / "reserve").exists()


# --- types --------------------------------------------------------------------------------------------------


def test_no_query_leaves_a_column_empty() -> None:
    """Would break: the rule by which an empty column is damage. An outer join would fill its columns with nothing."""
    texts = [path.read_text(encoding="utf-8") for path in (Path(connection.__file__).parent / "sql").glob("*.sql")]
    assert len(texts) > 5
    assert not [text for text in texts if re.search(r"\b(LEFT|RIGHT|FULL|OUTER)\b", text)]
