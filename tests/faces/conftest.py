"""What every test here starts from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.faces.stage import Stage


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A machine with every face of telex on it."""
    made = Stage(Path(tmp_path_factory.mktemp("faces")))
    try:
        yield made
    finally:
        made.close()
