"""Files as a test looks at them, whatever their modes are: a test that runs as a plain user sees what root sees."""

from __future__ import annotations

import os
import stat
from pathlib import Path


def held(path: Path) -> str | bytes:
    """Where a link leads, or the bytes of a file; of anything else nothing. Modes stay as they are."""
    if path.is_symlink():
        return os.readlink(path)
    if not path.is_file():
        return b""
    try:
        return path.read_bytes()
    except PermissionError:
        mode = stat.S_IMODE(path.stat().st_mode)
        path.chmod(mode | stat.S_IRUSR)
        try:
            return path.read_bytes()
        finally:
            path.chmod(mode)
