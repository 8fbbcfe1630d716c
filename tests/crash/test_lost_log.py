"""A damaged write-ahead log loses the newest messages; telex says which, once, and never gives their numbers out again.

What would break: acknowledged messages that go without a word; an id that means another message today than yesterday;
an alarm where nothing was lost, or one that never ends.
"""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.crash import damage
from tests.crash.damage import LOG_FILE, WAYS, Stock
from tests.crash.harness import Machine, here, scaled

from telex import doctor, limits
from telex.db.connection import DATABASE, Store
from telex.fs import high_water
from telex.mail import gaps, notices

FLIPS = scaled(150, 5_000)
SENT = damage.MESSAGES + 1


@pytest.fixture(scope="module")
def in_the_log(machine: Machine) -> Stock:
    """A home whose messages are all in its log."""
    return damage.stock(machine, "in the log", checkpoint=False)


@pytest.fixture
def home(machine: Machine) -> Path:
    """A home with three messages, in the database and in order."""
    made = machine.new_home(f"home-{len(os.listdir(machine.root))}", "alice")
    for body in ("one", "two", "three"):
        assert send(machine, made, body) in ("m1", "m2", "m3")
    return made


@pytest.fixture
def damaged(machine: Machine, in_the_log: Stock) -> Path:
    """A home whose log has lost its second half."""
    made = machine.root / "damaged"
    damage.lay_out(in_the_log, LOG_FILE, "a bit flipped", Middle(), made)
    assert 0 < len(damage.numbers(made)) < SENT
    return made


class Middle(random.Random):
    """Dice that always show the middle."""

    def randrange(self, start: int, stop: int | None = None, step: int = 1) -> int:
        """The middle."""
        assert stop is None
        return start // 2


def send(machine: Machine, home: Path, body: str) -> str:
    """Send as alice, in this process; the id."""
    with machine.speaking(home, "alice") as bus:
        return bus.send("@bob", body).id


def said(machine: Machine, home: Path) -> list[str]:
    """What telex has told the person."""
    with machine.speaking(home, "") as bus:
        return [one.body for one in bus.inbox() if one.sender == "@telex"]


def found(home: Path) -> list[str]:
    """What doctor says about losses."""
    return [one.detail for one in doctor.check(str(home)) if one.what == "losses"]


def missed(home: Path) -> tuple[set[int], set[int]]:
    """The numbers that are not there any more, and those that telex says are gone."""
    db = Store(str(home))
    try:
        said = gaps.gap(db)
        return set(range(1, SENT + 1)) - damage.numbers(home), set(range(said[0], said[1] + 1)) if said else set()
    finally:
        db.close()


def silent(stock: Stock, home: Path, seeds: range, way: Callable[[int], str]) -> Iterator[str]:
    """Damaged logs whose losses are not said, or are said wrongly."""
    losing = 0
    for seed in seeds:
        damage.lay_out(stock, LOG_FILE, way(seed), random.Random(seed), home)
        gone, said = missed(home)
        losing += bool(gone)
        if gone != said:
            yield f"{way(seed)}, seed {seed}: {sorted(gone)} are gone, and it says {sorted(said)}"
    assert losing >= 0.8 * len(seeds), f"only {losing} of {len(seeds)} have lost a message"


def test_every_bit_flipped_in_the_log_is_noticed(machine: Machine, in_the_log: Stock) -> None:
    """Would break: a number that is not noted, or noted before the store was asked for another."""
    home = machine.root / "flipped"
    assert list(silent(in_the_log, home, range(FLIPS), lambda _: "a bit flipped")) == []


def test_other_damage_to_the_log_is_noticed(machine: Machine, in_the_log: Stock) -> None:
    ways = sorted(WAYS)
    home = machine.root / "otherwise"
    assert list(silent(in_the_log, home, range(FLIPS), lambda seed: ways[seed % len(ways)])) == []


def test_a_log_that_is_missing_is_noticed(machine: Machine, in_the_log: Stock) -> None:
    home = machine.copied(in_the_log.home, "without a log")
    for tail in ("-wal", "-shm"):
        (home / f"{DATABASE}{tail}").unlink(missing_ok=True)
    gone, said = missed(home)
    assert gone == said != set()


