"""Between the store's letters and what is sealed in an envelope.

Rules kept here: a field has the same name on both sides; a body that does not fit goes in parts, and only its head
with the letter; what cannot be sent at all goes as empty receipts, so that its number is not missing.
"""

from __future__ import annotations

from telex.core import letter as plain
from telex.core.letter import Arrived, Parcel
from telex.link.membership import Membership
from telex.wire import envelope
from telex.wire.api import Entry
from telex.wire.envelope import Header, Large, Letter, Payload, Receipt, Receipts

_SAME = [name for name in plain.Letter.fields() if name not in ("body", "size", "digest")]
_RECEIPT = plain.Receipt.fields()


def empty(parcel: Parcel) -> Receipts:
    """Nothing to say, under this number."""
    return Receipts(after=parcel.after, receipts=[])


def receipts(parcel: Parcel) -> Receipts:
    """What became of letters."""
    told = [Receipt(**{name: getattr(one, name) for name in _RECEIPT}) for one in parcel.receipts]
    return Receipts(after=parcel.after, receipts=told)


def letter(parcel: Parcel, body: str, large: Large | None) -> Letter:
    """A message with its body, or with its head and where the parts of the whole are."""
    assert parcel.letter is not None
    fields = {name: getattr(parcel.letter, name) for name in _SAME}
    return Letter(after=parcel.after, body=body, large=large, **fields)


def header(parcel: Parcel, own: Membership, origin: str, at_ms: int, parts: list[str]) -> Header:
    """What the relay sees of it. What is for everybody names each machine where one came in after it was sent: that one
    is not in its chain of items."""
    team, me = own.team, own.own.machine
    everybody = parcel.everyone and set(parcel.after) == {one.id for one in team.members()} - {me}
    return Header(
        team=team.id,
        machine=me,
        to=[envelope.EVERY_MACHINE] if everybody else parcel.machines,
        origin=origin,
        oseq=parcel.oseq,
        id=parcel.uuid.hex(),
        key=team.key,
        record=team.n,
        at_ms=at_ms,
        blobs=parts,
    )


def arrived(header: Header, payload: Payload, entry: Entry, me: str, relay_now_ms: int) -> Arrived:
    """What came, as the store takes it in; a large body is still to be fetched."""
    made = _blank(header)
    made.after = payload.after.get(me, -1)
    if isinstance(payload, Receipts):
        made.receipts = [plain.Receipt(**{name: getattr(one, name) for name in _RECEIPT}) for one in payload.receipts]
        return made
    fields = {name: getattr(payload, name) for name in _SAME}
    made.letter = plain.Letter(body=payload.body, **fields)
    made.relayed_ms = max(0, relay_now_ms - entry.received_ms)
    made.age_ms = max(0, header.at_ms - payload.created_ms) + made.relayed_ms
    return made


def tombstone(header: Header, entry: Entry) -> Arrived:
    """What the relay would not carry."""
    made = _blank(header)
    made.tombstone = entry.reason
    return made


def refused(header: Header, why: str) -> Arrived:
    """What could not be opened, or is not what it says."""
    made = _blank(header)
    made.refused = why
    return made


def _blank(header: Header) -> Arrived:
    return Arrived(
        machine=header.machine,
        origin=header.origin,
        oseq=header.oseq,
        uuid=bytes.fromhex(header.id),
        signed_ms=header.at_ms,
    )
