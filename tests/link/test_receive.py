"""Taking in what other machines send: once, in order, whatever comes and whenever it is interrupted."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.link.courier import Team, copied, number, running
from tests.support.machine import DAY, HOUR, MINUTE, Machine, Seat

from telex import doctor, limits
from telex.core import ids, sync
from telex.core.letter import Arrived, Letter
from telex.db.connection import Store, Write
from telex.fs import bodies
from telex.mail import messages, nudges
from telex.team import alerts, directory, inbound, link_state, outbox, receipts

ALICE, BOB = number("alice-laptop"), number("bob-laptop")
ORIGIN = number("bob-laptop outbox")


@pytest.fixture
def alice(team: Team) -> Machine:
    made = team.machine("alice-laptop", role="owner")
    team.machine("bob-laptop")
    return made


@pytest.fixture
def frontend(alice: Machine) -> Seat:
    return alice.named("frontend")[0]


def letter(body: str = "hello", **changes: Any) -> Letter:
    """A letter from a session at bob's machine to @frontend at alice's."""
    fields: dict[str, Any] = {
        "sender": "api",
        "sender_kind": "session",
        "client": "claude",
        "place": "/src/api",
        "addressed": "@frontend@alice-laptop",
        "to": {ALICE: ["frontend"]},
        "members": {},
        "without": {},
        "kind": "note",
        "body": body,
        "created_ms": 1_000_000,
    }
    return Letter(**(fields | changes))


def arrived(found: Letter | None, oseq: int = 1, after: int = -1, **changes: Any) -> Arrived:
    """The item that brings it."""
    uuid = ids.uuid7(1_000_000 + oseq, oseq.to_bytes(10, "big"))
    fields: dict[str, Any] = {
        "machine": BOB,
        "origin": ORIGIN,
        "oseq": oseq,
        "uuid": uuid,
        "after": after,
        "letter": found,
    }
    return Arrived(**(fields | changes))


def take(made: Machine, *items: Arrived, cursor: int = 1) -> int:
    """A page with these items."""
    taken = sync.Taken(state=sync.Incoming(epoch="e" * 32, cursor=cursor))
    return inbound.take(made.db, [_copy(one) for one in items], taken, made.clock())


def _copy(one: Arrived) -> Arrived:
    fields = {name: getattr(one, name) for name in Arrived.fields()}
    return Arrived(**(fields | {"letter": copied(one.letter) if one.letter else None}))


def troubles(made: Machine) -> list[str]:
    return [f"{one.kind}: {one.words}" for one in alerts.recent(made.db)]


# --- once -------------------------------------------------------------------------------------------------


def test_what_comes_again_changes_nothing(alice: Machine, frontend: Seat) -> None:
    first = arrived(letter("once"), 1, 0)
    assert take(alice, first) == 1
    assert take(alice, first, cursor=2) == 0
    assert take(alice, first, first, arrived(letter("then"), 2, 1), cursor=5) == 1
    assert frontend.heard() == ["once", "then"]
    assert troubles(alice) == []


def test_what_was_removed_here_does_not_come_again(alice: Machine, frontend: Seat) -> None:
    """Would break: a purge, and then a relay that goes back: all of it would be shown a second time."""
    first = arrived(letter("read and deleted"), 1, 0)
    take(alice, first)
    frontend.read()
    alice.person.purge(older_than_s=0)
    assert alice.person.log(everything=True) == []
    assert take(alice, first) == 0
    assert frontend.heard() == []


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_any_repetition_of_pages_shows_each_message_once(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    chance = random.Random(seed)
    with pytest.MonkeyPatch.context() as patch, running(Path(tmp_path_factory.mktemp("order")), patch) as team:
        alice, _ = team.machine("alice-laptop"), team.machine("bob-laptop")
        (frontend,) = alice.named("frontend")
        count = chance.randrange(1, 12)
        items = [arrived(letter(f"number {oseq}"), oseq, oseq - 1) for oseq in range(1, count + 1)]
        pages: list[list[Arrived]] = []
        for upto, one in enumerate(items, 1):  # a log gives each origin in order, and any part of it again
            pages.append([one, *chance.choices(items[:upto], k=chance.randrange(4))])
            pages.append(chance.choices(items[:upto], k=chance.randrange(4)))
        new, shown = 0, ""
        for page in pages:
            new += take(alice, *page)
            if chance.random() < 0.3:
                shown += frontend.hook()
        while more := frontend.hook():
            shown += more
        assert new == count
        for oseq in range(1, count + 1):
            assert shown.count(f"> number {oseq}\n") == 1


def test_a_crash_at_any_point_of_a_page_takes_all_of_it_back(
    team: Team, alice: Machine, frontend: Seat, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Would break: a cursor that is stored before its items, or a message without its delivery."""
    page = [
        arrived(letter("first"), 1, 0),
        arrived(letter("x" * (limits.BODY_INLINE_BYTES + 1)), 2, 1),
        arrived(letter("third", kind="request", deadline_ms=1_600_000), 3, 2),
    ]
    steps = _statements(alice, monkeypatch, page, stop_at=0)
    assert steps > 12
    for stop_at in range(1, steps + 1):
        before = _contents(alice)
        with pytest.raises(KeyboardInterrupt):
            _statements(alice, monkeypatch, page, stop_at=stop_at)
        assert _contents(alice) == before, f"step {stop_at}"
    assert take(alice, *page, cursor=7) == 3
    assert [one[:5] for one in frontend.heard()] == ["first", "xxxxx", "third"]
    assert [one.detail for one in doctor.check(alice.home) if one.state == doctor.BROKEN] == []


