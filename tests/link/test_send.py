"""What a send to another machine leaves behind, and what its sender is told."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.link.courier import Team, number
from tests.support.machine import DAY, HOUR, MINUTE, Machine

from telex import doctor, limits
from telex.core import sync
from telex.db.connection import Store, Write
from telex.errors import CoolingDown, InboxFull, Repeated, TooManyHops
from telex.fs import bells
from telex.mail import addresses
from telex.team import link_state, outbox


def linked(made: Machine) -> link_state.Link:
    found = link_state.load(made.db)
    assert found is not None
    return found


def test_each_state_on_the_way_is_said_and_none_too_early(team: Team, alice: Machine, bob: Machine) -> None:
    """Would break: 'at the relay' or 'on its machine' before that is so."""
    (api,), (frontend,) = bob.named("api"), alice.named("frontend")
    team.tell_rosters()
    sent = api.send("@frontend@alice-laptop", "the schema moved")
    where = "@frontend@alice-laptop"
    assert [one.note for one in sent.recipients] == ["waits here for the relay; idle there now"]
    assert bells.rings(bob.home, link_state.BELL)
    assert bob.reason(sent, where) == "waits here for the relay"
    team.push("bob-laptop")
    assert bob.reason(sent, where) == "at the relay"
    assert outbox.waiting(bob.db) == 0 and not bells.rings(bob.home, link_state.BELL)
    assert team.pull("alice-laptop") == 1
    assert frontend.heard() == ["the schema moved"] and frontend.rings()
    assert bob.reason(sent, where) == "at the relay"
    team.settle()
    assert bob.reason(sent, where) == "on its machine"
    assert "m1 from @api@bob-laptop (claude" in frontend.hook()
    team.settle()
    assert bob.states(sent) == {where: "shown"} and bob.reason(sent, where) == ""
    frontend.done("m1")
    team.settle()
    assert bob.states(sent) == {where: "done"}


def test_offline_for_a_day_everything_comes_once_and_in_order(team: Team, alice: Machine, bob: Machine) -> None:
    (api,), (frontend,) = bob.named("api"), alice.named("frontend")
    for count in range(300):
        team.clock.pass_by(1)
        api.send("@frontend@alice-laptop", f"number {count}")
    team.clock.pass_by(DAY)
    team.settle()
    assert frontend.heard() == [f"number {count}" for count in range(300)]


def test_a_message_to_both_sides_is_one_message(team: Team, alice: Machine, bob: Machine) -> None:
    (api, web), (frontend,) = bob.named("api", "web"), alice.named("frontend")
    sent = api.send("@web,@frontend@alice-laptop", "to you both")
    assert web.heard() == ["to you both"] and not frontend.heard()
    team.settle()
    assert frontend.heard() == ["to you both"]
    assert web.inbox()[0].uuid == frontend.inbox()[0].uuid == sent.uuid
    assert frontend.inbox()[0].to == "@web@bob-laptop,@frontend"


def test_what_expires_before_it_left_is_not_sent_any_more(team: Team, alice: Machine, bob: Machine) -> None:
    (api,), (frontend,) = bob.named("api"), alice.named("frontend")
    sent = api.send("@frontend@alice-laptop", "lunch?", ttl_s=10 * MINUTE)
    team.clock.pass_by(HOUR)
    api.send("@frontend@alice-laptop", "later")
    assert bob.states(sent) == {"@frontend@alice-laptop": "expired"}
    assert [one.letter and one.letter.body for one in outbox.batch(bob.db)] == [None, "later"]
    team.settle()
    assert frontend.heard() == ["later"]
    assert linked(bob).oseq == 2  # its number is not missing


def test_what_is_on_its_way_expires_there(team: Team, alice: Machine, bob: Machine) -> None:
    """Would break: a sender that is told of an expiry while the message is being shown."""
    (api,), (frontend,) = bob.named("api"), alice.named("frontend")
    sent = api.send("@frontend@alice-laptop", "lunch?", ttl_s=10 * MINUTE)
    team.push("bob-laptop")
    team.clock.pass_by(HOUR)
    api.send("@frontend@alice-laptop", "later")
    assert bob.states(sent) == {"@frontend@alice-laptop": "queued"}
    team.settle()
    assert frontend.heard() == ["later"]
    assert bob.states(sent) == {"@frontend@alice-laptop": "expired"}


def test_an_item_that_the_relay_does_not_take_is_told_and_holds_up_no_other(
    team: Team, alice: Machine, bob: Machine
) -> None:
    (api,), (frontend,) = bob.named("api"), alice.named("frontend")
    first = api.send("@frontend@alice-laptop", "too much")
    api.send("@frontend@alice-laptop", "fine")
    team.refuses[outbox.batch(bob.db)[0].uuid] = "inbox-full"
    team.settle()
    assert frontend.heard() == ["fine"]
    assert bob.states(first) == {"@frontend@alice-laptop": "refused"}
    assert bob.reason(first, "@frontend@alice-laptop") == "not sent: too much waits for a machine that it is for"
    assert any(f"{first.id} did not reach @frontend@alice-laptop: it was not sent" in one for one in api.heard())
    assert any(
        "the relay kept back an item of it: too much waits for a machine that it is for" in one
        for one in alice.person.heard()
    )


def test_a_relay_that_went_back_is_offered_again_what_it_lacks(team: Team, alice: Machine, bob: Machine) -> None:
    (api,), (frontend,) = bob.named("api"), alice.named("frontend")
    sent = [api.send("@frontend@alice-laptop", f"number {count}") for count in range(3)]
    team.push("bob-laptop")
    del team.log[1:]
    team.epoch = "f" * 32
    team.pull("bob-laptop")
    assert [bob.reason(one, "@frontend@alice-laptop") for one in sent][2] == "waits here for the relay"
    team.push("bob-laptop")
    assert bob.reason(sent[1], "@frontend@alice-laptop") == "waits here for the relay"
    team.settle()
    assert frontend.heard() == ["number 0", "number 1", "number 2"]
    assert not alice.person.heard()


def test_a_wiped_relay_gets_everything_that_is_kept_and_nobody_sees_it_twice(
    team: Team, alice: Machine, bob: Machine
) -> None:
    (api,), (frontend,) = bob.named("api"), alice.named("frontend")
    for count in range(3):
        api.send("@frontend@alice-laptop", f"number {count}")
    team.settle()
    frontend.hook()
    team.settle()
    team.log.clear()
    team.epoch = "f" * 32
    api.send("@frontend@alice-laptop", "number 3")
    team.settle()
    assert frontend.heard() == ["number 3"]


def test_an_outbox_that_lost_its_oldest_takes_a_new_origin(team: Team, alice: Machine, bob: Machine) -> None:
    (api,), (frontend,) = bob.named("api"), alice.named("frontend")
    before = linked(bob).origin
    api.send("@frontend@alice-laptop", "old")
    team.settle()
    team.clock.pass_by((limits.OUTBOX_KEEP_DAYS + 1) * DAY)
    api.send("@frontend@alice-laptop", "kept")
    team.settle()
    assert bob.db.value("outbox.first") == 2
    team.log.clear()
    team.epoch = "f" * 32
    api.send("@frontend@alice-laptop", "new")
    team.settle()
    assert linked(bob).origin != before
    assert frontend.heard() == ["old", "kept", "new"]


def test_a_new_origin_numbers_everything_anew_and_says_that_it_waits_here(
    team: Team, alice: Machine, bob: Machine
) -> None:
    """Would break: 'at the relay' of what a wiped relay has no more, or a gap that every other machine is told of."""
    carol = number(team.machine("carol-box").home.rpartition("/")[2])
    (api,) = bob.named("api")
    sent = [api.send(to, f"to {to} {count}") for count, to in enumerate(["@x@alice-laptop", "@y@carol-box"] * 2)]
    team.push("bob-laptop")
    assert bob.reason(sent[3], "@y@carol-box") == "at the relay"
    with bob.db.write():
        bob.db.run("outbox.forget", 2, 1 << 60, 1)
        outbox.renew(bob.db, team.clock())
    assert bob.reason(sent[3], "@y@carol-box") == "waits here for the relay"
    offered = outbox.batch(bob.db)
    assert [(one.oseq, one.after) for one in offered] == [
        (1, {carol: 0}),
        (2, {number("alice-laptop"): 0}),
        (3, {carol: 1}),
    ]


def test_a_store_that_was_put_back_does_not_use_its_numbers_again(team: Team, alice: Machine, bob: Machine) -> None:
    """Would break: the message after a restore, which the relay takes for one that it has."""
    (api,), (frontend,) = bob.named("api"), alice.named("frontend")
    api.send("@frontend@alice-laptop", "before the backup")
    team.settle()
    origin = linked(bob).origin
    row = bob.db.row("outbox.one", 1)
    api.send("@frontend@alice-laptop", "lost with the disk")
    team.settle()
    with bob.db.write():  # the disk as it was when the backup was made
        bob.db.run("link.set_oseq", 1)
        bob.db.run("outbox.forget", 3, 1 << 60, 10)
        assert row is not None
        bob.db.run("outbox.add", *row[:6])
        bob.db.run("link.set_at_relay", 1)
    api.send("@frontend@alice-laptop", "after the restore")
    team.settle()
    assert linked(bob).origin != origin
    assert frontend.heard() == ["before the backup", "lost with the disk", "after the restore"]


def test_an_answer_about_an_origin_that_was_given_up_counts_for_nothing(
    team: Team, alice: Machine, bob: Machine
) -> None:
    """Would break: numbers of the new origin that count as sent because the old one had as many."""
    (api,), (frontend,) = bob.named("api"), alice.named("frontend")
    for count in range(2):
        api.send("@frontend@alice-laptop", f"number {count}")
    before = linked(bob).origin
    with bob.db.write():
        outbox.renew(bob.db, team.clock())
    outbox.offered(bob.db, before, sync.Offered(at_relay=2, renew=False), [], team.clock(), team.clock())
    assert outbox.waiting(bob.db) == 2
    team.settle()
    assert frontend.heard() == ["number 0", "number 1"]


def test_an_older_copy_of_the_store_is_noticed_by_the_next_send(team: Team, alice: Machine, bob: Machine) -> None:
    """Would break: the first item after a restore, under a number that the relay knows for another one."""
    (frontend,) = alice.named("frontend")
    api = bob.arrive("/src/api", key="k")
    api.send("@frontend@alice-laptop", "before the backup")
    team.settle()
    backup, origin = doctor._backup(bob.db), linked(bob).origin
    api.send("@frontend@alice-laptop", "lost with the disk")
    team.settle()
    bob.db.close()
    for tail in ("-wal", "-shm"):
        os.unlink(f"{bob.home}/telex.db{tail}")
    os.replace(backup, f"{bob.home}/telex.db")
    bob.db = Store(bob.home)
    api = bob.arrive("/src/api", key="k")
    api.send("@frontend@alice-laptop", "after the restore")
    assert linked(bob).origin != origin
    team.settle()
    assert frontend.heard() == ["before the backup", "lost with the disk", "after the restore"]


def test_a_saved_store_takes_a_new_origin_and_offers_what_waited(team: Team, alice: Machine, bob: Machine) -> None:
    (api,), (frontend,) = bob.named("api"), alice.named("frontend")
    api.send("@frontend@alice-laptop", "had already")
    team.settle()
    api.send("@frontend@alice-laptop", "waits")
    origin = linked(bob).origin
    doctor._save(bob.home)
    bob.db.close()
    bob.db = Store(bob.home)
    assert linked(bob).origin != origin and outbox.waiting(bob.db) == 2
    team.settle()
    assert frontend.heard() == ["had already", "waits"]
    assert [one.state for one in doctor.check(bob.home)].count("broken") == 0


def test_limits_count_for_other_machines_too(team: Team, alice: Machine, bob: Machine) -> None:
    (api,), _ = bob.named("api"), alice.named("frontend")
    team.tell_rosters()
    api.send("@frontend", "the same words")
    with pytest.raises(Repeated):
        api.send("@frontend@alice-laptop", "the same words")
    bob.set(inbox_waiting=2)
    api.send("@frontend", "one more")
    with pytest.raises(InboxFull):
        api.send("@frontend", "one too many")


def test_hops_go_on_from_machine_to_machine(team: Team, alice: Machine, bob: Machine) -> None:
    """Would break: a chain of agents that is endless because it crosses machines."""
    carol = team.machine("carol-box")
    (api,), (frontend,), (db,) = bob.named("api"), alice.named("frontend"), carol.named("db")
    line = [(api, "@frontend@alice-laptop"), (frontend, "@db@carol-box"), (db, "@api@bob-laptop")]
    with pytest.raises(TooManyHops):
        for turn in range(20):
            seat, to = line[turn % 3]
            seat.send(to, f"pass it on {turn}")
            team.settle()
            seat, _ = line[(turn + 1) % 3]
            seat.hook()
            team.clock.pass_by(1)
    assert turn == limits.HOPS_MOST + 1


def test_two_agents_at_two_machines_have_one_budget(team: Team, alice: Machine, bob: Machine) -> None:
    """Would break: a loop of two that each side counts by halves."""
    (api,), (frontend,) = bob.named("api"), alice.named("frontend")
    api.send("@frontend@alice-laptop", "ping 0")
    said = 0
    seats = [frontend, api]
    with pytest.raises(CoolingDown):
        while said < 3 * limits.PAIR_REPLIES:
            team.settle()
            seat = seats[said % 2]
            newest = seat.inbox(most=100)[-1]
            seat.read()
            seat.reply(newest.id, f"answer {said}")
            said += 1
            team.clock.pass_by(1)
    assert said == limits.PAIR_REPLIES


def test_a_persons_word_ends_the_rest_where_the_person_is_and_nowhere_else(
    team: Team, alice: Machine, bob: Machine
) -> None:
    """Would break: a machine that says of its person what it likes, and so lifts every limit of this one."""
    (api,), (frontend,) = bob.named("api"), alice.named("frontend")
    bob.set(pair_replies=1)
    alice.set(pair_replies=1)
    api.send("@frontend@alice-laptop", "ping")
    team.settle()
    team.clock.pass_by(1)
    frontend.reply("m1", "pong")
    team.settle()
    newest = api.inbox()[-1]
    with pytest.raises(CoolingDown):
        api.reply(newest.id, "ping again")
    team.clock.pass_by(1)
    alice.person.send("@frontend", "go on, you two")
    alice.person.send("@api@bob-laptop", "go on, you too")
    team.clock.pass_by(1)
    frontend.send("@api@bob-laptop", "my user says we may")
    team.settle()
    team.clock.pass_by(1)
    with pytest.raises(CoolingDown):
        api.reply(newest.id, "good")
    bob.person.send("@api", "go on")
    team.clock.pass_by(1)
    assert api.reply(newest.id, "good").recipients[0].state == "queued"


def test_a_send_of_a_machine_without_a_team_asks_one_thing_more(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Would break: everybody paying for what they do not use."""
    api, web = machine.named("api", "web")
    api.send(web.at, "warm")
    asked: list[str] = []

    def watch(name: str) -> None:
        real = getattr(Store, name)

        def ask(self: Store, query: str, *values: object) -> Any:
            asked.append(query)
            return real(self, query, *values)

        monkeypatch.setattr(Store, name, ask)

    for name in ("row", "rows", "run"):  # `value` asks by `row`
        watch(name)
    api.send(web.at, "counted")
    assert asked.count("people.linked") == 1
    assert [
        one for one in asked if one.partition(".")[0] in ("link", "outbox", "rosters", "receipts", "arrivals")
    ] == []


