"""Agents that answer each other come to an end: echoes, rings, worms, storms; and nobody else notices (T23)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.support.machine import DAY, HOUR, MINUTE, Machine, Seat

from telex import limits
from telex.core import flow
from telex.errors import CoolingDown, Refused, TooManyHops
from telex.mail import notices

Answer = Callable[[Seat, str, str], object]


def by_send(seat: Seat, to: str, text: str) -> object:
    """It is shown its mail by a hook and writes a message of its own."""
    seat.hook()
    return seat.send(to, text)


def by_reply(seat: Seat, to: str, text: str) -> object:
    """It answers the newest message, as the frame tells it to."""
    newest = [one for one in seat.inbox() if not one.auto][-1]
    seat.hook()
    return seat.reply(newest.id, text)


def by_request(seat: Seat, to: str, text: str) -> object:
    """It answers a question with a question, and ends its turn before."""
    seat.hook()
    seat.stop()
    seat.rest()
    return seat.send(to, text, kind="request")


def by_reading(seat: Seat, to: str, text: str) -> object:
    """A script: `telex read`, `telex send`."""
    seat.read()
    return seat.send(to, text)


def by_handling(seat: Seat, to: str, text: str) -> object:
    """A script: `telex inbox --json`, `telex done`, `telex send`."""
    seat.done(*(one.id for one in seat.inbox()))
    return seat.send(to, text)


def by_waiting(seat: Seat, to: str, text: str) -> object:
    """A script: `telex wait`, `telex send`."""
    seat.wait(timeout_s=1)
    return seat.send(to, text)


def after_a_notice(seat: Seat, to: str, text: str) -> object:
    """Something of telex's own comes between what it was shown and what it says."""
    seat.hook()
    with seat.db.write():
        notices.notify(seat.db, seat.me.address.id, f"about {text}", 0, seat.clock())
    seat.hook()
    return seat.send(to, text)


WAYS = [by_send, by_reply, by_request, by_reading, by_handling, by_waiting, after_a_notice]


def echo(machine: Machine, one: Seat, other: Seat, way: Answer = by_send, most: int = 200) -> int:
    """Two agents that answer whatever they hear; how many answers there were."""
    one.send(other.at, f"hello at {machine.clock()}")
    for number in range(most):
        machine.clock.pass_by(1)
        speaker, listener = (other, one) if number % 2 == 0 else (one, other)
        try:
            way(speaker, listener.at, f"echo {number} at {machine.clock()}")
        except Refused:
            return number
    return most


# --- two ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", WAYS)
def test_two_agents_that_answer_each_other_stop_within_the_budget(machine: Machine, way: Answer) -> None:
    api, web = machine.named("api", "web")
    assert echo(machine, api, web, way) == limits.PAIR_REPLIES


@pytest.mark.parametrize("way", [by_send, by_reply])
def test_without_the_budget_they_would_go_on(machine: Machine, way: Answer, monkeypatch: pytest.MonkeyPatch) -> None:
    def lenient(state: flow.Pair, *_: int) -> flow.PairVerdict:
        return flow.PairVerdict(pair=state, allowed=True)

    monkeypatch.setattr(flow, "pair", lenient)
    api, web = machine.named("api", "web")
    assert echo(machine, api, web, way) == 200


def test_both_are_told_why_and_the_person_once(machine: Machine) -> None:
    api, web = machine.named("api", "web")
    echo(machine, api, web)
    for seat, other in ((api, web), (web, api)):
        for _ in range(5):
            with pytest.raises(CoolingDown, match="without a person; resting until"):
                seat.send(other.at, f"again {machine.clock.pass_by(1)}")
    [told] = machine.person.heard()
    assert told.startswith(("@web and @api answered each other 20 times", "@api and @web answered each other 20 times"))
    for seat, other in ((api, web), (web, api)):
        [notice] = [one.body for one in seat.inbox() if one.auto]
        assert notice.startswith(f"you and {other.at} answered each other 20 times without a person")


def test_the_refusal_says_the_figure_and_until_when(machine: Machine) -> None:
    api, web = machine.named("api", "web")
    echo(machine, api, web)
    with pytest.raises(CoolingDown) as refused:
        web.send("@api", "once more")
    assert "20 times in 10 min" in refused.value.message
    assert "2026-11-21 21:40Z" in refused.value.message
    assert refused.value.status == 3


def test_everybody_else_is_unaffected(machine: Machine) -> None:
    api, web, docs = machine.named("api", "web", "docs")
    echo(machine, api, web)
    docs.send("@api", "hello")
    api.send("@docs", "hello")
    web.send("@docs,@dana", "hello there")
    machine.person.send("@docs", "hello")
    assert len(docs.heard()) == 3


