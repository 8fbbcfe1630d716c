"""What every test here starts from: an empty home, people in it, and MCP clients that speak plain JSON lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.mcp.peer import Home, Peer
from tests.support.fixtures import _alone, shell

__all__ = ["_alone", "home", "peer", "shell"]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """A home, and the bus of whoever the test wants to be in it."""
    made = Home(tmp_path)
    yield made
    made.close()


@pytest.fixture
def peer(home: Home) -> Iterator[Callable[..., Peer]]:
    """Start `telex mcp` and shake hands with it; ended with the test."""
    started: list[Peer] = []

    def start(*words: str, name: str = "frontend", **settings: Any) -> Peer:
        one = Peer(home, *words, name=name, **settings)
        started.append(one)
        return one

    yield start
    for one in started:
        one.close()
