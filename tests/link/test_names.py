"""Whom a name means when there are other machines."""

from __future__ import annotations

import pytest
from tests.link.courier import Team, number
from tests.support.machine import HOUR, Machine

from telex.core import names
from telex.errors import NameInvalid, NameReserved, NobodyThere, Usage
from telex.errors.between import MachineUnknown, NameAmbiguous, NotLinked, ReadersListen
from telex.team import directory, link_state


def test_a_name_and_a_machine_are_folded_alike() -> None:
    assert names.parse_target("@FrontEnd@Alice-Laptop") == names.Target(
        kind="name", name="frontend", machine="alice-laptop"
    )
    assert names.parse_target("frontend@alice-laptop").written() == "@frontend@alice-laptop"


@pytest.mark.parametrize(
    "written", ["@a@", "@@b", "@a@b@c", "a@ b", "#room@alice", "a@b.c/d", "@a@ａ", "@a@" + "x" * 65]
)
def test_what_is_no_address_is_refused(written: str) -> None:
    """Would break: a second '@' or a look-alike that makes one address look like another."""
    with pytest.raises(NameInvalid):
        names.parse_target(written)


def test_a_name_alone_is_somebody_here_before_it_is_somebody_in_the_team(
    team: Team, alice: Machine, bob: Machine
) -> None:
    (api, frontend), _ = bob.named("api", "frontend"), alice.named("frontend")
    team.tell_rosters()
    assert [one.name for one in api.send("@frontend", "here").recipients] == ["@frontend"]
    frontend.quit()
    assert [one.name for one in api.send("@frontend", "it was here").recipients] == ["@frontend"]


def test_a_name_alone_is_the_one_machine_of_the_team_that_has_it(team: Team, alice: Machine, bob: Machine) -> None:
    (api,), _ = bob.named("api"), alice.named("frontend")
    team.tell_rosters()
    assert [one.name for one in api.send("@frontend", "there").recipients] == ["@frontend@alice-laptop"]


def test_a_name_that_mail_waits_for_here_is_somebodys_in_the_team_once_it_is_there(
    team: Team, alice: Machine, bob: Machine
) -> None:
    (api,) = bob.named("api")
    assert [one.name for one in api.send("@frontend", "for whoever comes").recipients] == ["@frontend"]
    alice.named("frontend")
    team.tell_rosters()
    assert [one.name for one in api.send("@frontend", "now").recipients] == ["@frontend@alice-laptop"]


def test_a_name_at_several_machines_is_not_guessed(team: Team, alice: Machine, bob: Machine) -> None:
    (api,) = bob.named("api")
    alice.named("frontend")
    team.machine("carol-box").named("frontend")
    team.tell_rosters()
    with pytest.raises(NameAmbiguous) as refused:
        api.send("@frontend", "which one?")
    assert "@frontend@alice-laptop, @frontend@carol-box" in refused.value.message
    assert api.send("@frontend@carol-box", "this one").recipients[0].state == "queued"


def test_a_name_that_nobody_has_waits_here(team: Team, alice: Machine, bob: Machine) -> None:
    (api,) = bob.named("api")
    team.tell_rosters()
    assert api.send("@nobody-yet", "hello").recipients[0].note.startswith("nobody holds this name yet")


def test_this_machines_own_name_means_here(team: Team, alice: Machine, bob: Machine) -> None:
    api, web = bob.named("api", "web")
    sent = api.send("@web@bob-laptop", "by its whole address")
    assert [one.name for one in sent.recipients] == ["@web"]
    assert web.heard() == ["by its whole address"]


def test_a_name_that_a_machine_has_not_told_of_is_waited_for_there(team: Team, alice: Machine, bob: Machine) -> None:
    (api,) = bob.named("api")
    sent = api.send("@later@alice-laptop", "when you come")
    assert sent.recipients[0].note == "waits here for the relay; nobody is known by that name there"
    team.settle()
    (later,) = alice.named("later")
    assert later.heard() == ["when you come"]
    with pytest.raises(NobodyThere):
        api.send("@never@alice-laptop", "only if you are there", strict=True)


def test_a_machine_that_is_not_in_the_team_is_refused_with_the_nearest(
    team: Team, alice: Machine, bob: Machine
) -> None:
    """Would break: a message that is called sent and goes nowhere."""
    (api,) = bob.named("api")
    with pytest.raises(MachineUnknown, match="did you mean alice-laptop"):
        api.send("@frontend@alice-latpop", "hello")


def test_a_machine_that_was_removed_is_refused_and_what_waits_for_it_is_closed(
    team: Team, alice: Machine, bob: Machine
) -> None:
    (api,) = bob.named("api")
    waiting = api.send("@frontend@alice-laptop", "does this still come?")
    asked = api.send("@frontend@alice-laptop", "which port?", kind="request")
    with bob.db.write():
        bob.db.run("members.put_machine", number("alice-laptop"), "alice-laptop", "owner", b"", b"", 3)
        directory.forget(bob.db, number("alice-laptop"), team.clock())
    assert bob.states(waiting) == {"@frontend@alice-laptop": "dead"}
    assert "was removed from the team" in bob.reason(waiting, "@frontend@alice-laptop")
    told = api.heard()
    assert any(f"your message {waiting.id} did not reach @frontend@alice-laptop" in one for one in told)
    assert any(f"your request {asked.id}: alice-laptop was removed" in one for one in told)
    with pytest.raises(MachineUnknown):
        api.send("@frontend@alice-laptop", "hello?")


