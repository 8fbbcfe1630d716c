"""The process that takes mail in is killed, again and again, wherever it is."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

from tests.link.courier import Team
from tests.support.machine import Machine, Seat

from telex import doctor
from telex.db.connection import Store
from telex.team import alerts, link_state

ROOT = Path(__file__).resolve().parents[2]
PAGES = 60


def start(made: Machine, *more: str) -> subprocess.Popen[str]:
    """A process that takes in what is left."""
    words = [sys.executable, "-m", "tests.link.taker", made.home, str(PAGES), *more]
    return subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def kill_after(running: subprocess.Popen[str], lines: int) -> None:
    """Let it say so many lines, then kill it, wherever it is by then."""
    assert running.stdout is not None
    for _ in range(lines):
        running.stdout.readline()
    running.kill()
    running.communicate()


def reopened(made: Machine) -> link_state.Link:
    made.db.close()
    made.db = Store(made.home)
    found = link_state.load(made.db)
    assert found is not None
    return found


def arrived(team: Team) -> tuple[Machine, Seat]:
    alice, _ = team.machine("alice-laptop"), team.machine("bob-laptop")
    return alice, alice.named("frontend")[0]


def test_a_link_that_is_killed_loses_nothing_and_doubles_nothing(team: Team) -> None:
    alice, frontend = arrived(team)
    chance = random.Random(5)
    for _ in range(8):
        kill_after(start(alice), chance.randrange(1, 6))
    last = start(alice)
    assert last.communicate()[0].split()[-1:] == [str(PAGES)] and last.returncode == 0
    assert reopened(alice).cursor == PAGES
    frontend.db = alice.db
    assert frontend.heard() == [f"number {oseq}" for oseq in range(1, 2 * PAGES + 1)]
    assert alerts.recent(alice.db) == []
    assert [one.detail for one in doctor.check(alice.home) if one.state == doctor.BROKEN] == []


def test_a_planted_cursor_before_its_items_is_noticed(team: Team) -> None:
    """The test above would be worth nothing if it did not see this one."""
    alice, frontend = arrived(team)
    kill_after(start(alice, "planted"), 1)
    last = start(alice)
    last.communicate()
    assert reopened(alice).cursor == PAGES
    frontend.db = alice.db
    assert frontend.heard() == [f"number {oseq}" for oseq in range(3, 2 * PAGES + 1)]
    assert [one.kind for one in alerts.recent(alice.db)] == [alerts.GAP]
