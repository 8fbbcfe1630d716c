"""Mail for a name that nobody held goes, once, to the one who takes it: here, or at another machine of the team."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.link.courier import Team, introduce, number, running
from tests.support.machine import Machine, Seat

from telex.bus.send import Sent
from telex.core import delivery
from telex.db.connection import Store
from telex.errors import TelexError
from telex.errors.between import NameAmbiguous
from telex.mail import messages
from telex.team import directory, forwarding, link_state


@pytest.fixture
def carol(team: Team, bob: Machine) -> Machine:
    return team.machine("carol-box")


def stands(machine: Machine, sent: Sent) -> dict[str, str]:
    """Each recipient of a message, and how far it is there, as its sender sees it."""
    return {one.name: one.state for one in machine.person.show(sent.id).deliveries}


def told(seat: Seat) -> list[str]:
    """What telex has told a session."""
    return [one.body for one in seat.inbox(most=1_000) if one.sender == "@telex"]


def test_mail_follows_the_name_to_the_machine_where_it_is_taken(team: Team, alice: Machine, bob: Machine) -> None:
    (api,) = alice.named("api")
    first = api.send("@backend", "one", kind="request")
    second = api.send("@backend", "two")
    (backend,) = bob.named("backend")
    team.tell_rosters()
    assert stands(alice, first) == stands(alice, second) == {"@backend@bob-laptop": "queued"}
    assert told(api) == ["your messages m1, m2 for @backend went on to @backend@bob-laptop, who has come"]
    team.settle()
    assert backend.heard() == ["one", "two"]
    request = backend.inbox()[0]
    assert (request.to, request.kind) == ("@backend", "request")
    backend.reply(request.id, "an answer")
    team.settle()
    assert [one.body for one in api.inbox() if one.kind == "reply"] == ["an answer"]
    assert stands(alice, first) == {"@backend@bob-laptop": "read"}


def test_who_takes_the_name_here_gets_it_and_nobody_else(team: Team, alice: Machine, bob: Machine) -> None:
    (api,) = alice.named("api")
    api.send("@backend", "one")
    (here,), (there,) = alice.named("backend"), bob.named("backend")
    team.tell_rosters()
    team.settle()
    assert (here.heard(), there.heard(), told(api)) == (["one"], [], [])


def test_who_comes_here_after_it_went_on_does_not_get_it(team: Team, alice: Machine, bob: Machine) -> None:
    (api,) = alice.named("api")
    api.send("@backend", "one")
    (there,) = bob.named("backend")
    team.tell_rosters()
    (here,) = alice.named("backend")
    team.tell_rosters()
    team.settle()
    assert (here.heard(), there.heard()) == ([], ["one"])


def test_where_several_have_the_name_it_stays_and_its_sender_is_told_whom_to_choose(
    team: Team, alice: Machine, bob: Machine, carol: Machine
) -> None:
    (api,) = alice.named("api")
    sent = api.send("@backend", "one")
    (at_bob,), (at_carol,) = bob.named("backend"), carol.named("backend")
    team.hear_rosters("alice-laptop", "bob-laptop", "carol-box")
    words = (
        "your message m1 for @backend stays here: @backend@bob-laptop, @backend@carol-box have that name; "
        "to choose one of them, send it again to the full name"
    )
    assert told(api) == [words]
    with alice.db.write():
        directory.replace(alice.db, number("carol-box"), [], team.clock())
    team.hear_rosters("alice-laptop", "bob-laptop")  # one is left: what was told still holds
    team.settle()
    assert (told(api), stands(alice, sent)) == ([words], {"@backend": "queued"})
    assert (at_bob.heard(), at_carol.heard()) == ([], [])
    (here,) = alice.named("backend")
    assert here.heard() == ["one"]


def test_it_does_not_leave_where_somebody_ever_held_the_name(team: Team, alice: Machine, bob: Machine) -> None:
    api, backend = alice.named("api", "backend")
    backend.quit()
    sent = api.send("@backend", "one")
    bob.named("backend")
    team.tell_rosters()
    assert stands(alice, sent) == {"@backend": "queued"}


def test_what_was_sent_before_this_machine_was_in_a_team_stays(team: Team, alice: Machine, bob: Machine) -> None:
    """Would break: what was meant for this machine alone leaves it, because a team was joined later."""
    (api,) = alice.named("api")
    sent = api.send("@backend", "one")
    alice.db.con.execute("UPDATE link SET joined_ms = ?", (team.clock.pass_by(1),))
    bob.named("backend")
    team.tell_rosters()
    assert stands(alice, sent) == {"@backend": "queued"}


def test_a_readers_machine_sends_nothing_on(team: Team, alice: Machine, bob: Machine) -> None:
    (api,) = alice.named("api")
    sent = api.send("@backend", "one")
    with alice.db.write():
        link_state.set_role(alice.db, link_state.READER)
    bob.named("backend")
    team.tell_rosters()
    assert stands(alice, sent) == {"@backend": "queued"}


def test_a_message_that_the_machine_has_already_is_not_sent_there_again(
    team: Team, alice: Machine, bob: Machine
) -> None:
    """Would break: it is dropped there as known, and its sender sees it on its way for ever."""
    (api,), (web,) = alice.named("api"), bob.named("web")
    team.tell_rosters()
    sent = api.send("@web,@backend", "for two")
    bob.named("backend")
    team.tell_rosters()
    team.settle()
    assert stands(alice, sent) == {"@web@bob-laptop": "queued", "@backend": "queued"}
    assert "that machine has it already for others" in told(api)[0]
    assert web.heard() == ["for two"]


def test_what_runs_out_of_time_or_was_damaged_does_not_leave(team: Team, alice: Machine, bob: Machine) -> None:
    (api,) = alice.named("api")
    late, spoilt = api.send("@backend", "late", ttl_s=1), api.send("@backend", "spoilt")
    alice.db.con.execute("UPDATE message SET body = 'other' WHERE n = 2")
    team.clock.pass_by(2)
    bob.named("backend")
    team.tell_rosters()
    assert "@backend" in stands(alice, late)
    assert "@backend" in stands(alice, spoilt)


def test_a_machine_that_is_removed_meanwhile_is_said(team: Team, alice: Machine, bob: Machine) -> None:
    (api,) = alice.named("api")
    sent = api.send("@backend", "one")
    bob.named("backend")
    team.tell_rosters()
    with alice.db.write():
        directory.forget(alice.db, number("bob-laptop"), team.clock())
    assert stands(alice, sent) == {"@backend@bob-laptop": "dead"}
    assert "did not reach @backend@bob-laptop: bob-laptop was removed from the team" in told(api)[-1]


def test_a_session_that_renames_itself_takes_what_waits_for_the_name(team: Team, alice: Machine) -> None:
    api, web = alice.named("api", "web")
    sent = api.send("@backend", "one", kind="request")
    assert web.rename("backend") == "@backend"
    assert web.heard() == ["one"]
    assert web.rings()
    web.reply(web.inbox()[0].id, "here")
    assert stands(alice, sent) == {"@backend": "read"}


def test_what_an_empty_channel_keeps_goes_to_those_who_come_elsewhere(
    team: Team, alice: Machine, bob: Machine, carol: Machine
) -> None:
    (one,) = alice.named("auth")
    sent = one.send("#auth", "read docs/auth.md first", kind="request")
    (web,), (db,) = bob.named("web"), carol.named("db")
    web.join("#auth")
    team.tell_rosters()
    db.join("#auth")
    team.tell_rosters()
    team.settle()
    assert (web.heard(), db.heard()) == (["read docs/auth.md first"], [])
    assert stands(alice, sent) == {"#auth": "read", "@web@bob-laptop": "queued"}
    web.reply(web.inbox()[0].id, "read it")
    team.settle()
    assert [found.body for found in one.inbox() if found.kind == "reply"] == ["read it"]


# --- killed at every step --------------------------------------------------------------------------------------


class Killed(Exception):
    """The process is gone."""


def test_killed_at_any_step_it_is_at_one_place(
    team: Team, alice: Machine, bob: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    (api,) = alice.named("api")
    sent = api.send("@backend", "one", kind="request")
    (backend,) = bob.named("backend")
    run = Store.run
    steps = at = 0

    def dying(db: Store, name: str, *values: Any) -> Any:
        nonlocal steps
        steps += 1
        if steps == at:
            raise Killed
        return run(db, name, *values)

    while True:
        at, steps = at + 1, 0
        monkeypatch.setattr(Store, "run", dying)
        try:
            team.hear_rosters("alice-laptop", "bob-laptop")
        except Killed:
            monkeypatch.setattr(Store, "run", run)
            assert stands(alice, sent) == {"@backend": "queued"}
            assert told(api) == []
            continue
        break
    monkeypatch.setattr(Store, "run", run)
    assert at > 8  # there were steps to be killed at
    team.settle()
    assert (backend.heard(), len(told(api))) == (["one"], 1)


# --- any history ------------------------------------------------------------------------------------------------

NAMES = ("backend", "web", "db")
MACHINES = ("alice-laptop", "bob-laptop", "carol-box")


class History:
    """A random history of sends to bare names, arrivals, ends, renames, rosters heard or not, and pages carried."""

    def __init__(self, team: Team, seed: int) -> None:
        self.team, self.chance = team, random.Random(seed)
        for name in MACHINES:
            team.machine(name, role="owner")
        self.senders = {name: team.machines[name].named(f"s{name[0]}")[0] for name in MACHINES}
        self.seats: dict[str, list[Seat]] = {name: [] for name in MACHINES}
        self.sent: dict[str, tuple[str, Sent]] = {}
        self.read: dict[str, list[str]] = {}

    def play(self, steps: int) -> None:
        """So many steps, and then everything that is on its way arrives."""
        for step in range(steps):
            self.chance.choice([self.send, self.send, self.come, self.go, self.hear, self.carry, self.look])(step)
        self.team.tell_rosters()
        self.team.settle()
        self.look(steps)

    def send(self, step: int) -> None:
        name, text = self.chance.choice(MACHINES), f"t{step}"
        try:
            self.sent[text] = name, self.senders[name].send("@" + self.chance.choice(NAMES), text)
        except NameAmbiguous:
            pass

    def come(self, _: int) -> None:
        name, wanted = self.chance.choice(MACHINES), self.chance.choice(NAMES)
        if self.chance.random() < 0.3:
            self.seats[name] += self.team.machines[name].named("someone")
            try:
                self.seats[name][-1].rename(wanted)
            except TelexError:
                pass
        else:
            self.seats[name] += self.team.machines[name].named(wanted)

    def go(self, _: int) -> None:
        name = self.chance.choice(MACHINES)
        if self.seats[name]:
            self.seats[name].pop(self.chance.randrange(len(self.seats[name]))).quit()

    def hear(self, _: int) -> None:
        name = self.chance.choice(MACHINES)
        self.team.hear_rosters(name, *self.chance.sample(MACHINES, self.chance.randint(1, 3)))

    def carry(self, _: int) -> None:
        self.chance.choice([self.team.push, self.team.pull])(self.chance.choice(MACHINES))

    def look(self, _: int) -> None:
        for some in self.seats.values():
            for seat in some:
                for one in seat.read(most=1_000):
                    self.read.setdefault(one.body, []).append(seat.me.address.name)

    def faults(self) -> list[str]:
        """What is wrong: a text read twice, or neither read, nor waiting somewhere, nor said to be lost."""
        found = []
        for text, (name, sent) in self.sent.items():
            readers = self.read.get(text, [])
            if len(readers) > 1:
                found.append(f"{text} was read by {readers}")
            waits = sum(self._waits(one, text) for one in self.team.machines.values())
            if len(readers) + waits != 1:
                found.append(f"{text} of {name} is read {len(readers)} times and waits {waits} times")
            if not stands(self.team.machines[name], sent):
                found.append(f"{text} of {name} has no delivery")
        return found

    @staticmethod
    def _waits(machine: Machine, text: str) -> int:
        """At how many names of a machine a text waits to be read."""
        rows = machine.db.con.execute(
            "SELECT count(*) FROM delivery d JOIN message m ON m.n = d.message JOIN address a ON a.id = d.recipient"
            " WHERE m.body = ? AND d.state = 'queued' AND instr(a.name, '@') = 0",
            (text,),
        )
        return int(next(iter(rows))[0])


def faults_of(root: Path, seeds: range, steps: int = 60) -> list[str]:
    """What goes wrong in some histories."""
    found = []
    for seed in seeds:
        with pytest.MonkeyPatch.context() as patch, running(root / str(seed), patch) as team:
            history = History(team, seed)
            history.play(steps)
            found += [f"seed {seed}: {one}" for one in history.faults()]
    return found


def test_in_any_history_a_message_is_read_once_or_waits_at_one_place(tmp_path: Path) -> None:
    assert faults_of(tmp_path, range(12)) == []


def _stays_too(db: Store, found: messages.Message, place: Any, there: Any, now_ms: int) -> bool:
    """Planted: it goes on, and stays."""
    went = WHOLE(db, found, place, there, now_ms)
    if went:
        values = (found.n, place.id, "direct", delivery.QUEUED, 0, now_ms, 0, "")
        db.run("mail.add_delivery", *values)
    return went


def _is_dropped(db: Store, found: messages.Message, place: Any, there: Any, now_ms: int) -> bool:
    """Planted: it is taken from here, and its item in the outbox goes without it."""
    went = WHOLE(db, found, place, there, now_ms)
    if went:
        db.con.execute("UPDATE outbox SET refused = 'planted' WHERE message = ?", (found.n,))
    return went


WHOLE = forwarding._pass_on


@pytest.mark.parametrize("plant", [_stays_too, _is_dropped])
def test_the_histories_see_a_planted_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plant: Callable[..., bool]
) -> None:
    monkeypatch.setattr(forwarding, "_pass_on", plant)
    assert faults_of(tmp_path, range(12))


def test_machines_meet_in_any_order(team: Team, alice: Machine, bob: Machine) -> None:
    """A machine that joins later is heard of like the others."""
    (api,) = alice.named("api")
    sent = api.send("@backend", "one")
    dora = team.machine("dora-box")
    introduce(alice.db, "dora-box", "member")
    (backend,) = dora.named("backend")
    team.tell_rosters()
    team.settle()
    assert backend.heard() == ["one"]
    assert stands(alice, sent) == {"@backend@dora-box": "queued"}
