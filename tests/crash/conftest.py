"""What every crash test starts from."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.crash.harness import Machine


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    """A machine of its own."""
    made = Machine()
    yield made
    made.close()
