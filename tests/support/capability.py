"""What a test needs of the machine, and what becomes of it where that is missing.

Rule kept here: root can have it, so for root its absence is a failure that says what is missing; for anybody else the
test is skipped, counted and named at the end of the run (tests/conftest.py).
"""

from __future__ import annotations

import os
from typing import NoReturn

import pytest

NEEDS_ROOT = "needs root"


def lacking(what: str) -> NoReturn:
    """End a test that cannot be run here, because of what the machine does not allow."""
    if os.geteuid() == 0:
        pytest.fail(f"NOT TESTED: this machine does not allow {what}", pytrace=False)
    pytest.skip(f"{NEEDS_ROOT}: {what}")
