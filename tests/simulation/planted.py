"""Mistakes that such protocols were built with, planted one at a time: the simulation must find each.

Rule kept here: a planted bug changes one decision or one habit; its name says which; beside it stands how many seeds
may pass before it is found.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from tests.simulation.parts import Rules

from telex.core import delivery, sync


class Bug(NamedTuple):
    """One mistake, and how soon it must be found."""

    plant: Callable[[Rules], None]
    seeds: int


def _habit(name: str) -> Callable[[Rules], None]:
    def plant(rules: Rules) -> None:
        rules.habits.add(name)

    return plant


def _admits_early(rules: Rules) -> None:
    rules.admit = lambda last, oseq, item, kept: sync.APPEND if oseq > last else sync.admit(last, oseq, item, kept)


def _appends_again(rules: Rules) -> None:
    rules.admit = lambda last, oseq, item, kept: sync.APPEND if oseq <= last else sync.admit(last, oseq, item, kept)


def _sees_no_fork(rules: Rules) -> None:
    def admit(last: int, oseq: int, item: str, kept: str | None) -> str:
        found = sync.admit(last, oseq, item, kept)
        return sync.KNOWN if found == sync.FORKED else found

    rules.admit = admit


def _never_goes_back(rules: Rules) -> None:
    def pushed(state: sync.Outgoing, epoch: str, last: int, forked: bool, offered: int) -> sync.Offered:
        found = sync.pushed(state, epoch, last, forked, offered)
        return found if found.renew else sync.Offered(at_relay=max(found.at_relay, state.at_relay), renew=False)

    rules.pushed = pushed


def _believes_unoffered(rules: Rules) -> None:
    rules.pushed = lambda state, epoch, last, forked, _: sync.pushed(state, epoch, last, forked, last)


def _believes_offered(rules: Rules) -> None:
    rules.pushed = lambda state, epoch, last, forked, offered: sync.pushed(
        state, epoch, max(last, offered) if not forked else last, forked, offered
    )


def _never_renews(rules: Rules) -> None:
    def pushed(state: sync.Outgoing, epoch: str, last: int, forked: bool, offered: int) -> sync.Offered:
        return sync.Offered(at_relay=min(last, offered, state.given), renew=False)

    rules.pushed = pushed


def _minds_no_epoch_when_pulling(rules: Rules) -> None:
    def pulled(state: sync.Incoming, asked: int, page: sync.Scan) -> sync.Taken:
        cursor = max(page.scanned, state.cursor)
        return sync.Taken(state=sync.Incoming(epoch=page.epoch, cursor=cursor))

    rules.pulled = pulled


def _offers_nothing_again(rules: Rules) -> None:
    rules.again = lambda at_relay: at_relay


def _takes_the_head(rules: Rules) -> None:
    def pulled(state: sync.Incoming, asked: int, page: sync.Scan) -> sync.Taken:
        found = sync.pulled(state, asked, page)
        if not found.useful:
            return found
        return sync.Taken(
            state=sync.Incoming(epoch=page.epoch, cursor=max(page.head, found.state.cursor)), gap=found.gap
        )

    rules.pulled = pulled


def _trusts_every_chain(rules: Rules) -> None:
    rules.follows = lambda had, after, oseq: sync.AGAIN if oseq <= had else sync.NEXT


def _suspects_every_chain(rules: Rules) -> None:
    rules.follows = lambda had, after, oseq: (
        sync.AGAIN if oseq <= had else sync.NEXT if oseq == had + 1 else sync.MISSING
    )


def _moves_backwards(rules: Rules) -> None:
    rules.allowed = lambda state, wanted: wanted in delivery.STATES


BUGS = {
    # the relay
    "admits an item before the one that is missing": Bug(_admits_early, 400),
    "appends what it has": Bug(_appends_again, 400),
    "takes another item under a known number for the known one": Bug(_sees_no_fork, 2_000),
    "answers before the commit": Bug(_habit("answers-first"), 2_000),
    "keeps the epoch of a log that was put back": Bug(_habit("epoch-stays"), 2_000),
    "cuts a page and says that it scanned everything": Bug(_habit("cut-page"), 400),
    "says that it scanned more than there was": Bug(_habit("scanned-is-head"), 400),
    "stops at an item that it refuses": Bug(_habit("refused-blocks"), 400),
    "tells a refusal once, in an answer that may be lost": Bug(_habit("refusal-told-once"), 2_000),
    "serves a machine that was removed": Bug(_habit("serves-removed"), 2_000),
    # the link, outgoing
    "writes the outbox in a transaction of its own": Bug(_habit("outbox-apart"), 2_000),
    "believes that what it asked was done": Bug(_habit("believes-at-once"), 400),
    "believes that all of a batch was taken": Bug(_believes_offered, 2_000),
    "believes what the relay has beyond what it compared": Bug(_believes_unoffered, 4_000),
    "never offers again": Bug(_never_goes_back, 2_000),
    "offers nothing when the log went back": Bug(_offers_nothing_again, 2_000),
    "goes on under an origin that is another's": Bug(_never_renews, 2_000),
    "keeps its pointer under a new origin": Bug(_habit("keeps-pointer"), 2_000),
    "keeps the old chain under a new origin": Bug(_habit("old-chain"), 4_000),
    "drops what was sent": Bug(_habit("drops-sent"), 2_000),
    "drops what was sent by its own clock": Bug(_habit("prunes-by-own-clock"), 4_000),
    "orders by something else than the number": Bug(_habit("by-clock"), 400),
    # the link, incoming
    "minds no epoch": Bug(_minds_no_epoch_when_pulling, 2_000),
    "takes its cursor from the head": Bug(_takes_the_head, 400),
    "saves the cursor before the items": Bug(_habit("cursor-first"), 2_000),
    "takes the same twice": Bug(_habit("no-dedupe"), 2_000),
    "forgets what it took": Bug(_habit("short-memory"), 2_000),
    "takes a number that it had for an item that it had": Bug(_habit("trusts-numbers"), 4_000),
    "records no gap": Bug(_habit("no-gap"), 2_000),
    "does not notice what was withheld": Bug(_trusts_every_chain, 2_000),
    "suspects what was for others": Bug(_suspects_every_chain, 400),
    "lets a receipt move a delivery back": Bug(_moves_backwards, 2_000),
}
