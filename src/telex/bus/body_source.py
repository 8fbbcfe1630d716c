"""The text of a message that comes from a file or a pipe: one way for every face that takes it.

Rules kept here: no more is read than tells that it is too much; what cannot be read is said with its name; whether it
is text, and of what size, is judged by the sender's verb; what the person forbids is not read for an agent, judged as
the path was given and as it really is, through every link. That keeps agents from slips: one that may run commands has
other ways.
"""

from __future__ import annotations

import os

from telex import limits
from telex.errors import FileForbidden, FileUnreadable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from telex.bus import Bus

_PIPE = 0
_PART_BYTES = 1 << 20


def from_file(bus: Bus, path: str) -> bytes:
    """What a file holds, at most one byte more than telex carries. Raises FileUnreadable, FileForbidden."""
    if not bus.persons and (reason := forbidden(bus, path, os.path.realpath(path))):
        raise FileForbidden(path=path, reason=reason)
    try:
        fd = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    except (OSError, ValueError) as problem:
        raise _unreadable(path, problem) from None
    try:
        return _read(fd, path)
    finally:
        os.close(fd)


def forbidden(bus: Bus, path: str, real: str) -> str:
    """Why an agent may not send a file's content; '' where it may."""
    home = os.path.realpath(bus.db.home)
    for one in (os.path.abspath(path), real):
        if one == home or one.startswith(home + os.sep):
            return "telex's own files are not shared"
        for pattern in bus.settings().ipc_share_deny.split(":"):
            if _matches(one, pattern):
                return f"the setting ipc_share_deny forbids {pattern}"
    return ""


def _matches(path: str, pattern: str) -> bool:
    """Whether a pattern means a path; a pattern's own directory may be a link too."""
    from fnmatch import fnmatchcase

    plain = os.path.expanduser(pattern)
    return fnmatchcase(path, plain) or fnmatchcase(path, os.path.realpath(plain))


def from_pipe() -> bytes:
    """What comes by standard input, at most one byte more than telex carries. Raises FileUnreadable."""
    return _read(_PIPE, "standard input")


def _read(fd: int, name: str) -> bytes:
    parts: list[bytes] = []
    left = limits.BODY_MOST_BYTES + 1
    try:
        while left > 0 and (part := os.read(fd, min(left, _PART_BYTES))):
            parts.append(part)
            left -= len(part)
    except OSError as problem:
        raise _unreadable(name, problem) from None
    return b"".join(parts)


def _unreadable(name: str, problem: Exception) -> FileUnreadable:
    return FileUnreadable(path=name, problem=getattr(problem, "strerror", None) or str(problem))
