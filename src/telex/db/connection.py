"""The SQLite store: opening it, and the one way to write to it.

Rules kept here, each with a test because breaking it was seen to destroy such a store:
- only SQLite opens, copies or removes the database and its sidecars: POSIX locks fall when any descriptor closes;
- apsw only, never `sqlite3` beside it: two SQLite libraries in one process do not see each other's locks;
- no checkpoint on close; one that empties the log once a commit has made it longer than 250 pages, because SQLite's
  own passive one never ends a log that only short-lived processes write; never mmap;
- a write is one `BEGIN IMMEDIATE` transaction behind `write.lock`, because SQLite's own waiting is unfair;
- a connection is never carried across a fork.
SQL lives in `sql/*.sql`, named by `-- :name` lines; Python never puts SQL together.
"""

from __future__ import annotations

import os

import apsw

from telex import limits
from telex.errors import (
    Bug,
    HomeUnsafe,
    StoreBusy,
    StoreCorrupt,
    StoreFault,
    StoreFull,
    StoreNewer,
    StoreShut,
    StoreUnreachable,
    StoreUnsure,
    TelexError,
)
from telex.fs import bells, reserve
from telex.fs.high_water import Newest
from telex.fs.lock import FileLock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType, TracebackType
    from typing import Any

    # What a query is given. Narrower than apsw's own type, which names `Buffer` only from Python 3.12 on.
    SqlValue = int | float | str | bytes | None

DATABASE = "telex.db"
APPLICATION_ID = 0x74656C78  # 'telx'

_FORBIDDEN = (1, 13, 30)  # EPERM, EACCES, EROFS: what a sandbox or a read-only disk answers, each in its own way

_HERE = os.path.dirname(__file__)
_QUERIES: dict[str, str] = {}
_LOADED: set[str] = set()
_PYTHON = {"INTEGER": int, "TEXT": str, "BLOB": bytes}
_TYPES: dict[str, tuple[type | None, ...]] = {}  # of each query's columns
_UNSTORABLE = (OverflowError, UnicodeEncodeError, apsw.TooBigError)  # a value's fault, not the store's


def query(name: str) -> str:
    """The SQL named `noun.name`, from `sql/noun.sql`."""
    if name not in _QUERIES:
        noun = name.partition(".")[0]
        if noun in _LOADED:
            raise Bug(what=f"no query {name}")
        with open(f"{_HERE}/sql/{noun}.sql", encoding="utf-8") as file:
            for part in file.read().split("\n-- :")[1:]:
                head, _, text = part.partition("\n")
                _QUERIES[f"{noun}.{head.split()[0]}"] = text.strip()
        _LOADED.add(noun)
    return _QUERIES[name]


def _unstorable(problem: Exception) -> TelexError:
    from telex.errors.between import ValueUnstorable

    return ValueUnstorable(problem=type(problem).__name__)


