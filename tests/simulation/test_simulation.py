"""T9: seeded histories over the real rules of the link, with faults of every kind, and mistakes planted in them."""

from __future__ import annotations

import pytest
from tests.simulation.planted import BUGS
from tests.simulation.run import first_violation, replay, violations
from tests.simulation.verdicts import judge
from tests.simulation.world import HARD, MILD, simulate

SHARES, SHARE_SEEDS = 4, 500


@pytest.mark.parametrize("share", range(SHARES))
def test_no_history_loses_doubles_or_disorders_a_message(share: int) -> None:
    found = first_violation(range(share * SHARE_SEEDS, (share + 1) * SHARE_SEEDS))
    assert found is None, f"{found[1]}; again: {replay(found[0])}" if found else ""


@pytest.mark.long
@pytest.mark.parametrize("share", range(SHARES))
def test_no_history_of_twenty_thousand_does(share: int) -> None:
    size = 20_000 // SHARES
    found = first_violation(range(share * size, (share + 1) * size))
    assert found is None, f"{found[1]}; again: {replay(found[0])}" if found else ""


@pytest.mark.parametrize("name", list(BUGS))
def test_a_planted_bug_is_found(name: str) -> None:
    bug = BUGS[name]
    found = first_violation(range(bug.seeds), bug)
    assert found is not None, f"'{name}' is not found in {bug.seeds} seeds"
    assert violations(found[0], bug)[0] == found[1], "a failing seed replays"


def test_at_least_fifteen_bugs_are_planted() -> None:
    assert len(BUGS) >= 15


def test_a_seed_is_one_history() -> None:
    one, other = simulate(137), simulate(137)
    assert one.trace == other.trace
    assert [host.disk.order for host in one.hosts] == [host.disk.order for host in other.hosts]
    assert judge(one) == judge(other)


def test_every_fault_befalls_some_history_and_some_have_none() -> None:
    worlds = [simulate(seed) for seed in range(200)]
    befallen = {line.split()[1] for world in worlds for line in world.trace}
    assert befallen == {*MILD, *HARD}
    assert any(not world.faults_were for world in worlds)
    assert sum(len(world.committed) for world in worlds) > 20 * len(worlds)
