"""Runs a command that may read everything and write below some directories only: Linux's Landlock, by its system calls.

`python -m tests.support.landlock DIRECTORY… -- COMMAND…`. As an agent's sandbox does it (landlock(7)): whatever would
write elsewhere is answered with EACCES.
"""

from __future__ import annotations

import ctypes
import os
import sys

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_PATH_BENEATH = 1
_NO_NEW_PRIVS = 38
_WRITING = (1 << 1) | sum(1 << bit for bit in range(4, 13))  # write a file; remove and make files and directories


class _Ruleset(ctypes.Structure):
    _fields_ = (("handled_access_fs", ctypes.c_uint64),)


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed_access", ctypes.c_uint64), ("parent_fd", ctypes.c_int32))


def _call(number: int, *values: object) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    done = int(libc.syscall(ctypes.c_long(number), *values))
    if done < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return done


def available() -> bool:
    """Whether this kernel has Landlock, and lets it be used."""
    try:
        return _call(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(1)) >= 1
    except OSError:
        return False


def restrict(writable: list[str]) -> None:
    """Give up writing anywhere but below these directories, for this process and all that it starts."""
    ruleset = _Ruleset(handled_access_fs=_WRITING)
    fd = _call(_CREATE_RULESET, ctypes.byref(ruleset), ctypes.c_size_t(ctypes.sizeof(ruleset)), ctypes.c_uint32(0))
    for path in ["/dev", *writable]:
        parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
        rule = _Beneath(allowed_access=_WRITING, parent_fd=parent)
        _call(_ADD_RULE, ctypes.c_int(fd), ctypes.c_int(_PATH_BENEATH), ctypes.byref(rule), ctypes.c_uint32(0))
    ctypes.CDLL(None).prctl(_NO_NEW_PRIVS, 1, 0, 0, 0)
    _call(_RESTRICT_SELF, ctypes.c_int(fd), ctypes.c_uint32(0))


if __name__ == "__main__":
    cut = sys.argv.index("--")
    restrict(sys.argv[1:cut])
    os.execv(sys.argv[cut + 1], sys.argv[cut + 1 :])
