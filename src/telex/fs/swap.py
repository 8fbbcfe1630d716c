"""Putting a saved store in the place of a damaged one, so that a crash half-way is finished by whoever comes next.

Rules kept here: before the first rename a mark names the directory where the damaged files go and the new ones
wait; every step looks at what is there, so the same function begins and finishes; the new database goes in last,
without sidecars, because its log was emptied; nobody else writes meanwhile (the caller holds `write.lock`).
"""

from __future__ import annotations

import os

_DATABASE = "telex.db"
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)


def draft(kept: str) -> str:
    """Where the new store is made."""
    return f"{kept}/new"


def begin(home: str, kept: str) -> None:
    """Say durably that the files are being changed over."""
    fd = os.open(_mark(home), _WRITE, 0o600)
    try:
        os.write(fd, os.fsencode(kept))
        os.fsync(fd)
    finally:
        os.close(fd)
    _sync(home)


def finish(home: str) -> None:
    """Change over whatever is not changed over yet. Does nothing where no repair was begun."""
    try:
        with open(_mark(home), "rb") as file:
            kept = os.fsdecode(file.read())
    except OSError:
        return
    new = f"{draft(kept)}/{_DATABASE}"
    if os.path.exists(new):
        for tail in ("", "-wal", "-shm"):  # what still lies in the home is the damaged one's
            if os.path.exists(f"{home}/{_DATABASE}{tail}"):
                os.rename(f"{home}/{_DATABASE}{tail}", f"{kept}/{_DATABASE}{tail}")
        _sync(kept)
        os.rename(new, f"{home}/{_DATABASE}")
        _sync(home)
    os.unlink(_mark(home))


def _mark(home: str) -> str:
    return f"{home}/repairing"


def _sync(directory: str) -> None:
    fd = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