def fault(home: str, problem: Exception) -> StoreFault:
    """The telex error for what SQLite or the system said."""
    words = str(problem) or type(problem).__name__
    if isinstance(problem, apsw.FullError) or getattr(problem, "errno", 0) in (28, 122):
        return StoreFull()
    if isinstance(problem, (apsw.ReadOnlyError, apsw.PermissionsError)) or getattr(problem, "errno", 0) in _FORBIDDEN:
        return StoreShut(home=home, problem=words.partition(": '")[0])
    if isinstance(problem, (apsw.BusyError, apsw.LockedError)):
        return StoreBusy(seconds=limits.BUSY_MS // 1000)
    if isinstance(problem, (apsw.CorruptError, apsw.NotADBError, apsw.FormatError, apsw.SQLError, UnicodeDecodeError)):
        return StoreCorrupt(home=home, problem=words)
    return StoreUnreachable(home=home, problem=words)


class Store:
    """One open store. Use it from one thread of control; close it, or leave by `os._exit`.

    `own_process` says that the caller is a short-lived process of telex's own: only then may a signal end a wait
    for a lock that another process never gives back. `schema` is an older one than the newest, for a repair alone.
    """

    def __init__(
        self,
        home: str,
        *,
        own_process: bool = False,
        patience_ms: int = limits.BUSY_MS,
        schema: int = limits.SCHEMA_VERSION,
    ) -> None:
        self.home = home
        self.pid = os.getpid()
        self.own_process = own_process
        self.patience_ms = patience_ms
        self.persons = False  # whether this process is known to be the person's own: then its environment counts
        self._after: list[tuple[Callable[..., None], tuple[object, ...]]] = []
        self._lock = FileLock(f"{home}/write.lock")
        self.newest = Newest(home)
        self.inside = False
        check_home(home)
        if not os.path.exists(f"{home}/{DATABASE}"):
            _furnish(home)
        try:
            self.con = _connect(home, patience_ms)
            self._inode = os.stat(f"{home}/{DATABASE}").st_ino
            version = next(self.con.execute("PRAGMA user_version"))[0]
            if version != limits.SCHEMA_VERSION:
                self._migrate(schema)
            elif next(self.con.execute("PRAGMA application_id"))[0] != APPLICATION_ID:
                raise StoreCorrupt(home=home, problem=f"{DATABASE} is not a telex store")
        except (apsw.Error, OSError) as problem:
            raise fault(home, problem) from None

    def rows(self, name: str, *values: SqlValue) -> Iterator[tuple[Any, ...]]:
        """The rows of a named query. Raises StoreFault."""
        try:
            cursor = self.con.execute(query(name), values)
            for found in cursor:
                if (*map(type, found),) != _TYPES.get(name):
                    self._check_types(name, cursor, found)
                yield found
        except _UNSTORABLE as problem:
            raise _unstorable(problem) from None
        except (apsw.Error, OSError, UnicodeDecodeError) as problem:
            raise fault(self.home, problem) from None

    def row(self, name: str, *values: SqlValue) -> tuple[Any, ...] | None:
        """The first row of a named query, or None. Raises StoreFault."""
        try:
            cursor = self.con.execute(query(name), values)
            found: tuple[Any, ...]
            for found in cursor:
                if (*map(type, found),) != _TYPES.get(name):
                    self._check_types(name, cursor, found)
                return found
        except _UNSTORABLE as problem:
            raise _unstorable(problem) from None
        except (apsw.Error, OSError, UnicodeDecodeError) as problem:
            raise fault(self.home, problem) from None
        return None

    def _check_types(self, name: str, cursor: apsw.Cursor, row: tuple[Any, ...]) -> None:
        """A stored value has its column's type, unless it was damaged on disk: one flipped bit turns text into bytes,
        or a number into nothing.

        Raises StoreCorrupt. What is computed has no declared type. No column may be empty, so no query joins outwards.
        """
        if name not in _TYPES:
            _TYPES[name] = tuple(_PYTHON.get(declared or "") for _, declared in cursor.get_description())
        for kind, value in zip(_TYPES[name], row, strict=True):
            if kind and type(value) is not kind:
                raise StoreCorrupt(home=self.home, problem=f"{name} found a value of the wrong type")

    def value(self, name: str, *values: SqlValue) -> Any:
        """The first column of the first row, or None. Raises StoreFault."""
        found = self.row(name, *values)
        return found[0] if found else None

    def run(self, name: str, *values: SqlValue) -> int:
        """Execute a named statement inside a write; the number of rows it changed. Raises StoreFault, and
        ValueUnstorable for a value beyond what SQLite holds."""
        assert self.inside, f"{name} outside a write"
        try:
            self.con.execute(query(name), values)
            return self.con.changes()
        except _UNSTORABLE as problem:
            raise _unstorable(problem) from None
        except (apsw.Error, OSError) as problem:
            raise fault(self.home, problem) from None

    def inserted(self) -> int:
        """The row number of the last insert."""
        return self.con.last_insert_rowid()

    def ring(self, bell: str) -> None:
        """Ring a bell, inside the write that makes something wait. Raises StoreFault: then nothing is committed."""
        assert self.inside, "a ring outside a write"
        try:
            bells.ring(self.home, bell)
        except OSError as problem:
            raise fault(self.home, problem) from None

    def check_in_place(self) -> None:
        """Refuse to write into a file that a repair has put aside. Raises StoreUnreachable."""
        try:
            now = os.stat(f"{self.home}/{DATABASE}").st_ino
        except OSError as problem:
            raise fault(self.home, problem) from None
        if now != self._inode:
            raise StoreUnreachable(home=self.home, problem="it was replaced while it was open; open it again")

    def write(self, *, keep: bool = True) -> Write:
        """`with store.write():` one durable transaction: committed at the end, or rolled back by any exception.

        Without `keep` it is only tried out, and rolled back in any case.
        """
        return Write(self, self._lock, keep)

    def savepoint(self) -> Savepoint:
        """`with store.savepoint():` a part of a write that an exception takes back alone."""
        assert self.inside, "a savepoint outside a write"
        return Savepoint(self)

    def after_commit(self, action: Callable[..., None], *values: object) -> None:
        """Do something once the transaction is durable, before its lock is given back; forgotten on a rollback.

        A fault of the store or of the system is swallowed: the commit stands.
        """
        assert self.inside, "after_commit outside a write"
        self._after.append((action, values))

    def compact(self) -> None:
        """Give back every freed page and empty the write-ahead log, so that what was deleted is gone.

        Raises StoreFull where there is no room to write the file anew: then the freed pages stay in it.
        """
        self._lock.acquire()
        try:
            self.con.execute(query("store.optimize_words"))
            self.con.execute("VACUUM")
            self.con.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except apsw.Error as problem:
            raise fault(self.home, problem) from None
        finally:
            self._lock.release()

    def empty_log(self) -> None:
        """Empty the write-ahead log into the store, as far as readers and the disk allow."""
        try:
            self.con.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except apsw.Error:
            pass

    def close(self) -> None:
        """Close the connection without a checkpoint."""
        self._lock.close()
        self.newest.close()
        self.con.close()

    def _migrate(self, schema: int) -> None:
        with self.write():
            version = next(self.con.execute("PRAGMA user_version"))[0]
            if version > limits.SCHEMA_VERSION:
                raise StoreNewer(home=self.home, found=version, known=limits.SCHEMA_VERSION)
            if version == 0 and next(self.con.execute(query("store.tables")))[0]:
                raise StoreCorrupt(home=self.home, problem=f"{DATABASE} is not a telex store")
            for number, way, marker, text in migrations():
                # An older telex that still ran may have put its own number back.
                if version < number <= schema and not next(self.con.execute(query(way), marker))[0]:
                    self.con.execute(text)
            self.con.execute(f"PRAGMA user_version = {schema}")
            self.con.execute(f"PRAGMA application_id = {APPLICATION_ID}")


def migrations() -> Iterator[tuple[int, str, tuple[str, ...], str]]:
    """Every migration: its number, the query that finds its first table or column with its values, and its SQL."""
    for name in sorted(os.listdir(f"{_HERE}/schema")):
        with open(f"{_HERE}/schema/{name}", encoding="utf-8") as file:
            text = file.read()
        table, verb, *more = text.partition(" TABLE ")[2].split(None, 4)
        if verb == "ADD":
            yield int(name[:4]), "store.has_column", (table, more[1]), text
        else:
            yield int(name[:4]), "store.has_table", (table,), text


class Write:
    """The context of one write transaction. Not nested."""

    def __init__(self, store: Store, lock: FileLock, keep: bool) -> None:
        self.store = store
        self.lock = lock
        self.keep = keep

    def __enter__(self) -> Store:
        store = self.store
        assert not store.inside, "a write inside a write"
        assert store.pid == os.getpid(), "a store carried across a fork"
        try:
            if not self.lock.acquire_within(0):
                self._queue(store)
            store.check_in_place()
            store.con.execute("BEGIN IMMEDIATE")
        except (apsw.Error, OSError) as problem:
            self.lock.release()
            raise fault(store.home, problem) from None
        except StoreFault:
            self.lock.release()
            raise
        store.inside = True
        return store

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        store = self.store
        store.inside = False
        after, store._after = store._after, []
        try:
            if kind is None and self.keep:
                store.con.execute("COMMIT")
                _follow_up(after)
            else:
                store.con.execute("ROLLBACK")
        except apsw.Error as problem:
            if not store.con.getautocommit():
                store.con.execute("ROLLBACK")
            if kind is None:
                found = fault(store.home, problem)
                if isinstance(problem, apsw.IOError) and not isinstance(found, StoreFull):
                    raise StoreUnsure(problem=str(problem)) from None
                raise found from None
        finally:
            self.lock.release()

    def _queue(self, store: Store) -> None:
        """Wait in the kernel's queue; in a process of our own a timer ends the wait for one who never lets go."""
        import signal  # 5 ms, paid only when somebody else is writing

        def on_alarm(_signal: int, _frame: FrameType | None) -> None:
            raise StoreBusy(seconds=store.patience_ms // 1000)

        timed = store.own_process and hasattr(signal, "setitimer")
        if timed:
            signal.signal(signal.SIGALRM, on_alarm)
            signal.setitimer(signal.ITIMER_REAL, store.patience_ms / 1000)
        try:
            self.lock.acquire()
        finally:
            if timed:
                signal.setitimer(signal.ITIMER_REAL, 0)


class Savepoint:
    """The context of a part of a write. Bells that it rang go on ringing: a look for nothing. Not nested."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._after = len(store._after)

    def __enter__(self) -> None:
        self._store.con.execute("SAVEPOINT part")

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        store = self._store
        if store.con.getautocommit():  # SQLite took the whole transaction back by itself: a full disk
            return
        if kind is not None:
            del store._after[self._after :]
            store.con.execute("ROLLBACK TO part")
        store.con.execute("RELEASE part")


def _follow_up(after: list[tuple[Callable[..., None], tuple[object, ...]]]) -> None:
    """What follows a commit must not make it look like a failure: a bell that stays is only a look for nothing."""
    for action, values in after:
        try:
            action(*values)
        except (StoreFault, OSError, apsw.Error):
            continue


def check_home(home: str) -> None:
    """Refuse a state directory that others can enter; a missing one is made later. Raises StoreFault."""
    try:
        found = os.stat(home)
    except FileNotFoundError:
        return
    except OSError as problem:
        raise fault(home, problem) from None
    if found.st_mode & 0o170000 != 0o040000:
        raise HomeUnsafe(home=home, problem="is not a directory", advice="move it away, or set TELEX_HOME")
    if hasattr(os, "getuid"):
        if found.st_uid != os.getuid():
            raise HomeUnsafe(
                home=home, problem="belongs to another user", advice="set TELEX_HOME to a directory of yours"
            )
        if found.st_mode & 0o077:
            raise HomeUnsafe(home=home, problem="is open to other users", advice=f"chmod 700 {home}")


def _furnish(home: str) -> None:
    """Make the state directory and its rooms, before the store itself."""
    from telex.fs.mounts import refuse_network
    from telex.private import make_directory

    try:
        make_directory(home)
        bells.make_rooms(home)
        _finish_repair(home)
        reserve.make(home)
    except OSError as problem:
        raise fault(home, problem) from None
    refuse_network(home)


def _finish_repair(home: str) -> None:
    """A missing store may be one whose repair was cut short between two renames."""
    if os.path.exists(f"{home}/repairing"):
        from telex.fs import swap

        lock = FileLock(f"{home}/write.lock")
        lock.acquire()
        try:
            swap.finish(home)
        finally:
            lock.close()


def _connect(home: str, patience_ms: int) -> apsw.Connection:
    path = f"{home}/{DATABASE}"
    old = os.umask(0o077)  # SQLite gives the sidecars the mode of the database
    try:
        con = apsw.Connection(path)
        con.set_busy_timeout(patience_ms)
        con.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        con.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)  # or each bound value would have its statement planned anew
        if next(con.execute("PRAGMA journal_mode"))[0] != "wal":
            _check_new(con, home)
            con.execute("PRAGMA journal_mode = WAL")
        con.execute("PRAGMA synchronous = FULL")
        con.set_wal_hook(lambda own, _, pages: _checkpoint(own, pages, patience_ms))  # `con` would hold itself
    finally:
        os.umask(old)
    return con


def _check_new(con: apsw.Connection, home: str) -> None:
    """A file that is not in WAL mode yet must be empty, or it is somebody else's. Raises StoreCorrupt."""
    if next(con.execute(query("store.tables")))[0]:
        raise StoreCorrupt(home=home, problem=f"{DATABASE} is not a telex store")


def _is_low(home: str) -> bool:
    """Whether little of the disk is left; False where that cannot be told."""
    try:
        found = os.statvfs(home)
        return found.f_bavail * found.f_frsize < limits.LOW_DISK_BYTES
    except (OSError, AttributeError):  # no statvfs on Windows
        return False


def _checkpoint(con: apsw.Connection, pages: int, patience_ms: int) -> int:
    """After a commit, under the write lock: empty the log once it is long, or the disk nearly full, where a growing log
    would leave no room to empty it. A reader only puts it off."""
    is_long = pages >= limits.CHECKPOINT_PAGES
    if is_long or (pages >= limits.LOW_DISK_PAGES and _is_low(os.path.dirname(con.filename))):
        con.set_busy_timeout(0)
        try:
            con.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_RESTART)
            version = next(con.execute("PRAGMA user_version"))[0]  # a newer telex may have raised it
            con.execute(f"PRAGMA user_version = {version}")  # the write that starts the log anew
        except apsw.Error:
            pass  # the commit stands; the next one tries again
        finally:
            con.set_busy_timeout(patience_ms)
    return apsw.SQLITE_OK
