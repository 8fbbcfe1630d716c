"""The bell: no state, at any step of sender and reader and with any of them killed there, in which a committed message
stays unseen by the next hook.

The model is walked through whole; the real programs are then killed and frozen at their system calls.
"""

from __future__ import annotations

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.crash import bell_model as model
from tests.crash import planted, sweep, tracing
from tests.crash.audit import look
from tests.crash.bell_model import Program, Rules
from tests.crash.bell_walk import explore
from tests.crash.harness import LONG, Machine, Ran, spread
from tests.crash.sweep import Stage
from tests.crash.tracing import Point, freezing, frozen, points
from tests.crash.verbs import SENT, VERBS, Verb


def casts(rules: Rules) -> dict[str, tuple[Program, ...]]:
    """Who meets whom."""
    one, two, notice = model.sender(1, rules), model.sender(2, rules), model.replier(3, rules)
    hook, newer, waiter = model.hook("old", rules), model.hook("new", rules), model.waiter(rules)
    found = {
        "two senders, two hooks": (one, two, hook, hook),
        "a sender, a notice to oneself, two hooks": (one, notice, hook, hook),
        "two senders, a takeover, hooks of both": (one, two, model.taker(rules), hook, newer),
        "two senders, somebody who waits, a hook": (one, two, waiter, hook),
    }
    if LONG:
        found["everybody"] = (one, two, notice, waiter, hook, hook)
    return found


@pytest.mark.parametrize("cast", casts(Rules()))
def test_no_reachable_state_leaves_mail_behind_a_silent_bell(cast: str) -> None:
    """Would break: the order of ring, commit, record and silence, or the locks around them."""
    states, wrong = explore(casts(Rules())[cast])
    assert wrong == []
    assert states > 1_000


@pytest.mark.parametrize(
    ("mistake", "cast", "sign"),
    [
        ("rings_after_commit", "two senders, two hooks", "mail waits behind a silent bell"),
        ("rings_before_lock", "two senders, two hooks", "mail waits behind a silent bell"),
        ("silences_before_commit", "two senders, two hooks", "mail waits behind a silent bell"),
        ("silences_outside_lock", "two senders, two hooks", "mail waits behind a silent bell"),
        ("decides_before_commit", "a sender, a notice to oneself, two hooks", "mail waits behind a silent bell"),
        ("takes_over_without_ringing", "two senders, a takeover, hooks of both", "mail waits behind a silent bell"),
        ("waits_without_barrier", "two senders, somebody who waits, a hook", "somebody sleeps while mail waits"),
        ("records_before_showing", "two senders, two hooks", "recorded as shown and never shown"),
        ("shows_without_inbox_lock", "two senders, two hooks", "shown twice though nobody was killed"),
    ],
)
def test_the_model_notices(mistake: str, cast: str, sign: str) -> None:
    """Would break: the model, if it were too small to hold the mistakes that it is there to exclude."""
    assert sign in explore(casts(Rules(**{mistake: True}))[cast])[1]


def test_without_kills_nothing_is_shown_twice() -> None:
    """Would break: the inbox's lock from reading to recording."""
    for programs in casts(Rules()).values():
        assert explore(programs, kills=False)[1] == []


@pytest.fixture(scope="module")
def stage(machine: Machine) -> Stage:
    """The homes that the verbs start from."""
    return sweep.stage(machine)


@pytest.mark.parametrize(
    ("mistake", "name"),
    [
        (planted.RING_AFTER_COMMIT, "send"),
        (planted.SILENCE_BEFORE_COMMIT, "the hook that proves a showing"),
        (planted.SILENCE_BEFORE_COMMIT, "read"),
    ],
    ids=["ring after the commit", "removal before the commit", "the same when reading"],
)
def test_a_kill_at_each_call_notices(stage: Stage, mistake: str, name: str, tmp_path: Path) -> None:
    """Would break: the kill sweep's look at the bells (test_kill_sweep.py runs it over the sound programs)."""
    verb = VERBS[name]
    with stage.machine.planted(mistake):
        home = sweep.fresh(stage, verb, "planted")
        chosen = points(lambda prefix: sweep.act(stage, verb, home, prefix), home, tmp_path / "log")
        found = (sweep.killed_at(stage, verb, point, "killed")[1] for point in reversed(chosen))
        assert any("its bell is silent" in words for one in found for words in one)


WRITER, READER = VERBS["send"], VERBS["the hook of a prompt"]


def decisive(stage: Stage, verb: Verb, log: Path, most: int) -> list[Point]:
    """The calls by which a verb changes bells and store, evenly chosen."""
    home = sweep.fresh(stage, verb, "undisturbed")
    found = points(lambda prefix: sweep.act(stage, verb, home, prefix), home, log)
    begun = next(i for i, point in enumerate(found) if point.about == "write.lock")
    deciding = [one for one in found[begun:] if one.call in ("openat", "utimensat", "pwrite64", "fdatasync", "unlink")]
    return spread(deciding, most)


def meanwhile(stage: Stage, first: Verb, point: Point, other: Verb) -> tuple[Path, Ran]:
    """Freeze one verb at a point, start the other, let the first go on, and wait for both."""
    home, log = sweep.fresh(stage, first, "frozen"), stage.machine.root / "frozen.log"
    log.unlink(missing_ok=True)
    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(sweep.act, stage, first, home, freezing(point, log))
        while not frozen(log):
            assert not one.done(), f"{point} was not reached"
            time.sleep(0.002)
        pid = int(log.read_text().split()[0])
        two = pool.submit(sweep.act, stage, other, home)
        time.sleep(0.1)  # so that it meets the frozen one, as a rule; right it must be either way
        os.kill(pid, signal.SIGCONT)
        assert one.result().status == 0
        return home, two.result()


@pytest.mark.parametrize(("first", "other"), [(WRITER, READER), (READER, WRITER)], ids=["sender", "reader"])
def test_whoever_is_frozen_midway_the_next_hook_shows_what_was_sent(
    stage: Stage, first: Verb, other: Verb, tmp_path: Path
) -> None:
    """Would break: a sender between ring and commit while a hook looks; a hook between look and removal."""
    for point in decisive(stage, first, tmp_path / "log", 16):
        home, ran = meanwhile(stage, first, point, other)
        assert ran.status == 0, ran.err
        found = look(home)
        assert found.problems == [], point
        assert found.number(SENT), point
        assert sweep.next_showings(stage.machine, home, found) == [], point
        assert stage.machine.hook(home, "bob", "PostToolBatch").context == "", point
        again = stage.machine.hook(home, "bob", "UserPromptSubmit")
        assert (again.status, again.context) == (0, ""), point
        assert not os.path.exists(home / "bells" / "bob-key"), point


def test_a_reader_that_is_killed_leaves_its_locks_to_the_next(stage: Stage, tmp_path: Path) -> None:
    """Would break: kernel locks replaced by files that somebody must remove."""
    for point in decisive(stage, READER, tmp_path / "log", 4):
        home = sweep.fresh(stage, READER, "killed")
        ran = sweep.act(stage, READER, home, tracing.killing(point))
        assert ran.killed
        assert sweep.next_showings(stage.machine, home, look(home)) == []
