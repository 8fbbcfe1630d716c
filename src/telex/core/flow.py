"""Flow control: what keeps agents from keeping each other busy.

Rules kept here: every judgement is a pure function of what the store knows and the time; `hops` and `auto` are
made here, never taken from an agent; a person's word ends a cool-down and starts every count afresh; the
judgement comes with the figure and the time after which to try again.

- **rate**: GCRA, one number per sender: the theoretical arrival time of its next message (ITU-T I.371).
- **repeat**: the same body from one sender to one recipient within a minute is refused.
- **pair**: two agents that answer each other: 20 answers in 10 minutes without a person, then 10 minutes' rest.
- **hops**: each passing-on to somebody other than the one it came from counts one; at most 8.
"""

from __future__ import annotations

from telex.core.record import Record


class Pair(Record):
    """Two agents who answer each other. Times are milliseconds."""

    count: int = 0  # answers since `since`
    since_ms: int = 0
    rest_until_ms: int = 0
    cause: int = 0  # the message that was counted last: several answers to one message count once


class Cause(Record):
    """The message its sender most probably speaks because of: the last it was shown, or the one it answers."""

    n: int
    sender: int  # the address it came from
    hops: int


class PairVerdict(Record):
    """What a judgement of a pair comes to: the pair as it is now, and whether this answer may go."""

    pair: Pair
    allowed: bool
    rest_begins: bool = False  # only at the answer that used the budget up: both and the person are told now


def rate(arrival_ms: int, now_ms: int, per_minute: int) -> tuple[int, int]:
    """(the next theoretical arrival, milliseconds to wait). A wait over 0 refuses and the first is unchanged.

    A burst of a whole minute's share is allowed, as 'n a minute' promises. A clock that jumped back by more than
    that minute must not silence anybody: the arrival time is then taken as now.
    """
    step = 60_000 / max(1, per_minute)
    if arrival_ms > now_ms + 60_000:
        arrival_ms = now_ms
    wait = arrival_ms - now_ms - (60_000 - step)
    if wait > 0:
        return arrival_ms, -int(-wait // 1)
    return int(max(arrival_ms, now_ms) + step + 0.5), 0


def share(used_ms: int, now_ms: int, amount: int, most: int, window_ms: int) -> tuple[int, bool]:
    """(what is used up, whether this may go), where `most` may go in a window, in a burst or spread: GCRA again, as a
    time up to which the share is used. What does not go uses nothing. A clock that jumped back frees the share."""
    if used_ms > now_ms + 2 * window_ms:
        used_ms = now_ms
    after_ms = max(used_ms, now_ms) + -(-amount * window_ms // max(1, most))
    return (after_ms, True) if after_ms <= now_ms + window_ms else (used_ms, False)


def pair(state: Pair, cause: int, now_ms: int, spoken_ms: int, most: int, window_ms: int, rest_ms: int) -> PairVerdict:
    """Judge one more message between two agents, because of message `cause` (0: not an answer).

    spoken_ms is when a person last spoke to either.
    """
    if now_ms < state.since_ms:  # a clock that went back neither frees a pair nor silences it for longer
        until_ms = min(state.rest_until_ms, now_ms + rest_ms)
        state = Pair(count=state.count, since_ms=now_ms, rest_until_ms=until_ms, cause=state.cause)
    elif now_ms >= spoken_ms > state.since_ms:
        state = Pair(since_ms=now_ms, cause=state.cause)
    if state.rest_until_ms > now_ms:
        return PairVerdict(pair=state, allowed=False)
    if state.rest_until_ms:
        state = Pair(since_ms=now_ms, cause=state.cause)
    if not cause or cause == state.cause:
        return PairVerdict(pair=state, allowed=True)
    if now_ms - state.since_ms > window_ms:
        state = Pair(since_ms=now_ms, cause=state.cause)
    if state.count >= most:
        rest = Pair(count=state.count, since_ms=state.since_ms, rest_until_ms=now_ms + rest_ms, cause=state.cause)
        return PairVerdict(pair=rest, allowed=False, rest_begins=True)
    return PairVerdict(pair=Pair(count=state.count + 1, since_ms=state.since_ms, cause=cause), allowed=True)


def hops(cause: Cause | None, recipients: list[int]) -> int:
    """How often this message has been passed on from agent to agent, this time included.

    Answering nobody but the one it came from passes nothing on. Answering into a group does: twenty sessions that
    all answer to all would otherwise be stopped only by the budgets of their 190 pairs.
    """
    if cause is None:
        return 0
    return cause.hops if recipients == [cause.sender] else cause.hops + 1
