"""The sync protocol without input or output: what each side does with what the other said.

Rules kept here:
- the relay remembers one number for each origin; an item is appended, known already, too early, or of a fork;
- what the relay says of itself is taken at its word, also where it has less than it once said: it was restored then,
  and is offered again what it lacks; offering twice is harmless, assuming once is a loss;
- only a page of the log changes the epoch, and what follows from that is one step: the cursor begins anew, and the
  outbox offers again the last item that the old log had, so that the answer tells where the new one stands;
- a cursor moves to what was scanned, together with what was taken in, and never to a head that was only heard of;
- what the relay no longer has, or leaves out, is a gap that is shown, never silence.
"""

from __future__ import annotations

from telex import limits
from telex.core.record import Record

APPEND, KNOWN, EARLY, FORKED = "append", "known", "early", "forked"
NEXT, AGAIN, MISSING, BRANCHED = "next", "again", "missing", "branched"


def admit(last: int, oseq: int, item: str, kept: str | None) -> str:
    """What the relay does with an item of an origin of which it has everything up to `last`; `kept` is the id that
    its log still has under that number, None where it was trimmed.

    A number that was given out before and whose id is not known any more is taken for a fork: its sender then offers
    everything under another origin, and what was there already is ignored by its id. Taken for known, it would be
    lost where a machine's disk was put back by more than the log's retention.
    """
    if oseq == last + 1:
        return APPEND
    if oseq > last + 1:
        return EARLY
    return KNOWN if kept == item else FORKED


def batch(sizes: list[int]) -> int:
    """How many of the next items, of these sizes in bytes, go into one request: one at least."""
    count, total = 0, 0
    for size in sizes[: limits.SYNC_ITEMS]:
        total += size
        if count and total > limits.SYNC_BATCH_BYTES:
            break
        count += 1
    return count


class Outgoing(Record):
    """How far an outbox is."""

    epoch: str  # of the log as it was read last
    given: int  # the last number that was given out
    at_relay: int  # the relay has everything up to here
    first: int  # the lowest number that the outbox still has; given + 1 where it has none


class Offered(Record):
    """What an answer to a push means."""

    at_relay: int
    renew: bool  # the outbox cannot go on under this origin: it takes a new one and offers all that it has


def pushed(state: Outgoing, epoch: str, last: int, forked: bool, offered: int) -> Offered:
    """After the relay has said how far it is with this origin; `offered` is the highest number of the request.

    Only what was offered counts as being there, whatever the relay has beyond it: it has not compared that.
    What was said of another log than the one that was read last counts for nothing: the next page tells which one is
    the present one, and the same is offered again. An origin is given up where the relay has another machine's past
    under it, where it has more than was ever given out (this machine's disk was put back), and where it lacks what
    the outbox has no more (it was wiped).
    """
    if epoch != state.epoch:
        return Offered(at_relay=state.at_relay, renew=False)
    if forked or last > state.given or last + 1 < state.first:
        return Offered(at_relay=0, renew=True)
    return Offered(at_relay=min(last, offered), renew=False)


class Incoming(Record):
    """How far a machine has taken in the team's log."""

    epoch: str
    cursor: int


class Scan(Record):
    """What a page says of the log, besides its items."""

    epoch: str
    earliest: int  # the oldest number that the log still has; head + 1 where it is empty
    scanned: int  # everything up to here was looked at
    head: int


class Taken(Record):
    """What a page means: where the cursor is after it was applied, and what the relay no longer had."""

    state: Incoming
    gap: tuple[int, int] | None = None  # first and last number of what was trimmed before this machine had it
    went_back: bool = False  # the log is another one than was read so far: see `again`
    useful: bool = True  # whether the items are to be taken in


def pulled(state: Incoming, asked: int, page: Scan) -> Taken:
    """What to do with a page that was asked for with the cursor `asked`.

    A log whose head is behind the cursor went back even where its epoch is the same: somebody put an old copy of the
    relay's disk in its place. What another log has trimmed may not have been read, so that is a gap, too.
    """
    if page.epoch != state.epoch or page.head < state.cursor:
        anew = Incoming(epoch=page.epoch, cursor=page.earliest - 1)
        went_back = state.epoch != ""
        gap = (1, page.earliest - 1) if went_back and page.earliest > 1 else None
        return Taken(state=anew, gap=gap, went_back=went_back, useful=False)
    if asked > state.cursor:  # the cursor was put back while this page was on its way
        return Taken(state=state, useful=False)
    cursor = max(page.scanned, state.cursor, page.earliest - 1)
    trimmed = state.cursor + 1 < page.earliest
    return Taken(
        state=Incoming(epoch=page.epoch, cursor=cursor),
        gap=(state.cursor + 1, page.earliest - 1) if trimmed else None,
    )


def again(at_relay: int) -> int:
    """How far the relay counts as having the outbox once its log went back: the last item is offered again."""
    return max(0, at_relay - 1)


def follows(had: int, after: int, oseq: int) -> str:
    """How an item stands to the last one that was had from its origin, `had`, where its sender says that the one
    before it to this machine was `after`; 0 is none."""
    if oseq <= had:
        return AGAIN
    if after == had:
        return NEXT
    return MISSING if after > had else BRANCHED


def delay_ms(failures: int, chance: float, least_ms: int, most_ms: int) -> int:
    """Full jitter (Brooker, 2015): anything between nothing and a ceiling that doubles; `chance` is in [0, 1)."""
    ceiling = min(most_ms, least_ms * 2 ** min(failures, 30))
    return int(chance * ceiling)
