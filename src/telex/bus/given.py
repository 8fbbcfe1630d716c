"""The text of a message that comes from a file or a pipe: one way for every face that takes it.

Rules kept here: no more is read than tells that it is too much; what cannot be read is said with its name; whether it
is text, and of what size, is judged by whoever sends it.
"""

from __future__ import annotations

import os

from telex import limits
from telex.errors import FileUnreadable

_PIPE = 0
_PART_BYTES = 1 << 20


def from_file(path: str) -> bytes:
    """What a file holds, at most one byte more than telex carries. Raises FileUnreadable."""
    try:
        fd = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    except (OSError, ValueError) as problem:
        raise _unreadable(path, problem) from None
    try:
        return _read(fd, path)
    finally:
        os.close(fd)


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
