"""What one machine, one team and one address may ask of a relay.

Rules kept here: every quota has a default in `limits` and a name that its operator may set in the environment; a
refusal for a rate says when to try again; what is counted in memory belongs to one process, so a cluster grants it
once per process.
"""

from __future__ import annotations

from collections.abc import Mapping

from telex import limits
from telex.core.record import Record
from telex.errors import Usage
from telex.wire.faults import refusal

PREFIX = "TELEX_RELAY_"


class Quotas(Record):
    """The numbers in force."""

    requests_per_minute: int = limits.RELAY_REQUESTS_PER_MINUTE  # of one machine
    items_per_minute: int = limits.RELAY_ITEMS_PER_MINUTE  # of one machine
    team_items_per_minute: int = limits.RELAY_TEAM_ITEMS_PER_MINUTE
    guesses_per_minute: int = limits.RELAY_GUESSES_PER_MINUTE  # of one address
    waiting_items: int = limits.RELAY_WAITING_ITEMS  # from one machine for another
    team_mib: int = limits.RELAY_TEAM_MIB
    machine_mib: int = limits.RELAY_MACHINE_MIB
    keep_days: int = limits.RELAY_KEEP_DAYS

    @property
    def team_bytes(self) -> int:
        """What a team's entries and parts may take."""
        return self.team_mib * limits.MIB_BYTES

    @property
    def machine_bytes(self) -> int:
        """What one machine's entries and parts may take."""
        return self.machine_mib * limits.MIB_BYTES

    @property
    def keep_ms(self) -> int:
        """How long an entry is kept."""
        return self.keep_days * 86_400_000


def from_environment(environment: Mapping[str, str]) -> Quotas:
    """The defaults, and what TELEX_RELAY_REQUESTS_PER_MINUTE and its like say. Raises Usage."""
    given = {}
    for name in Quotas.fields():
        text = environment.get(PREFIX + name.upper())
        if text is None:
            continue
        if not (text.isascii() and text.isdigit() and 0 < len(text) <= 9 and int(text) > 0):
            problem = f"{PREFIX}{name.upper()} takes a whole number from 1, not '{text[:20]}'"
            raise Usage(problem=problem, verb="relay serve")
        given[name] = int(text)
    return Quotas(**given)


class Rate:
    """So many a minute for each key, in a burst or spread; a leaking count per key."""

    def __init__(self, per_minute: int) -> None:
        self.per_minute = per_minute
        self._used: dict[str, tuple[float, float]] = {}  # how much, at what time

    def late_ms(self, key: str, amount: int, now: float) -> int:
        """0 and it counts; or how long to wait, and it does not count. More at once than a minute's is let through
        when nothing else was, so that it is not refused for ever."""
        used = self.used(key, now)
        if used and used + amount > self.per_minute:
            return int((used + amount - self.per_minute) * 60_000 / self.per_minute) + 1
        if len(self._used) >= limits.RELAY_RATE_KEYS:
            self._forget(now)
        self._used[key] = (used + amount, now)
        return 0

    def used(self, key: str, now: float) -> float:
        """What still counts of what this key had."""
        amount, since = self._used.get(key, (0.0, now))
        return max(0.0, amount - (now - since) * self.per_minute / 60)

    def full(self, key: str, now: float) -> bool:
        """Whether one more would be refused."""
        return self.used(key, now) + 1 > self.per_minute

    def _forget(self, now: float) -> None:
        """Those that count no more; when that frees nothing, all, because memory is bounded first."""
        self._used = {key: one for key, one in self._used.items() if self.used(key, now)}
        if len(self._used) >= limits.RELAY_RATE_KEYS:
            self._used.clear()


class Meter:
    """The rates of one process."""

    def __init__(self, quotas: Quotas) -> None:
        self.quotas = quotas
        self._requests = Rate(quotas.requests_per_minute)
        self._items = Rate(quotas.items_per_minute)
        self._team_items = Rate(quotas.team_items_per_minute)
        self._guesses = Rate(quotas.guesses_per_minute)

    def request(self, machine: str, now: float) -> None:
        """A machine asks something. Raises RelayRefused."""
        _hold(self._requests, machine, 1, now, "requests a minute")

    def items(self, team: str, machine: str, count: int, now: float) -> None:
        """A machine pushes items. Raises RelayRefused."""
        _hold(self._items, machine, count, now, "items a minute")
        _hold(self._team_items, team, count, now, "items of one team a minute")

    def may_guess(self, source: str, now: float) -> None:
        """Whether this address may try a code or a credential once more. Raises RelayRefused."""
        if self._guesses.full(source, now):
            raise refusal("many-guesses", retry_after_ms=int(60_000 / self.quotas.guesses_per_minute) + 1)

    def guessed(self, source: str, now: float) -> None:
        """This address tried one that was wrong, or one that can only be tried."""
        self._guesses.late_ms(source, 1, now)


def _hold(rate: Rate, key: str, amount: int, now: float, what: str) -> None:
    late_ms = rate.late_ms(key, amount, now)
    if late_ms:
        raise refusal("too-fast", retry_after_ms=late_ms, most=rate.per_minute, what=what)
