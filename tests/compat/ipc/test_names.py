"""Who holds an id, for how long, and where an old one leads: over hours, restarts and chains."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.compat.ipc.port import Client, Port
from tests.support.cli import Shell
from tests.support.machine import HOUR, MINUTE, Machine, Seat, said

from telex.bus import Bus
from telex.compat.ipc import actions
from telex.errors import NameTaken, TelexError

LEASE = 5 * MINUTE


class Guest:
    """An instance without a session, on a machine whose clock is the test's."""

    def __init__(self, machine: Machine, id: str, token: str = "", pid: int = 0) -> None:
        self.machine = machine
        self.pid = pid or machine.processes.start()
        self.answer = actions.register(machine.person, id, self._admit(token))
        self.token: str = self.answer["session_token"]

    def _admit(self, token: str) -> Callable[[str, str], tuple[Bus, str]]:
        return lambda name, written: self.machine.person.admit(name, written, pid=self.pid, token=token)

    @property
    def bus(self) -> Bus:
        """As the port finds it: by its token."""
        found = self.machine.person.guest(self.token, pid=self.pid)
        assert found is not None
        return found

    def valid(self) -> bool:
        """Whether its token is still good."""
        return self.machine.person.guest(self.token, pid=self.pid) is not None

    def send(self, to: str, words: str) -> str:
        """What a send is answered with."""
        answer: dict[str, Any] = actions.answered(lambda: actions.send(self.bus, to, {"content": words}))
        return str(answer["message"])

    def rename(self, old: str, new: str) -> str:
        """What a renaming is answered with."""
        return str(actions.answered(lambda: actions.rename(self.bus, old, new))["message"])

    def heard(self) -> list[str]:
        """What waits, and is read with that; telex's own notices left out."""
        return [one.body for one in self.bus.read(most=1_000) if one.sender_kind != "system"]


def test_a_name_is_its_holders_for_a_lease_after_the_last_request(machine: Machine) -> None:
    bob = Guest(machine, "bob")
    machine.clock.pass_by(LEASE - 1)
    with pytest.raises(TelexError, match="already exists"):
        Guest(machine, "bob")
    assert bob.valid()
    machine.clock.pass_by(LEASE - 1)
    with pytest.raises(TelexError, match="already exists"):
        Guest(machine, "Bob")
    machine.clock.pass_by(2)
    other = Guest(machine, "Bob")
    assert not bob.valid()
    assert other.bus.me.address.name == "bob"


def test_after_the_lease_the_next_holder_gets_the_mail_that_waits(machine: Machine) -> None:
    Guest(machine, "bob")
    alice = Guest(machine, "alice")
    alice.send("bob", "are you there?")
    machine.clock.pass_by(LEASE + 1)
    again = Guest(machine, "bob")
    assert again.answer["message"] == "Registered bob with 1 queued messages"
    assert again.heard() == ["are you there?"]


def test_with_its_token_a_holder_registers_again_and_both_tokens_are_good(machine: Machine) -> None:
    bob = Guest(machine, "bob")
    again = Guest(machine, "Bob", token=bob.token)
    assert bob.valid()
    assert again.bus.me.address.id == bob.bus.me.address.id
    assert machine.person.spelling("bob") == "Bob"


def test_a_sessions_own_token_registers_it_again_where_it_is(machine: Machine) -> None:
    [web] = machine.named("web")
    token = web.settle("bob", "bob")
    pid = web.session.pid
    again = Guest(machine, "bob", token=token)
    assert again.bus.me.session == web.session
    assert (web.session.pid, web.session.twin_pid) == (pid, 0)
    web.quit()
    machine.clock.pass_by(1)
    other = Guest(machine, "bob", token=token)
    assert other.bus.me.client == "ipc"


def test_another_ones_token_opens_nothing(machine: Machine) -> None:
    Guest(machine, "bob")
    eve = Guest(machine, "eve")
    with pytest.raises(TelexError, match="already exists"):
        Guest(machine, "bob", token=eve.token)


def test_a_token_is_good_for_a_day_and_kept_as_a_hash_alone(machine: Machine) -> None:
    bob = Guest(machine, "bob")
    kept = [bytes(row[0]) for row in machine.db.con.execute("SELECT digest FROM token")]
    assert [len(one) for one in kept] == [16]
    assert bob.token.encode() not in machine.db.con.serialize("main")
    machine.clock.pass_by(24 * HOUR - 1)
    assert bob.valid()
    machine.clock.pass_by(1)
    assert not bob.valid()


@pytest.mark.parametrize("taken", ["dana", "api"])
def test_the_persons_and_a_live_sessions_name_are_not_given_away(machine: Machine, taken: str) -> None:
    machine.named("api")
    machine.clock.pass_by(24 * HOUR)
    with pytest.raises(TelexError, match=f"Instance {taken} already exists"):
        Guest(machine, taken)


def test_a_clients_session_that_registers_takes_the_name_itself(machine: Machine) -> None:
    [frontend] = machine.named("frontend")
    frontend.settle("bob", "Bob")
    assert frontend.at == "@bob"
    machine.person.send("@bob", "hello")
    machine.person.send("@frontend", "the old name leads there")
    assert "hello" in frontend.hook()
    with pytest.raises(TelexError, match="already exists"):
        Guest(machine, "bob")


