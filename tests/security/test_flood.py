"""One sender at full speed: others' inboxes cost what they cost before, the receiver gets one digest (T24).

Nothing here looks at a clock: the work of a query is counted in steps of SQLite's own machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import apsw
import pytest
from tests.support.machine import Machine, Seat

from telex import limits
from telex.errors import InboxFull, TooFast


@pytest.fixture
def steps(machine: Machine) -> Iterator[Callable[[Callable[[], object]], int]]:
    """How many steps SQLite's machine takes for something, but for the search index's own housekeeping."""
    taken = 0

    def note(event: dict[str, Any]) -> None:
        nonlocal taken
        if "'main'." not in event["sql"]:  # the index keeps its statements, which count on and on
            taken += event["stmt_status"]["SQLITE_STMTSTATUS_VM_STEP"]

    machine.db.con.trace_v2(apsw.SQLITE_TRACE_PROFILE, note)

    def count(act: Callable[[], object]) -> int:
        nonlocal taken
        taken = 0
        act()
        return taken

    yield count
    machine.db.con.trace_v2(0)


def flood(machine: Machine, seat: Seat, to: str, most: int = 100_000) -> int:
    """Send until it is refused; how many went."""
    for number in range(most):
        try:
            seat.send(to, f"flood {number} {machine.clock()}")
        except (InboxFull, TooFast):
            return number
    return most


def test_a_flood_ends_at_the_rate_and_at_the_inbox(machine: Machine) -> None:
    attacker, _ = machine.named("attacker", "victim")
    assert flood(machine, attacker, "@victim") == limits.SENDS_PER_MINUTE
    machine.clock.pass_by(60)
    assert flood(machine, attacker, "@victim") == limits.INBOX_WAITING - limits.SENDS_PER_MINUTE
    machine.clock.pass_by(60)
    with pytest.raises(InboxFull, match="@victim has 1000 messages waiting; the most is 1000"):
        attacker.send("@victim", "one more")


DEEDS: dict[str, Callable[[Seat], object]] = {
    "inbox": lambda seat: seat.inbox(),
    "unread": lambda seat: seat.unread(),
    "read": lambda seat: seat.read(),
    "hook": lambda seat: seat.hook(),
    "send": lambda seat: seat.send("@other", f"hello at {seat.clock()}"),
    "show": lambda seat: seat.show("m1"),
    "done": lambda seat: seat.done(seat.inbox()[0].id),
    "reply": lambda seat: seat.reply("m1", f"hello at {seat.clock()}"),
    "stop": lambda seat: seat.stop(),
}


@pytest.mark.parametrize("deed", DEEDS)
def test_what_others_do_costs_no_more_in_a_flood(
    machine: Machine, steps: Callable[[Callable[[], object]], int], deed: str
) -> None:
    attacker, victim, bystander, other = machine.named("attacker", "victim", "bystander", "other")

    def measured() -> int:
        """A quiet word comes, and the bystander does what it does."""
        machine.clock.pass_by(120)
        bystander.read()
        other.send("@bystander", f"a quiet word at {machine.clock()}")
        return steps(lambda: DEEDS[deed](bystander))

    measured()
    before = measured()
    assert flood(machine, attacker, "@victim", most=400) == 400
    after = measured()
    assert victim.unread() == 400
    assert after <= before * 1.2 + 20, f"{before} steps, then {after}"


def test_counting_steps_notices_a_query_that_grows(
    machine: Machine, steps: Callable[[Callable[[], object]], int]
) -> None:
    """The sensitivity twin: the same question without the index grows with the flood."""
    attacker, _, bystander = machine.named("attacker", "victim", "bystander")
    sql = "SELECT count(*) FROM delivery WHERE recipient + 0 = ? AND state || '' = 'queued'"
    before = steps(lambda: list(machine.db.con.execute(sql, (bystander.me.address.id,))))
    flood(machine, attacker, "@victim")
    after = steps(lambda: list(machine.db.con.execute(sql, (bystander.me.address.id,))))
    assert after > before * 10


def test_the_receiver_gets_one_digest_and_the_rest_is_announced(machine: Machine) -> None:
    attacker, victim, friend = machine.named("attacker", "victim", "friend")
    friend.send("@victim", "an honest question")
    flood(machine, attacker, "@victim")
    digest = victim.hook()
    assert len(digest) <= limits.FRAME_CHARS
    assert "> an honest question" in digest
    assert digest.count("from @attacker (claude") == 1  # messages of one sender share a header's facts
    assert "more wait: telex read" in digest
    shown = digest.count("> flood")
    assert f"{limits.SENDS_PER_MINUTE - shown} more wait" in digest


def test_a_flood_of_large_bodies_is_one_digest_too(machine: Machine) -> None:
    attacker, victim = machine.named("attacker", "victim")
    for number in range(30):
        attacker.send("@victim", f"{number} " + "x" * 9_000)
    assert len(victim.hook()) <= limits.FRAME_CHARS


def test_every_digest_of_a_flood_keeps_the_limit_and_the_order(machine: Machine) -> None:
    attacker, victim = machine.named("attacker", "victim")
    for number in range(200):
        attacker.send("@victim", f"flood {number:03} " + "x" * (number % 40) * 10)
    heard = ""
    for _ in range(200):
        digest = victim.hook()
        if not digest:
            break
        assert len(digest) <= limits.FRAME_CHARS
        heard += digest
    numbers = [int(line.split()[2]) for line in heard.splitlines() if line.startswith("> flood")]
    assert numbers == list(range(200))
    assert not victim.rings()


def test_others_may_still_write_to_others(machine: Machine) -> None:
    attacker, _, one, two = machine.named("attacker", "victim", "one", "two")
    flood(machine, attacker, "@victim")
    one.send("@two", "hello")
    assert two.heard() == ["hello"]


def test_a_flood_to_everybody_is_judged_recipient_by_recipient(machine: Machine) -> None:
    attacker, one, two = machine.named("attacker", "one", "two")
    machine.set(inbox_waiting=5)
    for number in range(5):
        attacker.send("@one", f"{number}")
    answer = attacker.send("all", "to all")
    assert machine.states(answer) == {"@one": "refused", "@two": "queued"}
    assert (one.unread(), two.unread()) == (5, 1)
