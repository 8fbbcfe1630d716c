"""T4, T5: a disk that answers EIO, ENOSPC or EDQUOT, at any one call or from then on, and a disk that is full.

What would break: "sent" said of what was not stored; an error that is not one of telex's, or a traceback; a hook that
disturbs its client; a store that does not work again once the disk does.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.crash import planted, sweep
from tests.crash.audit import look
from tests.crash.harness import LONG, Machine, Ran, program, spread
from tests.crash.sweep import Stage
from tests.crash.tracing import Point, failed, failing, points
from tests.crash.verbs import VERBS, WAITING, Verb

import telex
from telex.fs import bells
from telex.hook import claude

CALLS = ("pwrite64", "fdatasync", "fsync", "ftruncate", "openat", "write", "rename", "mkdir")
ERRORS = ("EIO", "ENOSPC", "EDQUOT")
POINTS_PER_VERB = 8  # in a pull request's tier
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def stage(machine: Machine) -> Stage:
    """The homes that the verbs start from."""
    return sweep.stage(machine)


def sends(name: str) -> Verb:
    """A verb that answers in JSON, so that an error's code can be read."""
    return VERBS[name]._replace(words=(*VERBS[name].words, "--json"), promise='"uuid"')


SENDS = {name: sends(name) for name in ("send", "send with a body beside the store", "reply")}
WAKE = VERBS["the hook of a bell"]
HOOKS = {name: VERBS[name] for name in ("the hook of a prompt", "the hook of a start", "the hook when a turn is over")}
HOOKS[WAKE.name] = WAKE


def faults(stage: Stage, verb: Verb, log: Path) -> list[tuple[Point, tuple[str, ...]]]:
    """Every call on the home that can fail, with how: each error once, and one of them from then on, on the same
    file; in the long tier each of them."""
    home = sweep.fresh(stage, verb, "faulty")
    found = points(lambda prefix: sweep.act(stage, verb, home, prefix), home, log, only=CALLS, output=False)
    plans = []
    for turn, point in enumerate(spread(found, POINTS_PER_VERB)):
        rank = sum(one.call == point.call and one.about == point.about for one in found[: found.index(point) + 1])
        path = home if point.about == "the home" else home / point.about
        lasting = ERRORS if LONG else (ERRORS[turn % len(ERRORS)],)
        plans += [(point, failing(point, error, log)) for error in ERRORS]
        plans += [(point, failing(point._replace(nth=rank), error, log, sticky_on=path)) for error in lasting]
    return plans


def wrong_answer(verb: Verb, ran: Ran, home: Path) -> list[str]:
    """What is wrong with how a verb answered to a fault."""
    if "Traceback" in ran.out + ran.err:
        return [f"a traceback: {ran.err}"]
    if verb.wakes:
        return wrong_wake(ran)
    if verb.words[0] == "hook":
        if ran.status or ran.err:
            return [f"the hook ended with {ran.status} and said {ran.err!r}"]
        try:
            assert ran.context is not None
        except (AssertionError, ValueError):
            return [f"the hook wrote {ran.out!r}"]
        return []
    if ran.status == 0:
        missing = [body for body in verb.stores if not look(home).number(body)]
        return ["it said sent, and the row is not there"] if missing or verb.promise not in ran.out else []
    try:
        code = json.loads(ran.err)["error"]["code"]
    except (ValueError, KeyError):
        return [f"status {ran.status}, and no telex error: {ran.err!r}"]
    stored = [body for body in verb.stores if look(home).number(body)]
    if stored and code not in ("store-unsure", "answer-lost"):
        return [f"it said {code}, and it is stored"]
    if code == "answer-lost":
        return [] if stored and ran.status == 7 else [f"status {ran.status}, and stored is {stored}: {ran.err}"]
    return [] if ran.status == 1 and code.startswith("store-") else [f"status {ran.status}: {ran.err}"]


def wrong_wake(ran: Ran) -> list[str]:
    """The same for the hook that wakes: its client takes the text only with the status, and drops it without."""
    whole = WAITING in ran.err
    if ran.out or ran.status not in (0, claude.WAKE) or whole != (ran.status == claude.WAKE):
        return [f"the wake-up ended with {ran.status}, wrote {ran.out!r} and said {ran.err!r}"]
    return []


