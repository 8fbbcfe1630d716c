"""Bells and marks: the small files that let a silent session cost nothing.

Rules kept here:
- a bell exists while something waits to be shown; it is rung inside the write transaction, before the commit,
  and removed only under the same lock, after the commit of a transaction after which nothing is
  queued (docs/architecture.md has the argument);
- ringing an existing bell changes its times, which wakes whoever watches it;
- the call mark exists from telex's asking a client for a turn until the turn begins (telex.mail.nudges);
- the asks mark holds a byte while the client shows its person a question, and is empty after the answer, as far as
  the client tells (telex.fs.processes);
- the news mark exists from the arrival of another session until the next prompt, whose gate tests it; the told file
  holds the names that the session's model was told of (telex.hook.introduction);
- the owed mark exists while the session owes or awaits a reply; a missing mark only costs a reminder;
- file names come from the client's own session id or its hash, never from a name; or from its process id, where
  the client does not tell its hooks the session's.
"""

from __future__ import annotations

import os

BELLS, OWED, TURNS, CALLS, ASKS = "bells", "owed", "turns", "calls", "asks"
NEWS, TOLD = "news", "told"
MONITORS, INBOXES, BODIES, BIN = "monitors", "inboxes", "bodies", "bin"
OF_SESSIONS = (BELLS, OWED, TURNS, CALLS, ASKS, NEWS, TOLD)  # a file in each goes with its session
DIRECTORIES = (*OF_SESSIONS, MONITORS, INBOXES, BODIES, BIN)

BY_PROCESS = ("copilot",)  # their hooks are children of the client, and get no id in their environment

LINK = "h-link"  # the bell of this machine's link with its team

_SAFE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-")
_HASHED = "h-"  # no client's id is taken as it is with this in front
_MOST_CHARS = 64
_TOLD_BYTES = 1 << 16
_CREATE = os.O_WRONLY | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)


def make_rooms(home: str) -> None:
    """The directories of bells and marks. Raises OSError."""
    from telex.private import make_directory

    for directory in DIRECTORIES:
        make_directory(f"{home}/{directory}")


def bell_name(key: str) -> str:
    """The file name for a client's session id: the id itself where it is plain, else its hash."""
    if (
        0 < len(key) <= _MOST_CHARS
        and key[0] != "-"
        and not key.startswith(_HASHED)
        and all(char in _SAFE for char in key)
    ):
        return key
    from _blake2 import blake2b

    return _HASHED + blake2b(key.encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()


def bell_of(client: str, key: str, pid: int) -> str:
    """The file name for a session: by its id, or by its process where the client's hooks know no more than that."""
    return f"{client}-{pid}" if client in BY_PROCESS else bell_name(key)


def process_of(bell: str) -> int:
    """The process by which a bell is named; 0 for one that is named by a session."""
    client, _, pid = bell.partition("-")
    return int(pid) if client in BY_PROCESS and pid.isdigit() else 0


def path(home: str, directory: str, bell: str) -> str:
    """Where a bell or mark lies."""
    return f"{home}/{directory}/{bell}"


def ring(home: str, bell: str) -> None:
    """Make the bell ring. Raises OSError: a send whose bell cannot be rung must not be committed."""
    try:
        fd = os.open(path(home, BELLS, bell), _CREATE, 0o600)
    except FileNotFoundError:  # somebody tidied the directory away
        from telex.private import make_directory

        make_directory(f"{home}/{BELLS}")
        fd = os.open(path(home, BELLS, bell), _CREATE, 0o600)
    try:
        os.utime(fd)
    finally:
        os.close(fd)


def nudge(home: str, bell: str) -> None:
    """Make the bell ring where nothing is lost without it: whoever sleeps on it looks again later anyway."""
    try:
        ring(home, bell)
    except OSError:
        pass


def rings(home: str, bell: str) -> bool:
    """Whether something waits."""
    return os.path.exists(path(home, BELLS, bell))


def silence(home: str, bell: str) -> None:
    """Remove the bell. Only under the write lock, after a look that found nothing queued."""
    _remove(path(home, BELLS, bell))


def mark_owed(home: str, bell: str, owed: bool) -> None:
    """Set or remove the mark that makes the end-of-turn hook look. Best effort: only a reminder hangs on it."""
    try:
        if owed:
            os.close(os.open(path(home, OWED, bell), _CREATE, 0o600))
        else:
            _remove(path(home, OWED, bell))
    except OSError:
        pass


def mark_call(home: str, bell: str) -> None:
    """Remember that a turn was asked for. Raises OSError: without the mark the gate would not look at the prompt."""
    fd = os.open(path(home, CALLS, bell), _CREATE, 0o600)
    os.utime(fd)
    os.close(fd)


def drop_call(home: str, bell: str) -> bool:
    """The turn that was asked for has begun, or will not; whether nobody had said so before."""
    return _remove(path(home, CALLS, bell))


def mark_news(home: str, bell: str) -> None:
    """Somebody arrived: the session behind this bell is to be told at its next prompt. Best effort."""
    _write(path(home, NEWS, bell), b"")


def drop_news(home: str, bell: str) -> bool:
    """Whether somebody arrived since the last look."""
    return _remove(path(home, NEWS, bell))


def note_told(home: str, bell: str, names: tuple[str, ...]) -> None:
    """Remember of whom a session's model was told. Best effort: what is lost is told again."""
    _write(path(home, TOLD, bell), " ".join(names).encode("ascii", "replace"))


def told(home: str, bell: str) -> tuple[list[str], int]:
    """Of whom a session's model was told, and when, in milliseconds; nobody and 0 for never."""
    try:
        fd = os.open(path(home, TOLD, bell), os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0))
    except OSError:
        return [], 0
    try:
        found = os.fstat(fd)
        return os.read(fd, _TOLD_BYTES).decode("ascii", "replace").split(), int(found.st_mtime * 1000)
    except OSError:
        return [], 0
    finally:
        os.close(fd)


def _write(name: str, data: bytes) -> None:
    try:
        fd = os.open(name, _CREATE | os.O_TRUNC, 0o600)
    except FileNotFoundError:  # a home from before there was this mark
        from telex.private import make_directory

        try:
            make_directory(os.path.dirname(name))
            fd = os.open(name, _CREATE | os.O_TRUNC, 0o600)
        except OSError:
            return
    except OSError:
        return
    try:
        os.write(fd, data)
    except OSError:
        pass
    finally:
        os.close(fd)


def mark_asks(home: str, bell: str) -> None:
    """The client asks its person something, where no gate could note it. Best effort, as is the gate's."""
    try:
        from telex.private import make_directory

        make_directory(f"{home}/{ASKS}")
        fd = os.open(path(home, ASKS, bell), _CREATE, 0o600)
        os.write(fd, b"w")
        os.close(fd)
    except OSError:
        pass


def note(home: str, bell: str, sign: int) -> None:
    """Add a turn mark, where no gate does. Best effort: the next one mends it."""
    try:
        fd = os.open(path(home, TURNS, bell), _CREATE | os.O_APPEND, 0o600)
        os.write(fd, bytes((sign,)))
        os.close(fd)
    except OSError:
        pass


def forget(home: str, bell: str) -> None:
    """Remove every file of a session that has ended. Its mail waits in the store, not here."""
    for directory in OF_SESSIONS:
        _remove(path(home, directory, bell))


def _remove(name: str) -> bool:
    try:
        os.unlink(name)
    except OSError:
        return False
    return True