def test_a_session_takes_up_a_name_where_mail_waits_and_brings_its_own(machine: Machine) -> None:
    """Would break: the day's second session called bob could not be bob, or lost what was sent to it meanwhile."""
    [first] = machine.named("yesterday")
    first.settle("bob", "bob")
    first.quit()
    machine.person.send("@bob", "over night")
    [today] = machine.named("today")
    machine.person.send("@today", "to the old name, before")
    today.join("release")
    today.settle("bob", "bob")
    machine.person.send("@today", "to the old name, after")
    assert today.at == "@bob"
    assert sorted(said(today.read())) == ["over night", "to the old name, after", "to the old name, before"]
    assert any(one.name == "#release" and one.mine for one in today.channels())
    assert not today.rings()


def test_what_a_session_owes_and_awaits_comes_along(machine: Machine) -> None:
    Guest(machine, "bob")
    machine.clock.pass_by(LEASE + 1)
    api, web = machine.named("api", "web")
    asked = api.send("@web", "which port?", kind="request")
    web.hook()
    web.settle("bob", "bob")
    assert "m1 from @api is not answered yet: " in web.stop()
    web.reply(asked.id, "8080")
    [answer] = api.read()
    assert (answer.sender, answer.body) == ("@bob", "8080")


def test_an_answer_to_the_old_name_reaches_the_session_that_moved(machine: Machine) -> None:
    Guest(machine, "bob")
    machine.clock.pass_by(LEASE + 1)
    api, web = machine.named("api", "web")
    sent = web.send("@api", "I am web still")
    web.settle("bob", "bob")
    api.reply(sent.id, "answer")
    assert said(web.read()) == ["answer"]


def test_a_session_may_take_its_first_name_back(machine: Machine) -> None:
    Guest(machine, "bob")
    machine.clock.pass_by(LEASE + 1)
    [web] = machine.named("web")
    for name in ("bob", "web", "bob", "web"):
        web.settle(name, name)
        assert web.at == f"@{name}"
        machine.clock.pass_by(2 * MINUTE)
        machine.person.send("@bob", f"bob, when it is {name}")
        machine.person.send("@web", f"web, when it is {name}")
        assert len(web.read()) == 2


def test_the_person_does_not_register(machine: Machine) -> None:
    with pytest.raises(TelexError, match="The person has a name already"):
        machine.person.settle("bob", "bob")
    assert machine.person.me.address.name == "dana"


def test_one_renames_once_an_hour_wherever_it_is_asked(machine: Machine) -> None:
    bob = Guest(machine, "bob")
    assert bob.rename("bob", "b2") == "Renamed bob to b2"
    assert bob.rename("b2", "b3") == "Rate limit: can rename again in 60 minutes"
    machine.clock.pass_by(HOUR - MINUTE)
    bob = Guest(machine, "b2", token=bob.token)
    assert bob.rename("b2", "b3") == "Rate limit: can rename again in 1 minutes"
    machine.clock.pass_by(MINUTE)
    assert bob.rename("b2", "b3") == "Renamed b2 to b3"


def test_an_old_name_leads_on_for_two_hours_and_the_mail_is_where_its_reader_is(machine: Machine) -> None:
    alice, bob = Guest(machine, "alice"), Guest(machine, "bob")
    bob.rename("bob", "rob")
    machine.clock.pass_by(2 * HOUR - 1)
    assert alice.send("bob", "in time") == "Message forwarded from bob to rob"
    machine.clock.pass_by(2)
    assert alice.send("bob", "too late") == "Message queued for bob (not yet registered)"
    assert alice.send("rob", "to the new name") == "Message sent"
    assert bob.heard() == ["in time", "to the new name"]


def test_whoever_takes_the_old_name_reads_its_own_mail_only(machine: Machine) -> None:
    alice, bob = Guest(machine, "alice"), Guest(machine, "bob")
    alice.send("bob", "for the first bob")
    bob.rename("bob", "rob")
    second = Guest(machine, "bob")
    alice.send("bob", "for the second bob")
    assert second.heard() == ["for the second bob"]
    assert bob.heard() == ["for the first bob"]


def test_a_name_where_mail_waits_can_be_renamed_to(machine: Machine) -> None:
    alice, bob = Guest(machine, "alice"), Guest(machine, "bob")
    alice.send("rob", "for whoever comes")
    alice.send("bob", "for bob")
    assert bob.rename("bob", "rob") == "Renamed bob to rob"
    assert alice.send("bob", "later") == "Message forwarded from bob to rob"
    assert sorted(bob.heard()) == ["for bob", "for whoever comes", "later"]
    assert bob.valid()


