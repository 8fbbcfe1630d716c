"""Channels that span machines, and everybody in the team."""

from __future__ import annotations

import pytest
from tests.link.courier import Team, number
from tests.support.machine import Machine

from telex import limits
from telex.errors import NobodyThere
from telex.errors.between import NotLinked, OwnersOnly
from telex.team import alerts, outbox


def test_sessions_of_one_feature_meet_in_its_channel_whatever_machine_they_are_at(
    team: Team, alice: Machine, bob: Machine
) -> None:
    one = alice.arrive("/src/shop", title="feature-auth")
    two, three = bob.arrive("/home/bob/shop", title="feature-auth"), bob.arrive("/home/bob/other")
    team.tell_rosters()
    sent = one.send("#feature-auth", "I took the login page")
    assert [one.name for one in sent.recipients] == ["@feature-auth@bob-laptop"]
    team.settle()
    assert two.heard() == ["I took the login page"] and not three.heard()
    assert two.inbox()[0].to == "#feature-auth"
    assert "to #feature-auth: note" in two.hook()
    team.settle()
    assert alice.states(sent) == {"@feature-auth@bob-laptop": "shown"}
    assert [one.body for one in two.log(partner="#feature-auth")] == ["I took the login page"]
    listed = {one.name: one.members for one in one.channels()}
    assert listed["#feature-auth"] == ["@feature-auth", "@feature-auth@bob-laptop"]


def test_a_member_who_comes_while_it_is_on_its_way_gets_it_and_is_told_of(
    team: Team, alice: Machine, bob: Machine
) -> None:
    (api, web), (frontend,) = bob.named("api", "web"), alice.named("frontend")
    api.join("#room")
    team.tell_rosters()
    sent = frontend.send("#room", "lunch")
    team.push("alice-laptop")
    web.join("#room")
    team.settle()
    assert web.heard() == api.heard() == ["lunch"]
    assert set(alice.states(sent)) == {"@api@bob-laptop", "@web@bob-laptop"}
    web.read()
    team.settle()
    assert alice.states(sent)["@web@bob-laptop"] == "read"


def test_a_member_who_left_while_it_was_on_its_way_is_said(team: Team, alice: Machine, bob: Machine) -> None:
    """Would break: a delivery that stays 'at the relay' for ever, because nobody there is it any more."""
    (api, web), (frontend,) = bob.named("api", "web"), alice.named("frontend")
    for seat in (api, web):
        seat.join("#room")
    team.tell_rosters()
    sent = frontend.send("#room", "lunch")
    web.leave("#room")
    team.settle()
    assert api.heard() == ["lunch"] and not web.heard()
    assert alice.states(sent) == {"@api@bob-laptop": "queued", "@web@bob-laptop": "refused"}
    assert "nobody there is in it any more" in alice.reason(sent, "@web@bob-laptop")


def test_who_is_kept_from_it_by_a_limit_does_not_get_it_by_the_channel(
    team: Team, alice: Machine, bob: Machine
) -> None:
    (api, web), (frontend,) = bob.named("api", "web"), alice.named("frontend")
    for seat in (api, web):
        seat.join("#room")
    team.tell_rosters()
    frontend.send("@web@bob-laptop", "the very same words")
    sent = frontend.send("#room", "the very same words")
    assert {one.name: one.state for one in sent.recipients}["@web@bob-laptop"] == "refused"
    team.settle()
    assert api.heard() == ["the very same words"] and web.heard() == ["the very same words"]
    assert alice.states(sent) == {"@api@bob-laptop": "queued", "@web@bob-laptop": "refused"}


def test_several_channels_and_a_name_in_one_send_are_one_message(team: Team, alice: Machine, bob: Machine) -> None:
    (api, web, db), (frontend,) = bob.named("api", "web", "db"), alice.named("frontend")
    api.join("#one")
    api.join("#two")
    web.join("#two")
    team.tell_rosters()
    frontend.send("#one,#two,@db@bob-laptop,@web@bob-laptop", "all at once")
    team.settle()
    assert api.heard() == web.heard() == db.heard() == ["all at once"]
    assert [one.via for one in api.show("m1").deliveries] == ["channel", "channel", "direct"]


def test_a_channel_that_only_others_are_in_can_be_written_to(team: Team, alice: Machine, bob: Machine) -> None:
    (api,), (frontend,) = bob.named("api"), alice.named("frontend")
    with pytest.raises(NobodyThere):
        frontend.send("#nowhere", "hello?")
    api.join("#theirs")
    team.tell_rosters()
    assert frontend.send("#theirs", "hello").recipients[0].name == "@api@bob-laptop"


def test_all_means_this_machine(team: Team, alice: Machine, bob: Machine) -> None:
    (api, web), (frontend,) = bob.named("api", "web"), alice.named("frontend")
    team.tell_rosters()
    api.send("all", "to us here")
    team.settle()
    assert web.heard() == ["to us here"] and not frontend.heard()
    assert outbox.waiting(bob.db) == 0


def test_an_owner_reaches_the_whole_team(team: Team, alice: Machine, bob: Machine) -> None:
    carol = team.machine("carol-box")
    (frontend, other), (api,), (db,) = alice.named("frontend", "other"), bob.named("api"), carol.named("db")
    team.tell_rosters()
    (late,) = carol.named("late")
    sent = frontend.send("all", "the build is broken", team=True)
    assert {one.name for one in sent.recipients} == {"@other", "@api@bob-laptop", "@db@carol-box"}
    team.settle()
    for seat in (other, api, db, late):
        assert seat.heard() == ["the build is broken"]
    assert set(alice.states(sent)) == {"@other", "@api@bob-laptop", "@db@carol-box", "@late@carol-box"}
    assert alerts.recent(bob.db) == alerts.recent(carol.db) == []


def test_everybody_is_written_to_also_where_nobody_is_known_to_be(team: Team, alice: Machine, bob: Machine) -> None:
    (frontend,) = alice.named("frontend")
    (api,) = bob.named("api")
    sent = frontend.send("all", "is anybody there?", team=True)
    assert sent.recipients == []
    assert outbox.batch(alice.db)[0].machines == [number("bob-laptop")]
    team.settle()
    assert api.heard() == ["is anybody there?"]
    assert alice.states(sent) == {"@api@bob-laptop": "queued"}


def test_a_letter_to_a_crowd_does_not_list_it(
    team: Team, alice: Machine, bob: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Would break: a message to a big team that no envelope holds."""
    (frontend,) = alice.named("frontend")
    seats = bob.named("api", "web")
    team.tell_rosters()
    monkeypatch.setattr(limits, "ROUTE_NAMES", 1)
    sent = frontend.send("all", "to everybody", team=True)
    letter = outbox.batch(alice.db)[0].letter
    assert letter is not None and (letter.to, letter.members, letter.everyone) == ({}, {}, True)
    team.settle()
    assert [seat.heard() for seat in seats] == [["to everybody"]] * 2
    assert set(alice.states(sent).values()) == {"queued"}
    assert alice.reason(sent, "@api@bob-laptop") == "on its machine"


def test_only_an_owner_may(team: Team, alice: Machine, bob: Machine) -> None:
    (api,) = bob.named("api")
    with pytest.raises(OwnersOnly) as refused:
        api.send("all", "may I?", team=True)
    assert "alice-laptop" in refused.value.advice


def test_without_a_team_there_is_no_whole_team(machine: Machine) -> None:
    (api,) = machine.named("api")
    with pytest.raises(NotLinked):
        api.send("all", "anybody?", team=True)
