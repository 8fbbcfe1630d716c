"""Sessions as their client's start hook registers them, for tests that are about something else."""

from __future__ import annotations

import time
from pathlib import Path

from telex.db.connection import Store
from telex.mail import addresses, registration


def begin(home: Path, key: str, pid: int, directory: Path, client: str = "claude") -> None:
    """A live session of that client, known by its key, whose client is that process."""
    store = Store(str(home))
    who = addresses.Arrival(client=client, key=key, pid=pid, directory=str(directory))
    with store.write():
        registration.register(store, who, addresses.user_name(), int(time.time() * 1000))
    store.close()
