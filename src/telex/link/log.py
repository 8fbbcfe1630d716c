"""What the link's process did, in a file of the home: for whoever looks for a fault.

Rules kept here: never a body, a name of a session, a key, a token or a code, only what was asked of whom and how it
went; the file has a most, and one older file is kept beside it.
"""

from __future__ import annotations

import os
import sys
import time

from telex import limits
from telex.core import text

NAME = "link/log"
_OPEN = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)


class Log:
    """Lines with their time; best effort: a full disk must not end the link."""

    def __init__(self, home: str, aloud: bool = False) -> None:
        self._path = f"{home}/{NAME}"
        self._aloud = aloud
        self._last = ""

    def line(self, words: str) -> None:
        """Write one line; the same again at once is written once."""
        words = text.visible(words)  # a relay may have had a word in it
        if words == self._last:
            return
        self._last = words
        stamped = f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} {words}\n"
        if self._aloud:
            sys.stdout.write(stamped)
            sys.stdout.flush()
        try:
            self._write(stamped.encode())
        except OSError:
            pass

    def _write(self, raw: bytes) -> None:
        fd = os.open(self._path, _OPEN, 0o600)
        try:
            os.write(fd, raw)
            size = os.fstat(fd).st_size
        finally:
            os.close(fd)
        if size > limits.LINK_LOG_BYTES:
            os.replace(self._path, f"{self._path}.1")
