"""Eight senders of many messages each, through the command, while the receiver's hook runs in a loop.

What would break: a message is lost or shown twice, a sender's order is mixed up, a lock is not waited for, a process
that is killed takes others or their mail with it.
"""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.crash import planted
from tests.crash.audit import look
from tests.crash.harness import PYTHON, Machine, Ran, scaled
from tests.crash.harness import run as run_process

from telex.fs.lock import FileLock

SENDERS = [f"sender-{number}" for number in range(8)]
RECEIVER = "receiver"
EACH = scaled(50, 2_000)
KILLED_READERS = 8
_BODY = re.compile(r"> (sender-\d) says (\d+)")


class Post(NamedTuple):
    """What a run came to."""

    sent: dict[str, list[int]]  # by sender: what was acknowledged, in its order
    unsure: dict[str, list[int]]  # what was killed before it answered
    shown: list[list[tuple[str, int]]]  # by showing that ended well
    cut: list[list[tuple[str, int]]]  # by showing whose reader was killed before it recorded
    errors: list[str]


def home_of(machine: Machine, name: str) -> Path:
    """A home with everybody in it and the limits out of the way."""
    home = machine.new_home(name, RECEIVER, *SENDERS)
    machine.raise_limits(home)
    return home


def letters(ran: Ran) -> list[tuple[str, int]]:
    """Sender and number of each message that a hook has shown, in its order."""
    return [(who, int(number)) for who, number in _BODY.findall(ran.context)]


def send_all(machine: Machine, home: Path, who: str, post: Post, each: int, kill: random.Random | None) -> None:
    """Send one sender's messages one after the other; with `kill`, end some of its processes at a random time."""
    for number in range(each):
        words = [PYTHON, "-I", "-S", machine.cli, "send", f"@{RECEIVER}", f"{who} says {number}", "--key", str(number)]
        pipe = subprocess.PIPE
        environment = machine.environment(home, who)
        with subprocess.Popen(words, env=environment, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe) as process:
            if kill and number % 2:
                time.sleep(kill.uniform(0, 0.08))
                process.kill()
            out, err = process.communicate()
        if b"->" in out:
            post.sent[who].append(number)
        elif kill and process.returncode == -signal.SIGKILL:
            post.unsure[who].append(number)
        if process.returncode not in (0, -signal.SIGKILL) or err:
            post.errors.append(f"{who} {number}: {process.returncode} {err.decode()}")


def read_all(machine: Machine, home: Path, post: Post, over: threading.Event, kills: int) -> None:
    """Run the receiver's hook until nothing more comes; first kill it so many times before it can record."""
    while True:
        last = over.is_set()
        if kills and (cut := cut_showing(machine, home)):
            post.cut.append(cut)
            kills -= 1
        ran = machine.hook(home, RECEIVER, "PostToolBatch")
        if ran.status or ran.err:
            post.errors.append(f"the hook: {ran}")
        if found := letters(ran):
            post.shown.append(found)
        elif last:
            return


def cut_showing(machine: Machine, home: Path) -> list[tuple[str, int]]:
    """Let a hook hand over what waits, and kill it before it can record that."""
    hooks = machine.launcher("dying-hook", "telex.hook", planted.DIES_ONCE_IT_HAS_SPOKEN)
    argv = [PYTHON, "-I", "-S", hooks, "claude", "PostToolBatch"]
    ran = run_process(argv, machine.environment(home, RECEIVER), machine.payload(RECEIVER, "PostToolBatch"))
    return letters(Ran(0, ran.out, ""))


def run(machine: Machine, home: Path, each: int, *, killed_sender: bool = False, killed_readers: int = 0) -> Post:
    """Everybody at once."""
    post = Post({who: [] for who in SENDERS}, {who: [] for who in SENDERS}, [], [], [])
    over = threading.Event()
    with ThreadPoolExecutor(len(SENDERS) + 1) as pool:
        reader = pool.submit(read_all, machine, home, post, over, killed_readers)
        dice = random.Random(8)
        jobs = [
            pool.submit(send_all, machine, home, who, post, each, dice if killed_sender and who == SENDERS[0] else None)
            for who in SENDERS
        ]
        try:
            for job in jobs:
                job.result()
        finally:
            over.set()
        reader.result()
    return post


