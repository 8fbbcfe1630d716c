"""Clocks that jump: nothing changes its order, nothing expires early, nothing breaks (T8)."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.machine import DAY, HOUR, MINUTE, START_MS, Machine, Processes, Seat, said

from telex.core import flow, text
from telex.core.delivery import EXPIRED
from telex.db.connection import Store
from telex.errors import TooFast
from telex.fs import processes
from telex.hook import delivery
from telex.mail import addresses, messages, retention

YEAR_2038_MS = 2**31 * 1000 - 2_000
YEAR_2100_MS = 4_102_444_800_000 - 2_000
JUMPS = [-DAY, DAY, -HOUR, HOUR, -1, 1]


def converse(machine: Machine, api: Seat, web: Seat, tag: str) -> None:
    """A piece of an ordinary day: everything that knows a time is used once."""
    request = api.send("@web", f"request {tag}", kind="request", deadline_s=HOUR, ttl_s=2 * HOUR)
    web.hook()
    web.reply(request.id, f"reply {tag}")
    api.read()
    web.stop()
    machine.person.send("@api", f"note {tag}", key=f"key {tag}")
    for seat in (api, web, machine.person):
        assert seat.who()
        assert seat.log()
    machine.person.show(request.id)


@pytest.mark.parametrize("jump", JUMPS)
def test_a_days_work_survives_a_jump_of_the_clock(machine: Machine, jump: int) -> None:
    api, web = machine.named("api", "web")
    converse(machine, api, web, "before")
    machine.clock.pass_by(jump)
    converse(machine, api, web, "after")
    machine.clock.pass_by(-jump)
    converse(machine, api, web, "back again")
    assert EXPIRED not in states(machine)


@pytest.mark.parametrize("jump", [-10 * 365 * DAY, 100 * 365 * DAY])
def test_a_days_work_goes_on_after_a_jump_of_years(machine: Machine, jump: int) -> None:
    api, web = machine.named("api", "web")
    converse(machine, api, web, "before")
    machine.clock.pass_by(jump)
    converse(machine, api, web, "after")
    assert "reply after" in said(api.log())


def states(machine: Machine) -> set[str]:
    """Every state that some delivery is in."""
    letters = machine.person.log(everything=True, most=999)
    return {one.state for letter in letters for one in machine.person.show(letter.id).deliveries}


@pytest.mark.parametrize("jump", [-DAY, -HOUR, -10 * 365 * DAY, DAY])
def test_no_order_changes(machine: Machine, jump: int) -> None:
    api, web = machine.named("api", "web")
    for number in range(3):
        api.send("@web", f"{number}")
    machine.clock.pass_by(jump)
    for number in range(3, 6):
        api.send("@web", f"{number}")
    assert web.heard() == [str(number) for number in range(6)]
    assert said(machine.person.log(everything=True)) == [str(number) for number in reversed(range(6))]
    shown = web.hook()
    assert sorted(range(6), key=lambda number: shown.index(f"> {number}")) == list(range(6))


@pytest.mark.parametrize("jump", [-1, -MINUTE, -HOUR, -DAY, -400 * DAY])
def test_a_clock_that_goes_back_expires_nothing(machine: Machine, jump: int) -> None:
    api, web = machine.named("api", "web")
    answers = [
        api.send("@web", "a note"),
        api.send("@web", "with a ttl", ttl_s=MINUTE),
        api.send("@web", "a request", kind="request", deadline_s=MINUTE),
        machine.person.send("@later", "for somebody who never came"),
    ]
    machine.clock.pass_by(jump)
    for number in range(5):
        machine.person.send("@api", f"tick {number}")
    assert [list(machine.states(one).values()) for one in answers] == [["queued"]] * 4
    assert [one for one in api.heard() if "deadline" in one] == []
    for words in ("a note", "with a ttl", "a request"):
        assert words in web.hook() or words in said(web.log())


def test_a_frozen_clock_is_no_fault(machine: Machine) -> None:
    api, web = machine.named("api", "web")
    for number in range(8):
        converse(machine, api, web, f"at once {number}")
    ids = [letter.uuid for letter in machine.person.log(everything=True, most=999)]
    assert len(set(ids)) == len(ids) == 24


@pytest.mark.parametrize("start_ms", [YEAR_2038_MS, YEAR_2100_MS, 0, 1, 2**41])
def test_the_years_2038_and_2100_are_years_like_others(machine: Machine, start_ms: int) -> None:
    machine.clock.now_ms = start_ms
    api, web = machine.named("api", "web")
    for number in range(5):
        converse(machine, api, web, f"{number}")
        machine.clock.pass_by(1)
    assert EXPIRED not in states(machine)


@pytest.mark.parametrize("jump", [-HOUR, -DAY, -10 * 365 * DAY])
def test_the_same_text_may_be_said_again_after_a_minute_of_any_clock(machine: Machine, jump: int) -> None:
    api, web = machine.named("api", "web")
    api.send("@web", "hello?")
    machine.clock.pass_by(jump)
    machine.clock.pass_by(MINUTE)
    api.send("@web", "hello?")
    assert web.heard() == ["hello?"] * 2


@pytest.mark.parametrize("jump", [-10 * MINUTE, -DAY, -10 * 365 * DAY])
def test_a_rate_used_up_in_the_future_silences_nobody(machine: Machine, jump: int) -> None:
    [api] = machine.named("api")
    machine.set(sends_per_minute=3)
    for number in range(3):
        api.send("@later", f"{number}")
    machine.clock.pass_by(jump)
    api.send("@later", "in the past")


def test_a_forward_from_the_future_is_no_trap(machine: Machine) -> None:
    api, web = machine.named("api", "web")
    api.rename("backend")
    machine.clock.pass_by(-DAY)
    web.send("@api", "x")
    assert api.heard() == ["x"]
    newcomer = machine.arrive("/src/api")
    web.send("@api", "y")
    assert newcomer.heard() == ["y"]


@pytest.mark.parametrize("jump", JUMPS)
def test_a_key_works_at_any_time(machine: Machine, jump: int) -> None:
    [api] = machine.named("api")
    api.send("@later", "x", key="k")
    machine.clock.pass_by(jump)
    assert api.send("@later", "x", key="k").repeated


def test_daylight_saving_changes_nothing_that_is_shown() -> None:
    spring_ms = 1_774_746_000_000  # 2026-03-29 01:00 UTC, when clocks in Europe go forward
    shown = [text.when(spring_ms + minutes * 60_000) for minutes in range(-90, 91, 30)]
    assert shown == sorted(shown)
    assert len(set(shown)) == len(shown)


# --- planted bugs: what these tests would say ---------------------------------------------------------------


def test_mail_that_is_sorted_by_its_date_is_noticed(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    by_number = messages.queued
    monkeypatch.setattr(
        messages, "queued", lambda *given: sorted(by_number(*given), key=lambda one: (one.created_ms, one.n))
    )
    with pytest.raises(AssertionError):
        test_no_order_changes(machine, -DAY)


def test_mail_that_expires_because_it_is_dated_ahead_is_noticed(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep = retention._keep

    def eager(db: Store, now_ms: int, horizon: int, keep_days: int) -> None:
        for number, created_ms in list(db.rows("mail.oldest", 0, 20)):
            if created_ms > now_ms:
                retention.expire(db, number, "dated ahead", now_ms)
        keep(db, now_ms, horizon, keep_days)

    monkeypatch.setattr(retention, "_keep", eager)
    with pytest.raises(AssertionError):
        test_a_clock_that_goes_back_expires_nothing(machine, -DAY)


def test_a_rate_that_believes_the_future_is_noticed(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    def believing(arrival_ms: int, now_ms: int, per_minute: int) -> tuple[int, int]:
        wait = arrival_ms - now_ms - 60_000 + 60_000 // per_minute
        return (arrival_ms, wait) if wait > 0 else (max(arrival_ms, now_ms) + 60_000 // per_minute, 0)

    monkeypatch.setattr(flow, "rate", believing)
    with pytest.raises(TooFast):
        test_a_rate_used_up_in_the_future_silences_nobody(machine, -DAY)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(-3 * DAY, 3 * DAY), st.integers(0, 3)), min_size=1, max_size=12))
def test_whatever_the_clock_does_mail_is_shown_once_and_in_order(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, days: list[tuple[int, int]]
) -> None:
    """Jumps of up to three days, far below what keeping looks at: nothing may expire, vanish or be shown twice."""
    children = Processes()
    monkeypatch.setattr(processes, "alive", children.alive)
    monkeypatch.setattr(processes, "started", children.started)
    monkeypatch.setattr(addresses, "user_name", lambda: "dana")
    machine = Machine(tmp_path_factory.mktemp("clock") / "home", children)
    monkeypatch.setattr(delivery, "now_ms", machine.clock)
    try:
        [api] = machine.named("api")
        sent: list[str] = []
        shown = ""
        for jump, messages in days:
            machine.clock.now_ms = max(START_MS - 30 * DAY * 1000, machine.clock.now_ms + jump * 1000)
            for _ in range(messages):
                sent.append(f"number-{len(sent)}-")
                machine.person.send("@api", sent[-1])
            if messages != 1:
                shown += api.hook()
        shown += api.hook()
        assert [shown.count(one) for one in sent] == [1] * len(sent)
        assert sorted(sent, key=shown.index) == sent
        assert not api.rings()
    finally:
        machine.db.close()
