"""A call that a fault cuts short: whatever step fails, the session is called at the next look.

What would break: the mark of a call stands and nobody was called. Then the monitor takes the bell for answered, and
the session sleeps on beside its mail until another message comes.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.crash import sweep
from tests.crash.harness import PYTHON, Machine, Ran, run
from tests.crash.sweep import Stage
from tests.crash.verbs import VERBS

from telex.fs import bells, monitors
from telex.hook import monitor
from telex.mail import nudges

RAISES = """
from telex.errors import StoreBusy
def fail(*values):
    raise {error}
"""
BUSY, BROKEN = RAISES.format(error="StoreBusy(seconds=3)"), RAISES.format(error="OSError(5, 'broken')")
COMMIT_FAILS = """
from telex.db import connection
from telex.errors import StoreUnsure
_leave = connection.Write.__exit__
def leave(self, kind, value, trace):
    _leave(self, OSError, value, trace)
    raise StoreUnsure(problem="disk I/O error")
connection.Write.__exit__ = leave
"""
FAULTS = {
    "what waits cannot be read": BUSY + "from telex.hook import nudge\nnudge._waiting = fail\n",
    "the mark cannot be made whole": BROKEN + "import os\nos.utime = fail\n",
    "the turn cannot be noted": BUSY + "from telex.hook import delivery\ndelivery.note_turn = fail\n",
    "the commit fails": COMMIT_FAILS,
    "the words cannot be put together": BUSY + "from telex.mail import nudges\nnudges.text = fail\n",
    "the words cannot leave": BROKEN + "from telex.hook import payloads\npayloads.say = fail\n",
}
NEVER_GIVEN_BACK = """
from telex.fs import bells
bells.drop_call = lambda home, bell: False
"""


@pytest.fixture(scope="module")
def stage(machine: Machine) -> Stage:
    """The homes that the verbs start from."""
    return sweep.stage(machine)


def look(machine: Machine, home: Path) -> Ran:
    """What the monitor of bob's client does when the bell rings."""
    words = [PYTHON, "-I", "-S", machine.hooks, "claude", monitor.LOOK, str(machine.client("bob"))]
    return run(words, machine.environment(home, "bob"))


def marked(home: Path) -> bool:
    """Whether bob's session counts as called."""
    return Path(bells.path(str(home), bells.CALLS, bells.bell_name("bob-key"))).exists()


def cut_short(stage: Stage, fault: str) -> tuple[Path, Ran]:
    """A home in which a fault has cut a call short, and how that look ended."""
    home = sweep.fresh(stage, VERBS["read"], "called")
    with stage.machine.planted(fault):
        return home, look(stage.machine, home)


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_call_that_was_not_made_is_made_at_the_next_look(stage: Stage, fault: str) -> None:
    home, ran = cut_short(stage, fault)
    assert (ran.out, ran.err, marked(home)) == ("", "", False)
    again = look(stage.machine, home)
    assert (again.status, again.out) == (monitors.LOOKED, nudges.text(["alice"], "m4") + "\n")
    assert marked(home)


@pytest.mark.parametrize("fault", [fault for name, fault in FAULTS.items() if name != "the words cannot leave"])
def test_the_monitor_looks_again_after_a_fault_of_the_store(stage: Stage, fault: str) -> None:
    """Would break: a status that says the bell was looked into."""
    assert cut_short(stage, fault)[1].status != monitors.LOOKED


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_call_that_is_never_given_back_is_noticed(stage: Stage, fault: str) -> None:
    """Would break: the tests above, if these faults came before the mark or the next look did not go by it."""
    home, _ = cut_short(stage, fault + NEVER_GIVEN_BACK)
    assert marked(home) != ("_waiting" in fault), "what waits is read before the mark is made"
    assert marked(home) != bool(look(stage.machine, home).out)


def test_a_call_that_another_look_has_made_is_not_given_back(stage: Stage) -> None:
    """Would break: a failed look that takes away the mark of a call whose turn is about to begin."""
    home = sweep.fresh(stage, VERBS["read"], "called")
    assert look(stage.machine, home).out
    with stage.machine.planted(FAULTS["the words cannot leave"]):
        assert look(stage.machine, home).out == ""
    assert marked(home)
