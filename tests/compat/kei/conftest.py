"""What every test here starts from."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.compat.kei.mailbox import Mailbox
from tests.support.cli import Shell
from tests.support.fixtures import _alone, machine, shell

__all__ = ["_alone", "machine", "shell"]


@pytest.fixture
def mailbox(shell: Shell) -> Iterator[Mailbox]:
    """A machine of kei users: directories, sessions in them, and the two commands that they know."""
    made = Mailbox(shell)
    yield made
    made.close()