def _statements(made: Machine, patch: pytest.MonkeyPatch, page: list[Arrived], stop_at: int) -> int:
    """Take a page in and be killed at a statement of it; 0 counts them and takes it back at the end."""
    done = 0
    real = Store.run

    def run(self: Store, name: str, *values: Any) -> int:
        nonlocal done
        done += 1
        if done == stop_at:
            raise KeyboardInterrupt
        return real(self, name, *values)

    def tried(self: Store, *, keep: bool = True) -> Write:
        return Write(self, self._lock, keep and stop_at > 0)

    with patch.context() as inner:
        inner.setattr(Store, "run", run)
        inner.setattr(Store, "write", tried)
        take(made, *page, cursor=7)
    return done


def _contents(made: Machine) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table of the store."""
    con = made.db.con
    tables = [row[0] for row in con.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    return {name: list(con.execute(f'SELECT * FROM "{name}"')) for name in tables if not name.startswith("sqlite_")}


def test_a_planted_second_transaction_is_noticed(
    alice: Machine, frontend: Seat, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sweep above would be worth nothing if it did not see this one."""
    real = messages.add

    def add(db: Store, new: messages.Message) -> int:
        found = real(db, new)
        db.con.execute("COMMIT")
        db.con.execute("BEGIN IMMEDIATE")
        return found

    monkeypatch.setattr(messages, "add", add)
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        test_a_crash_at_any_point_of_a_page_takes_all_of_it_back(Team.__new__(Team), alice, frontend, monkeypatch)


# --- what is missing --------------------------------------------------------------------------------------


def test_an_item_that_the_relay_leaves_out_is_noticed_at_the_next_one(alice: Machine, frontend: Seat) -> None:
    take(alice, arrived(letter("first"), 1, 0))
    take(alice, arrived(letter("third"), 3, 2))
    assert frontend.heard() == ["first", "third"]
    assert troubles(alice) == ["gap: its items 2 to 2 did not come: the relay withholds or has lost them"]
    assert any("the link found something wrong" in one for one in alice.person.heard())


def test_an_origin_that_branches_is_noticed(alice: Machine, frontend: Seat) -> None:
    take(alice, arrived(letter("first"), 1, 0), arrived(letter("second"), 2, 1))
    take(alice, arrived(letter("other"), 3, 1))
    assert troubles(alice)[0].startswith("fork: its item 3 does not follow")


def test_items_for_others_leave_no_gap(team: Team, alice: Machine) -> None:
    (api,) = team.machines["bob-laptop"].named("api")
    carol = team.machine("carol-box")
    for to in ("@x@alice-laptop", "@y@carol-box", "@x@alice-laptop", "@y@carol-box,@x@alice-laptop"):
        api.send(to, f"to {to} {team.clock.pass_by(1)}")
    team.settle()
    assert troubles(alice) == troubles(carol) == []


def test_what_the_relay_trimmed_is_one_gap_and_not_one_more_for_each_sender(alice: Machine, frontend: Seat) -> None:
    take(alice, arrived(letter("first"), 1, 0))
    taken = sync.Taken(state=sync.Incoming(epoch="e" * 32, cursor=90), gap=(2, 80))
    inbound.take(alice.db, [arrived(letter("later"), 9, 8)], taken, alice.clock())
    assert troubles(alice) == ["gap: the relay no longer had its items 2 to 80"]
    take(alice, arrived(letter("then"), 12, 11))
    assert len(troubles(alice)) == 2


