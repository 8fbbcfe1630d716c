"""What a write tidies on its way: time to live, deadlines, keeping; and nothing goes silently."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.support.machine import DAY, HOUR, MINUTE, Machine, Seat

from telex import limits
from telex.bus.send import Sent
from telex.errors import MessageUnknown
from telex.fs import bodies
from telex.mail import messages, retention


def tick(machine: Machine) -> None:
    """Something is written, by somebody, about something else."""
    machine.person.send("@elsewhere", f"tick {machine.db.value('history.newest')}")


def exists(machine: Machine, *answers: Sent) -> list[bool]:
    """Whether the messages are still there."""
    return [messages.get(machine.db, int(one.id[1:])) is not None for one in answers]


# --- time to live -----------------------------------------------------------------------------------------


def test_what_nobody_was_shown_in_time_expires_with_the_reason(machine: Machine) -> None:
    [api] = machine.named("api")
    answer = machine.person.send("@api", "lunch?", ttl_s=MINUTE)
    machine.clock.pass_by(MINUTE - 1)
    tick(machine)
    assert machine.states(answer) == {"@api": "queued"}
    machine.clock.pass_by(1)
    tick(machine)
    assert machine.states(answer) == {"@api": "expired"}
    assert machine.reason(answer, "@api") == "its time to live ran out"
    assert not api.rings()
    assert api.heard() == []


def test_an_expired_message_is_not_shown_even_before_anything_was_swept(machine: Machine) -> None:
    [api] = machine.named("api")
    answer = machine.person.send("@api", "lunch?", ttl_s=MINUTE)
    machine.clock.pass_by(MINUTE)
    assert api.hook() == ""
    assert machine.states(answer) == {"@api": "expired"}


def test_what_was_shown_in_time_does_not_expire(machine: Machine) -> None:
    [api] = machine.named("api")
    answer = machine.person.send("@api", "lunch?", ttl_s=MINUTE)
    api.hook()
    machine.clock.pass_by(HOUR)
    tick(machine)
    assert machine.states(answer) == {"@api": "shown"}


def test_what_was_handed_over_in_time_expires_only_once_it_was_taken_back(machine: Machine) -> None:
    """Would break: a sweep between a handing and its proof, or a time to live that is forgotten with the handing."""
    [api] = machine.named("api")
    answer = machine.person.send("@api", "lunch?", ttl_s=MINUTE)
    assert "lunch?" in api.handed()
    machine.clock.pass_by(HOUR)
    tick(machine)
    assert machine.states(answer) == {"@api": "handed"}
    api.quit()
    tick(machine)
    assert machine.states(answer) == {"@api": "expired"}


def test_only_the_deliveries_that_are_open_expire(machine: Machine) -> None:
    api, _ = machine.named("api", "web")
    answer = machine.person.send("@api,@web", "lunch?", ttl_s=MINUTE)
    api.done(answer.id)
    machine.clock.pass_by(MINUTE)
    tick(machine)
    assert machine.states(answer) == {"@api": "done", "@web": "expired"}


def test_one_write_expires_no_more_than_a_few(machine: Machine) -> None:
    answers = [machine.person.send("@api", f"{number}", ttl_s=1) for number in range(limits.SWEEP_ROWS + 5)]
    machine.clock.pass_by(2)
    tick(machine)
    # asked of the store itself: a look would go on
    states = [messages.deliveries(machine.db, int(one.id[1:]))[0].state for one in answers]
    assert states.count("expired") == limits.SWEEP_ROWS
    tick(machine)
    assert {machine.states(one)["@api"] for one in answers} == {"expired"}


# --- deadlines --------------------------------------------------------------------------------------------


def test_the_sender_is_told_once_when_the_deadline_passes(machine: Machine) -> None:
    api, web = machine.named("api", "web")
    api.send("@web", "which port?", kind="request", deadline_s=MINUTE)
    machine.clock.pass_by(MINUTE - 1)
    tick(machine)
    assert api.heard() == []
    machine.clock.pass_by(1)
    for _ in range(3):
        tick(machine)
    assert api.heard() == ["no reply from @web to your request m1: its deadline has passed"]
    assert "Reply was due" in web.hook()


def test_a_request_to_the_person_has_a_deadline_too(machine: Machine) -> None:
    [api] = machine.named("api")
    api.send("@dana", "may I?", kind="request", deadline_s=MINUTE)
    machine.clock.pass_by(MINUTE)
    tick(machine)
    assert api.heard() == ["no reply from @dana to your request m1: its deadline has passed"]


def test_an_answered_request_is_never_late(machine: Machine) -> None:
    api, web = machine.named("api", "web")
    request = api.send("@web", "which port?", kind="request", deadline_s=MINUTE)
    web.reply(request.id, "5173")
    machine.clock.pass_by(HOUR)
    tick(machine)
    assert api.heard() == ["5173"]


def test_a_request_that_expires_is_told_as_well(machine: Machine) -> None:
    api, _ = machine.named("api", "web")
    api.send("@web", "which port?", kind="request", ttl_s=MINUTE, deadline_s=HOUR)
    machine.clock.pass_by(MINUTE)
    tick(machine)
    assert api.heard() == ["no reply from @web to your request m1: its time to live ran out"]
    machine.clock.pass_by(2 * HOUR)
    tick(machine)
    assert len(api.heard()) == 1


# --- keeping ----------------------------------------------------------------------------------------------


def read_at_once(machine: Machine, seat: Seat, count: int, to: str = "@api") -> list[Sent]:
    """Messages that are sent and read on this day."""
    answers = [machine.person.send(to, f"{number} of {machine.clock()}") for number in range(count)]
    seat.read(most=count)
    return answers


def test_what_is_finished_goes_after_so_many_days(machine: Machine) -> None:
    [api] = machine.named("api")
    [answer] = read_at_once(machine, api, 1)
    machine.clock.pass_by(90 * DAY - 1)
    tick(machine)
    assert exists(machine, answer) == [True]
    machine.clock.pass_by(1)
    tick(machine)
    assert exists(machine, answer) == [False]
    with pytest.raises(MessageUnknown):
        machine.person.show(answer.id)
    assert machine.person.search("1795296600000", everything=True) == []


def test_the_setting_decides_how_long(machine: Machine) -> None:
    [api] = machine.named("api")
    machine.set(keep_days=365)
    [answer] = read_at_once(machine, api, 1)
    machine.clock.pass_by(364 * DAY)
    tick(machine)
    api.stop()  # a hook tidies too
    assert exists(machine, answer) == [True]
    machine.clock.pass_by(DAY)
    tick(machine)
    assert exists(machine, answer) == [False]


def test_what_nobody_has_read_expires_first_and_stays_to_be_seen(machine: Machine) -> None:
    answer = machine.person.send("@nobody", "hello?")
    machine.clock.pass_by(90 * DAY)
    tick(machine)
    assert machine.states(answer) == {"@nobody": "expired"}
    assert machine.reason(answer, "@nobody") == "kept for 90 days unread"
    machine.clock.pass_by(90 * DAY - 1)
    tick(machine)
    assert exists(machine, answer) == [True]
    machine.clock.pass_by(1)
    tick(machine)
    assert exists(machine, answer) == [False]


def test_what_was_read_late_stays_as_long_after_that(machine: Machine) -> None:
    [api] = machine.named("api")
    answer = machine.person.send("@api", "hello")
    machine.clock.pass_by(80 * DAY)
    api.read()
    machine.clock.pass_by(60 * DAY)
    tick(machine)
    assert exists(machine, answer) == [True]
    machine.clock.pass_by(30 * DAY)
    tick(machine)
    assert exists(machine, answer) == [False]


def test_what_stays_a_while_holds_up_nothing_behind_it(machine: Machine) -> None:
    api, web = machine.named("api", "web")
    late = [machine.person.send("@api", f"late {number}") for number in range(2 * limits.SWEEP_ROWS)]
    machine.clock.pass_by(MINUTE)
    early = read_at_once(machine, web, 5, to="@web")
    machine.clock.pass_by(89 * DAY)
    api.read(most=100)
    machine.clock.pass_by(2 * DAY)
    for _ in range(5):
        tick(machine)
    assert exists(machine, *early) == [False] * 5
    assert exists(machine, *late) == [True] * len(late)


def test_a_clock_that_was_wrong_once_holds_up_nothing(machine: Machine) -> None:
    [api] = machine.named("api")
    now_ms = machine.clock()
    machine.clock.now_ms = 4_102_444_800_000  # 2100
    read_at_once(machine, api, 1)
    machine.clock.now_ms = now_ms
    [answer] = read_at_once(machine, api, 1)
    machine.clock.pass_by(91 * DAY)
    tick(machine)
    tick(machine)
    assert exists(machine, answer) == [False]


def test_a_large_body_goes_with_its_last_message(machine: Machine) -> None:
    [api] = machine.named("api")
    body = "x" * 20_000
    first = machine.person.send("@api", body)
    found = messages.get(machine.db, int(first.id[1:]))
    assert found is not None
    api.read()
    machine.clock.pass_by(DAY)
    machine.person.send("@api", body)
    api.read()
    machine.clock.pass_by(89 * DAY)
    tick(machine)
    assert exists(machine, first) == [False]
    assert bodies.load(machine.home, found.digest) == body.encode()
    machine.clock.pass_by(DAY)
    tick(machine)
    assert bodies.load(machine.home, found.digest) is None


def test_one_write_removes_no_more_than_a_few(machine: Machine) -> None:
    [api] = machine.named("api")
    answers = read_at_once(machine, api, 3 * limits.SWEEP_ROWS)
    machine.clock.pass_by(91 * DAY)
    tick(machine)
    assert exists(machine, *answers).count(False) == limits.SWEEP_ROWS


def test_nothing_open_is_ever_removed_whatever_is_swept(machine: Machine) -> None:
    """The sensitivity twin of keeping: every message that leaves was closed, with a reason, keep_days before."""
    machine.named("api")
    answers = {machine.person.send("@api", f"{number}").id: "queued" for number in range(30)}
    for _ in range(40):
        machine.clock.pass_by(9 * DAY)
        tick(machine)
        for id in list(answers):
            found = messages.get(machine.db, int(id[1:]))
            if found is None:
                assert answers.pop(id) == "expired", id
            else:
                [one] = messages.deliveries(machine.db, found.n)
                answers[id] = one.state
                assert one.state == "queued" or one.reason
    assert not answers


def test_removing_what_is_gone_is_no_fault(machine: Machine) -> None:
    from telex.mail import retention

    with machine.db.write():
        retention.remove(machine.db, 999, machine.clock())
        retention.expire(machine.db, 999, "why", machine.clock())


def notices_of(machine: Machine) -> list[str]:
    """What telex has said to anybody, asked of the store itself: a look would notice."""
    return [body for (body,) in machine.db.con.execute("SELECT body FROM message WHERE sender_kind = 'system'")]


@pytest.mark.parametrize(
    "look",
    [
        lambda seat: seat.inbox(),
        lambda seat: seat.read(),
        lambda seat: seat.take().finish(False),
        lambda seat: seat.show("m1"),
        lambda seat: seat.log(),
        lambda seat: seat.who(),
    ],
    ids=["inbox", "read", "take", "show", "log", "who"],
)
@pytest.mark.parametrize("mine", [True, False])
def test_whoever_looks_notices_what_is_overdue(machine: Machine, look: Callable[[Seat], object], mine: bool) -> None:
    """Would break: two seconds after a deadline its sender's inbox says that nothing is unread."""
    api, _, other = machine.named("api", "web", "other")
    asked = api.send("@web", "which port?", kind="request", deadline_s=60)
    fleeting = api.send("@web", "until noon", ttl_s=60)
    machine.clock.pass_by(61)
    look(api if mine else other)
    assert notices_of(machine) == ["no reply from @web to your request m1: its deadline has passed"]
    assert (machine.states(asked), machine.states(fleeting)) == ({"@web": "queued"}, {"@web": "expired"})
    look(other)
    assert len(notices_of(machine)) == 1


def test_without_that_nobody_who_looks_notices(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted fault: the test above must be able to fail."""
    monkeypatch.setattr(retention, "notice", lambda *_: None)
    api, _ = machine.named("api", "web")
    api.send("@web", "which port?", kind="request", deadline_s=60)
    machine.clock.pass_by(61)
    assert api.inbox() == []
