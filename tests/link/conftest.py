"""What the tests of the link start from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.link.courier import Team, running
from tests.support.fixtures import _alone, machine, shell

__all__ = ["_alone", "machine", "shell", "team"]


@pytest.fixture
def team(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Team]:
    """A team with no machine in it yet."""
    with running(tmp_path, monkeypatch) as made:
        yield made
