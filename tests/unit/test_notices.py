"""What telex itself says: to whom, when, and that it counts nowhere."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.support.machine import HOUR, MINUTE, Machine

from telex import limits
from telex.errors import NameReserved, NoAnswerWanted
from telex.mail import addresses, notices


def tell(machine: Machine, name: str, text: str = "a notice") -> None:
    """Queue a notice for a name."""
    place = addresses.address_named(machine.db, name, machine.clock())
    assert place is not None
    with machine.db.write():
        notices.notify(machine.db, place.id, text, 0, machine.clock())


def test_a_notice_comes_from_telex_itself(machine: Machine) -> None:
    [api] = machine.named("api")
    tell(machine, "api")
    [one] = api.inbox()
    assert (one.sender, one.sender_kind, one.kind, one.auto) == ("@telex", "system", "event", True)
    assert "from telex itself" in api.hook()


def test_a_notice_wakes_nobody(machine: Machine) -> None:
    [api] = machine.named("api")
    for mode in ("direct", "all"):
        api.set_wake(mode)
        tell(machine, "api", f"while {mode}")
    assert not machine.db.value("mail.any_waking", api.me.address.id)


def test_a_notice_takes_no_reply(machine: Machine) -> None:
    [api] = machine.named("api")
    tell(machine, "api")
    ways: list[Callable[[], object]] = [
        lambda: api.reply("m1", "thanks"),
        lambda: api.send("@dana", "x", reply_to="m1"),
    ]
    for answer in ways:
        with pytest.raises(NoAnswerWanted, match="m1 is telex's own notice"):
            answer()


def test_nobody_can_write_to_telex_or_as_telex(machine: Machine) -> None:
    [api] = machine.named("api")
    with pytest.raises(NameReserved):
        api.send("@telex", "hello")
    with pytest.raises(NameReserved):
        api.rename("telex")
    assert machine.arrive(wish="telex").at == "@telex-1"


def test_notices_come_though_the_inbox_is_full(machine: Machine) -> None:
    [api] = machine.named("api")
    machine.set(inbox_waiting=1)
    machine.person.send("@api", "x")
    tell(machine, "api")
    assert api.heard() == ["x", "a notice"]


def test_telex_is_a_system_address_whoever_asked_for_it_first(machine: Machine) -> None:
    from telex.errors import TimedOut

    [api] = machine.named("api")
    with pytest.raises(TimedOut):
        api.wait(sender="telex", timeout_s=0.001)
    tell(machine, "api")
    assert [one.body for one in api.wait(sender="@telex", timeout_s=1)] == ["a notice"]
    assert "@telex" not in [one.name for one in machine.person.who(everybody=True)]


@pytest.mark.parametrize("name", ["all", "me", "system"])
def test_there_is_nobody_to_wait_for_at_a_reserved_name(machine: Machine, name: str) -> None:
    [api] = machine.named("api")
    with pytest.raises(NameReserved):
        api.wait(sender=name, timeout_s=0.001)


# --- a request that stays unanswered --------------------------------------------------------------------------


def test_the_sender_is_told_when_the_recipient_goes_idle(machine: Machine) -> None:
    api, web = machine.named("api", "web")
    api.send("@web", "which port?", kind="request")
    assert "which port?" in web.hook()
    assert "m1 from @api is not answered yet: telex reply m1 '…', or telex done m1\n  > which port?" in web.stop()
    assert api.heard() == []
    web.rest()
    assert api.heard() == ["no reply from @web to your request m1: it went idle"]
    web.rest()
    assert len(api.heard()) == 1


def test_it_is_reminded_once_and_then_left_alone(machine: Machine) -> None:
    api, web = machine.named("api", "web")
    api.send("@web", "which port?", kind="request")
    web.hook()
    assert web.stop() != ""
    assert web.stop() == ""


def test_every_request_is_named_before_it_counts_as_reminded(machine: Machine) -> None:
    api, web = machine.named("api", "web")
    for number in range(limits.LIST_ROWS + 3):
        api.send("@web", f"question {number}", kind="request")
    web.read(most=100)
    first, second = web.stop(), web.stop()
    assert first.count("not answered yet") == limits.LIST_ROWS
    assert second.count("not answered yet") == 3
    assert web.stop() == ""


def test_a_request_that_was_never_shown_is_not_held_against_anybody(machine: Machine) -> None:
    api, web = machine.named("api", "web")
    web.hook()
    api.send("@web", "which port?", kind="request")
    web.rest()
    assert api.heard() == []


@pytest.mark.parametrize("settle", ["reply", "done", "context"])
def test_what_was_settled_is_told_to_nobody(machine: Machine, settle: str) -> None:
    api, web = machine.named("api", "web")
    request = api.send("@web", "which port?", kind="request")
    web.hook()
    if settle == "done":
        web.done(request.id)
    else:
        web.reply(request.id, "5173", kind=settle)
    assert web.stop() == ""
    machine.clock.pass_by(2 * HOUR)
    machine.person.send("@web", "tick")
    assert api.heard() == ([] if settle == "done" else ["5173"])


def test_an_ack_settles_nothing(machine: Machine) -> None:
    api, web = machine.named("api", "web")
    request = api.send("@web", "which port?", kind="request")
    web.hook()
    web.reply(request.id, "seen", kind="ack")
    assert "not answered yet" in web.stop()


def test_the_sender_is_told_when_the_recipient_ends(machine: Machine) -> None:
    api, web = machine.named("api", "web")
    api.send("@web", "which port?", kind="request")
    web.quit()
    assert api.heard() == ["no reply from @web to your request m1: its session ended"]


def test_after_idle_the_deadline_is_told_too(machine: Machine) -> None:
    api, web = machine.named("api", "web")
    api.send("@web", "which port?", kind="request", deadline_s=MINUTE)
    web.hook()
    web.stop()
    web.rest()
    machine.clock.pass_by(MINUTE)
    machine.person.send("@web", "tick")
    assert [one.rpartition(": ")[2] for one in api.heard()] == ["it went idle", "its deadline has passed"]


def test_a_late_reply_still_comes(machine: Machine) -> None:
    api, web = machine.named("api", "web")
    request = api.send("@web", "which port?", kind="request", deadline_s=MINUTE)
    machine.clock.pass_by(HOUR)
    machine.person.send("@web", "tick")
    web.reply(request.id, "5173, sorry")
    assert api.heard()[-1] == "5173, sorry"


def test_one_reply_is_enough_for_a_request_to_many(machine: Machine) -> None:
    api, web, docs = machine.named("api", "web", "docs")
    for seat in (api, web, docs):
        seat.join("team")
    request = api.send("#team", "who has the port?", kind="request")
    web.hook()
    docs.hook()
    web.reply(request.id, "5173")
    assert docs.stop() == ""
    docs.rest()
    assert api.heard() == ["5173"]


def test_each_who_was_named_owes_a_reply_of_its_own(machine: Machine) -> None:
    api, web, docs = machine.named("api", "web", "docs")
    request = api.send("@web,@docs", "who has the port?", kind="request")
    web.hook()
    docs.hook()
    web.reply(request.id, "5173")
    assert web.stop() == ""
    assert "not answered yet" in docs.stop()


def test_whoever_takes_the_name_takes_the_debt(machine: Machine) -> None:
    api, web = machine.named("api", "web")
    request = api.send("@web", "which port?", kind="request")
    machine.crash(web)
    successor = machine.arrive("/src/web")
    assert "which port?" in successor.hook()
    successor.reply(request.id, "5173")
    assert api.heard() == ["5173"]
