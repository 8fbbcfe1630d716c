"""What the tests of the link start from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.link.courier import Team, running
from tests.support.fixtures import _alone, machine, shell
from tests.support.machine import Machine, Seat

__all__ = ["_alone", "machine", "shell", "team"]


@pytest.fixture
def team(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Team]:
    """A team with no machine in it yet."""
    with running(tmp_path, monkeypatch) as made:
        yield made


@pytest.fixture
def alice(team: Team) -> Machine:
    return team.machine("alice-laptop", role="owner")


@pytest.fixture
def bob(team: Team, alice: Machine) -> Machine:
    return team.machine("bob-laptop")


@pytest.fixture
def api(bob: Machine) -> Seat:
    return bob.named("api")[0]


@pytest.fixture
def frontend(alice: Machine) -> Seat:
    return alice.named("frontend")[0]
