"""Names, ids, keys, titles and directories never become paths: nothing appears outside of a home (T19)."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fuzz.names_fuzz import hostile
from tests.support.machine import Machine, tree

from telex.core import names
from telex.errors import TelexError
from telex.fs import bells
from telex.mail import addresses

# What a file in a home may be called; everything in it is named by a number, a hash, or a client's own plain id.
OURS = {"telex.db", "telex.db-wal", "telex.db-shm", "write.lock", "hook-fault", "newest", "reserve", *bells.DIRECTORIES}
PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.")


@pytest.fixture
def surroundings(machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A working directory several levels deep, beside the home; afterwards nothing outside the home has changed."""
    deep = tmp_path / "a" / "b" / "c" / "d"
    deep.mkdir(parents=True)
    monkeypatch.chdir(deep)
    before = outside(tmp_path)
    watched = {place: set(os.listdir(place)) for place in ("/", "/tmp", "/etc", os.path.expanduser("~"))}
    yield tmp_path
    assert outside(tmp_path) == before
    for place, held in watched.items():
        planted = {name for name in set(os.listdir(place)) - held if any(word in name for word in MARKS)}
        assert not planted, place


MARKS = ("telex-planted", "..", "passwd.telex")


def outside(root: Path) -> set[str]:
    """Everything beside the home."""
    return {path for path in tree(str(root)) if not path.startswith("home/")} - {"home"}


def check_inside(machine: Machine) -> None:
    """Every file of the home has a name of ours."""
    for path in tree(machine.home):
        room, _, name = path.partition("/")
        assert room in OURS, path
        assert "/" not in name, path
        assert PLAIN.issuperset(name) and ".." not in name, path


def refused(act: object, *words: object, **options: object) -> bool:
    """Do it; True when telex said no in its own words."""
    try:
        act(*words, **options)  # type: ignore[operator]
    except TelexError:
        return True
    return False


def test_a_hundred_thousand_hostile_words_make_no_path(machine: Machine, surroundings: Path) -> None:
    """What turns a word into a name or into a file's name, on 10^5 words, next to a home that is listed."""
    rng = random.Random(19)
    for _ in range(100_000):
        word = hostile(rng)
        if not refused(names.parse_targets, word):
            assert all(names.is_name(one.name) for one in names.parse_targets(word))
        assert names.is_name(names.slug(word))
        path = bells.path(machine.home, bells.BELLS, bells.bell_name(addresses.in_utf8(word)))
        assert os.path.dirname(os.path.normpath(path)) == f"{machine.home}/bells"
    check_inside(machine)


@pytest.mark.parametrize("seed", range(4))
def test_whoever_lives_under_hostile_words_lives_in_the_home(machine: Machine, surroundings: Path, seed: int) -> None:
    """The whole way: sessions with such ids, titles and directories; mail to, from and about such words."""
    rng = random.Random(seed)
    machine.set(sends_per_minute=100_000_000)
    taken = 0
    for number in range(150):
        seat = machine.arrive(
            hostile(rng), key=hostile(rng) or f"k{number}", title=hostile(rng), wish=hostile(rng) if number % 3 else ""
        )
        machine.clock.pass_by(61)
        for to in (hostile(rng), f"@{hostile(rng)}", f"#{hostile(rng)}", seat.at):
            taken += not refused(seat.send, to, f"text {number}", key=hostile(rng), thread=hostile(rng) or "x")
        refused(seat.send, seat.at, f"large {number} " + "x" * 12_000, data=hostile(rng))
        refused(seat.rename, hostile(rng))
        refused(seat.join, hostile(rng))
        refused(seat.show, hostile(rng))
        refused(seat.wait, sender=hostile(rng), timeout_s=0.000_1)
        refused(machine.person.set_setting, hostile(rng), hostile(rng))
        seat.hook()
        if number % 2:
            seat.stop()
            seat.quit()
        else:
            machine.crash(seat)
    assert taken > 20
    check_inside(machine)


@pytest.mark.parametrize(
    "key", ["../../planted", "/tmp/telex-planted", "..", ".", "a/b", "a\0b", "\n", "~", "CON", "telex.db", "-rf", "*"]
)
def test_a_session_id_that_is_a_path_is_a_hash(machine: Machine, surroundings: Path, key: str) -> None:
    seat = machine.arrive("/src/api", key=key)
    machine.person.send("@api", "hello")
    assert seat.rings()
    assert seat.me.address.bell == key or seat.me.address.bell.startswith("h-")
    assert "hello" in seat.hook()
    check_inside(machine)


@pytest.mark.parametrize("room", [bells.BELLS, bells.OWED])
def test_a_link_that_somebody_planted_in_the_home_is_not_followed(machine: Machine, tmp_path: Path, room: str) -> None:
    precious = tmp_path / "precious"
    precious.write_text("mine")
    seat = machine.arrive("/src/api", key="planted")
    os.symlink(precious, f"{machine.home}/{room}/planted")
    refused(machine.person.send, "@api", "hello", kind="request")
    refused(seat.send, "@dana", "hello", kind="request")
    assert precious.read_text() == "mine"
    os.unlink(f"{machine.home}/{room}/planted")
    machine.person.send("@api", "hello again")
    assert "hello again" in seat.hook()


# --- a planted bug: what these tests would say if a name were a path ----------------------------------------------


def test_a_bell_named_by_its_words_is_noticed(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bells, "bell_name", lambda key: key.replace("/", "_"))
    machine.arrive("/src/api", key="my key")
    machine.person.send("@api", "hello")
    with pytest.raises(AssertionError):
        check_inside(machine)
