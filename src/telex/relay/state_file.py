"""The file of a relay: opening it, one process at a time; backup and restore.

Rules kept here:
- what is no relay's file, of a newer schema or damaged is refused and left as it is;
- every commit is durable before anybody hears of it (synchronous=FULL);
- one process serves a file, by a kernel lock on a file beside it; short commands may write beside the server, because
  SQLite lets them and the server keeps nothing in memory that it does not look up again;
- a restored file is another log: it has a new epoch before it is put in place, so that every machine offers again
  what the backup lacks.
"""

from __future__ import annotations

import fcntl
import os
import secrets

import apsw

from telex import limits
from telex.errors.between import RelayFileNewer, RelayFileUnusable, RelayRunning
from telex.private import make_directory
from telex.relay.state import Book, query

APPLICATION_ID = 0x74656C72  # 'telr'
_SCHEMA = os.path.join(os.path.dirname(__file__), "schema")
_OPEN = apsw.SQLITE_OPEN_READWRITE  # also for reading, because of the log beside the file; it never makes one


def prepare(path: str) -> None:
    """Make the file where it is missing, and bring it to this schema. Raises RelayFileUnusable, RelayFileNewer."""
    try:
        make_directory(os.path.dirname(path) or ".")
        if not os.path.exists(path):  # else it is not touched: POSIX locks fall when any descriptor closes
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        con = apsw.Connection(path, _OPEN)
        try:
            con.set_busy_timeout(limits.BUSY_MS)
            _migrate(con, path)
        finally:
            con.close()
        _connect(path).close()
    except (apsw.Error, OSError) as problem:
        raise unusable(path, problem) from None


def open_book(path: str) -> Book:
    """A connection to a prepared file. Raises RelayFileUnusable."""
    try:
        return Book(_connect(path))
    except apsw.Error as problem:
        raise unusable(path, problem) from None


def _connect(path: str) -> apsw.Connection:
    con = apsw.Connection(path, _OPEN)
    con.set_busy_timeout(limits.BUSY_MS)
    for setting in ("journal_mode = WAL", "synchronous = FULL", "secure_delete = FAST"):
        con.execute(f"PRAGMA {setting}").fetchall()  # apsw goes on only as far as rows are asked for
    con.execute(f"PRAGMA journal_size_limit = {limits.RELAY_LOG_BYTES}").fetchall()
    return con


def _migrate(con: apsw.Connection, path: str) -> None:
    """Refuse what is no relay's, or of a schema that is not known, before anything is written; else bring it here."""
    con.execute("BEGIN IMMEDIATE")
    try:
        version = _version(con, path)
        if version < limits.RELAY_SCHEMA_VERSION:
            _upgrade(con, version)
    except BaseException:
        con.execute("ROLLBACK")
        raise
    con.execute("COMMIT")


def _version(con: apsw.Connection, path: str) -> int:
    """The schema of a relay's file; 0 is an empty one."""
    version = _value(con, "PRAGMA user_version")
    empty = not version and not _value(con, query("book.tables"))
    if not empty and _value(con, "PRAGMA application_id") != APPLICATION_ID:
        raise RelayFileUnusable(path=path, problem="it is not a relay's file", advice="give another path")
    if version > limits.RELAY_SCHEMA_VERSION:
        raise RelayFileNewer(path=path, found=version, known=limits.RELAY_SCHEMA_VERSION)
    if version:
        _value(con, query("book.count"))
    return version


def _upgrade(con: apsw.Connection, version: int) -> None:
    for name in sorted(os.listdir(_SCHEMA)):
        if int(name[:4]) > version:
            with open(f"{_SCHEMA}/{name}", encoding="utf-8") as file:
                con.execute(file.read())
    if version == 0:
        con.execute(query("book.begin"), (new_epoch(),))
    con.execute(f"PRAGMA user_version = {limits.RELAY_SCHEMA_VERSION}")
    con.execute(f"PRAGMA application_id = {APPLICATION_ID}")


def _value(con: apsw.Connection, text: str) -> int:
    found = con.execute(text).fetchone()
    assert found is not None
    return int(found[0])


def new_epoch() -> str:
    """A name that no log had before."""
    return secrets.token_hex(limits.RELAY_ID_BYTES)


def unusable(path: str, problem: Exception) -> RelayFileUnusable:
    """The error for what SQLite or the system said."""
    words = str(problem) or type(problem).__name__
    if isinstance(problem, (apsw.CorruptError, apsw.NotADBError, apsw.FormatError)):
        return RelayFileUnusable(
            path=path, problem=f"it is damaged or no database ({words})", advice="move it away and restore a backup"
        )
    if isinstance(problem, apsw.FullError) or getattr(problem, "errno", 0) in (28, 122):
        return RelayFileUnusable(path=path, problem="the disk is full", advice="free some space")
    return RelayFileUnusable(path=path, problem=words, advice="check the path, its owner and its disk")


class Serving:
    """The lock of the one process that serves a file."""

    def __init__(self, path: str) -> None:
        try:
            self._fd = os.open(f"{path}.serving", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as problem:
            raise unusable(path, problem) from None
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._fd)
            raise RelayRunning(path=path) from None

    def release(self) -> None:
        """Let another process serve."""
        os.close(self._fd)


def backup(path: str, target: str) -> int:
    """Copy the file as it is at one moment, while it is served or not; its size. Raises RelayFileUnusable."""
    if not os.path.exists(path):
        raise RelayFileUnusable(path=path, problem="there is no such file", advice="give it with --log sqlite:PATH")
    try:
        os.close(os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except OSError as problem:
        raise unusable(target, problem) from None
    try:
        copy(path, target)
        return os.path.getsize(target)
    except apsw.Error as problem:
        os.unlink(target)
        raise unusable(path, problem) from None


def restore(path: str, source: str) -> str:
    """Put a backup in the place of what is there; the new epoch.

    Raises RelayRunning, RelayFileUnusable, RelayFileNewer: then nothing was changed.
    """
    if not os.path.exists(source):
        raise RelayFileUnusable(path=source, problem="there is no such file", advice="give a file of 'relay backup'")
    make_directory(os.path.dirname(path) or ".")
    lock = Serving(path)
    made = f"{path}.restoring"
    try:
        _forget(made)
        os.close(os.open(made, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        copy(source, made)
        prepare(made)
        epoch = new_epoch()
        con = _connect(made)
        con.execute(query("book.renew"), (epoch,))
        con.close()
        prepare(path)
        copy(made, path)
        return epoch
    except (apsw.Error, OSError) as problem:
        raise unusable(source, problem) from None
    finally:
        _forget(made)
        lock.release()


def copy(source: str, target: str) -> None:
    """SQLite's own online copy: one transaction at the target, of one moment of the source."""
    reading = apsw.Connection(source, _OPEN)
    writing = apsw.Connection(target, _OPEN)
    try:
        reading.set_busy_timeout(limits.BUSY_MS)
        if reading.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
            raise apsw.CorruptError(f"{source} is damaged")
        with writing.backup("main", reading, "main") as copying:
            copying.step()
        writing.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        writing.close()
        reading.close()


def _forget(path: str) -> None:
    for name in (path, f"{path}-wal", f"{path}-shm", f"{path}-journal"):
        try:
            os.unlink(name)
        except FileNotFoundError:
            pass
