"""Thousands of messages between two machines while everything between them fails.

The link is cut at random, the relay is killed and comes back, the links are killed in the midst of what they do, and
both clocks are wrong. Nothing may be lost, shown twice, or out of its sender's order.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.link.boxes import Box, Two, linked, until

from telex.team import alerts, link_state

HOUR = 3_600.0
NO_LIMITS = {"inbox_waiting": "100000", "sends_per_minute": "100000"}
WRONG = (3 * HOUR, -50 * HOUR)


class Storm:
    """Two machines that write to each other while something befalls what is between them."""

    def __init__(self, two: Two, seed: int) -> None:
        self.two = two
        self.chance = random.Random(seed)
        self.sent: dict[str, list[str]] = {two.alice.name: [], two.bob.name: []}
        for box in (two.alice, two.bob):
            for name, value in NO_LIMITS.items():
                assert box.telex("config", name, value).status == 0

    def write(self, sender: Box, reader: Box, count: int) -> None:
        """So many messages more, by one machine to the other."""
        mine = self.sent[sender.name]
        with sender.bus("writer") as bus:
            for _ in range(count):
                mine.append(f"number {len(mine)}")
                bus.send(f"@reader@{reader.name}", mine[-1])

    def befall(self, *kinds: Callable[[], None]) -> None:
        """One of these."""
        self.chance.choice(kinds)()

    def cut(self) -> None:
        """The network is away for a moment."""
        self.two.wire.cut()
        self.write(self.two.alice, self.two.bob, 3)
        self.two.wire.mend()

    def kill_relay(self) -> None:
        """kill -9 of the relay, which comes back."""
        self.two.relay.kill()
        self.write(self.two.bob, self.two.alice, 3)
        self.two.relay.start()

    def kill_link(self) -> None:
        """kill -9 of a link, which is started again."""
        box = self.chance.choice((self.two.alice, self.two.bob))
        box.kill()
        box.start()

    def through(self) -> None:
        """Until everything has come."""
        two = self.two
        two.wire.mend()
        for reader, sender in ((two.alice, two.bob), (two.bob, two.alice)):
            until(lambda r=reader, s=sender: len(r.texts()) >= len(self.sent[s.name]), "the rest", 240)  # type: ignore[misc]


def blow(two: Two, seed: int, rounds: int, each: int) -> Storm:
    """A storm of so many rounds, carried through."""
    storm = Storm(two, seed)
    for box in (two.alice, two.bob):
        box.start()
    for _ in range(rounds):
        storm.write(two.alice, two.bob, each)
        storm.write(two.bob, two.alice, each)
        storm.befall(storm.cut, storm.cut, storm.kill_link, storm.kill_relay)
    storm.through()
    return storm


def check(two: Two, storm: Storm) -> None:
    """Nothing lost, nothing twice, in order; and nobody cries wolf."""
    assert two.alice.texts() == storm.sent[two.bob.name]
    assert two.bob.texts() == storm.sent[two.alice.name]
    for box in (two.alice, two.bob):
        with box.bus() as bus:
            assert [one.words for one in alerts.recent(bus.db) if one.kind != alerts.CLOCK] == []


def test_a_storm_loses_nothing_doubles_nothing_and_keeps_the_order(tmp_path: Path) -> None:
    with linked(tmp_path, off=WRONG) as two:
        check(two, blow(two, seed=1, rounds=8, each=25))


@pytest.mark.long
@pytest.mark.parametrize("seed", [2, 3])
def test_a_storm_of_ten_thousand_messages(tmp_path: Path, seed: int) -> None:
    with linked(tmp_path, off=WRONG) as two:
        storm = blow(two, seed=seed, rounds=50, each=110)
        assert sum(map(len, storm.sent.values())) > 10_000
        check(two, storm)


def flood_and_kill(two: Two, rounds: int) -> tuple[list[str], list[str]]:
    """Alice's link is killed again and again while it takes in what bob sent; what was sent, and what came."""
    storm = Storm(two, 4)
    two.alice.quiet()
    two.bob.start()
    storm.write(two.bob, two.alice, 60)
    for _ in range(rounds):
        before = cursor(two.alice)
        two.alice.start()
        until(lambda before=before: cursor(two.alice) != before, "the cursor to move")  # type: ignore[misc]
        two.alice.kill()
        storm.write(two.bob, two.alice, 20)
    two.alice.start()
    sent = storm.sent[two.bob.name]
    with two.bob.bus() as bus:
        until(lambda: (found := link_state.load(bus.db)) and found.at_relay == found.oseq, "all to be at the relay")
    two.bob.quiet()

    until(lambda: cursor(two.alice) == settled(two), "all to be taken in")
    return sent, two.alice.texts()


def cursor(box: Box) -> int:
    """How far a machine has read."""
    with box.bus() as bus:
        found = link_state.load(bus.db)
    assert found is not None
    return found.cursor


def settled(two: Two) -> int:
    """The last number of the relay's log."""
    import apsw

    con = apsw.Connection(str(two.relay.file), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        return int(next(con.execute("SELECT max(seq) FROM entry"))[0])
    finally:
        con.close()


def test_a_link_that_is_killed_again_and_again_takes_everything_in_once(tmp_path: Path) -> None:
    with linked(tmp_path) as two:
        sent, came = flood_and_kill(two, rounds=6)
        assert came == sent


def test_a_link_that_saves_its_cursor_first_is_found_out(tmp_path: Path) -> None:
    """The twin of the test above: with this mistake in it, kill -9 loses something."""
    with linked(tmp_path, TELEX_PLANT="cursor-first") as two:
        sent, came = flood_and_kill(two, rounds=10)
        assert came != sent
