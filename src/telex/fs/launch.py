"""How this telex is started again, by whatever process of it: a hook, a launcher, a face, a Python program.

Rules kept here:
- the interpreter that runs is started isolated, with the directories that telex and its libraries come from: it has
  just imported them, and needs no environment and no installed launcher;
- these directories come last, where nothing in them stands before the standard library, and the directory that
  somebody works in is none of them;
- an interpreter that has been removed meanwhile gives way to the launcher that `telex install` wrote, and so it does
  in a file that lasts.
"""

from __future__ import annotations

import os
import sys

from telex.fs import bells

_LIBRARIES = ("telex", "apsw", "rich", "msgspec", "nacl", "httpx2", "mcp")


def telex(home: str, *words: str, lasting: bool = False) -> list[str]:
    """The command line that runs `telex WORDS`; `lasting` says that it is kept in a file."""
    launcher = f"{home}/{bells.BIN}/telex"
    if (lasting or not os.access(sys.executable, os.X_OK)) and os.access(launcher, os.X_OK):
        return [launcher, *words]
    program = f"import sys; sys.path += {_directories()!r}; from telex.cli.main import main; sys.exit(main())"
    return [sys.executable, "-I", "-S", "-c", program, *words]


def _directories() -> list[str]:
    """Where telex and its libraries are, as this process finds them."""
    own = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    there = [
        one for one in sys.path if os.path.isabs(one) and any(os.path.isdir(f"{one}/{name}") for name in _LIBRARIES)
    ]
    return list(dict.fromkeys([own, *there]))
