"""Run tests as the login `nobody`: not root, umask 077, LANG=C, a time zone off the full hour.

    python -m tests.support.as_nobody tests/unit tests/cli

Only root can become somebody else. The checkout must lie where every user can enter; Python need not.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.support import other_user

PLACE = "telex-nobody-"
LANGUAGE, ZONE, MASK = "C", "Asia/Kolkata", 0o077


def run(words: list[str]) -> int:
    """Run pytest with these words; its exit status."""
    root = Path(tempfile.mkdtemp(prefix=PLACE))
    try:
        root.chmod(0o755)
        home = root / "telex"
        home.mkdir()
        os.chown(home, other_user.NOBODY, other_user.NOBODY)
        environment = {
            "HOME": str(home),
            "TMPDIR": str(home),
            "USER": "nobody",
            "LOGNAME": "nobody",
            "SHELL": "/bin/sh",
        }
        environment |= {"PATH": os.defpath, "LANG": LANGUAGE, "TZ": ZONE}
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *words],
            env=environment,
            preexec_fn=_become,
            check=False,
        ).returncode
    finally:
        shutil.rmtree(root)


def _become() -> None:
    other_user.become(other_user.NOBODY)
    os.umask(MASK)


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