def test_in_a_message_to_several_only_the_other_of_the_pair_is_left_out(machine: Machine) -> None:
    api, web, docs = machine.named("api", "web", "docs")
    echo(machine, api, web)
    api.hook()
    answer = api.send("@web,@docs", "to both of you")
    assert machine.states(answer) == {"@web": "refused", "@docs": "queued"}
    assert docs.heard() == ["to both of you"]


def test_after_the_rest_they_may_speak_again_with_a_budget_of_the_same_size(machine: Machine) -> None:
    api, web = machine.named("api", "web")
    echo(machine, api, web)
    machine.clock.pass_by(limits.PAIR_COOLDOWN_SECONDS)
    assert echo(machine, api, web) in (limits.PAIR_REPLIES, limits.PAIR_REPLIES - 1)
    assert len(machine.person.heard()) == 2


@pytest.mark.parametrize("to", ["@api", "@web", "all"])
def test_a_persons_word_ends_the_rest(machine: Machine, to: str) -> None:
    api, web = machine.named("api", "web")
    echo(machine, api, web)
    machine.clock.pass_by(1)
    machine.person.send(to, "go on, you two")
    machine.clock.pass_by(1)
    web.send("@api", "thanks")
    assert echo(machine, api, web) <= limits.PAIR_REPLIES


def test_a_persons_prompt_in_one_of_the_sessions_ends_it_too(machine: Machine) -> None:
    api, web = machine.named("api", "web")
    echo(machine, api, web)
    machine.clock.pass_by(1)
    web.marks("p")
    machine.clock.pass_by(1)
    web.send("@api", "my user says go on")
    assert len(api.heard()) > 0


def test_a_person_who_speaks_now_and_then_is_never_in_the_way(machine: Machine) -> None:
    api, web = machine.named("api", "web")
    for round in range(5):
        machine.person.send("@api", f"round {round}")
        machine.clock.pass_by(1)
        assert echo(machine, api, web, most=15) == 15


def test_a_turn_that_telex_began_is_no_persons_word(machine: Machine) -> None:
    """A session that is woken by each message has a prompt in its marks each time."""
    from telex.hook import delivery

    api, web = machine.named("api", "web")

    def woken(seat: Seat, to: str, text: str) -> object:
        seat.marks("s")
        seat.hook(delivery.NEW_TURN)
        seat.marks("p")
        return seat.send(to, text)

    assert echo(machine, api, web, woken) == limits.PAIR_REPLIES


def test_what_a_person_sends_and_gets_is_never_counted(machine: Machine) -> None:
    [api] = machine.named("api")
    for number in range(50):
        machine.clock.pass_by(1)
        machine.person.send("@api", f"question {number}")
        api.hook()
        api.send("@dana", f"answer {number}")
        machine.person.read()


def test_a_conversation_at_a_persons_pace_is_no_loop(machine: Machine) -> None:
    api, web = machine.named("api", "web")

    def slowly(seat: Seat, to: str, text: str) -> object:
        machine.clock.pass_by(MINUTE)
        return by_send(seat, to, text)

    assert echo(machine, api, web, slowly) == 200


def test_one_who_is_not_answered_is_no_loop(machine: Machine) -> None:
    api, web = machine.named("api", "web")
    for number in range(100):
        machine.clock.pass_by(1)
        api.send("@web", f"progress {number} %")
        web.hook()


def test_the_settings_decide(machine: Machine) -> None:
    machine.set(pair_replies=3, pair_cooldown_seconds=30)
    api, web = machine.named("api", "web")
    assert echo(machine, api, web) == 3
    machine.clock.pass_by(31)
    assert echo(machine, api, web) in (2, 3)


@pytest.mark.parametrize("jump", [-1, -HOUR, -DAY, -10 * 365 * DAY])
def test_no_clock_that_goes_back_gives_a_loop_without_an_end(machine: Machine, jump: int) -> None:
    api, web = machine.named("api", "web")
    machine.person.send("@api,@web", "begin")
    machine.clock.pass_by(jump)
    assert echo(machine, api, web) <= limits.PAIR_REPLIES + 1
    machine.clock.pass_by(jump)
    with pytest.raises(CoolingDown):
        api.send("@web", "after another jump")


@pytest.mark.parametrize("jump", [-HOUR, -DAY])
def test_a_ring_stops_whatever_the_clock_said_when_a_person_spoke(machine: Machine, jump: int) -> None:
    seats = machine.named(*"abcde")
    machine.person.send("all", "begin")
    for seat in seats:
        seat.hook()
    machine.clock.pass_by(jump)
    assert ring(machine, seats) == limits.HOPS_MOST


# --- more than two ----------------------------------------------------------------------------------------


def ring(machine: Machine, seats: list[Seat], way: Answer = by_send, most: int = 300) -> int:
    """Each passes on to the next; how often it was passed on."""
    seats[0].send(seats[1].at, "pass it on")
    for number in range(most):
        machine.clock.pass_by(1)
        here = (number + 1) % len(seats)
        try:
            way(seats[here], seats[(here + 1) % len(seats)].at, f"pass it on {number}")
        except Refused:
            return number
    return most