def under(stage: Stage, verb: Verb, prefix: tuple[str, ...]) -> list[str]:
    """Run a verb under a fault; what is wrong then, and once the fault has gone."""
    home = sweep.fresh(stage, verb, "faulty")
    ran = sweep.act(stage, verb, home, prefix)
    found = wrong_answer(verb, ran, home)
    ended = ran if verb.wakes else ran._replace(status=0)  # that it failed is no fault of its own here
    found += [words for words in sweep.wrong(stage, verb, home, ended) if "a draft" not in words]
    if verb.words[0] != "hook":
        with stage.machine.speaking(home, "alice") as bus:
            sent = bus.send("@bob", "after the fault")
        if look(home).bodies.get(int(sent.id[1:])) != "after the fault":
            found.append("nothing can be sent once the fault has gone")
    return found


@pytest.mark.parametrize("name", [*SENDS, *HOOKS])
def test_a_fault_of_the_disk_is_told_and_survived(stage: Stage, name: str, tmp_path: Path) -> None:
    """Would break: the answer to a failed call anywhere between opening the store and the commit."""
    verb = (SENDS | HOOKS)[name]
    wrong, hit = [], 0
    plans = faults(stage, verb, tmp_path / "log")
    for point, prefix in plans:
        found = under(stage, verb, prefix)
        hit += failed(tmp_path / "log")
        wrong += [f"{verb.name}, {prefix[-1]} ({point.about}): {words}" for words in found]
    assert wrong == []
    assert hit >= max(20, 0.9 * len(plans)), f"only {hit} of {len(plans)} faults were met"


SYSTEM = (
    ("flock", ("ENOLCK", "EDEADLK")),
    ("fcntl", ("ENOLCK",)),
    ("close", ("EIO",)),
    ("openat", ("EMFILE", "EACCES")),
)


def system_faults(stage: Stage, verb: Verb, log: Path, each: int) -> list[tuple[Point, tuple[str, ...]]]:
    """Faults of the system, each at one call: locks that are not given or given back, files that cannot be opened."""
    home = sweep.fresh(stage, verb, "faulty")
    plans = []
    for call, errors in SYSTEM:
        found = points(lambda prefix: sweep.act(stage, verb, home, prefix), home, log, only=(call,), output=False)
        sweep.fresh(stage, verb, "faulty")
        late = found[-each:]  # after the commit, where such a fault is told as a failure most easily
        plans += [(point, failing(point, error, log)) for point in late for error in errors]
    return plans


@pytest.mark.parametrize("name", ["send", "reply"])
def test_what_fails_after_the_commit_is_not_told_as_a_failure(stage: Stage, name: str, tmp_path: Path) -> None:
    """Would break: a lock that cannot be given back, or a mark that cannot be opened, after the message was stored."""
    verb = SENDS[name]
    wrong = []
    for point, prefix in system_faults(stage, verb, tmp_path / "log", 16 if LONG else 4):
        ran = sweep.act(stage, verb, home := sweep.fresh(stage, verb, "faulty"), prefix)
        wrong += [f"{prefix[-1]} ({point.about}): {words}" for words in wrong_answer(verb, ran, home)]
    assert wrong == []


def test_a_fault_of_the_system_keeps_no_wake_up_from_waking(stage: Stage, tmp_path: Path) -> None:
    """Would break: a lock that is not given, or cannot be given back, between the text and the status."""
    wrong = []
    for point, prefix in system_faults(stage, WAKE, tmp_path / "log", 16 if LONG else 4):
        found = under(stage, WAKE, prefix)
        wrong += [f"{prefix[-1]} ({point.about}): {words}" for words in found]
    assert wrong == []


@pytest.mark.parametrize("error", ["EIO", "ENOSPC", "EPIPE"])
def test_a_wake_up_that_cannot_be_said_leaves_the_mail_waiting(stage: Stage, error: str, tmp_path: Path) -> None:
    """Would break: mail that is recorded before it has left."""
    home = sweep.fresh(stage, WAKE, "faulty")
    found = points(lambda prefix: sweep.act(stage, WAKE, home, prefix), home, tmp_path / "log", only=("write",))
    [said] = [point for point in found if point.about == "output"]
    assert unsaid(stage, failing(said, error, tmp_path / "log")) == (0, "", "queued", [])


def unsaid(stage: Stage, prefix: tuple[str, ...] = ()) -> tuple[int, str, str, list[str]]:
    """A wake-up that could not be said in whole: its status, what it said, the message's state, what is wrong then."""
    home = sweep.fresh(stage, WAKE, "faulty")
    ran = sweep.act(stage, WAKE, home, prefix)
    with stage.machine.planted(""):  # what comes next meets no fault
        found = look(home)
        state = found.states[found.number(WAITING), "bob"]
        return ran.status, ran.err, state, sweep.wrong(stage, WAKE, home, ran)


