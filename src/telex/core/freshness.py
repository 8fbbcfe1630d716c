"""How old a letter of another machine is.

Rules kept here:
- The relay's word alone makes no letter younger: a letter that was signed more than an hour earlier is as old as that.
- Within an hour the relay's time counts, because clocks differ.
- A signed time that cannot be true shows a wrong clock. The letter then counts from its arrival, so no mail is lost.
- A slow clock looks like a relay that keeps letters back: the letter counts as old, and the person is told of both.
"""

from __future__ import annotations

from telex import limits

LATE, AHEAD, EARLY = "late", "ahead", "early"

# What the person is told of each.
WORDS = {
    LATE: "a letter came over an hour after it was signed: the relay kept it back, or a clock is wrong",
    AHEAD: "it signs with a time to come: its clock or this one is wrong; its letters count from their arrival",
    EARLY: "it signs with a time before this machine joined: its clock is wrong; its letters count from their arrival",
}


def judge(signed_ms: int, arrived_ms: int, earliest_ms: int) -> str:
    """How a letter's signed time differs from its arrival at the relay: LATE, AHEAD, EARLY, or "" within an hour.

    Milliseconds. `arrived_ms`, and `earliest_ms` when this machine joined the team, are by this machine's clock. A
    `signed_ms` of 0 is unknown.
    """
    if not signed_ms or abs(signed_ms - arrived_ms) <= limits.SIGNED_SLACK_MS:
        return ""
    if signed_ms > arrived_ms:
        return AHEAD
    return EARLY if signed_ms < earliest_ms - limits.SIGNED_SLACK_MS else LATE


def counted_ms(signed_ms: int, arrived_ms: int, earliest_ms: int) -> int:
    """From when the letter's age counts, by this machine's clock."""
    return signed_ms if judge(signed_ms, arrived_ms, earliest_ms) == LATE else arrived_ms
