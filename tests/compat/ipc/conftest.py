"""What every test here starts from."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from tests.compat.ipc.port import Port
from tests.support.cli import Shell
from tests.support.fixtures import _alone, machine, shell

__all__ = ["_alone", "machine", "open_port", "port", "shell"]


@pytest.fixture
def open_port(shell: Shell) -> Iterator[Callable[..., Port]]:
    """Ports of this home, with an environment of their own."""
    made: list[Port] = []

    def opened(files: int = 0, **environment: str) -> Port:
        made.append(Port(shell, environment, files))
        return made[-1]

    yield opened
    for one in made:
        one.kill()


@pytest.fixture
def port(open_port: Callable[..., Port]) -> Port:
    """`telex ipc serve` in an empty home."""
    return open_port()
