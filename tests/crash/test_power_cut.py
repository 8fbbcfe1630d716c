"""T3: the power fails after any write or sync of acknowledged sends, with any part of what was not synced on the disk.

What would break: "sent" said before the message is on the disk; a body beside the store that a row refers to and that
is not there; a store that cannot be opened after a cut in the middle of its making, of a commit or of a checkpoint.
"""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
from tests.crash import planted
from tests.crash.audit import look
from tests.crash.harness import Machine, here, scaled
from tests.crash.powercut import Cut, Disk, Op, lay_out, record

from telex.bus import Bus
from telex.db.connection import Store
from telex.errors import StoreFault
from telex.mail import gaps, messages

SHARES = 2  # how many tests share the log's moments, so that they run at the same time
STATES = scaled(1_800, 100_000)  # that each share must have made
GOES_ON = 40  # of so many states, one is sent into afterwards


def bodies(count: int) -> list[str]:
    """Bodies that fill pages, every twelfth too large for a row; together they make the store check its log in."""
    found = []
    for number in range(count):
        words = 1_600 if number % 12 == 5 else 400
        found.append(" ".join(f"w{number}x{word}" for word in range(words)))
    return found


def wrong(cut: Cut, home: Path) -> str:
    """What is wrong with a store that a power cut left; '' for nothing."""
    lay_out(cut, home)
    try:
        db = Store(str(home))
    except StoreFault as problem:
        return f"cannot be opened: {problem}"
    try:
        told = [row[0] for row in db.con.execute("PRAGMA integrity_check")]
        if told != ["ok"]:
            return f"is damaged: {told[0]}"
        there = {}
        for (number,) in list(db.con.execute("SELECT n FROM message")):
            found = messages.get(db, number)
            assert found is not None
            if not found.sound():
                return f"m{number} is torn"
            there[messages.whole_body(db, found)] = number
        lost = [body for body in cut.promised if body not in there]
        if lost:
            return f"{len(lost)} of {len(cut.promised)} that were called sent are lost"
        alarm = gaps.noted(db)
        return f"a false alarm: {alarm}" if alarm else ""
    except StoreFault as problem:
        return f"cannot be read: {problem}"
    finally:
        db.close()


def cannot_go_on(home: Path) -> str:
    """Why nothing can be sent from there on; '' if it can."""
    with here({"TELEX_HOME": str(home), "TELEX_NAME": "later"}):
        db = Store(str(home))
        try:
            sent = Bus(db).send("@bob", "after the power came back")
            return "" if look(home).bodies[int(sent.id[1:])] == "after the power came back" else "cannot be written"
        finally:
            db.close()


def find(ops: list[Op], home: Path, *, share: int, shares: int, subsets: int) -> tuple[int, list[str]]:
    """Cut the power at every moment of a share: how many states there were, and what was wrong with them."""
    disk, dice, states = Disk(), random.Random(share), 0
    found = []
    for number, op in enumerate(ops):
        disk.do(op)
        if number % shares != share:
            continue
        for cut in disk.cuts(dice, subsets):
            states += 1
            words = wrong(cut, home) or (states % GOES_ON == 0 and cannot_go_on(home))
            if words:
                found.append(f"after {number} ({op.what} {op.path}), with {cut.about} of the rest: {words}")
    return states, found


@pytest.mark.parametrize("share", range(SHARES))
def test_what_was_called_sent_survives_a_power_cut_at_any_moment(machine: Machine, share: int) -> None:
    """Would break: synchronous=FULL, the order of a body's sync and its row, the making of a store."""
    ops = record(machine, machine.root / f"recorded-{share}", bodies(scaled(42, 200)))
    assert sum(op.what == "promise" for op in ops) == scaled(42, 200)
    begun = [op for op in ops if (op.what, op.path, op.at) == ("write", "telex.db-wal", 0)]
    assert len(begun) >= 2, "the log never began anew: no checkpoint was made"
    assert sum(op.what == "rename" for op in ops) >= 3, "no body was kept beside the store"
    states, found = find(ops, machine.root / f"cut-{share}", share=share, shares=SHARES, subsets=scaled(1, 24))
    assert found == []
    assert states >= STATES


@pytest.mark.parametrize(
    ("mistake", "sign"),
    [
        (planted.SYNC_NORMAL, "are lost"),
        (planted.SYNC_OFF, "are lost"),
        (planted.UNSYNCED_BODY, "are lost"),
        (planted.NOTED_BEFORE_THE_COMMIT, "a false alarm"),
    ],
    ids=["synchronous=NORMAL", "synchronous=OFF", "a body that is not synced", "noted before the commit"],
)
def test_a_sender_that_does_not_sync_is_noticed(machine: Machine, mistake: str, sign: str) -> None:
    """Would break: the states above, if they kept what a real disk may lose."""
    with machine.planted(mistake):
        ops = record(machine, machine.root / "careless", bodies(8))
    found = find(ops, machine.root / "cut", share=0, shares=1, subsets=1)[1]
    assert any(sign in words for words in found)
    for name in ("careless", "cut"):
        os.rename(machine.root / name, machine.root / f"{name}-{len(os.listdir(machine.root))}")
