"""The one place that builds adapters. Entry points import this; nothing else constructs a store."""

from __future__ import annotations

import os

from telex.bus import Bus
from telex.errors import HomeUnknown
from telex.store.sqlite import Store


def home_directory() -> str:
    """Where the store is: TELEX_HOME, else ~/.telex. Raises HomeUnknown."""
    chosen = os.environ.get("TELEX_HOME")
    if not chosen:
        user_home = os.environ.get("HOME") or os.environ.get("USERPROFILE")
        if not user_home:
            raise HomeUnknown()
        chosen = f"{user_home}/.telex"
    return os.path.abspath(chosen)


def open_bus(home: str = "", *, name: str = "", own_process: bool = False) -> Bus:
    """Open the bus of this machine: `telex.open()`.

    `home` is the state directory (TELEX_HOME or ~/.telex by default); `name` names a script that belongs to no
    session, as TELEX_NAME does. Raises StoreFault.
    """
    return Bus(Store(home or home_directory(), own_process=own_process), name=name)
