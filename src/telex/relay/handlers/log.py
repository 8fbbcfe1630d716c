"""Pushing to the log, and pulling from it.

Rules kept here:
- a page is of one moment: `scanned` is the highest number that was looked at in it, so that nothing between two pages
  is left out;
- whoever waits is woken by the commit that has something for it, and sees what is there then.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import apsw
import msgspec

from telex import limits
from telex.relay import commands
from telex.relay.auth import Caller
from telex.relay.clock import now_ms
from telex.relay.service import Call, Desk, Stream
from telex.relay.waiters import ENOUGH, WOKEN
from telex.relay.writer import broken
from telex.wire import api
from telex.wire.routes import ALL_ROLES


async def push(desk: Desk, call: Call) -> api.Pushed:
    """The next envelopes of an origin."""
    caller, body = call.caller, call.body
    desk.meter.items(caller.team, caller.machine, len(body.items), call.at_ms / 1000)
    pushed: api.Pushed = await desk.submit(
        commands.Push(
            at_ms=call.at_ms,
            team=caller.team,
            machine=caller.machine,
            origin=body.origin,
            items=body.items,
            waiting_most=desk.quotas.waiting_items,
            team_bytes_most=desk.quotas.team_bytes,
            machine_bytes_most=desk.quotas.machine_bytes,
        )
    )
    desk.metrics.items(len(body.items), len(pushed.refused))
    return pushed


async def pull(desk: Desk, call: Call) -> api.Page:
    """What is there for this machine after its cursor; where nothing is, it may wait."""
    query: api.Pull = call.query
    loop = asyncio.get_running_loop()
    end = loop.time() + query.wait_ms / 1000
    caller, enough, looked = call.caller, False, False
    while True:
        desk.book.standing(caller.team, caller.machine, ALL_ROLES)
        page = _page(desk, caller, query)
        if not looked and _ahead(page, query):
            looked = True
            if await desk.log.caught_up():
                continue
        if page.epoch == query.epoch:
            desk.heard(caller, now_ms(), query.after)
        if enough or _worth_answering(page, query):
            return page
        enough = await desk.wakes.wait((caller.team, caller.machine), end - loop.time()) != WOKEN


def _ahead(page: api.Page, query: api.Pull) -> bool:
    """Whether the machine knows more than this process: it may have heard it from another one that is quicker."""
    return bool(query.epoch) and (page.epoch != query.epoch or page.head < query.after or page.records < query.records)


def _worth_answering(page: api.Page, query: api.Pull) -> bool:
    """Whether a page says something that the machine does not know."""
    return bool(
        page.items
        or page.invitations
        or page.epoch != query.epoch
        or page.records > query.records
        or page.rosters > query.rosters >= 0
        or page.head < query.after
        or page.earliest > query.after + 1
    )


def _page(desk: Desk, caller: Caller, query: api.Pull) -> api.Page:
    try:
        with desk.book.snapshot() as book:
            epoch = book.epoch
            head, earliest, records, rosters = book.row("team.for_page", caller.team) or (0, 1, 0, 0)
            waiting = book.rows("pairing.waiting", caller.team, caller.machine, now_ms())
            rows = []
            if epoch == query.epoch:
                rows = book.rows("entry.page", caller.team, caller.machine, query.after, limits.SYNC_ITEMS + 1)
    except apsw.Error as problem:
        raise broken(problem) from None
    items = [api.Entry(seq=row[0], header=row[1], sealed=row[2], received_ms=row[3], reason=row[4]) for row in rows]
    kept = _cut(items)
    scanned = head if epoch == query.epoch else earliest - 1
    return api.Page(
        epoch=epoch,
        earliest=earliest,
        items=kept,
        scanned=kept[-1].seq if len(kept) < len(items) else scanned,
        head=head,
        records=records,
        rosters=rosters,
        invitations=[nameplate for (nameplate,) in waiting],
    )


def _cut(items: list[api.Entry]) -> list[api.Entry]:
    """As many as one page may hold, one at least."""
    size = 0
    for count, one in enumerate(items):
        size += len(one.header) + len(one.sealed)
        if count == limits.SYNC_ITEMS or (count and size > limits.SYNC_BATCH_BYTES):
            return items[:count]
    return items


async def events(desk: Desk, call: Call) -> Stream:
    """Server-sent events: that there is something to pull, never what."""
    return Stream(_events(desk, call.caller))


async def _events(desk: Desk, caller: Caller) -> AsyncIterator[bytes]:
    """One event now and one for every change; a comment in between keeps the connection known. It ends after a while,
    so that whoever listens shows again who it is."""
    loop = asyncio.get_running_loop()
    end = loop.time() + limits.RELAY_STREAM_SECONDS
    while True:
        row = desk.book.row("chain.standing", caller.machine)
        if row is None or row[2]:
            return
        head = (desk.book.row("team.for_page", caller.team) or (0,))[0]
        fresh = msgspec.json.encode(api.Fresh(epoch=desk.book.epoch, head=head))
        yield b"data: " + fresh + b"\n\n"
        desk.heard(caller, now_ms(), int(desk.book.value("chain.cursor", caller.machine)))
        while (how := await desk.wakes.wait((caller.team, caller.machine), limits.RELAY_COMMENT_SECONDS)) != WOKEN:
            if how == ENOUGH or loop.time() > end:
                return
            yield b": waiting\n\n"
