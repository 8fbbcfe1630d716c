"""The clients telex knows, and what an adapter has to say about its own.

Rules kept here:
- an adapter only describes: which files, which entries, which lines. `install` alone reads and writes;
- a piece is a `HookFile` or a `ServerFile`, shared with its owner, or an `OwnFile`, which is telex's;
- an extra is a piece that is put in only where it was asked for, and is brought up to date with the others then;
- one adapter is one module with a `CLIENT`; adding one is that file and a line in `_MODULES`. Every adapter
  passes tests/contract/test_clients.py.
"""

from __future__ import annotations

from telex.clients.types import Client
from telex.errors import ClientUnknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Protocol

else:
    Protocol = object

_MODULES = {
    "claude": "telex.clients.adapters.claude",
    "codex": "telex.clients.adapters.codex",
    "gemini": "telex.clients.adapters.gemini",
    "opencode": "telex.clients.adapters.opencode",
    "copilot": "telex.clients.adapters.copilot",
}


def names() -> list[str]:
    """All clients telex knows."""
    return list(_MODULES)


def present(user_home: str, environment: Mapping[str, str]) -> list[str]:
    """The clients that are on this machine: on the path, or known by what they left in the home directory; where none
    is, the one that telex knows best."""
    import os
    from shutil import which

    found = []
    for name in _MODULES:
        one = client(name)
        if which(name, path=environment.get("PATH")) or os.path.isdir(os.path.join(user_home, one.trace)):
            found.append(name)
    return found or [next(iter(_MODULES))]


def client(name: str) -> Client:
    """The adapter of that client. Raises ClientUnknown."""
    from importlib import import_module

    if name not in _MODULES:
        raise ClientUnknown(name=name, known=", ".join(_MODULES))
    adapter: Client = import_module(_MODULES[name]).CLIENT
    return adapter
