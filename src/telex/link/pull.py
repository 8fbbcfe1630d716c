"""Fetching: pages of the team's log, opened, judged and taken in together with the cursor.

Rules kept here:
- a page is taken in whole or not at all: what needs the network (records, parts of large bodies) is fetched before;
- what cannot be opened, or at which telex itself fails, is said, and holds up nothing;
- the chain is brought up to date before an envelope is judged by it;
- an invitation that somebody answers is served beside, one at a time for each.
"""

from __future__ import annotations

import asyncio

from telex import limits
from telex.core import sync
from telex.core.letter import Arrived
from telex.db.connection import fault
from telex.errors import RemoteFault, StoreFault
from telex.errors.between import EnvelopeEarly, EnvelopeRefused, TeamKeyMissing
from telex.fs import bodies
from telex.link import blobs, letters, membership, pairing, seal
from telex.link.context import Line, first_of
from telex.team import alerts, inbound
from telex.team.link_state import Link
from telex.wire import api
from telex.wire.envelope import EVERY_MACHINE, Header, Large, Letter


class Pull:
    """The task that fetches."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self._pairing: dict[int, asyncio.Task[None]] = {}
        self._rosters = 0  # the newest that was noticed

    async def step(self) -> None:
        """Wait for the next page and take it in. Raises RemoteFault, StoreFault."""
        line = self.line
        linked = line.link()
        page = await self._page(linked)
        if page is None:
            return
        await self._follow_team(page)
        if line.own.me is None:
            line.remove()
            return
        if page.invitations and not self._serve(page.invitations):
            await first_of(line.over, seconds=limits.LINK_RETRY_LEAST_MS / 1000)  # the relay names it until it is over
        before = sync.Incoming(epoch=linked.epoch, cursor=linked.cursor)
        scan = sync.Scan(epoch=page.epoch, earliest=page.earliest, scanned=page.scanned, head=page.head)
        taken = sync.pulled(before, linked.cursor, scan)
        items = [found for one in page.items if (found := await self._arrived(one))] if taken.useful else []
        line.link()
        if items or taken.gap or taken.state != before:
            new = inbound.take(line.db, items, taken, line.now_ms())
            line.log.line(f"pull: {len(items)} items, {new} new messages, at {taken.state.cursor} of {page.head}")
        if taken.went_back:
            line.log.line(f"pull: the relay's log is another one now: {page.epoch}")
            line.residing.set()  # it may not know who is here
            line.heard.set()
        if taken.state != before:
            line.outgoing.set()
        if page.rosters != linked.rosters:
            line.heard.set()
        self._rosters = page.rosters

    async def close(self) -> None:
        """End the pairings that run."""
        for one in self._pairing.values():
            one.cancel()
        await asyncio.gather(*self._pairing.values(), return_exceptions=True)

    async def _page(self, linked: Link) -> api.Page | None:
        """The next page; None where somebody wants another look at once."""
        line = self.line
        line.arriving.clear()
        query: dict[str, str | int] = {
            "epoch": linked.epoch,
            "after": linked.cursor,
            "records": line.own.count,
            "rosters": self._rosters,
            "wait_ms": limits.POLL_MS,
        }
        asked = asyncio.ensure_future(line.relay.ask("pull", query=query, wait_s=limits.POLL_MS / 1000))
        woken = [asyncio.ensure_future(one.wait()) for one in (line.arriving, line.over)]
        try:
            await asyncio.wait([asked, *woken], return_when=asyncio.FIRST_COMPLETED)
            if not asked.done():
                return None
            page: api.Page = asked.result()
            return page
        finally:
            for one in (asked, *woken):
                one.cancel()
            await asyncio.gather(asked, *woken, return_exceptions=True)

    async def _follow_team(self, page: api.Page) -> None:
        """Bring the chain up to date, here or at the relay."""
        line = self.line
        if page.records > line.own.count:
            while page.records > line.own.count and await membership.refresh(line.relay, line.own):
                line.residing.set()  # an answer holds so many records, and there may be more
                line.heard.set()
        elif page.records < line.own.count:
            await membership.give_back(line.relay, line.own, page.records)

    def _serve(self, invitations: list[int]) -> bool:
        """Begin to pair with whoever answers; whether any was new."""
        self._pairing = {number: task for number, task in self._pairing.items() if not task.done()}
        known = len(self._pairing)
        for nameplate in invitations:
            if nameplate not in self._pairing and len(self._pairing) < limits.RELAY_INVITATIONS:
                self._pairing[nameplate] = asyncio.ensure_future(self._pair(nameplate))
        return len(self._pairing) > known

    async def _pair(self, nameplate: int) -> None:
        line = self.line
        try:
            joined = await pairing.serve(line.relay, line.own, nameplate)
        except RemoteFault as problem:
            line.log.line(f"pairing: {problem.message}")
            return
        except Exception as problem:
            line.failed_at("pairing", problem)
            return
        line.log.line(f"pairing: invitation {nameplate} {'was used' if joined else 'led to nothing'}")
        line.residing.set()
        line.heard.set()

    # --- one entry ---

    async def _arrived(self, entry: api.Entry) -> Arrived | None:
        """What an entry says, proven; None where it is not for this machine, or nobody's."""
        line = self.line
        try:
            header = seal.header_of(entry.header)
        except EnvelopeRefused as problem:
            self._trouble("", problem.message)
            return None
        if header.machine not in line.own.team.machines:
            self._trouble("", "the relay gave something of a machine that is not in the team")
            return None
        me = line.own.me
        if me is None or (header.to == [EVERY_MACHINE] and header.record < me.added):
            return None  # from before this machine was in the team
        if entry.reason:
            return letters.tombstone(header, entry)
        try:
            return await self._opened(header, entry)
        except (EnvelopeRefused, EnvelopeEarly, TeamKeyMissing) as problem:
            return letters.refused(header, problem.message)
        except (RemoteFault, StoreFault):
            raise  # the page is asked for again
        except Exception as problem:
            return letters.refused(header, f"telex failed at it ({type(problem).__name__}) and left it out")

    async def _opened(self, header: Header, entry: api.Entry) -> Arrived:
        line = self.line
        try:
            opened = line.own.open(entry.header, entry.sealed)
        except (EnvelopeEarly, TeamKeyMissing):
            await membership.refresh(line.relay, line.own)
            opened = line.own.open(entry.header, entry.sealed)
        made = letters.arrived(header, opened.payload, entry, line.own.own.machine, line.relay.now_ms())
        if isinstance(opened.payload, Letter) and opened.payload.large:
            await self._fetch(made, opened.payload.large)
        return made

    async def _fetch(self, made: Arrived, large: Large) -> None:
        """The whole of a large body, which is then beside the store."""
        line, letter = self.line, made.letter
        assert letter is not None
        raw = await blobs.fetch(line.relay, line.db.home, large)
        if raw is None:
            letter.body += blobs.GONE.format(size=large.size)
            return
        if len(raw) > limits.BODY_INLINE_BYTES:
            try:
                letter.digest, letter.size = bodies.keep(line.db.home, raw), len(raw)
            except OSError as problem:
                raise fault(line.db.home, problem) from None
            letter.body = _head(raw)
        else:
            letter.body = raw.decode("utf-8", "replace")
        blobs.forget(line.db.home, large)

    def _trouble(self, machine: str, words: str) -> None:
        with self.line.db.write():
            alerts.note(self.line.db, alerts.REFUSED, machine, words, self.line.now_ms())


def _head(raw: bytes) -> str:
    """What of a large body stands in its row. Raises EnvelopeRefused where it is no text."""
    try:
        return raw.decode("utf-8")[: limits.BODY_HEAD_CHARS]
    except UnicodeDecodeError:
        raise EnvelopeRefused(machine="?", problem="a large text is not text") from None
