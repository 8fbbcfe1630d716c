"""What a sender comes to know of its message at another machine."""

from __future__ import annotations

from typing import Any

import pytest
from tests.link.courier import Team, number
from tests.support.machine import DAY, Machine, Seat

from telex import doctor, limits
from telex.core import delivery
from telex.core.letter import Receipt
from telex.fs import bells
from telex.team import alerts, directory, link_state, outbox, receipts

WHERE = "@frontend@alice-laptop"


def tell(made: Machine, team: Team, machine: str, **fields: Any) -> None:
    """A receipt comes from a machine."""
    told: dict[str, Any] = {"name": "frontend", "via": "direct", "state": "read", "at_ms": 1} | fields
    sender = directory.machine(made.db, machine)
    assert sender is not None
    with made.db.write():
        receipts.take(made.db, sender, [Receipt(**told)], team.clock())


def test_every_way_of_reading_is_told(team: Team, alice: Machine, bob: Machine, api: Seat, frontend: Seat) -> None:
    sent = [api.send(WHERE, f"number {count}") for count in range(4)]
    team.settle()
    assert [bob.reason(one, WHERE) for one in sent] == ["on its machine"] * 4
    frontend.read("m1")
    frontend.done("m2")
    frontend.hook()
    team.settle()
    assert [bob.states(one)[WHERE] for one in sent] == ["read", "done", "shown", "shown"]
    frontend.send("@nobody", "working on")
    frontend.rest()
    team.settle()
    assert [bob.states(one)[WHERE] for one in sent] == ["read", "done", "read", "read"]


def test_a_name_that_is_taken_by_one_who_has_the_message_is_told(
    team: Team, alice: Machine, bob: Machine, api: Seat, frontend: Seat
) -> None:
    """One message went to a session there and to a name that nobody held; then that session takes the name."""
    other = "@web@alice-laptop"
    sent = api.send(f"{WHERE},{other}", "to both", kind="request")
    alone = api.send(other, "to the new name alone")
    team.settle()
    frontend.rename("web")
    team.settle()
    assert bob.states(sent) == {WHERE: "queued", other: "dead"}
    assert bob.reason(sent, other) == "a session that has it under another name has taken that name"
    assert frontend.heard() == ["to both", "to the new name alone"]
    frontend.read()
    team.settle()
    assert bob.states(sent) == {WHERE: "read", other: "dead"}
    assert bob.states(alone) == {other: "read"}


def test_showing_rings_the_links_bell_and_only_where_there_is_something_to_tell(
    team: Team, alice: Machine, bob: Machine, api: Seat, frontend: Seat
) -> None:
    """Would break: a link that learns of what was read by looking all the time."""
    (web,) = alice.named("web")
    api.send(WHERE, "from elsewhere")
    team.settle()
    bells.silence(alice.home, link_state.BELL)
    web.send("@frontend", "from here")
    assert not bells.rings(alice.home, link_state.BELL)
    frontend.hook()
    assert bells.rings(alice.home, link_state.BELL)


def test_what_moves_twice_before_it_is_told_is_told_once(
    team: Team, alice: Machine, bob: Machine, api: Seat, frontend: Seat
) -> None:
    sent = api.send(WHERE, "hello")
    team.push("bob-laptop")
    team.pull("alice-laptop")
    frontend.hook()
    frontend.done("m1")
    assert receipts.collect(alice.db, team.clock()) == 1
    assert receipts.collect(alice.db, team.clock()) == 0
    team.settle()
    assert bob.states(sent) == {WHERE: "done"}
    assert list(alice.db.con.execute("SELECT * FROM arrival")) == []