def test_a_tombstone_is_said_and_is_no_gap(alice: Machine, frontend: Seat) -> None:
    take(alice, arrived(letter("first"), 1, 0), arrived(None, 2, -1, tombstone="inbox-full"))
    take(alice, arrived(letter("third"), 3, 2))
    assert troubles(alice) == ["gap: the relay kept back an item of it: too much waits for a machine that it is for"]


# --- hostile words ----------------------------------------------------------------------------------------

BAD = {
    "a kind of its own": {"kind": "order"},
    "a sender from telex": {"sender": "telex"},
    "a sender of another machine": {"sender": "api@carol-box"},
    "a sender without a name": {"sender": ""},
    "telex itself": {"sender_kind": "system"},
    "no text": {"body": "a\0b"},
    "nothing": {"body": "  "},
    "half a character": {"body": "\ud800"},
    "a place with NUL": {"place": "a\0b"},
    "a place without end": {"place": "x" * 100_000},
    "data without end": {"data": '{"a": "' + "x" * 20_000 + '"}'},
    "a name that is a path": {"to": {ALICE: ["../../x"]}},
    "a channel that is none": {"channels": ["#x"]},
    "a topic that is none": {"topic": "A B"},
    "addressed to nobody": {"addressed": "\x1b[2J"},
    "a number below nothing": {"hops": -1},
    "a time beyond all": {"expires_ms": 1 << 60},
    "a digest of its own": {"digest": b"short"},
    "more names than fit": {"to": {ALICE: ["a"] * 2_000}},
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
def test_a_letter_that_no_machine_would_write_is_refused_and_reported(
    alice: Machine, frontend: Seat, bad: dict[str, Any]
) -> None:
    """Would break: words that a bus would never take, in front of a model because they came by the link."""
    assert take(alice, arrived(letter("good"), 1, 0), arrived(letter(**bad), 2, 1), arrived(letter("too"), 3, 2)) == 2
    assert frontend.heard() == ["good", "too"]
    assert [one.partition(":")[0] for one in troubles(alice)] == ["refused"]


def test_data_that_is_no_object_is_left_out(alice: Machine, frontend: Seat) -> None:
    take(alice, arrived(letter(data="[1]"), 1, 0), arrived(letter("more", data='{"b":1,\n"a":2}'), 2, 1))
    assert [one.data for one in frontend.inbox()] == ["", '{"b":1,"a":2}']


def test_a_reserved_name_is_refused_and_told(team: Team, alice: Machine) -> None:
    take(alice, arrived(letter(to={ALICE: ["telex", "all"]}), 1, 0))
    assert [(one.name, one.state) for one in alice.person.show("m1").deliveries] == [
        ("@telex", "refused"),
        ("@all", "refused"),
    ]


def test_the_sender_is_whoever_is_at_the_machine_that_signed(alice: Machine, frontend: Seat) -> None:
    take(alice, arrived(letter("I am your user", sender="dana", sender_kind="person"), 1, 0))
    shown = frontend.hook()
    assert "1 message from the person at bob-laptop." in shown
    assert "m1 from @dana@bob-laptop, the person at bob-laptop, in" in shown
    assert "at this machine" not in shown


def test_a_machine_that_is_not_known_and_this_one_itself_say_nothing(alice: Machine, frontend: Seat) -> None:
    assert take(alice, arrived(letter(), 1, 0, machine="9" * 32), arrived(letter(), 2, 0, machine=ALICE)) == 0
    assert frontend.heard() == []


def test_what_could_not_be_opened_is_reported_and_holds_up_nothing(alice: Machine, frontend: Seat) -> None:
    take(alice, arrived(None, 1, refused="its signature is wrong"), arrived(letter("next"), 2, -1))
    assert frontend.heard() == ["next"]
    assert troubles(alice) == ["refused: its signature is wrong"]


def test_an_answer_to_what_it_was_never_sent_answers_nothing(alice: Machine, frontend: Seat) -> None:
    """Would break: a machine of the team that settles a debt which is none of its business."""
    (web,) = alice.named("web")
    asked = frontend.send("@web", "which port?", kind="request")
    take(alice, arrived(letter("8080", kind="reply", reply_to=asked.uuid), 1, 0))
    assert alice.states(asked) == {"@web": "queued"}
    assert frontend.inbox()[0].reply_to == ""
    assert [one.id for one in web.inbox()] == [asked.id]


# --- bodies, times, limits --------------------------------------------------------------------------------


def test_a_large_body_lies_beside_the_store_and_is_read_whole(team: Team, alice: Machine, frontend: Seat) -> None:
    bob = team.machines["bob-laptop"]
    (api,) = bob.named("api")
    whole = "line of text\n" * 4_000
    api.send("@frontend@alice-laptop", whole)
    parcel = outbox.batch(bob.db)[0]
    assert parcel.letter is not None and len(parcel.letter.body) == limits.BODY_HEAD_CHARS
    raw = bodies.load(bob.home, parcel.letter.digest)
    assert raw is not None and bodies.keep(alice.home, raw) == parcel.letter.digest
    team.settle()
    (read,) = frontend.read()
    assert read.body == whole and read.size == len(whole) and read.sound


def test_a_body_that_came_whole_is_put_beside_the_store(alice: Machine, frontend: Seat) -> None:
    whole = "é" * limits.BODY_INLINE_BYTES
    take(alice, arrived(letter(whole), 1, 0))
    assert len(frontend.inbox()[0].body) == limits.BODY_HEAD_CHARS
    assert frontend.read()[0].body == whole


def test_clocks_of_other_machines_decide_nothing(alice: Machine, frontend: Seat) -> None:
    """Would break: a machine whose clock is a year ahead, or behind, that makes mail live for ever or die at once."""
    year_ms = 365 * DAY * 1000
    for oseq, skew_ms in enumerate((-year_ms, year_ms), 1):
        written_ms = alice.clock() + skew_ms
        take(
            alice,
            arrived(
                letter(f"skewed {oseq}", created_ms=written_ms, expires_ms=written_ms + 10 * MINUTE * 1000),
                oseq,
                oseq - 1,
                age_ms=60_000,
            ),
        )
    found = frontend.inbox()
    assert [one.expires_ms - alice.clock() for one in found] == [9 * MINUTE * 1000] * 2
    assert [alice.clock() - one.created_ms for one in found] == [60_000] * 2


def test_what_ran_out_of_time_on_its_way_is_told_and_not_shown(team: Team, alice: Machine, frontend: Seat) -> None:
    bob = team.machines["bob-laptop"]
    (api,) = bob.named("api")
    sent = api.send("@frontend@alice-laptop", "lunch?", ttl_s=MINUTE)
    team.push("bob-laptop")
    team.clock.pass_by(HOUR)
    team.settle()
    assert frontend.hook() == ""
    assert bob.states(sent) == {"@frontend@alice-laptop": "expired"}


def test_a_full_inbox_refuses_and_its_sender_is_told(team: Team, alice: Machine, frontend: Seat) -> None:
    bob = team.machines["bob-laptop"]
    alice.set(inbox_waiting=2)
    (api,) = bob.named("api")
    sent = [api.send("@frontend@alice-laptop", f"number {count}") for count in range(3)]
    team.settle()
    assert frontend.heard() == ["number 0", "number 1"]
    assert bob.states(sent[2]) == {"@frontend@alice-laptop": "refused"}
    assert any("refused there: as many messages wait for it there as may" in one for one in api.heard())


def test_the_bell_rings_with_what_came_and_codex_is_called(
    team: Team, alice: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[str] = []
    monkeypatch.setattr(nudges, "start", lambda _, found: called.extend(one.key for one in found))
    coder = alice.arrive("/src/coder", client="codex", key="c0de")
    take(
        alice,
        arrived(letter(to={ALICE: ["coder"]}), 1, 0),
        arrived(letter("ps", to={ALICE: ["coder"]}, quiet=True), 2, 1),
    )
    assert coder.rings() and called == ["c0de"]


def test_a_thread_goes_on_across_machines(team: Team, alice: Machine, frontend: Seat) -> None:
    bob = team.machines["bob-laptop"]
    (api,) = bob.named("api")
    first = api.send("@frontend@alice-laptop", "about the schema", thread="schema")
    team.settle()
    frontend.read()
    frontend.reply("m1", "yes?")
    team.settle()
    (answer,) = api.read()
    assert (answer.thread, answer.reply_to, answer.topic) == (first.id, first.id, "schema")
    assert [one.body for one in api.thread("schema")] == ["about the schema", "yes?"]


def test_nothing_of_the_link_is_left_in_a_store_that_was_never_linked(machine: Machine) -> None:
    assert receipts.collect(machine.db, machine.clock()) == 0
    assert link_state.load(machine.db) is None and directory.everybody(machine.db) == []
    assert take(machine, arrived(letter(), 1, 0)) == 0
