"""Requests and replies across machines: owed on both sides, settled on both, and nobody left without a word."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from tests.link.courier import Team
from tests.support.machine import HOUR, MINUTE, Machine, Seat

from telex.bus import Bus
from telex.db.connection import Store
from telex.errors import NoAnswerWanted


def owed(made: Machine) -> list[tuple[int, ...]]:
    return list(made.db.con.execute("SELECT message, told FROM owed ORDER BY message"))


def test_a_reply_settles_the_debt_on_both_sides(
    team: Team, alice: Machine, bob: Machine, api: Seat, frontend: Seat
) -> None:
    asked = api.send("@frontend@alice-laptop", "which port?", kind="request")
    team.settle()
    assert owed(bob) == owed(alice) == [(1, 0)]
    shown = frontend.hook()
    assert "which port?" in shown and ": telex reply m1 '…'" in shown
    sent = frontend.reply("m1", "5173")
    assert sent.recipients[0].name == "@api@bob-laptop"
    assert owed(alice) == []
    team.settle()
    assert owed(bob) == []
    assert bob.states(asked) == {"@frontend@alice-laptop": "read"}
    (answer,) = api.read()
    assert (answer.body, answer.reply_to, answer.sender) == ("5173", asked.id, "@frontend@alice-laptop")
    assert api.show(asked.id).replies == [answer.id]


def test_done_settles_it_too(team: Team, alice: Machine, bob: Machine, api: Seat, frontend: Seat) -> None:
    api.send("@frontend@alice-laptop", "please look", kind="request")
    team.settle()
    frontend.read()
    frontend.done("m1")
    team.settle()
    assert owed(bob) == owed(alice) == []


def test_an_answer_reaches_whoever_asked_also_after_a_rename(
    team: Team, bob: Machine, api: Seat, frontend: Seat
) -> None:
    """Would break: an answer that waits for ever at the name that its asker had a day ago."""
    api.send("@frontend@alice-laptop", "which port?", kind="request")
    team.settle()
    frontend.read()
    api.rename("backend")
    team.clock.pass_by(25 * HOUR)
    frontend.reply("m1", "5173")
    team.settle()
    assert "5173" in api.heard()


def test_the_asker_is_told_when_the_other_goes_idle_or_ends_without_a_reply(
    team: Team, alice: Machine, bob: Machine, api: Seat, frontend: Seat
) -> None:
    asked = api.send("@frontend@alice-laptop", "which port?", kind="request")
    team.settle()
    frontend.marks("p")
    frontend.hook()
    assert frontend.stop() and not frontend.stop()
    team.settle()
    team.settle()
    assert api.heard().count(f"no reply from @frontend@alice-laptop to your request {asked.id}: it went idle") == 1
    assert bob.states(asked) == {"@frontend@alice-laptop": "read"}
    again = api.send("@frontend@alice-laptop", "and which host?", kind="request")
    team.settle()
    frontend.quit()
    team.settle()
    assert f"no reply from @frontend@alice-laptop to your request {again.id}: its session ended" in api.heard()


def test_a_deadline_is_told_by_the_askers_own_machine_once(
    team: Team, alice: Machine, bob: Machine, api: Seat, frontend: Seat
) -> None:
    asked = api.send("@frontend@alice-laptop", "which port?", kind="request", deadline_s=MINUTE)
    team.push("bob-laptop")
    team.clock.pass_by(HOUR)
    api.send("@nobody", "a write that sweeps")
    told = f"no reply from @frontend@alice-laptop to your request {asked.id}: its deadline has passed"
    assert api.heard().count(told) == 1
    team.settle()
    team.clock.pass_by(1)
    team.settle()
    assert api.heard().count(told) == 1
    assert not [one for one in frontend.heard() if "deadline" in one]
    frontend.send("@nobody", "a write that sweeps here too")
    assert not [one for one in alice.person.log(everything=True) if one.sender_kind == "system"]


def test_a_late_answer_still_comes(team: Team, alice: Machine, bob: Machine, api: Seat, frontend: Seat) -> None:
    api.send("@frontend@alice-laptop", "which port?", kind="request", deadline_s=MINUTE)
    team.settle()
    team.clock.pass_by(HOUR)
    frontend.read()
    frontend.reply("m1", "5173, sorry")
    team.settle()
    assert "5173, sorry" in api.heard()


def test_one_answer_is_enough_for_a_request_to_a_channel(
    team: Team, alice: Machine, bob: Machine, api: Seat, frontend: Seat
) -> None:
    (web,) = alice.named("web")
    for seat in (frontend, web):
        seat.join("#room")
    team.tell_rosters()
    api.send("#room", "who has the key?", kind="request")
    team.settle()
    assert len(owed(bob)) == 2
    web.read()
    web.reply("m1", "I have")
    team.settle()
    assert owed(bob) == []


def test_acks_and_notices_are_not_answered_at_other_machines_either(team: Team, api: Seat, frontend: Seat) -> None:
    api.send("@frontend@alice-laptop", "got it", kind="ack")
    team.settle()
    with pytest.raises(NoAnswerWanted):
        frontend.reply("m1", "thanks")


def test_a_machine_that_is_put_out_of_the_team_leaves_no_request_open_for_ever(
    team: Team, alice: Machine, bob: Machine, api: Seat, frontend: Seat
) -> None:
    from telex.team import directory

    asked = api.send("@frontend@alice-laptop", "which port?", kind="request")
    team.push("bob-laptop")
    with bob.db.write():
        directory.forget(bob.db, bob.db.value("rosters.machine_named", "alice-laptop"), team.clock())
    assert owed(bob) == []
    assert bob.states(asked) == {"@frontend@alice-laptop": "dead"}


# --- waiting ----------------------------------------------------------------------------------------------


def beside(made: Machine, seat: Seat, doing: Callable[[Bus], object]) -> tuple[threading.Thread, list[object]]:
    """Something that waits, at a seat of its own beside the test."""
    found: list[object] = []
    place = seat.me

    def run() -> None:
        with Bus(Store(made.home), clock=made.clock) as bus:
            found.append(doing(bus.acting(place)))

    waiting = threading.Thread(target=run)
    waiting.start()
    return waiting, found


def test_ask_prints_the_answer_of_another_machine(
    team: Team, alice: Machine, bob: Machine, api: Seat, frontend: Seat
) -> None:
    waiting, found = beside(bob, api, lambda bus: bus.ask("@frontend@alice-laptop", "which port?", timeout_s=60).body)
    while not frontend.heard():
        team.settle()
    frontend.read()
    frontend.reply("m1", "5173")
    team.settle()
    waiting.join(60)
    assert found == ["5173"]


def test_wait_from_a_name_at_a_machine_wakes_for_that_one_only(
    team: Team, alice: Machine, bob: Machine, api: Seat, frontend: Seat
) -> None:
    (web,) = bob.named("web")
    waiting, found = beside(
        bob, api, lambda bus: [one.body for one in bus.wait(sender="@frontend@alice-laptop", timeout_s=60)]
    )
    web.send("@api", "not from there")
    frontend.send("@api@bob-laptop", "from there")
    team.settle()
    waiting.join(60)
    assert found == [["from there"]]


def test_log_with_a_name_at_a_machine(team: Team, api: Seat, frontend: Seat) -> None:
    api.send("@frontend@alice-laptop", "one")
    team.settle()
    team.clock.pass_by(1)
    frontend.send("@api@bob-laptop", "two")
    team.settle()
    api.send("@nobody", "something else")
    assert [one.body for one in api.log(partner="@frontend@alice-laptop")] == ["two", "one"]
    assert [one.body for one in frontend.log(partner="@api@bob-laptop")] == ["two", "one"]
