"""A channel keeps what was said while nobody else was there, and shows its members what was said before they came."""

from __future__ import annotations

import pytest
from tests.support.machine import DAY, HOUR, MINUTE, Machine, said

from telex.db.connection import Store
from telex.errors import NameTaken, NobodyThere
from telex.mail import registration


def test_what_is_said_in_ones_own_empty_channel_is_kept_for_those_who_come(machine: Machine) -> None:
    alice = machine.arrive("/src/feature-auth", wish="alice")
    sent = alice.send("#feature-auth", "read docs/auth.md first", kind="request")
    assert [(one.name, one.state) for one in sent.recipients] == [("#feature-auth", "queued")]
    assert sent.recipients[0].note == "nobody else is there; kept for those who come"
    bob = machine.arrive("/src/feature-auth", wish="bob")
    assert bob.heard() == ["read docs/auth.md first"]
    assert bob.rings()
    machine.clock.pass_by(HOUR)
    (carol,) = machine.named("carol")
    carol.join("#feature-auth")
    assert carol.heard() == ["read docs/auth.md first"]
    carol.leave("#feature-auth")
    carol.join("#feature-auth")
    assert carol.heard() == ["read docs/auth.md first"]  # once
    machine.clock.pass_by(DAY)
    (dora,) = machine.named("dora")
    dora.join("#feature-auth")
    assert dora.heard() == []  # somebody has it since long: it is history
    assert machine.states(sent) == {"#feature-auth": "read", "@bob": "queued", "@carol": "queued"}
    assert machine.reason(sent, "#feature-auth") == "kept for @bob"
    bob.reply(sent.id, "done")
    assert [one.body for one in alice.inbox() if one.kind == "reply"] == ["done"]


def test_the_first_who_comes_has_it_however_late(machine: Machine) -> None:
    alice = machine.arrive("/src/feature-auth", wish="alice")
    alice.send("#feature-auth", "for whoever comes")
    alice.quit()
    machine.clock.pass_by(30 * DAY)
    back = machine.arrive("/src/feature-auth", wish="alice")
    assert back.heard() == []  # its own
    bob = machine.arrive("/src/feature-auth", wish="bob")
    assert bob.heard() == ["for whoever comes"]


def test_a_request_kept_for_those_who_come_is_late_like_any_other(machine: Machine) -> None:
    alice = machine.arrive("/src/feature-auth", wish="alice")
    sent = alice.send("#feature-auth", "who reviews?", kind="request", deadline_s=MINUTE, ttl_s=HOUR)
    machine.clock.pass_by(2 * MINUTE)
    machine.person.send("@alice", "tick")
    assert "no reply from #feature-auth to your request m1: its deadline has passed" in alice.heard()
    machine.clock.pass_by(2 * HOUR)
    machine.person.send("@alice", "tock")
    assert machine.states(sent) == {"#feature-auth": "expired"}
    bob = machine.arrive("/src/feature-auth", wish="bob")
    assert bob.heard() == []


def test_strictly_nothing_is_kept_for_those_who_come(machine: Machine) -> None:
    [api] = machine.named("api")
    with pytest.raises(NobodyThere, match="nobody is at #api; nothing was sent"):
        api.send("#api", "hello", strict=True)
    assert machine.person.log(everything=True) == []


def test_a_late_joiner_finds_what_was_said_in_the_channel_and_nobody_else_does(machine: Machine) -> None:
    api, web, late, other = machine.named("api", "web", "late", "other")
    api.join("#auth")
    web.join("#auth")
    api.send("#auth", "the token format is decided")
    api.send("#auth,@dana", "the token format, for two")
    api.send("@web", "the token format, between us")
    assert late.search("token") == []
    late.join("#auth")
    found = ["the token format, for two", "the token format is decided"]
    assert said(late.search("token")) == found
    assert said(late.log(partner="#auth")) == found
    assert other.search("token") == []
    late.leave("#auth")
    assert late.search("token") == []


def test_without_that_those_who_come_hear_nothing(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted fault: the tests above must be able to fail."""
    monkeypatch.setattr(registration, "give_kept", lambda *_: None)
    machine.arrive("/src/feature-auth", wish="alice").send("#feature-auth", "read docs/auth.md first")
    assert machine.arrive("/src/feature-auth", wish="bob").heard() == []


# --- a name that is taken by somebody who has its mail already ----------------------------------------------


@pytest.mark.parametrize("handled", ["nothing", "read", "done"])
def test_a_name_that_was_written_to_beside_ones_own_can_be_taken(machine: Machine, handled: str) -> None:
    api, web = machine.named("api", "web")
    both = api.send("@web,@frontend", "to both", kind="request")
    api.send("@frontend", "to the new name alone")
    if handled != "nothing":
        getattr(web, handled)(both.id)
    web.rename("frontend")
    assert machine.states(both) == {"@frontend": {"nothing": "queued"}.get(handled, handled)}
    assert web.heard() == [*(["to both"] if handled != "done" else []), "to the new name alone"]
    if handled != "done":
        web.reply(both.id, "once")
    assert machine.db.row("mail.owed_for", 1) is None


def test_the_planted_rename_that_keeps_both_is_refused(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted fault: as it was, one message to both kept the name from whoever it was for."""
    api, web = machine.named("api", "web")
    api.send("@web,@frontend", "to both")
    rows = Store.rows
    monkeypatch.setattr(Store, "rows", lambda db, name, *v: [] if name == "later.doubles" else rows(db, name, *v))
    with pytest.raises(NameTaken):
        web.rename("frontend")
