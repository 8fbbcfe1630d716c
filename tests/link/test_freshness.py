"""How old a letter of another machine is: the relay cannot make it younger, and a wrong clock loses no mail."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.link.courier import Team
from tests.link.test_receive import arrived, letter, take, troubles
from tests.support.machine import DAY, HOUR, MINUTE, Machine, Seat

from telex.core import frame, freshness
from telex.mail import messages

DAY_MS, HOUR_MS, MINUTE_MS = DAY * 1000, HOUR * 1000, MINUTE * 1000
IN_TEAM_MS = 60 * DAY_MS


@pytest.fixture
def alice(team: Team) -> Machine:
    """A machine that has been in the team for 60 days."""
    made = team.machine("alice-laptop", role="owner")
    team.machine("bob-laptop")
    team.clock.pass_by(IN_TEAM_MS // 1000)
    return made


@pytest.fixture
def frontend(alice: Machine) -> Seat:
    return alice.named("frontend")[0]


def bring(made: Machine, *, signed_ago_ms: int, relayed_ms: int = 0, waited_ms: int = 0, **fields: Any) -> None:
    """A letter that was signed so long ago, and came to the relay, as the relay says, so long ago."""
    signed_ms = made.clock() - signed_ago_ms
    written_ms = signed_ms - waited_ms
    ends = {name: written_ms + fields.pop(name) for name in ("expires_ms", "deadline_ms") if name in fields}
    given = letter("the port is 8080", created_ms=written_ms, **ends, **fields)
    item = arrived(given, 1, 0, signed_ms=signed_ms, relayed_ms=relayed_ms, age_ms=waited_ms + relayed_ms)
    assert take(made, item) == 1


def states(made: Machine) -> list[str]:
    return [one.state for one in messages.deliveries(made.db, 1)]


# --- the header ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("signed_ago_ms", "relayed_ms", "fact"),
    [
        (21 * DAY_MS, 0, "now, signed 21d ago."),
        (21 * DAY_MS, 2 * DAY_MS, "2d ago, signed 21d ago."),
        (61 * MINUTE_MS, 0, "now, signed 1h ago."),
        (-3 * DAY_MS, 0, "now, signed 3d ahead of this machine's clock."),
        (400 * DAY_MS, 0, "now, signed 400d ago."),
        (59 * MINUTE_MS, 0, "now."),
        (-59 * MINUTE_MS, 0, "now."),
        (2 * DAY_MS, 2 * DAY_MS, "2d ago."),  # this machine was off
    ],
)
def test_the_model_is_told_when_a_letter_was_signed(
    alice: Machine, frontend: Seat, signed_ago_ms: int, relayed_ms: int, fact: str
) -> None:
    bring(alice, signed_ago_ms=signed_ago_ms, relayed_ms=relayed_ms)
    headers = [line for line in frontend.hook().splitlines() if line.startswith("m1 from")]
    assert len(headers) == 1
    header = headers[0]
    assert fact in header
    assert ("signed" in header) == ("signed" in fact)


def test_show_has_it_in_text_and_in_json(alice: Machine, frontend: Seat) -> None:
    bring(alice, signed_ago_ms=21 * DAY_MS, relayed_ms=HOUR_MS)
    one = alice.person.show("m1").message
    assert (one.signed_ms, one.arrived_ms) == (alice.clock() - 21 * DAY_MS, alice.clock() - HOUR_MS)
    assert frame.signed(one.signed_ms, one.arrived_ms, alice.clock()) == "signed 21d ago"


def test_a_message_of_this_machine_is_signed_by_nobody(alice: Machine, frontend: Seat) -> None:
    alice.person.send("@frontend", "here")
    one = frontend.inbox()[0]
    assert (one.signed_ms, one.arrived_ms) == (0, 0)
    assert "signed" not in frontend.hook()


def test_an_export_keeps_it_and_an_older_export_has_none(alice: Machine, frontend: Seat, machine: Machine) -> None:
    bring(alice, signed_ago_ms=21 * DAY_MS)
    line = next(iter(alice.person.export()))
    older = {name: value for name, value in json.loads(line).items() if name not in ("signed_ms", "arrived_ms")}
    older["uuid"] = "01890000-0000-7000-8000-000000000001"
    assert machine.person.take_in([line, json.dumps(older)])[0] == 2
    kept = [messages.get(machine.db, number) for number in (1, 2)]
    assert [one and (one.signed_ms, one.arrived_ms) for one in kept] == [
        (alice.clock() - 21 * DAY_MS, alice.clock()),
        (0, 0),
    ]
    assert all(one and one.sound() for one in kept)


# --- time to live and deadline ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("signed_ago_ms", "waited_ms", "left_ms"),
    [
        (2 * HOUR_MS, 0, 22 * HOUR_MS),
        (2 * HOUR_MS, 3 * HOUR_MS, 19 * HOUR_MS),  # it waited to be sealed first
        (30 * MINUTE_MS, 0, 24 * HOUR_MS),  # clocks differ
        (-30 * MINUTE_MS, 0, 24 * HOUR_MS),
        (-3 * DAY_MS, 0, 24 * HOUR_MS),  # a time to come
        (-3 * DAY_MS, 3 * HOUR_MS, 21 * HOUR_MS),
        (IN_TEAM_MS + 2 * HOUR_MS, 0, 24 * HOUR_MS),  # before this machine was in the team
        (20_000 * DAY_MS, 0, 24 * HOUR_MS),  # a clock that begins in 1970
    ],
)
def test_time_to_live_and_deadline_count_from_the_signed_time_within_bounds(
    alice: Machine, frontend: Seat, signed_ago_ms: int, waited_ms: int, left_ms: int
) -> None:
    ends = {"expires_ms": DAY_MS, "deadline_ms": DAY_MS}
    bring(alice, signed_ago_ms=signed_ago_ms, waited_ms=waited_ms, kind="request", **ends)
    found = frontend.inbox()
    assert len(found) == 1
    one = found[0]
    assert (one.expires_ms - alice.clock(), one.deadline_ms - alice.clock()) == (left_ms, left_ms)


@pytest.mark.parametrize("relayed_ms", [0, MINUTE_MS, DAY_MS])
def test_a_letter_that_was_kept_back_past_its_time_is_expired_and_wakes_nobody(
    alice: Machine, frontend: Seat, relayed_ms: int
) -> None:
    bring(alice, signed_ago_ms=21 * DAY_MS, relayed_ms=relayed_ms, expires_ms=7 * DAY_MS)
    assert states(alice) == ["expired"]
    assert frontend.hook() == ""
    assert not frontend.rings()
    assert alice.person.show("m1").message.body == "the port is 8080"  # the person finds it


def test_a_request_that_was_kept_back_says_that_its_reply_was_due(alice: Machine, frontend: Seat) -> None:
    bring(alice, signed_ago_ms=21 * DAY_MS, kind="request", deadline_ms=HOUR_MS)
    shown = frontend.hook()
    assert "signed 21d ago" in shown and "Reply was due " in shown


@pytest.mark.parametrize("signed_ago_ms", [-400 * DAY_MS, -2 * HOUR_MS, IN_TEAM_MS + DAY_MS, 20_000 * DAY_MS])
def test_a_clock_that_is_surely_wrong_loses_no_mail(alice: Machine, frontend: Seat, signed_ago_ms: int) -> None:
    bring(alice, signed_ago_ms=signed_ago_ms, expires_ms=10 * MINUTE_MS)
    assert frontend.heard() == ["the port is 8080"]


@pytest.mark.parametrize("signed_ago_ms", [2 * HOUR_MS, 21 * DAY_MS, 59 * DAY_MS])
def test_a_slow_clock_hides_no_mail_without_a_time_to_live(alice: Machine, frontend: Seat, signed_ago_ms: int) -> None:
    """The order and the days that mail is kept are not counted by it."""
    bring(alice, signed_ago_ms=signed_ago_ms)
    (one,) = frontend.inbox()
    assert one.created_ms == alice.clock()
    assert frontend.heard() == ["the port is 8080"]


# --- the person ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("signed_ago_ms", "odd"),
    [
        (21 * DAY_MS, freshness.LATE),
        (-DAY_MS, freshness.AHEAD),
        (IN_TEAM_MS + 3 * DAY_MS, freshness.EARLY),
        (MINUTE_MS, ""),
        (-MINUTE_MS, ""),
    ],
)
def test_the_person_is_told_once_a_day_what_is_odd(
    alice: Machine, frontend: Seat, signed_ago_ms: int, odd: str
) -> None:
    wanted = [f"clock: {freshness.WORDS[odd]}"] if odd else []
    bring(alice, signed_ago_ms=signed_ago_ms)
    assert troubles(alice) == wanted
    alice.clock.pass_by(23 * HOUR)
    again = arrived(letter("again"), 2, 1, signed_ms=alice.clock() - signed_ago_ms)
    assert take(alice, again, cursor=2) == 1
    assert troubles(alice) == wanted


# --- planted faults: what these tests would say -------------------------------------------------------------


def test_a_planted_age_by_the_relay_alone_is_noticed(
    alice: Machine, frontend: Seat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(freshness, "counted_ms", lambda signed_ms, arrived_ms, earliest_ms: arrived_ms)
    with pytest.raises(AssertionError):
        test_a_letter_that_was_kept_back_past_its_time_is_expired_and_wakes_nobody(alice, frontend, 0)


@pytest.mark.parametrize("signed_ago_ms", [-400 * DAY_MS, IN_TEAM_MS + DAY_MS])
def test_a_planted_belief_in_every_clock_is_noticed(
    alice: Machine, frontend: Seat, monkeypatch: pytest.MonkeyPatch, signed_ago_ms: int
) -> None:
    monkeypatch.setattr(freshness, "counted_ms", lambda signed_ms, arrived_ms, earliest_ms: signed_ms)
    with pytest.raises(AssertionError):
        test_time_to_live_and_deadline_count_from_the_signed_time_within_bounds(
            alice, frontend, signed_ago_ms, 0, 24 * HOUR_MS
        )


def test_a_planted_header_without_the_signed_time_is_noticed(
    alice: Machine, frontend: Seat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frame, "signed", lambda *given: "")
    with pytest.raises(AssertionError):
        test_the_model_is_told_when_a_letter_was_signed(alice, frontend, 21 * DAY_MS, 0, "now, signed 21d ago.")