def test_the_number_and_the_message_are_stored_together_or_not_at_all(
    team: Team, alice: Machine, bob: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Would break: a message that is stored, called sent, and never leaves."""
    (api,) = bob.named("api")
    real = Write.__exit__

    def fail(self: Write, *problem: object) -> None:
        real(self, OSError, OSError("the power went"), None)

    with monkeypatch.context() as patch:
        patch.setattr(Write, "__exit__", fail)
        api.send("@frontend@alice-laptop", "never stored")
    assert outbox.waiting(bob.db) == 0 and linked(bob).oseq == 0
    assert api.log() == []
    api.send("@frontend@alice-laptop", "stored")
    assert [one.oseq for one in outbox.batch(bob.db)] == [1]


def test_leaving_the_team_closes_what_waits_and_says_so(team: Team, alice: Machine, bob: Machine) -> None:
    (api,) = bob.named("api")
    sent = api.send("@frontend@alice-laptop", "too late")
    with bob.db.write():
        link_state.drop(bob.db, team.clock())
    assert bob.states(sent) == {"@frontend@alice-laptop": "dead"}
    assert bob.reason(sent, "@frontend@alice-laptop") == link_state.LEFT
    assert any(f"{sent.id} did not reach" in one for one in api.heard())
    assert not addresses.linked(bob.db) and not bells.rings(bob.home, link_state.BELL)


def test_a_purged_message_leaves_an_item_without_content(team: Team, alice: Machine, bob: Machine) -> None:
    (api,), (frontend,) = bob.named("api"), alice.named("frontend")
    api.send("@frontend@alice-laptop", "a secret that went out by mistake")
    bob.person.purge(older_than_s=0, open_too=True)
    api.send("@frontend@alice-laptop", "never mind")
    first, second = outbox.batch(bob.db)
    assert (first.letter, list(first.receipts)) == (None, [])
    assert second.letter is not None and second.after == {number("alice-laptop"): 1}
    team.settle()
    assert frontend.heard() == ["never mind"]
    assert not alice.person.heard()


def test_what_is_sealed_says_nothing_of_the_store(team: Team, alice: Machine, bob: Machine) -> None:
    (api,), _ = bob.named("api"), alice.named("frontend")
    team.tell_rosters()
    api.send("@frontend", "hello", data='{"pr": 12}', thread="release")
    parcel = outbox.batch(bob.db)[0]
    assert parcel.letter is not None
    told = parcel.letter.as_dict()
    assert told["addressed"] == "@frontend@alice-laptop" and told["sender"] == "api"
    assert told["to"] == {number("alice-laptop"): ["frontend"]} and told["topic"] == "release"
    assert bob.home not in json.dumps({name: str(value) for name, value in told.items()})


def test_a_state_that_is_not_known_moves_nothing(team: Team, alice: Machine, bob: Machine) -> None:
    """Would break: an answer of the relay that is believed beyond what was ever given out."""
    (api,), _ = bob.named("api"), alice.named("frontend")
    api.send("@frontend@alice-laptop", "hello")
    now = sync.pushed(outbox.state(bob.db), "another epoch", 5, False, 1)
    outbox.offered(bob.db, linked(bob).origin, now, [], team.clock(), team.clock())
    assert outbox.waiting(bob.db) == 1


_WORD = st.text("abcdefghijklmnopqrstuvwxyz0123456789._-", max_size=20)
_PLAIN = st.recursive(
    st.booleans() | st.integers() | _WORD,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_WORD, inner, max_size=4),
    max_leaves=20,
)


@given(_PLAIN)
def test_a_route_is_written_as_the_json_module_would(value: object) -> None:
    assert outbox.plain_json(value) == json.dumps(value)


@pytest.mark.parametrize("text", ['a"', "a\\", "a\n", "é", "a b", "A"])
def test_a_text_that_would_need_an_escape_is_no_part_of_a_route(text: str) -> None:
    for value in (text, [text], {text: 1}, {"a": [text]}):
        with pytest.raises(ValueError, match="neither an id nor a name"):
            outbox.plain_json(value)
