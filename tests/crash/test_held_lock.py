"""A write lock that another process never gives back: a hook gives up in time, and the mail waits for the next moment.

What would break: a hook that its client has to kill; a text that is said and cannot be recorded, at every moment anew;
a session that cannot be woken because its start was not recorded.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.crash import planted, sweep
from tests.crash.audit import look
from tests.crash.harness import Machine, Ran
from tests.crash.sweep import Stage
from tests.crash.verbs import VERBS, WAITING, Verb

from telex.fs import bells
from telex.fs.lock import FileLock

SHORT_PATIENCE = "from telex import limits\nlimits.HOOK_BUSY_MS = 300\n"
TOOL = VERBS["the hook of a prompt"]._replace(name="the hook of a tool", words=("hook", "PostToolBatch"))
SHOWING = {
    verb.name: verb
    for verb in (
        VERBS["the hook of a prompt"],
        VERBS["the hook at the end of a turn, with mail"],
        VERBS["the hook of a bell"],
        TOOL,
    )
}
RECORDING = {
    name: VERBS[name]
    for name in (
        "the hook that proves a showing",
        "the hook at the end of a turn, with a debt",
        "the hook when a turn is over",
        "the hook of an end",
    )
}


@pytest.fixture(scope="module")
def stage(machine: Machine) -> Stage:
    """The homes that the verbs start from."""
    return sweep.stage(machine)


@contextmanager
def held(home: Path) -> Iterator[None]:
    """The write lock is somebody else's."""
    lock = FileLock(f"{home}/write.lock")
    assert lock.acquire_within(0)
    try:
        yield
    finally:
        lock.close()


def blocked(stage: Stage, verb: Verb, home: Path, mistake: str = "") -> list[Ran]:
    """What a hook does, time after time, while it cannot have the lock."""
    with stage.machine.planted(SHORT_PATIENCE + mistake), held(home):
        return [sweep.act(stage, verb, home) for _ in range(2)]


@pytest.mark.parametrize("name", [*SHOWING, *RECORDING])
def test_a_hook_that_cannot_have_the_lock_says_nothing_and_records_nothing(stage: Stage, name: str) -> None:
    verb = (SHOWING | RECORDING)[name]
    home = sweep.fresh(stage, verb, "held")
    assert blocked(stage, verb, home) == 2 * [Ran(0, "", "")]
    assert look(home) == stage.before[verb.home]
    assert (home / "hook-fault").read_text().startswith("StoreBusy"), "doctor tells of it"


@pytest.mark.parametrize("name", SHOWING)
def test_the_next_moment_shows_what_a_held_lock_kept_back(stage: Stage, name: str) -> None:
    verb = SHOWING[name]
    home = sweep.fresh(stage, verb, "held")
    blocked(stage, verb, home)
    ran = sweep.act(stage, verb, home)
    assert ran.given.count(f"> {WAITING}") == 1
    assert sweep.wrong(stage, verb, home, ran) == []
    assert WAITING not in sweep.act(stage, VERBS["the hook at the end of a turn, with mail"], home).given


@pytest.mark.parametrize("name", SHOWING)
def test_a_hook_that_speaks_before_it_has_the_lock_is_noticed(stage: Stage, name: str) -> None:
    """Would break: the tests above, if these hooks had nothing to say or no lock to wait for."""
    verb = SHOWING[name]
    said = blocked(stage, verb, sweep.fresh(stage, verb, "held"), planted.SPEAKS_BEFORE_THE_LOCK)
    assert [WAITING in ran.given for ran in said] == [True, True], "the same text, again and again"


def test_a_session_that_starts_while_the_lock_is_held_can_be_woken_later(stage: Stage) -> None:
    """Would break: without `watchPaths` the client never looks at the bell, whatever is registered afterwards."""
    verb = VERBS["the hook of a start"]
    home = sweep.fresh(stage, verb, "held")
    ran = blocked(stage, verb, home)[0]
    watched = json.loads(ran.out)["hookSpecificOutput"]
    assert watched == {
        "hookEventName": "SessionStart",
        "watchPaths": [bells.path(str(home), bells.BELLS, bells.bell_name("bob-key"))],
    }
    assert (ran.status, ran.err) == (0, "")
    assert look(home) == stage.before[verb.home]