def test_a_chain_of_renames_leads_to_its_end(machine: Machine) -> None:
    machine.set(ipc_rename_seconds=0)
    alice, c = Guest(machine, "alice"), Guest(machine, "c1")
    alice.send("c3", "mail was waiting at the third name")
    for old, new in (("c1", "c2"), ("c2", "c3"), ("c1", "c4")):
        assert c.rename(old, new) == f"Renamed {old} to {new}"
    for name in ("c1", "c2", "c3"):
        assert alice.send(name, f"to {name}") == f"Message forwarded from {name} to c4"
    assert alice.send("c4", "to c4") == "Message sent"
    assert c.heard() == ["mail was waiting at the third name", "to c1", "to c2", "to c3", "to c4"]


def test_a_guest_lives_on_in_another_process_with_its_token(machine: Machine) -> None:
    bob = Guest(machine, "bob")
    machine.processes.kill(bob.pid)
    bob.pid = machine.processes.start()
    machine.person.send("@bob", "hello")
    assert bob.heard() == ["hello"]
    assert [one.here for one in machine.person.instances()] == [True]


def test_a_port_that_starts_takes_over_the_guests_of_one_that_is_gone(machine: Machine) -> None:
    bob, carol = Guest(machine, "bob"), Guest(machine, "carol")
    machine.processes.kill(bob.pid)
    assert machine.person.adopt_guests(machine.processes.start()) == 1
    assert {one.name: one.here for one in machine.person.instances()} == {"bob": True, "carol": True}
    assert carol.valid()
    machine.clock.pass_by(LEASE + 1)
    Guest(machine, "bob")  # being taken over is no request: the lease has run out


def test_a_client_that_takes_the_place_of_a_dead_guest_ends_its_token(machine: Machine) -> None:
    bob = Guest(machine, "bob")
    machine.processes.kill(bob.pid)
    machine.clock.pass_by(LEASE + 1)
    [session] = machine.named("bob")
    assert session.at == "@bob"
    assert not bob.valid()


def test_a_registered_session_that_quits_leaves_no_good_token(machine: Machine) -> None:
    [web] = machine.named("web")
    token = web.settle("bob", "bob")
    pid = machine.processes.start()
    assert machine.person.guest(token, pid=pid) is not None
    web.quit()
    assert machine.person.guest(token, pid=pid) is None


def test_the_rest_of_the_machine_is_told_of_a_new_name(machine: Machine) -> None:
    machine.named("bystander")
    carol: Guest | Seat = Guest(machine, "carol")
    Guest(machine, "bob").rename("bob", "rob")
    assert [one.body for one in carol.bus.inbox()] == ["📝 bob renamed to rob"]  # type: ignore[union-attr]
    assert machine.person.unread() == 0


def test_a_name_that_is_taken_in_between_is_refused_in_the_write(machine: Machine) -> None:
    bob = Guest(machine, "bob")
    machine.named("rob")
    with pytest.raises(NameTaken):
        bob.bus.rename_guest("rob", "rob")
    assert bob.valid()


def test_forwarding_and_rest_outlive_restarts_of_the_port(open_port: Callable[..., Port]) -> None:
    """Would break: forwards and rests were in memory, and a renamed session read its old queue (B.2.9)."""
    port = open_port()
    alice, bob = port.client("alice"), port.client("bob")
    alice.send("bob", "1")
    assert bob.rename("rob")["status"] == "ok"
    alice.send("bob", "2")
    for number in (3, 4):
        port.kill()
        port.start()
        assert alice.send("bob", f"{number}")["message"] == "Message forwarded from bob to rob"
    assert bob.rename("ron")["message"] == "Rate limit: can rename again in 60 minutes"
    assert bob.heard() == ["1", "2", "3", "4"]
    port.stop()
    port.start()
    assert bob.heard() == []


def test_a_chain_of_renames_over_restarts_loses_nothing(open_port: Callable[..., Port]) -> None:
    port = open_port(TELEX_IPC_RENAME_SECONDS="0")
    alice, bob = port.client("alice"), port.client("n0")
    for number in range(1, 6):
        alice.send("n0", f"before {number}")
        assert bob.rename(f"n{number}")["status"] == "ok"
        (port.kill if number % 2 else port.stop)()
        port.start()
        for old in range(number):
            alice.send(f"n{old}", f"n{old} after {number}")
    heard = [one for one in bob.heard() if "renamed" not in one]
    assert len(heard) == len(set(heard)) == 5 + 15
    assert bob.send("alice", "mine")["status"] == "ok"
    assert [one["from"] for one in alice.check() if one["from"] != "system"] == ["n5"]


def test_a_terminal_that_registers_stays_the_persons(shell: Shell) -> None:
    """Would break: every telex command in that terminal would be the instance, and nothing were the person's."""
    assert shell.telex("ipc", "register", "bob").status == 0
    assert shell.telex("config", "keep_days", "30").status == 0
    assert shell.telex("name", "--json").json["kind"] == "person"


def test_nobody_needs_a_port_to_be_written_to_by_one(port: Port, shell: Shell) -> None:
    shell.telex("ipc", "register", "carol")
    assert Client(port).register("carol")["message"] == "Instance carol already exists and is in use"
    assert port.client("alice").send("carol", "hello")["message"] == "Message sent"
    assert "Content: hello" in shell.telex("ipc", "check").out
