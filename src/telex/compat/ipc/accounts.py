"""Which process stands behind which ids of the port.

Rules kept here: an account is the telex session that a client runs in, else the kernel's session of its process; where
neither can be told, all such clients share one; an id counts for whoever took it last until its lease is over; this is
kept in memory, for as long as the port runs.
"""

from __future__ import annotations

from telex import limits
from telex.errors import IpcRefused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from telex.bus import Bus
    from telex.compat.ipc.visitor import Visitor

UNKNOWN = "unknown"
TOO_MANY_IDS = (
    "Too many instances of one process: {count} are registered. Rename one of them, or wait until one was silent for "
    "{seconds} s."
)


class Accounts:
    """The ids that each account holds, and when each was used last."""

    def __init__(self) -> None:
        self._account_of: dict[str, str] = {}
        self._used_ms: dict[str, int] = {}

    def of(self, bus: Bus, visitor: Visitor) -> str:
        """The account of a client."""
        return bus.account(visitor.process()) or UNKNOWN

    def of_name(self, bus: Bus, name: str, visitor: Visitor) -> str:
        """The account that holds an id; the client's, where the port has not seen the id before."""
        if name not in self._account_of:
            self._account_of[name] = self.of(bus, visitor)
        return self._account_of[name]

    def used(self, name: str, now_ms: int) -> None:
        """An id has asked for something."""
        self._used_ms[name] = now_ms

    def renamed(self, old: str, new: str) -> None:
        """The holder of an id has taken another one."""
        if old in self._account_of:
            self._account_of[new] = self._account_of.pop(old)
            self._used_ms[new] = self._used_ms.pop(old)

    def take(self, account: str, name: str, now_ms: int, lease_ms: int) -> None:
        """An account takes an id. Raises IpcRefused where it holds too many."""
        gone = [one for one, used_ms in self._used_ms.items() if not used_ms <= now_ms < used_ms + lease_ms]
        for one in gone:
            self._used_ms.pop(one)
            self._account_of.pop(one, None)
        held = sum(other == account and one != name for one, other in self._account_of.items())
        if held >= limits.IPC_IDS_OF_ONE:
            raise IpcRefused(words=TOO_MANY_IDS.format(count=held, seconds=lease_ms // 1000))
        self._account_of[name] = account
        self._used_ms[name] = now_ms
