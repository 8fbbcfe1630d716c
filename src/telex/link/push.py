"""Sending: what waits in the outbox goes to the relay, in order, batch by batch.

Rules kept here:
- an item counts as sent when the relay says so, never before; what was asked and not answered is asked again;
- an item that the relay refuses to read at all is sent as an empty one and reported to its sender: it blocks nothing;
- what is sealed with an older key, or lacks its parts, is made again and sent again.
"""

from __future__ import annotations

from telex import limits
from telex.core import sync
from telex.core.letter import Parcel
from telex.errors import reasons
from telex.errors.between import RelayRefused, RelayStrange, TeamKeyMissing
from telex.fs import bells, bodies
from telex.link import blobs, letters, membership, seal
from telex.link.context import Line, first_of
from telex.team import link_state as linking
from telex.team import outbox, receipts
from telex.wire import api
from telex.wire.envelope import Payload

_UNREADABLE = (400, 413, 422)


class Sealed:
    """One item as it goes to the relay, with the parts that must be there before it."""

    def __init__(self, item: api.Item, parts: dict[str, bytes]) -> None:
        self.item = item
        self.parts = parts

    @property
    def size(self) -> int:
        """Bytes in a request."""
        return len(self.item.header) + len(self.item.sealed)


class Push:
    """The task that sends."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self._hollow: dict[int, str] = {}  # items that cannot be sent as they are, and the code of why
        self._most = limits.SYNC_ITEMS
        self._origin = ""

    async def step(self) -> None:
        """Send one batch, or sleep until something is to be sent. Raises RemoteFault, StoreFault."""
        line = self.line
        line.outgoing.clear()  # before the look, so that what comes during it is seen by the next one
        linked = line.link()
        if linked.origin != self._origin:  # numbers mean something else now
            self._origin, self._hollow = linked.origin, {}
        receipts.collect(line.db, line.now_ms())
        outbox.begin_anew_if_unsure(line.db, line.now_ms())
        parcels = outbox.batch(line.db, self._most) if linked.epoch and linked.role != linking.READER else []
        if not parcels:
            self._settle()
            await first_of(line.outgoing, line.over)
            return
        try:
            sealed = self._batch(parcels, linked.origin)
        except TeamKeyMissing:
            await membership.refresh(line.relay, line.own)  # an owner may have given it since
            raise
        for one in sealed:
            await blobs.upload(line.relay, one.parts)
        await self._push(linked.origin, [one.item for one in sealed])

    def _settle(self) -> None:
        """Nothing is to be sent: the bell need not ring."""
        line = self.line
        if bells.rings(line.db.home, linking.BELL):
            with line.db.write():
                outbox.settle_bell(line.db)

    def _batch(self, parcels: list[Parcel], origin: str) -> list[Sealed]:
        """As many of the next items as one request takes."""
        sealed: list[Sealed] = []
        size = 0
        for parcel in parcels:
            one = self._sealed(parcel, origin)
            size += one.size
            sealed.append(one)
            if size > limits.SYNC_BATCH_BYTES:
                break
        return sealed[: sync.batch([one.size for one in sealed])]

    def _sealed(self, parcel: Parcel, origin: str) -> Sealed:
        own = self.line.own
        payload, parts = self._payload(parcel)
        header = letters.header(parcel, own, origin, self.line.now_ms(), list(parts))
        raw, secret = own.seal(header, payload)
        return Sealed(api.Item(oseq=parcel.oseq, header=raw, sealed=secret), parts)

    def _payload(self, parcel: Parcel) -> tuple[Payload, dict[str, bytes]]:
        """What is sealed, and the parts of a body that does not fit."""
        found = parcel.letter
        if parcel.oseq in self._hollow or found is None:
            return (letters.empty(parcel) if parcel.oseq in self._hollow else letters.receipts(parcel)), {}
        raw = bodies.load(self.line.db.home, found.digest) if found.digest else found.body.encode()
        if raw is None:
            self._hollow[parcel.oseq] = reasons.TEXT_MISSING
            return letters.empty(parcel), {}
        payload = letters.letter(parcel, raw.decode(), None)
        if seal.fits(payload):
            return payload, {}
        large, sealed = blobs.prepared(self.line.own.own, parcel.uuid.hex(), raw)
        payload = letters.letter(parcel, found.body[: limits.BODY_HEAD_CHARS], large)
        if seal.fits(payload):
            return payload, dict(zip(large.parts, sealed, strict=True))
        self._hollow[parcel.oseq] = reasons.TOO_MANY
        return letters.empty(parcel), {}

    async def _push(self, origin: str, items: list[api.Item]) -> None:
        line = self.line
        try:
            answer: api.Pushed = await line.relay.ask("push", api.Push(origin=origin, items=items))
        except RelayRefused as problem:
            await self._refused(problem, items)
            return
        if line.link().origin != origin:
            return
        state = outbox.state(line.db)
        refused = {one.oseq: one.code for one in answer.refused}
        refused |= {oseq: code for oseq, code in self._hollow.items() if oseq <= answer.last_oseq}
        moved = sync.pushed(state, answer.epoch, answer.last_oseq, answer.forked, items[-1].oseq)
        outbox.offered(line.db, origin, moved, list(refused.items()), line.now_ms(), line.relay.now_ms())
        self._most = limits.SYNC_ITEMS
        line.log.line(f"push: {len(items)} offered, the relay has {answer.last_oseq} of {state.given}")
        if answer.epoch != state.epoch or moved.renew:
            line.arriving.set()  # where the log is another one, what it is is learned by reading it
            await first_of(line.over, seconds=limits.LINK_RETRY_LEAST_MS / 1000)
        elif not moved.renew and moved.at_relay < items[0].oseq and moved.at_relay >= state.at_relay:
            raise RelayStrange(relay=line.relay.url, problem="it took nothing of what was sent")

    async def _refused(self, problem: RelayRefused, items: list[api.Item]) -> None:
        """The whole request was refused: mend what can be mended. Raises RelayRefused."""
        code, status = str(problem.facts["code"]), problem.facts["status"]
        if code == "key-old":
            if not await membership.refresh(self.line.relay, self.line.own):
                raise problem
        elif status in _UNREADABLE and len(items) > 1:
            self._most = max(1, len(items) // 2)
        elif status in _UNREADABLE and items[0].oseq not in self._hollow:
            self._hollow[items[0].oseq] = reasons.UNSENDABLE
        else:
            raise problem
