"""A second OS user on this machine: a process that gives its rights away and then tries.

Such a user needs telex and Python, which may lie below a directory that only we can enter. So its process sees them in
mounts of its own, where everybody can. The directories themselves stay as they are.

Only root can become somebody else. A test that uses this is marked `needs_root`, so that a run under a plain user
reports it as not run. Without the mark it fails: a promise that was not tested on a machine was not kept there.
"""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

UID = 54_321
NOBODY = 65_534

_CHECKOUT = Path(__file__).resolve().parents[2]
_NEW_MOUNTS, _BIND, _RECURSIVE, _PRIVATE = 0x20000, 0x1000, 0x4000, 0x40000  # <linux/sched.h>, <linux/mount.h>
_PROGRAM = """
import json, sys
sys.path[:0] = {path!r}
from tests.support import deeds, other_user
other_user.become({uid})
print(json.dumps(deeds.{deed}(*json.loads(sys.argv[1]))))
"""


def able() -> bool:
    """Whether this machine lets us become another user."""
    return hasattr(os, "geteuid") and os.geteuid() == 0


def does(deed: str, *arguments: object, uid: int = UID, **environment: str) -> Any:
    """Let another user do one of `tests.support.deeds`; what it answers."""
    assert able(), "a second OS user can only be tried by root: run these tests as root (in a container)"
    program = _PROGRAM.format(path=sys.path, uid=uid, deed=deed)
    done = subprocess.run(
        [sys.executable, "-c", program, json.dumps(arguments)],
        capture_output=True,
        text=True,
        env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", **environment},
        cwd="/",
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def become(uid: int) -> None:
    """Make this process one of another user, for good."""
    _show_telex_to_all()
    os.setgroups([])
    os.setgid(uid)
    os.setuid(uid)
    assert os.getuid() == os.geteuid() == uid


@contextmanager
def open_to_all() -> Iterator[Path]:
    """A directory that any user can enter, so that only what is inside protects itself."""
    with tempfile.TemporaryDirectory(prefix="telex-two-users-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def _show_telex_to_all() -> None:
    needed = (_CHECKOUT / "src", _CHECKOUT / "tests", Path(sys.prefix), Path(sys.base_prefix))
    closed = {path: above for path in needed if (above := _closed_above(path))}
    if not closed:
        return
    libc = ctypes.CDLL(None, use_errno=True)
    _must(libc.unshare(_NEW_MOUNTS))
    held = {path: os.open(path, os.O_PATH) for path in closed}
    _must(libc.mount(None, b"/", None, _RECURSIVE | _PRIVATE, None))
    for above in set(closed.values()):
        _must(libc.mount(b"tmpfs", bytes(above), b"tmpfs", 0, b"mode=755"))
    for path, at in held.items():
        path.mkdir(parents=True, exist_ok=True)
        _must(libc.mount(f"/proc/self/fd/{at}".encode(), bytes(path), None, _BIND | _RECURSIVE, None))


def _closed_above(path: Path) -> Path | None:
    """The topmost directory above a path that other users cannot enter."""
    return next((one for one in reversed(path.parents) if not one.stat().st_mode & 0o001), None)


def _must(answer: int) -> None:
    if answer:
        number = ctypes.get_errno()
        raise OSError(number, f"{os.strerror(number)}: no mounts of its own for another user")