def test_an_answer_never_goes_to_another_machine_that_took_the_name(team: Team, alice: Machine, bob: Machine) -> None:
    """Would break: words for a laptop that was replaced, or for the last team, at whoever has that name now."""
    (frontend,), (api,) = alice.named("frontend"), bob.named("api")
    frontend.send("@api@bob-laptop", "which port?", kind="request")
    team.settle()
    api.read()
    with bob.db.write():
        bob.db.run("members.put_machine", number("alice-laptop"), "alice-laptop", "owner", b"", b"", 3)
        directory.forget(bob.db, number("alice-laptop"), team.clock())
    with bob.db.write():
        bob.db.run("members.put_machine", "5" * 32, "alice-laptop", "member", b"", b"", 0)
    with pytest.raises(MachineUnknown):
        api.reply("m1", "8080")
    sent = api.send("@frontend@alice-laptop", "who are you?")
    assert sent.recipients[0].name == "@frontend@alice-laptop"
    assert [one.body for one in api.log(partner="@frontend@alice-laptop")] == ["who are you?"]


def test_without_a_team_a_machine_means_nothing(machine: Machine) -> None:
    (api,) = machine.named("api")
    with pytest.raises(NotLinked):
        api.send("@frontend@alice-laptop", "hello")


def test_reserved_words_are_nobodys_at_other_machines_either(team: Team, alice: Machine, bob: Machine) -> None:
    (api,) = bob.named("api")
    for word in ("all", "telex", "system", "me"):
        with pytest.raises(NameReserved):
            api.send(f"@{word}@alice-laptop", "hello")


def test_a_name_that_was_here_yesterday_is_still_told_to_the_team(team: Team, alice: Machine, bob: Machine) -> None:
    (api,), (frontend,) = bob.named("api"), alice.named("frontend")
    frontend.quit()
    team.tell_rosters()
    sent = api.send("@frontend", "for when you are back")
    assert sent.recipients[0].note == "waits here for the relay; offline there now"
    team.clock.pass_by(25 * HOUR)
    team.tell_rosters()
    assert api.send("@frontend", "who?").recipients[0].name == "@frontend"


def test_a_rename_leads_there_too(team: Team, alice: Machine, bob: Machine) -> None:
    (api,), (frontend,) = bob.named("api"), alice.named("frontend")
    team.tell_rosters()
    sent = api.send("@frontend", "to the old name")
    frontend.rename("ui")
    team.settle()
    assert frontend.heard() == ["to the old name"]
    frontend.hook()
    team.settle()
    assert bob.states(sent) == {"@frontend@alice-laptop": "shown"}


def test_who_lists_the_team_with_the_age_of_what_it_knows(team: Team, alice: Machine, bob: Machine) -> None:
    (api,), _ = bob.named("api"), alice.named("frontend")
    team.tell_rosters()
    heard_ms = team.clock()
    team.clock.pass_by(40)
    api.send("@frontend", "hello")
    found = {one.name: one for one in api.who()}
    there = found["@frontend@alice-laptop"]
    assert (there.machine, there.state, there.seen_ms, there.unread) == ("alice-laptop", "idle", heard_ms, 1)
    assert found["@dana@alice-laptop"].kind == "person"
    assert found["@api"].machine == ""
    assert api.send("@frontend", "again").recipients[0].note == "waits here for the relay; idle there 40s ago"


def test_a_machine_that_fell_silent_is_said_to_be_and_nobody_is_called_idle_there(
    team: Team, alice: Machine, bob: Machine
) -> None:
    """Would break: a laptop that was closed yesterday, whose sessions look as if they would answer."""
    (api,), _ = bob.named("api"), alice.named("frontend")
    team.tell_rosters()
    team.clock.pass_by(2 * HOUR)
    sent = api.send("@frontend", "are you there?")
    assert sent.recipients[0].note == "waits here for the relay; alice-laptop was last heard of 2h ago"
    assert sent.recipients[0].presence == "offline"
    assert {one.name: one.state for one in api.who()}["@frontend@alice-laptop"] == "offline"
    with bob.db.write():
        directory.seen(bob.db, {number("alice-laptop"): team.clock()})
    assert {one.name: one.state for one in api.who()}["@frontend@alice-laptop"] == "idle"


def test_a_reader_writes_to_nobody_in_the_team_and_hears_all(team: Team, alice: Machine) -> None:
    (frontend,) = alice.named("frontend")
    screen = team.machine("wall-screen", role="reader")
    (viewer,) = screen.named("viewer")
    team.tell_rosters()
    with pytest.raises(ReadersListen):
        viewer.send("@frontend@alice-laptop", "may I?")
    frontend.send("@viewer@wall-screen", "look at this")
    team.settle()
    assert viewer.heard() == ["look at this"]
    viewer.hook()
    team.settle()
    linked = link_state.load(screen.db)
    assert linked is not None and linked.oseq == 0


def test_team_goes_with_all_alone(team: Team, alice: Machine) -> None:
    (frontend,) = alice.named("frontend")
    with pytest.raises(Usage):
        frontend.send("@frontend", "hello", team=True)


def test_a_roster_with_what_is_no_name_in_it_is_taken_without_that(team: Team, alice: Machine, bob: Machine) -> None:
    """Would break: a machine of the team that puts an address of its own making into another's listings."""
    bad = [
        directory.Resident(name="a@bob-laptop", kind="session", client="claude", state="idle", channels=["x"]),
        directory.Resident(name="telex", kind="session", client="claude", state="idle", channels=[]),
        directory.Resident(
            name="good", kind="session", client="cl\u202eaude", state="\x1b[2J", channels=["../x", "ok"]
        ),
        directory.Resident(name="p", kind="system", client="", state="", channels=[]),
    ]
    with bob.db.write():
        directory.replace(bob.db, number("alice-laptop"), bad, team.clock())
    (one,) = directory.everybody(bob.db)
    assert (one.name, one.client, one.state) == ("good", "cl-aude", "")
    assert directory.channels(bob.db) == {"ok": ["good@alice-laptop"]}
