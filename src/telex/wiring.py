"""The one place that builds adapters. Entry points import this; nothing else constructs a store."""

from __future__ import annotations

import os

from telex import homes
from telex.bus import Bus
from telex.db.connection import Store
from telex.errors import Usage
from telex.private import make_directory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from telex.relay.interfaces import Log, Parts

SQLITE, NATS = "sqlite:", ("nats://", "tls://")


def home_directory() -> str:
    """Where the store is: TELEX_HOME, else ~/.telex. Raises HomeUnknown, PathNotAbsolute."""
    return homes.of_telex(os.environ)


def open_bus(home: str = "", *, name: str = "", own_process: bool = False) -> Bus:
    """Open the bus of this machine: `telex.open()`.

    `home` is the state directory (TELEX_HOME or ~/.telex by default); `name` names a script that belongs to no
    session, as TELEX_NAME does. Raises StoreFault.
    """
    return Bus(Store(homes.absolute("home", home) if home else home_directory(), own_process=own_process), name=name)


def relay_path(log: str = "") -> str:
    """The file of the embedded relay that `--log` names. Raises Usage, HomeUnknown, PathNotAbsolute."""
    if not log:
        return f"{home_directory()}/relay/relay.db"
    if not log.startswith(SQLITE) or log == SQLITE:
        raise Usage(problem=f"here --log takes sqlite:PATH, not '{log[:60]}'", verb="relay")
    return os.path.abspath(log.removeprefix(SQLITE))


def open_relay(log: str = "", *, serving: bool = True) -> tuple[Log, Parts]:
    """The relay's log, and where its large parts lie. Raises Usage, RelayRunning, RelayFileUnusable, RelayFileNewer."""
    if log.startswith(NATS):
        return _open_cluster(log)
    from telex.relay.log_sqlite import SqliteLog

    made = SqliteLog(relay_path(log), serving=serving)
    return made, made


def _open_cluster(log: str) -> tuple[Log, Parts]:
    """The relay's log in a cluster, and the first file of telex's home that no other relay process has."""
    from telex import limits
    from telex.errors.between import RelayRunning
    from telex.relay import state_file
    from telex.relay.jetstream.connection import Cluster
    from telex.relay.jetstream.log import NatsLog
    from telex.relay.jetstream.parts import NatsParts

    if "@" in log:
        problem = "every user can read what stands in a command: no user and password in --log"
        raise Usage(problem=f"{problem}; TELEX_RELAY_NATS_CREDENTIALS names a file with them", verb="relay serve")
    folder = f"{home_directory()}/relay"
    make_directory(folder)
    cluster = Cluster(log.split(","), os.environ.get("TELEX_RELAY_NATS_CREDENTIALS", ""))
    for number in range(1, limits.CLUSTER_FILES + 1):
        path = f"{folder}/cluster-{number}.db"
        try:
            lock = state_file.Serving(path)
        except RelayRunning:
            continue
        return NatsLog(cluster, path, lock), NatsParts(cluster)
    raise RelayRunning(path=folder)
