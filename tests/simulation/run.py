"""`python -m tests.simulation.run`: seeded histories, or the one of a seed, with a planted bug or without.

python -m tests.simulation.run --seeds 20000
python -m tests.simulation.run --seed 137
python -m tests.simulation.run --seed 137 --bug "drops what was sent"
python -m tests.simulation.run --bugs
"""

from __future__ import annotations

import argparse
import sys
import time

from tests.simulation.planted import BUGS, Bug
from tests.simulation.verdicts import judge
from tests.simulation.world import simulate


def violations(seed: int, bug: Bug | None = None) -> list[str]:
    """What is wrong with the history of a seed."""
    return judge(simulate(seed, bug.plant if bug else None))


def first_violation(seeds: range, bug: Bug | None = None) -> tuple[int, str] | None:
    """The first seed whose history violates something, and what."""
    for seed in seeds:
        if found := violations(seed, bug):
            return seed, found[0]
    return None


def replay(seed: int) -> str:
    """The command that shows a history again."""
    return f"python -m tests.simulation.run --seed {seed}"


def main() -> int:
    """Run what was asked for; 1 where something is wrong."""
    asked = argparse.ArgumentParser()
    asked.add_argument("--seeds", type=int, default=0, help="as many histories, from seed 0")
    asked.add_argument("--seed", type=int, default=None, help="one history, told")
    asked.add_argument("--bug", default="", help="with this bug planted")
    asked.add_argument("--bugs", action="store_true", help="after how many seeds each planted bug is found")
    given = asked.parse_args()
    bug = BUGS[given.bug] if given.bug else None
    if given.bugs:
        return _bugs()
    if given.seed is not None:
        return _one(given.seed, bug)
    return _many(given.seeds, bug)


def _bugs() -> int:
    missed = 0
    for name, bug in BUGS.items():
        found = first_violation(range(bug.seeds), bug)
        missed += found is None
        print(f"{name}: {f'seed {found[0]}, {found[1]}' if found else f'not found in {bug.seeds} seeds'}")
    return int(missed > 0)


def _one(seed: int, bug: Bug | None) -> int:
    world = simulate(seed, bug.plant if bug else None)
    print("faults of this history:", ", ".join(sorted(world.faults_were)) or "none")
    for line in world.trace:
        print(line)
    found = judge(world)
    print("\n".join(found) or "nothing is wrong")
    return int(bool(found))


def _many(count: int, bug: Bug | None) -> int:
    began, sent, wrong = time.monotonic(), 0, 0
    for seed in range(count):
        world = simulate(seed, bug.plant if bug else None)
        sent += len(world.committed)
        if found := judge(world):
            wrong += 1
            print(f"seed {seed}: {found[0]}\n  again: {replay(seed)}")
    took = time.monotonic() - began
    print(f"{count} histories, {sent} messages, {wrong} violations, {took:.0f} s")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
