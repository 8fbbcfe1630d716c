"""What kind of filesystem a directory lies on: SQLite's WAL needs one machine's shared memory.

Rule kept here: a store is never made on a network filesystem (https://sqlite.org/wal.html, "all processes using
a database must be on the same host computer"). Linux tells the type in /proc/self/mountinfo; elsewhere it cannot
be told without a library, and `doctor` says so.
"""

from __future__ import annotations

import os

from telex.errors import HomeUnsafe

_REMOTE = ("nfs", "nfs4", "cifs", "smb3", "smbfs", "ncpfs", "afs", "ceph", "glusterfs", "lustre", "9p")
_REMOTE_FUSE = ("fuse.sshfs", "fuse.s3fs", "fuse.rclone", "fuse.gcsfuse")
NETWORK = frozenset((*_REMOTE, *_REMOTE_FUSE))


def kind(path: str, table: str = "/proc/self/mountinfo") -> str:
    """The filesystem type that path lies on, or '' where it cannot be told."""
    best, found = "", ""
    try:
        with open(table, encoding="utf-8", errors="surrogateescape") as file:
            for line in file:
                fields = line.split()
                point = fields[4].replace("\\040", " ")
                inside = path == point or path.startswith(point.rstrip("/") + "/")
                if inside and len(point) >= len(best):
                    best, found = point, fields[fields.index("-") + 1]
    except (OSError, IndexError, ValueError):
        return ""
    return found


def refuse_network(home: str, table: str = "/proc/self/mountinfo") -> None:
    """Raises HomeUnsafe for a home on a network filesystem."""
    name = kind(os.path.realpath(home), table)
    if name in NETWORK:
        raise HomeUnsafe(
            home=home,
            problem=f"lies on a network filesystem ({name}), where SQLite loses data",
            advice="set TELEX_HOME to a directory on a local disk",
        )
