"""Whether the store is well: for `telex status` and `telex doctor`."""

from __future__ import annotations

from telex import doctor
from telex.doctor import BROKEN, MENDABLE, OK, Check

__all__ = ["BROKEN", "MENDABLE", "OK", "Check", "check", "repair"]


def check(home: str) -> list[Check]:
    """Look at the store in `home` without changing it."""
    return doctor.check(home)


def repair(home: str) -> list[str]:
    """Mend what can be mended, after a backup; what was done, in words. Raises StoreFault."""
    return doctor.repair(home)
