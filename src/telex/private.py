"""Directories that are their owner's alone.

Rule kept here: each directory that is made is 0700 whatever the umask, the missing ones above it too (the mode that
`os.makedirs` takes is that of the last one only); one that is there already is left as it is.
"""

from __future__ import annotations

import os


def make_directory(path: str) -> None:
    """Make a directory with what is missing above it. Raises OSError."""
    missing: list[str] = []
    at = os.path.abspath(path)
    while not os.path.isdir(at) and at != os.path.dirname(at):
        missing.append(at)
        at = os.path.dirname(at)
    for one in reversed(missing):
        try:
            os.mkdir(one, 0o700)
        except FileExistsError:
            if not os.path.isdir(one):  # else another process was quicker
                raise
        else:
            os.chmod(one, 0o700)  # the umask may have taken bits away
