"""The search index: filled many messages at a time, and yet no search misses anything."""

from __future__ import annotations

import apsw
import pytest
from tests.support.machine import Machine

from telex import doctor, limits
from telex.db import search_index
from telex.db.connection import DATABASE, Store, Write, query
from telex.errors import StoreCorrupt, StoreFull

SENT = 2 * limits.INDEX_MESSAGES + 5


def send(machine: Machine, count: int, words: str = "needle") -> list[str]:
    """So many messages, each different; their ids, newest first."""
    machine.set(sends_per_minute=100_000, inbox_waiting=100_000)
    sent = [machine.person.send("@api", f"{words} in haystack {number}").id for number in range(count)]
    return sent[::-1]


def indexed(machine: Machine) -> int:
    """How many messages the index holds."""
    return int(next(machine.db.con.execute("SELECT count(*) FROM words_docsize"))[0])


def found(machine: Machine, words: str = "needle") -> list[str]:
    return [one.id for one in machine.person.search(words, everything=True, most=999)]


def damage(machine: Machine) -> None:
    """Break every leaf of the index, behind the back of whoever has the store open."""
    con = apsw.Connection(f"{machine.db.home}/{DATABASE}")
    con.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
    con.execute("UPDATE words_data SET block = zeroblob(20) WHERE id > 10")
    con.close()


def fits(machine: Machine) -> None:
    """SQLite's own word that the index holds the words of the messages, and of nothing else. Nothing is kept."""
    machine.db.con.execute("BEGIN IMMEDIATE")
    machine.db.con.execute(query("index.update"))
    machine.db.con.execute(query("index.check"))
    machine.db.con.execute("ROLLBACK")


def test_words_are_put_in_many_messages_at_a_time(machine: Machine) -> None:
    counts: list[int] = []
    for _ in range(SENT):
        send(machine, 1, f"number {len(counts)}")
        counts.append(indexed(machine))
    assert len(set(counts)) <= 1 + SENT // limits.INDEX_MESSAGES
    assert counts[-1] >= SENT - limits.INDEX_MESSAGES


@pytest.mark.parametrize("count", [1, 63, 64, 65, SENT])
def test_a_search_finds_what_was_just_sent(machine: Machine, count: int) -> None:
    """Would break: the newest messages, which no send has put in yet."""
    sent = send(machine, count)
    assert found(machine) == sent
    assert found(machine) == sent  # the same when nothing is due any more
    fits(machine)


def test_a_search_that_does_not_bring_it_up_to_date_is_noticed(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Would break: the test above, if the index were full anyway."""
    monkeypatch.setattr(search_index, "update", lambda db: None)
    assert found(machine, "needle") == []
    assert len(send(machine, 3)) > len(found(machine))


def test_what_is_purged_before_it_was_put_in_leaves_the_index_sound(machine: Machine) -> None:
    """Would break: the index, which must not be told to forget what it never knew."""
    send(machine, limits.INDEX_MESSAGES + 9)
    machine.clock.pass_by(10)
    later = send(machine, 3, "later needle")
    assert machine.person.purge(older_than_s=5, open_too=True) == limits.INDEX_MESSAGES + 9
    assert found(machine) == later
    fits(machine)
    assert machine.person.purge(older_than_s=-1, open_too=True) == 3
    assert found(machine) == []
    assert found(machine) == []
    fits(machine)
    assert found(machine) == []
    assert send(machine, 2, "at last a needle") == found(machine)


def test_a_message_dropped_from_the_index_though_it_is_not_in_it_is_noticed(machine: Machine) -> None:
    """Would break: the test above, if the mistake that `index.drop` avoids were none."""
    [sent] = send(machine, 1)
    with pytest.raises(apsw.CorruptError):
        machine.db.con.execute(
            "INSERT INTO words (words, rowid, body) VALUES ('delete', ?, 'needle in haystack 0')", (int(sent[1:]),)
        )


def test_a_search_answers_when_the_index_cannot_be_written(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Would break: searching on a full disk."""
    sent = send(machine, 3)
    real = Write.__exit__

    def full(self: Write, *problem: object) -> None:
        real(self, StoreFull, StoreFull(), None)
        raise StoreFull

    monkeypatch.setattr(Write, "__exit__", full)
    assert found(machine) == sent
    assert indexed(machine) == 0
    monkeypatch.undo()
    assert found(machine) == sent
    assert indexed(machine) == 3


def test_a_check_leaves_the_index_as_it_was(machine: Machine) -> None:
    send(machine, 3)
    assert {one.what: one.state for one in doctor.check(machine.db.home)}["search"] == doctor.OK
    assert indexed(machine) == 0


def test_an_index_that_lacks_words_is_found_and_mended(machine: Machine) -> None:
    sent = send(machine, limits.INDEX_MESSAGES)
    damage(machine)
    assert {one.what: one.state for one in doctor.check(machine.db.home)}["search"] == doctor.MENDABLE
    doctor.repair(machine.db.home)
    mended = Store(machine.db.home)
    assert [f"m{n}" for n in search_index.find(mended, "history.found", '"needle"', 999)] == sent
    mended.close()


def test_a_damaged_index_holds_up_no_send(machine: Machine) -> None:
    """Would break: every 64th send, and by that all that come after it."""
    send(machine, limits.INDEX_MESSAGES)
    damage(machine)
    assert len(send(machine, 2 * limits.INDEX_MESSAGES, "more")) == 2 * limits.INDEX_MESSAGES
    with pytest.raises(StoreCorrupt):
        machine.person.search("needle", everything=True)
