"""The sync protocol without input or output: what each side does with what the other said.

Rules kept here:
- the relay remembers one number for each origin; an item is appended, known already, too early, or of a fork;
- the link moves its pointers only by what the relay answered: never past it, and back when the relay went back;
- a cursor moves to what was scanned, together with what was taken in, and never to a head that was only heard of;
- what the relay no longer has is a gap that is shown, never silence.
"""

from __future__ import annotations

from telex.core.record import Record

APPEND, KNOWN, EARLY, FORKED = "append", "known", "early", "forked"


def admit(last: int, oseq: int, item: str, kept: str | None) -> str:
    """What the relay does with an item of an origin of which it has everything up to `last`; `kept` is the id that
    its log still has under that number, None where it was trimmed or never there."""
    if oseq == last + 1:
        return APPEND
    if oseq > last + 1:
        return EARLY
    return FORKED if kept is not None and kept != item else KNOWN


class Outgoing(Record):
    """How far an outbox is."""

    epoch: str
    given: int  # the last number that was given out
    at_relay: int  # the relay has everything up to here


def pushed(state: Outgoing, epoch: str, last: int) -> Outgoing:
    """After the relay has said how far it is. In a new epoch it may have less than before: that is offered again."""
    if epoch != state.epoch:
        return Outgoing(epoch=epoch, given=state.given, at_relay=min(last, state.given))
    return Outgoing(epoch=epoch, given=state.given, at_relay=min(max(last, state.at_relay), state.given))


class Incoming(Record):
    """How far a machine has taken in the team's log."""

    epoch: str
    cursor: int


class Taken(Record):
    """What a page means: where the cursor is after it was applied, and what the relay no longer had."""

    state: Incoming
    gap: tuple[int, int] | None  # first and last number of what was trimmed before this machine had it
    went_back: bool  # the log is another one now: the outbox is to be offered again from what it has
    useful: bool  # whether the items are to be taken in


def pulled(state: Incoming, epoch: str, earliest: int, scanned: int) -> Taken:
    """What to do with a page that was asked for with `state`."""
    if epoch != state.epoch:
        first = state.epoch == ""
        return Taken(state=Incoming(epoch=epoch, cursor=earliest - 1), gap=None, went_back=not first, useful=False)
    gap = (state.cursor + 1, earliest - 1) if state.cursor + 1 < earliest else None
    cursor = max(scanned, state.cursor, earliest - 1)
    return Taken(state=Incoming(epoch=epoch, cursor=cursor), gap=gap, went_back=False, useful=True)


def delay_ms(failures: int, chance: float, least_ms: int, most_ms: int) -> int:
    """Full jitter (Brooker, 2015): anything between nothing and a ceiling that doubles; `chance` is in [0, 1)."""
    ceiling = min(most_ms, least_ms * 2 ** min(failures, 30))
    return int(chance * ceiling)