def test_a_wake_up_that_was_said_in_part_leaves_the_mail_waiting(stage: Stage) -> None:
    """Would break: half a text that counts as a whole one."""
    with stage.machine.planted(planted.WRITES_PARTLY):
        status, said, state, wrong = unsaid(stage)
    assert (status, state, wrong) == (0, "queued", [])
    assert said and WAITING not in said


def test_a_wake_up_that_is_recorded_without_having_been_said_is_noticed(stage: Stage) -> None:
    """Would break: the two tests above, if they took any record for a good one."""
    with stage.machine.planted(planted.RECORD_BEFORE_WAKING + planted.WRITES_PARTLY):
        _, _, state, wrong = unsaid(stage)
    assert state == "handed"
    assert wrong == ["m4 for @bob is handed, and nobody was shown it"]


def test_a_failure_told_of_what_is_stored_is_noticed(stage: Stage, tmp_path: Path) -> None:
    """Would break: the test above, if it took any answer for a good one."""
    with stage.machine.planted(planted.RELEASE_RAISES):
        verb = SENDS["send"]
        ran = sweep.act(stage, verb, home := sweep.fresh(stage, verb, "faulty"), ())
        assert wrong_answer(verb, ran, home) == ["it said store-unreachable, and it is stored"]


@pytest.mark.parametrize(
    ("mistake", "verb", "sign"),
    [
        (planted.SAYS_SENT_ANYWAY, SENDS["send"], "the row is not there"),
        (planted.HOOK_SPEAKS_OF_ITS_FAULT, HOOKS["the hook of a prompt"], "the hook wrote"),
        (planted.WAKE_WITHOUT_ITS_TRY, WAKE, "the wake-up ended with 0"),
    ],
    ids=["sent anyway", "a hook that speaks", "a wake-up that does not wake"],
)
def test_a_wrong_answer_to_a_fault_is_noticed(
    stage: Stage, mistake: str, verb: Verb, sign: str, tmp_path: Path
) -> None:
    """Would break: the checks of answers above, if they took any answer for a good one."""
    with stage.machine.planted(mistake):
        plans = reversed(faults(stage, verb, tmp_path / "log"))
        assert any(sign in words for _, prefix in plans for words in under(stage, verb, prefix))


def test_a_bell_that_cannot_be_rung_keeps_the_message_back(stage: Stage, tmp_path: Path) -> None:
    """Would break: the order of ring and commit, where ringing fails: a commit would leave the mail unannounced."""
    verb = SENDS["send"]
    home = sweep.fresh(stage, verb, "faulty")
    found = points(lambda prefix: sweep.act(stage, verb, home, prefix), home, tmp_path / "log", only=("openat",))
    ringing = [point for point in found if point.about.startswith(bells.BELLS)]
    assert ringing
    for point in ringing:
        home = sweep.fresh(stage, verb, "faulty")
        ran = sweep.act(stage, verb, home, failing(point, "EACCES", tmp_path / "log"))
        assert (ran.status, wrong_answer(verb, ran, home)) == (1, [])
        assert look(home).bodies == stage.before[verb.home].bodies


@pytest.mark.parametrize("mib", [1, 4, 8] if LONG else [1, 4])
def test_a_full_disk_loses_nothing_and_everything_goes_on_once_there_is_room(mib: int, tmp_path: Path) -> None:
    """Would break: an acknowledged message, reading while the disk is full, or the store after that."""
    namespace = [program("unshare"), "--mount"] + ([] if os.getuid() == 0 else ["--user", "--map-root-user"])
    program("mount")
    disk = tmp_path / "disk"
    disk.mkdir()
    allowed = subprocess.run([*namespace, "mount", "-t", "tmpfs", "tmpfs", str(disk)], capture_output=True, check=False)
    if allowed.returncode:
        pytest.fail(f"this test needs a disk of its own and may not mount one: {allowed.stderr!r}", pytrace=False)
    paths = os.pathsep.join([str(Path(telex.__file__).parents[1]), str(ROOT)])
    argv = [*namespace, sys.executable, "-m", "tests.crash.disk_full", str(mib), str(disk)]
    ran = subprocess.run(argv, env={**os.environ, "PYTHONPATH": paths}, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, ""), ran.stderr
    assert "none lost" in ran.stdout
