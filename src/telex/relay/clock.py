"""The relay's clock: receipts, retention and the life of tokens and codes count by it alone."""

from __future__ import annotations

import time

from telex import limits

_GOES_ON = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # the first goes on while the machine sleeps


def now_ms() -> int:
    """Milliseconds since 1970, UTC."""
    return int(time.time() * 1000)


class Steadiness:
    """Whether the clock went on as time did since this was made.

    Retention asks before it trims: a clock that jumped ahead would take everything for old, also what nobody has
    fetched.
    """

    def __init__(self) -> None:
        self._offset_ms = _offset_ms()

    def steady(self) -> bool:
        """False once the clock was put forward or back by more than a machine's may be off."""
        return abs(_offset_ms() - self._offset_ms) <= limits.CLOCK_WINDOW_MS


def _offset_ms() -> int:
    return now_ms() - int(time.clock_gettime(_GOES_ON) * 1000)
