"""T1: every verb, killed with SIGKILL at each system call by which it touches the home or answers.

What would break: a message that was called sent is gone or half there; a showing is recorded that nobody saw; mail
waits behind a silent bell; the next process finds a store it cannot use.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.crash import planted, sweep, tracing
from tests.crash.harness import Machine, spread
from tests.crash.sweep import Stage
from tests.crash.tracing import Point, points
from tests.crash.verbs import VERBS, Verb

POINTS_PER_VERB = 12  # in a pull request's tier, besides the decisive ones; most verbs have 50 to 90

DECISIVE = ("rename", "unlink", "fsync", "fdatasync")  # few, and each of them is tried


@pytest.fixture(scope="module")
def stage(machine: Machine) -> Stage:
    """The homes that the verbs start from."""
    return sweep.stage(machine)


def points_of(stage: Stage, verb: Verb, log: Path) -> list[Point]:
    """Every point of a verb; undisturbed it does what it is for (and Python has its byte code after that)."""
    home = sweep.fresh(stage, verb, "undisturbed")
    ran = sweep.act(stage, verb, home)
    assert verb.promise in ran.out
    assert sweep.wrong(stage, verb, home, ran) == []
    home = sweep.fresh(stage, verb, "undisturbed")
    return points(lambda prefix: sweep.act(stage, verb, home, prefix), home, log)


@pytest.mark.parametrize("name", VERBS)
def test_a_verb_killed_anywhere_loses_nothing_and_tears_nothing(stage: Stage, name: str, tmp_path: Path) -> None:
    """Would break: what was promised before the kill, or the store for whoever comes next."""
    verb = VERBS[name]
    found = points_of(stage, verb, tmp_path / "log")
    even = spread(found, POINTS_PER_VERB)
    chosen = [one for one in found if one.call in DECISIVE or one in even]
    reached, wrong = 0, []
    for point in chosen:
        killed, words = sweep.killed_at(stage, verb, point, "killed")
        reached += killed
        wrong += words
    assert wrong == []
    assert reached >= max(12, 0.9 * len(chosen)), f"only {reached} of {len(chosen)} points were reached"


def test_what_was_killed_while_it_recovered_loses_nothing_either(stage: Stage, tmp_path: Path) -> None:
    """Would break: a second crash, while the next process mends the log that the first left behind."""
    first, second = VERBS["send"], VERBS["the hook of a prompt"]
    commits = [one for one in points_of(stage, first, tmp_path / "log") if one.call in ("pwrite64", "fdatasync")]
    later = points_of(stage, second, tmp_path / "log")
    wrong, reached = [], 0
    for point in spread(commits, 3):
        for again in spread(later, 12):
            home = sweep.fresh(stage, first, "killed")
            sent = sweep.act(stage, first, home, tracing.killing(point))
            shown = sweep.act(stage, second, home, tracing.killing(again))
            reached += sent.killed and shown.killed
            both = sent._replace(out=sent.out + shown.out, status=shown.status)
            wrong += [f"{point}, then {again}: {words}" for words in sweep.wrong(stage, first, home, both)]
    assert wrong == []
    assert reached >= 30


@pytest.mark.parametrize(
    ("mistake", "name", "sign"),
    [
        (planted.TWO_TRANSACTIONS, "send", "it is for nobody"),
        (planted.ANSWER_BEFORE_COMMIT, "send", "that is not so"),
        (planted.BODY_IN_PLACE, "send with a body beside the store", "is torn"),
        (planted.NOTED_BEFORE_THE_COMMIT, "send", "a false alarm"),
        (planted.RECORD_BEFORE_SHOWING, "the hook of a prompt", "nobody was shown it"),
        (planted.RECORD_BEFORE_SHOWING, "the hook at the end of a turn, with mail", "nobody was shown it"),
    ],
    ids=[
        "two transactions",
        "answer before commit",
        "body in place",
        "noted before commit",
        "record before showing",
        "the same at Stop",
    ],
)
def test_the_sweep_notices(stage: Stage, mistake: str, name: str, sign: str, tmp_path: Path) -> None:
    """Would break: the sweep itself, if it could not see the very mistakes it is there for."""
    verb = VERBS[name]
    with stage.machine.planted(mistake):
        home = sweep.fresh(stage, verb, "planted")
        chosen = points(lambda prefix: sweep.act(stage, verb, home, prefix), home, tmp_path / "log")
        noticed = (
            sign in words for point in reversed(chosen) for words in sweep.killed_at(stage, verb, point, "killed")[1]
        )
        assert any(noticed)
