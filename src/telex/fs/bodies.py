"""Bodies too large for a row: kept beside the store, named by their content.

Rules kept here: a body is written whole, synced and renamed before any row refers to it, so that no reference
dangles after a crash; a file is never changed; what is read back must hash to its name.
"""

from __future__ import annotations

import os

from telex.core.message import digest
from telex.fs.bells import BODIES

_WRITE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)


def path(home: str, name: bytes) -> str:
    """Where the body of that digest lies."""
    return f"{home}/{BODIES}/{name.hex()}"


def keep(home: str, body: bytes) -> bytes:
    """Store a body durably and return its digest. Raises OSError."""
    name = digest(body)
    target = path(home, name)
    if os.path.exists(target):
        os.utime(target)  # an orphan sweep must not take it from under the message about to refer to it
        return name
    draft = f"{target}.{os.getpid()}.{os.urandom(4).hex()}"
    try:
        fd = os.open(draft, _WRITE, 0o600)
    except FileNotFoundError:  # somebody tidied the directory away
        from telex.private import make_directory

        make_directory(os.path.dirname(target))
        fd = os.open(draft, _WRITE, 0o600)
    try:
        view = memoryview(body)
        while view:
            view = view[os.write(fd, view) :]
        os.fsync(fd)
    except BaseException:
        os.close(fd)
        os.unlink(draft)
        raise
    os.close(fd)
    os.rename(draft, target)
    _sync_directory(os.path.dirname(target))
    return name


def load(home: str, name: bytes) -> bytes | None:
    """The body, or None when it is missing or no longer what it was."""
    try:
        with open(path(home, name), "rb") as file:
            body = file.read()
    except OSError:
        return None
    return body if digest(body) == name else None


def orphans(home: str, older_than: float) -> list[tuple[str, bytes | None]]:
    """(path, digest) of files last touched before `older_than` (seconds since 1970); None for a left draft."""
    found: list[tuple[str, bytes | None]] = []
    for entry in os.scandir(f"{home}/{BODIES}"):
        if entry.stat().st_mtime >= older_than:
            continue
        try:
            found.append((entry.path, bytes.fromhex(entry.name)))
        except ValueError:
            found.append((entry.path, None))
    return found


def drop(home: str, name: bytes) -> None:
    """Remove a body that nothing refers to."""
    try:
        os.unlink(path(home, name))
    except OSError:
        pass


def _sync_directory(directory: str) -> None:
    fd = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