def test_many_receipts_go_in_few_items(team: Team, alice: Machine, bob: Machine, api: Seat, frontend: Seat) -> None:
    for count in range(250):
        api.send(WHERE, f"number {count}")
    team.push("bob-laptop")
    team.push("bob-laptop")
    team.push("bob-laptop")
    for _ in range(3):
        team.pull("alice-laptop")
    assert receipts.collect(alice.db, team.clock()) == 250
    assert outbox.waiting(alice.db) == -(-250 // limits.RECEIPTS_PER_ITEM)


@pytest.mark.parametrize("order", [("shown", "read"), ("read", "shown"), ("done", "read"), ("expired", "shown")])
def test_receipts_never_go_back(team: Team, bob: Machine, api: Seat, order: tuple[str, str], alice: Machine) -> None:
    sent = api.send(WHERE, "hello")
    first, second = order
    for state in (first, second, first):
        tell(bob, team, "alice-laptop", of=sent.uuid, state=state)
    wanted = second if delivery.allowed(first, second) else first
    assert bob.states(sent) == {WHERE: wanted}


def test_a_receipt_of_a_machine_that_it_was_not_sent_to_moves_nothing(
    team: Team, alice: Machine, bob: Machine, api: Seat
) -> None:
    """Would break: carol's machine that says that alice has read what she never saw."""
    team.machine("carol-box")
    sent = api.send(WHERE, "for alice")
    tell(bob, team, "carol-box", of=sent.uuid)
    assert bob.states(sent) == {WHERE: "queued"}
    assert [one.machine for one in alerts.recent(bob.db)] == ["carol-box"]


def test_a_receipt_moves_no_message_that_stays_here(team: Team, alice: Machine, bob: Machine, api: Seat) -> None:
    bob.named("web")
    sent = api.send("@web", "between us")
    tell(bob, team, "alice-laptop", of=sent.uuid, via="channel", name="web")
    assert bob.states(sent) == {"@web": "queued"}


@pytest.mark.parametrize(
    "bad",
    [{"state": "answered"}, {"via": "pigeon"}, {"name": "A b"}, {"of": "m1"}, {"of": "?"}],
)
def test_a_receipt_that_no_machine_would_write_is_reported(
    team: Team, alice: Machine, bob: Machine, api: Seat, bad: dict[str, Any]
) -> None:
    sent = api.send(WHERE, "hello")
    tell(bob, team, "alice-laptop", **({"of": sent.uuid} | bad))
    assert bob.states(sent) == {WHERE: "queued"}
    assert len(alerts.recent(bob.db)) == ("of" not in bad)  # a message that is not here may have been purged


def test_a_message_that_was_purged_here_meanwhile_is_no_trouble(
    team: Team, alice: Machine, bob: Machine, api: Seat, frontend: Seat
) -> None:
    api.send(WHERE, "hello")
    team.settle()
    bob.person.purge(older_than_s=0, open_too=True)
    frontend.hook()
    team.settle()
    assert alerts.recent(bob.db) == []


def test_what_is_purged_unread_there_is_told(
    team: Team, alice: Machine, bob: Machine, api: Seat, frontend: Seat
) -> None:
    """Would break: a delivery that is 'on its machine' for ever, although nobody can read it any more."""
    sent = api.send(WHERE, "hello")
    team.settle()
    alice.person.purge(older_than_s=0, open_too=True)
    assert not frontend.rings()
    team.settle()
    assert bob.states(sent) == {WHERE: "dead"}
    assert bob.reason(sent, WHERE) == "removed there before it was read"
    assert any(f"{sent.id} did not reach {WHERE}" in one for one in api.heard())


def test_mail_that_nobody_reads_for_long_is_closed_and_told(
    team: Team, alice: Machine, bob: Machine, api: Seat, frontend: Seat
) -> None:
    sent = api.send(WHERE, "hello")
    team.settle()
    alice.set(keep_days=1)
    bob.set(keep_days=60)
    team.clock.pass_by(3 * DAY)
    frontend.send("@nobody", "a write that sweeps")
    team.settle()
    assert bob.states(sent) == {WHERE: "expired"}


def test_a_damaged_message_is_told_dead(team: Team, alice: Machine, bob: Machine, api: Seat, frontend: Seat) -> None:
    sent = api.send(WHERE, "hello")
    team.settle()
    with alice.db.write():
        alice.db.con.execute("UPDATE message SET body = 'HELLO' WHERE n = 1")
    assert frontend.hook() == ""
    team.settle()
    assert bob.states(sent) == {WHERE: "dead"}


def test_doctor_says_how_the_link_stands(team: Team, alice: Machine, bob: Machine, api: Seat) -> None:
    sent = api.send(WHERE, "hello")
    told = {one.what: one for one in doctor.check(bob.home)}
    assert told["link"].state == "ok" and "bob-laptop in acme; the link runs, 1 items wait" in told["link"].detail
    bells.silence(bob.home, link_state.BELL)
    assert {one.what: one.state for one in doctor.check(bob.home)}["link"] == "mendable"
    assert f"rang the bell {link_state.BELL}" in doctor.repair(bob.home)
    assert {one.state for one in doctor.check(bob.home)} == {"ok"}
    assert bob.states(sent) == {WHERE: "queued"}


def test_an_export_says_where_a_message_was_and_an_import_does_not_send_it(
    team: Team, alice: Machine, bob: Machine, api: Seat, frontend: Seat, machine: Machine
) -> None:
    api.send(WHERE, "on its way")
    frontend.send("@api@bob-laptop", "from there")
    team.push("alice-laptop")
    team.pull("bob-laptop")
    lines = list(bob.person.export())
    assert machine.person.take_in(lines) == (2, 0)
    assert {one.state for one in machine.person.show("m1").deliveries} == {"expired"}
    assert machine.person.show("m2").message.sender == "@frontend@alice-laptop"
    with machine.db.write():
        assert machine.db.value("outbox.any_waiting") is None
    assert bob.person.take_in(lines) == (0, 2)
    assert number("alice-laptop") in outbox.batch(bob.db)[0].machines