def test_a_store_that_notes_nothing_is_noticed(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Would break: the tests above, if they could not see a loss that nobody speaks of."""
    monkeypatch.setattr(high_water.Newest, "note", lambda self, number: None)
    stock = damage.stock(machine, "without a note", checkpoint=False)
    words = list(silent(stock, machine.root / "unnoted", range(10), lambda _: "a bit flipped"))
    assert len(words) >= 8


def test_a_number_that_was_given_out_is_never_given_out_again(machine: Machine, damaged: Path) -> None:
    """Would break: whoever was told `m20` and looks it up finds what somebody else wrote later."""
    ids = [send(machine, damaged, body) for body in ("later", "and later")]
    assert ids == [f"m{SENT + 1}", f"m{SENT + 3}"]  # the notice between them
    assert not {int(one[1:]) for one in ids} & set(range(1, SENT + 1))
    with machine.speaking(damaged, "alice") as bus:
        assert bus.show(ids[0]).message.body == "later"
        assert [one.id for one in bus.search("later", everything=True)] == [ids[1], ids[0]]


def test_the_person_is_told_once_and_doctor_says_it_until_a_repair(machine: Machine, damaged: Path) -> None:
    gone, _ = missed(damaged)
    words = f"m{min(gone)} to m{SENT}"
    assert words in found(damaged)[0]
    for body in ("later", "and later"):
        send(machine, damaged, body)
    [notice] = said(machine, damaged)
    assert words in notice
    assert words in found(damaged)[0]
    assert any(words in one for one in doctor.repair(str(damaged)))
    send(machine, damaged, "afterwards")
    assert found(damaged) == []
    assert said(machine, damaged) == [notice]


def test_a_repair_that_comes_first_tells_the_person_too(machine: Machine, damaged: Path) -> None:
    doctor.repair(str(damaged))
    assert found(damaged) == []
    assert len(said(machine, damaged)) == 1
    assert int(send(machine, damaged, "later")[1:]) > SENT
    doctor.repair(str(damaged))
    assert len(said(machine, damaged)) == 1


def test_two_losses_are_both_told(machine: Machine, damaged: Path) -> None:
    send(machine, damaged, "later")
    with machine.speaking(damaged, "alice") as bus:
        bus.db.empty_log()
    last = send(machine, damaged, "in the log, and soon gone")
    (damaged / f"{DATABASE}-wal").write_bytes(b"")
    (damaged / f"{DATABASE}-shm").unlink()
    assert int(send(machine, damaged, "after that")[1:]) == int(last[1:]) + 1
    assert len(said(machine, damaged)) == 2
    assert f", {last};" in found(damaged)[0]


def test_an_import_does_not_use_them_again_either(machine: Machine, home: Path, damaged: Path) -> None:
    with machine.speaking(home, "") as bus:
        lines = list(bus.export())
    with machine.speaking(damaged, "") as bus:
        assert bus.take_in(lines) == (3, 0)
    assert len(said(machine, damaged)) == 1
    assert not damage.numbers(damaged) & missed(damaged)[0]


# --- a note that cannot be believed


def _another(make: Callable[[Path], None]) -> Callable[[Path], None]:
    def replace(path: Path) -> None:
        path.unlink()
        make(path)

    return replace


def _link(path: Path) -> None:
    better = path.with_name("better")
    better.write_text(f"{900:020d}" * 2)
    path.symlink_to(better)


def _text(text: str) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        path.write_text(text, encoding="utf-8")

    return write


BROKEN: dict[str, Callable[[Path], None]] = {
    "missing": Path.unlink,
    "empty": _text(""),
    "torn": _text(f"{900:020d}{3:020d}"),
    "half of it": _text(f"{900:020d}"),
    "too long": _text(f"{900:020d}" * 3),
    "words": _text("nine hundred"),
    "other digits": _text("٣" * 20),
    "a minus": _text(f"{-900:020d}" * 2),
    "absurd": _text("9" * 40),
    "just too far ahead": _text(f"{limits.LOST_MESSAGES + 4:020d}" * 2),
    "a directory": _another(Path.mkdir),
    "a pipe": _another(os.mkfifo),
    "a link to a better one": _another(_link),
}


@pytest.mark.parametrize("way", BROKEN)
def test_a_note_that_cannot_be_believed_does_no_harm(machine: Machine, home: Path, way: str) -> None:
    """Would break: a false alarm, a number from nowhere, a send that fails or hangs because of a mere note."""
    path = home / "newest"
    BROKEN[way](path)
    assert found(home) == []
    assert [send(machine, home, "four"), send(machine, home, "five")] == ["m4", "m5"]
    assert (found(home), said(machine, home)) == ([], [])
    if path.is_file() and not path.is_symlink():
        assert path.read_text()[:40] == f"{5:020d}" * 2


def test_a_note_with_any_bit_flipped_counts_as_none(home: Path) -> None:
    path = home / "newest"
    sound = path.read_bytes()
    for bit in range(8 * len(sound)):
        flipped = bytearray(sound)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        assert high_water.Newest(str(home)).number == 0
    for length in range(len(sound)):
        path.write_bytes(sound[:length])
        assert high_water.Newest(str(home)).number == 0


# --- what is no loss


def test_a_copy_that_was_put_back_is_said_once(machine: Machine, home: Path) -> None:
    """Would break: numbers used twice after a backup was put back; or an alarm at every send from then on."""
    backup = next(one for one in doctor.repair(str(home)) if one.startswith("backup made: "))[13:]
    for body in ("four", "five"):
        send(machine, home, body)
    for tail in ("-wal", "-shm"):
        (home / f"{DATABASE}{tail}").unlink()
    shutil.copy(backup, home / DATABASE)
    assert "m4 to m5; " in found(home)[0]
    assert "an older copy of the store put back" in found(home)[0]
    assert [send(machine, home, body) for body in ("six", "seven")] == ["m6", "m8"]
    assert len(said(machine, home)) == 1
    doctor.repair(str(home))
    assert found(home) == []


def test_deleting_the_newest_is_no_loss(machine: Machine, home: Path) -> None:
    with machine.speaking(home, "") as bus:
        assert bus.purge(older_than_s=-1, open_too=True) == 3
    assert found(home) == []
    assert send(machine, home, "four") == "m4"
    assert said(machine, home) == []


def test_a_repair_after_the_newest_were_deleted_finds_no_loss(machine: Machine, home: Path) -> None:
    with machine.speaking(home, "") as bus:
        bus.purge(older_than_s=-1, open_too=True)
    with here(machine.environment(home, "")):
        done = doctor._save(str(home))
    assert "saved into a new one" in done[1]
    assert found(home) == []
    assert send(machine, home, "four") == "m4"
    assert said(machine, home) == []


def test_a_store_that_could_not_be_saved_is_told_as_lost(machine: Machine, home: Path) -> None:
    for tail in ("-wal", "-shm"):
        (home / f"{DATABASE}{tail}").unlink(missing_ok=True)
    (home / DATABASE).write_bytes(b"no store at all" * 1_000)
    with here(machine.environment(home, "")):
        done = doctor.repair(str(home))
    assert any("m1 to m3; " in one for one in done)
    assert found(home) == []
    assert machine.hook(home, "alice", "SessionStart", source="resume").status == 0  # nothing is known of it there
    assert int(send(machine, home, "four")[1:]) > 3


def test_a_message_that_was_rolled_back_is_not_noted(machine: Machine, home: Path) -> None:
    """Would break: every send that is refused late, if its number counted as given out."""
    with machine.speaking(home, "alice") as bus, pytest.raises(InterruptedError), bus.db.write():
        notices.notify(bus.db, bus.me.address.id, "never said", 0, 1)
        assert bus.db.value("store.last_number") == 4
        raise InterruptedError
    assert (home / "newest").read_text() == f"{3:020d}" * 2
    assert send(machine, home, "four") == "m4"
