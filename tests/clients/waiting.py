"""Waiting for something another process does.

Rules kept here: nothing sleeps for a fixed time and hopes; what did not come in time fails with words that say
what was waited for and what was there instead.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")

PATIENCE_SECONDS = 60.0  # on a machine with much else to do a client takes half a minute to start
STEP_SECONDS = 0.02


def wait_for(
    what: str,
    look: Callable[[], Found | None],
    *,
    seconds: float = PATIENCE_SECONDS,
    instead: Callable[[], str] = str,
) -> Found:
    """The first truthy answer of `look`. Raises AssertionError with what `instead` says."""
    end = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds:g} s for {what}\n{instead()}")
        time.sleep(STEP_SECONDS)
    return found
