"""The fixtures that several directories share; their `conftest.py` import them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.cli import Shell
from tests.support.machine import Machine, alone, made


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    alone(monkeypatch)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    """A home with the person in it and nobody else yet."""
    yield from made(tmp_path, monkeypatch)


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """The telex command in an empty home."""
    return Shell(tmp_path)