@pytest.mark.parametrize("way", [by_send, by_reading, by_handling, by_waiting, after_a_notice])
@pytest.mark.parametrize("size", [3, 5, 7])
def test_a_ring_stops_after_so_many_hops(machine: Machine, size: int, way: Answer) -> None:
    seats = machine.named(*(f"s{number}" for number in range(size)))
    assert ring(machine, seats, way) == limits.HOPS_MOST
    with pytest.raises(TooManyHops, match="for the 9th time from agent to agent; the most is 8"):
        seats[(limits.HOPS_MOST + 1) % size].send("all", "pass it on to all")


def test_without_the_hops_a_ring_would_go_on(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow, "hops", lambda *_: 0)
    assert ring(machine, machine.named(*"abcde")) == 300


def test_hops_count_on_the_bus_not_in_the_agent(machine: Machine) -> None:
    seats = machine.named(*"abcde")
    ring(machine, seats, most=4)
    assert [one.hops for one in machine.person.log(everything=True)] == [4, 3, 2, 1, 0]


def test_a_persons_word_gives_new_hops(machine: Machine) -> None:
    seats = machine.named(*"abcde")
    stopped = ring(machine, seats)
    machine.clock.pass_by(1)
    last = seats[(stopped + 1) % 5]
    machine.person.send(last.at, "yes, do pass it on")
    machine.clock.pass_by(1)
    last.send("@a", "passed on with leave")


def spread(machine: Machine, seats: list[Seat], to: Callable[[Seat], str], most: int = 500) -> int:
    """Whoever hears of something sends it on; how many messages it came to, once all is quiet again."""
    for generation in range(most):
        machine.clock.pass_by(1)
        heard = [seat for seat in seats if seat.rings()]
        if not heard:
            return sum(not one.auto for one in machine.person.log(everything=True, most=10_000))
        for seat in heard:
            if "from @" in seat.hook():
                try:
                    seat.send(to(seat), f"send this on ({seat.at} {generation})")
                except Refused:
                    pass
    raise AssertionError("it goes on and on")


def test_a_worm_that_forwards_to_all_dies_out(machine: Machine) -> None:
    seats = machine.named(*(f"s{number}" for number in range(5)))
    seats[0].send("all", "forward this to all")
    pairs = len(seats) * (len(seats) - 1) // 2
    assert spread(machine, seats, lambda _: "all") <= pairs * (limits.PAIR_REPLIES + 1) + len(seats)


def test_a_worm_that_names_its_victims_dies_out_after_eight_generations(machine: Machine) -> None:
    seats = machine.named(*(f"s{number}" for number in range(5)))
    seats[0].send("@s1", "send this to everybody you know")

    def others(seat: Seat) -> str:
        return ",".join(one.at for one in seats if one is not seat)

    assert spread(machine, seats, others) <= 1 + limits.HOPS_MOST * len(seats)
    assert max(one.hops for one in machine.person.log(everything=True, most=999)) == limits.HOPS_MOST


def test_a_storm_of_auto_replies_in_a_channel_ends(machine: Machine) -> None:
    seats = machine.named(*(f"s{number}" for number in range(4)))
    for seat in seats:
        seat.join("team")
    machine.set(pair_replies=5)
    seats[0].send("#team", "good morning")
    sent = 0
    for number in range(200):
        machine.clock.pass_by(1)
        quiet = True
        for seat in seats:
            if "from @" in seat.hook():
                try:
                    answer = seat.send("#team", f"good morning, {seat.at} here ({number})")
                    quiet = quiet and "queued" not in machine.states(answer).values()
                    sent += 1
                except Refused:
                    pass
        if quiet:
            break
    pairs = len(seats) * (len(seats) - 1) // 2
    assert sent <= pairs * 5 + len(seats)


def test_of_several_that_were_shown_the_one_that_came_furthest_counts(machine: Machine) -> None:
    seats = machine.named(*"abcde")
    ring(machine, seats, most=6)  # six hops wait at b
    machine.clock.pass_by(1)
    seats[0].send("@c", "something harmless")
    seats[2].hook()
    answer = seats[2].send("@d", "both of it")
    assert machine.person.show(answer.id).message.hops == 7


@pytest.mark.parametrize("jump", [-HOUR, -DAY])
def test_a_persons_new_word_counts_whatever_the_clock_said_before(machine: Machine, jump: int) -> None:
    api, web = machine.named("api", "web")
    machine.person.send("@api", "begin")
    machine.clock.pass_by(jump)
    echo(machine, api, web)
    machine.clock.pass_by(1)
    machine.person.send("@web", "go on")
    machine.clock.pass_by(1)
    web.send("@api", "thanks")
