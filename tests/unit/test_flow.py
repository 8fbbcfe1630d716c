"""Flow control as pure judgement: the rate, the pair's budget, the hops; and clocks that jump."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telex.core import flow
from telex.core.flow import Cause, Pair

NOW_MS = 1_795_296_600_000
MINUTE_MS = 60_000
DAY_MS = 86_400_000
WINDOW_MS = REST_MS = 600_000
MOST = 20

# --- the rate ---------------------------------------------------------------------------------------------


def sent_at_once(arrival_ms: int, now_ms: int, per_minute: int) -> tuple[int, int]:
    """(how many messages go at this very moment, the arrival after them)."""
    count = 0
    while True:
        arrival_ms, wait_ms = flow.rate(arrival_ms, now_ms, per_minute)
        if wait_ms:
            return count, arrival_ms
        count += 1


@pytest.mark.parametrize("per_minute", [1, 2, 7, 60, 600, 1_000])
def test_a_whole_minutes_share_may_go_at_once_and_no_more(per_minute: int) -> None:
    assert sent_at_once(0, NOW_MS, per_minute)[0] == per_minute


@pytest.mark.parametrize("per_minute", [1, 3, 60, 600])
def test_whoever_waits_as_long_as_told_may_go(per_minute: int) -> None:
    _, arrival = sent_at_once(0, NOW_MS, per_minute)
    _, wait_ms = flow.rate(arrival, NOW_MS, per_minute)
    assert 0 < wait_ms <= MINUTE_MS // per_minute + 1
    assert flow.rate(arrival, NOW_MS + wait_ms, per_minute)[1] == 0
    assert flow.rate(arrival, NOW_MS + wait_ms - 2, per_minute)[1] > 0


@pytest.mark.parametrize("per_minute", [1, 3, 7, 60, 600])
def test_the_time_to_wait_is_told_to_the_millisecond(per_minute: int) -> None:
    _, arrival = sent_at_once(0, NOW_MS, per_minute)
    _, wait_ms = flow.rate(arrival, NOW_MS, per_minute)
    assert abs(wait_ms - MINUTE_MS / per_minute) <= per_minute / 2 + 1  # each step is rounded to a millisecond
    assert flow.rate(arrival, NOW_MS + wait_ms - 1, per_minute)[1] == 1


def test_an_arrival_that_no_clock_of_ours_can_have_noted_is_forgotten() -> None:
    assert flow.rate(NOW_MS + MINUTE_MS, NOW_MS, 60) == (NOW_MS + MINUTE_MS, 1_000)
    assert flow.rate(NOW_MS + MINUTE_MS + 1, NOW_MS, 60) == (NOW_MS + 1_000, 0)


def test_a_refusal_costs_nothing() -> None:
    _, arrival = sent_at_once(0, NOW_MS, 10)
    assert flow.rate(arrival, NOW_MS, 10)[0] == arrival


def test_after_a_quiet_minute_the_whole_share_is_there_again() -> None:
    _, arrival = sent_at_once(0, NOW_MS, 10)
    assert sent_at_once(arrival, NOW_MS + MINUTE_MS, 10)[0] == 10


def test_over_an_hour_the_rate_is_kept() -> None:
    arrival = count = 0
    for now_ms in range(NOW_MS, NOW_MS + 60 * MINUTE_MS, 50):
        arrival, wait_ms = flow.rate(arrival, now_ms, 30)
        count += not wait_ms
    assert 60 * 30 <= count <= 60 * 30 + 30


@pytest.mark.parametrize("jump_ms", [MINUTE_MS * 3, DAY_MS, 50 * 365 * DAY_MS])
def test_a_clock_that_went_back_silences_nobody(jump_ms: int) -> None:
    _, arrival = sent_at_once(0, NOW_MS, 10)
    assert flow.rate(arrival, NOW_MS - jump_ms, 10)[1] == 0


@given(st.integers(0, 2**45), st.integers(0, 2**45), st.integers(1, 100_000_000))
def test_nobody_ever_waits_longer_than_a_minute(arrival_ms: int, now_ms: int, per_minute: int) -> None:
    after, wait_ms = flow.rate(arrival_ms, now_ms, per_minute)
    assert 0 <= wait_ms <= MINUTE_MS * 2 + 1
    assert after >= 0


def test_no_share_at_all_is_one_a_minute() -> None:
    assert sent_at_once(0, NOW_MS, 0)[0] == 1


# --- two who answer each other ----------------------------------------------------------------------------


def judge(state: Pair, cause: int, now_ms: int = NOW_MS, spoken_ms: int = 0) -> flow.PairVerdict:
    """One more message between the two, with the usual budget."""
    return flow.pair(state, cause, now_ms, spoken_ms, MOST, WINDOW_MS, REST_MS)


def after(answers: int, now_ms: int = NOW_MS) -> Pair:
    """The pair after so many answers at one moment."""
    state = Pair(since_ms=now_ms)
    for number in range(1, answers + 1):
        verdict = judge(state, number, now_ms)
        assert verdict.allowed
        assert not verdict.rest_begins
        state = verdict.pair
    return state


def test_twenty_answers_go_and_the_next_begins_the_rest() -> None:
    verdict = judge(after(MOST), MOST + 1)
    assert not verdict.allowed
    assert verdict.rest_begins
    assert verdict.pair.rest_until_ms == NOW_MS + REST_MS
    assert verdict.pair.count == MOST


def test_while_they_rest_nothing_goes_and_nobody_is_told_again() -> None:
    resting = judge(after(MOST), MOST + 1).pair
    for cause in (0, MOST + 1, MOST + 2):
        verdict = judge(resting, cause, NOW_MS + REST_MS - 1)
        assert (verdict.allowed, verdict.rest_begins) == (False, False)
        assert verdict.pair == resting


def test_after_the_rest_a_new_budget_begins() -> None:
    state = judge(after(MOST), MOST + 1).pair
    now_ms = NOW_MS + REST_MS + 1
    for number in range(MOST + 1, 2 * MOST + 1):
        verdict = judge(state, number, now_ms)
        assert verdict.allowed
        state = verdict.pair
    assert judge(state, 2 * MOST + 1, now_ms).rest_begins


def test_a_rest_shorter_than_the_window_ends_too() -> None:
    state = Pair(since_ms=NOW_MS)
    for number in (1, 2):
        state = flow.pair(state, number, NOW_MS, 0, 2, WINDOW_MS, 1_000).pair
    state = flow.pair(state, 3, NOW_MS, 0, 2, WINDOW_MS, 1_000).pair
    assert flow.pair(state, 3, NOW_MS + 1_001, 0, 2, WINDOW_MS, 1_000).allowed


def test_what_answers_nothing_is_not_counted() -> None:
    state = after(MOST)
    assert judge(state, 0).allowed
    assert judge(state, 0).pair == state


def test_several_answers_to_one_message_count_once() -> None:
    state = after(3)
    assert judge(state, 3).pair == state


def test_answers_spread_over_more_than_the_window_are_no_loop() -> None:
    state = Pair(since_ms=NOW_MS)
    for number in range(1, 200):
        verdict = judge(state, number, NOW_MS + number * (WINDOW_MS // MOST + 1_000))
        assert verdict.allowed
        state = verdict.pair


@pytest.mark.parametrize("answers", [1, MOST])
def test_a_persons_word_starts_the_count_afresh(answers: int) -> None:
    verdict = judge(after(answers), answers + 1, NOW_MS + 5_000, spoken_ms=NOW_MS + 4_000)
    assert verdict.allowed
    assert verdict.pair.count == 1


def test_a_persons_word_ends_the_rest() -> None:
    resting = judge(after(MOST), MOST + 1).pair
    verdict = judge(resting, MOST + 2, NOW_MS + 5_000, spoken_ms=NOW_MS + 4_000)
    assert verdict.allowed
    assert verdict.pair.rest_until_ms == 0


def test_a_word_of_this_very_moment_counts() -> None:
    assert judge(after(MOST), MOST + 1, NOW_MS + 1, spoken_ms=NOW_MS + 1).allowed


def test_a_word_from_before_the_count_began_does_not() -> None:
    assert judge(after(1), 2, NOW_MS + 1, spoken_ms=NOW_MS).pair.count == 2


def test_the_window_ends_after_its_last_millisecond() -> None:
    assert judge(after(MOST), MOST + 1, NOW_MS + WINDOW_MS).rest_begins
    verdict = judge(after(MOST), MOST + 1, NOW_MS + WINDOW_MS + 1)
    assert (verdict.allowed, verdict.pair.count, verdict.pair.since_ms) == (True, 1, NOW_MS + WINDOW_MS + 1)


def test_a_pair_begins_with_nothing() -> None:
    assert Pair().as_dict() == {"count": 0, "since_ms": 0, "rest_until_ms": 0, "cause": 0}


def test_one_word_of_a_person_does_not_last_for_ever() -> None:
    state, spoken_ms = after(MOST), NOW_MS + 1
    for number in range(MOST + 1, 2 * MOST + 1):
        verdict = judge(state, number, NOW_MS + 2, spoken_ms)
        assert verdict.allowed
        state = verdict.pair
    assert judge(state, 2 * MOST + 1, NOW_MS + 2, spoken_ms).rest_begins


def test_a_word_spoken_in_a_future_that_the_clock_left_again_gives_no_endless_budget() -> None:
    state, spoken_ms = Pair(since_ms=NOW_MS), NOW_MS + DAY_MS
    for number in range(1, 10 * MOST):
        verdict = judge(state, number, NOW_MS + number, spoken_ms)
        state = verdict.pair
        if verdict.rest_begins:
            assert number <= MOST + 1
            return
    raise AssertionError("they went on for ever")


BACK = pytest.mark.parametrize("jump_ms", [1_000, DAY_MS, 50 * 365 * DAY_MS])


@BACK
def test_a_clock_that_went_back_neither_ends_a_rest_nor_prolongs_it(jump_ms: int) -> None:
    resting = judge(after(MOST), MOST + 1).pair
    now_ms = NOW_MS - jump_ms
    verdict = judge(resting, 100, now_ms)
    assert not verdict.allowed
    assert verdict.pair.rest_until_ms <= now_ms + REST_MS
    assert judge(verdict.pair, 101, now_ms + REST_MS).allowed


@BACK
def test_a_clock_that_went_back_gives_no_new_budget(jump_ms: int) -> None:
    state, now_ms = after(MOST - 1), NOW_MS - jump_ms
    last = judge(state, 100, now_ms)
    assert last.allowed
    assert judge(last.pair, 101, now_ms).rest_begins


PAIRS = st.builds(
    lambda count, since, rest, cause: Pair(count=count, since_ms=since, rest_until_ms=rest, cause=cause),
    st.integers(0, 30),
    st.integers(0, 2**42),
    st.one_of(st.just(0), st.integers(0, 2**42)),
    st.integers(0, 100),
)


@given(PAIRS, st.integers(0, 100), st.integers(0, 2**42), st.integers(0, 2**42))
def test_whatever_the_clocks_say_a_verdict_keeps_the_rules(state: Pair, cause: int, now_ms: int, spoken: int) -> None:
    verdict = judge(state, cause, now_ms, spoken)
    assert verdict.pair.count <= max(state.count, MOST)
    assert verdict.pair.count <= state.count + 1
    if verdict.rest_begins:
        assert not verdict.allowed
        assert verdict.pair.rest_until_ms == now_ms + REST_MS
    if not verdict.allowed:
        assert verdict.pair.rest_until_ms > now_ms


# --- the hops ---------------------------------------------------------------------------------------------


def cause(sender: int = 7, hops: int = 3) -> Cause:
    """What an agent speaks because of."""
    return Cause(n=1, sender=sender, hops=hops)


@pytest.mark.parametrize(
    ("because", "recipients", "hops"),
    [
        (None, [8], 0),  # of its own accord
        (cause(), [7], 3),  # answering nobody but the one it came from
        (cause(), [8], 4),  # passing it on
        (cause(), [7, 8], 4),  # answering and passing it on
        (cause(), [8, 9], 4),
    ],
)
def test_only_passing_on_counts(because: Cause | None, recipients: list[int], hops: int) -> None:
    assert flow.hops(because, recipients) == hops