def order_of(who: str, showings: list[list[tuple[str, int]]]) -> list[int]:
    """The numbers of one sender's messages, in the order in which they were shown."""
    return [number for showing in showings for sender, number in showing if sender == who]


def test_the_messages_of_eight_senders_are_shown_once_each_and_in_order(machine: Machine) -> None:
    """Would break: eight writers and a reader at one store, with nobody killed."""
    home, each = home_of(machine, "calm"), EACH
    post = run(machine, home, each)
    assert post.errors == []
    found = look(home)
    assert found.problems == []
    assert len(found.bodies) == len(SENDERS) * each
    assert set(found.states.values()) <= {"shown", "read"}
    for who in SENDERS:
        assert post.sent[who] == list(range(each))
        assert order_of(who, post.shown) == list(range(each)), who


def test_with_a_sender_and_readers_killed_nothing_is_lost(machine: Machine) -> None:
    """Would break: what a killed sender was told, and what a killed reader showed without recording it."""
    home, each = home_of(machine, "rough"), EACH
    post = run(machine, home, each, killed_sender=True, killed_readers=KILLED_READERS)
    assert post.errors == []
    assert len(post.cut) == KILLED_READERS
    assert post.unsure[SENDERS[0]], "no sender was killed before it answered"
    found = look(home)
    assert found.problems == []
    stored = {body: number for number, body in found.bodies.items()}
    assert len(stored) == len(found.bodies)
    for who in SENDERS:
        assert all(f"{who} says {number}" in stored for number in post.sent[who]), who
        there = [number for number in range(each) if f"{who} says {number}" in stored]
        assert order_of(who, post.shown) == there, who
        for number in post.unsure[who]:  # an unknown outcome is settled by asking again with the same key
            words = ("send", f"@{RECEIVER}", f"{who} says {number}", "--key", str(number), "--json")
            again = machine.telex(home, who, *words)
            assert f'"repeated": {str(number in there).lower()}' in again.out
    times = Counter(letter for showing in post.shown for letter in showing)
    assert set(times.values()) == {1}
    assert all(letter in times for cut in post.cut for letter in cut), "shown without a record, and never again"


def shown_by_two_hooks_at_once(machine: Machine, mistake: str) -> int:
    """How often one message is shown where two hooks find it waiting."""
    home = home_of(machine, f"twice-{len(os.listdir(machine.root))}")
    machine.telex(home, SENDERS[0], "send", f"@{RECEIVER}", f"{SENDERS[0]} says 0")
    lock = FileLock(f"{home}/write.lock")
    with machine.planted(mistake), ThreadPoolExecutor(2) as pool:
        lock.acquire()
        both = [pool.submit(machine.hook, home, RECEIVER, "PostToolBatch") for _ in range(2)]
        time.sleep(0.3)
        lock.close()
        shown = [letter for one in both for letter in letters(one.result())]
    return len(shown + letters(machine.hook(home, RECEIVER, "PostToolBatch")))


@pytest.mark.parametrize(
    "mistake", [planted.NO_INBOX_LOCK, planted.HANDS_OVER_WHAT_IS_GONE], ids=["no lock", "no look at the state"]
)
def test_the_inbox_lock_and_the_look_at_the_state_each_suffice(machine: Machine, mistake: str) -> None:
    assert shown_by_two_hooks_at_once(machine, mistake) == 1


@pytest.mark.parametrize(
    "mistake",
    [planted.NO_INBOX_LOCK + planted.HANDS_OVER_WHAT_IS_GONE, planted.FORGETS_TO_RECORD],
    ids=["neither lock nor look", "record"],
)
def test_a_message_shown_twice_is_noticed(machine: Machine, mistake: str) -> None:
    """Would break: the count of showings, if it could not tell once from twice."""
    assert shown_by_two_hooks_at_once(machine, mistake) >= 2
