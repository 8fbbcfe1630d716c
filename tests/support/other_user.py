"""A second OS user on this machine: a process that gives its rights away and then tries.

What it needs is imported first, because Python itself may lie where only we can read.

Only root can become somebody else. A test that uses this is marked `needs_root`, so that a run under a plain user
reports it as not run. Without the mark it fails: a promise that was not tested on a machine was not kept there.
"""

from __future__ import annotations

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

_PROGRAM = """
import json, os, sys
sys.path[:0] = {path!r}
import importlib, traceback, encodings.idna, tests.support.deeds, telex.clients.claude
import telex.wiring, telex.hook.claude, telex.bus.archive, telex.bus.history, telex.bus.inbox, telex.bus.people
import telex.cli.main, telex.cli.care, telex.cli.mail, telex.cli.people, telex.cli.history, telex.cli.keeping
import telex.cli.output, telex.core.names, difflib, pwd, signal
os.setgroups([])
os.setgid({uid})
os.setuid({uid})
assert os.getuid() == os.geteuid() == {uid}
import tests.support.deeds as deeds
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


@contextmanager
def open_to_all() -> Iterator[Path]:
    """A directory that any user can enter, so that only what is inside protects itself."""
    with tempfile.TemporaryDirectory(prefix="telex-two-users-") as name:
        Path(name).chmod(0o755)
        yield Path(name)
