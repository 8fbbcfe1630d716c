"""What one machine tells another, as plain values: a letter, and what became of one.

Rules kept here: names are without '@', machines are ids; times are milliseconds since 1970 by the sender's clock; a
field has the same name as in the envelope's payload (docs/protocol), so that nobody has to translate.
"""

from __future__ import annotations

from telex.core.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


class Letter(Record):
    """A message for one or several machines. '' and 0 stand for 'none'."""

    sender: str
    sender_kind: str  # session or person
    client: str = ""
    place: str = ""
    addressed: str  # @name@machine, #channel or all, with commas
    to: dict[str, list[str]]  # for each machine, the names there that it is addressed to
    channels: Sequence[str] = ()  # their members at each machine, as they are when it comes
    everyone: bool = False  # everybody there
    members: dict[str, list[str]]  # whom the sender took for those of channels and `everyone`
    without: dict[str, list[str]]  # names there that a limit of the sender's machine keeps it from
    kind: str
    body: str  # whole, or the head where `digest` is given
    size: int = 0  # bytes of the whole body, where `digest` is given
    digest: bytes = b""  # the whole body lies beside the store under this name (telex.fs.bodies)
    data: str = ""
    thread: str = ""  # the UUID of the message that began it
    topic: str = ""
    reply_to: str = ""  # a UUID
    hops: int = 0
    auto: bool = False
    quiet: bool = False
    created_ms: int
    expires_ms: int = 0
    deadline_ms: int = 0


class Receipt(Record):
    """What became of a letter at one name."""

    of: str  # the letter's UUID
    name: str
    via: str
    state: str
    at_ms: int
    code: str = ""  # of errors.reasons: why it ended, where it did not end well
    unanswered: str = ""  # likewise, of a request: why no reply has come


class Parcel(Record):
    """One item of the outbox, as it is to be sealed: a letter or receipts."""

    oseq: int
    uuid: bytes
    machines: list[str]  # that it is for
    everyone: bool  # every machine of the team, those included that are not known here
    after: dict[str, int]  # for each of these machines the number of the item before this one to it
    letter: Letter | None = None
    receipts: Sequence[Receipt] = ()  # may be empty too: what there was to tell is gone


class Arrived(Record):
    """One item of the team's log that is for this machine: opened, proven, or what is wrong with it."""

    machine: str  # who sent it
    origin: str
    oseq: int
    uuid: bytes
    after: int = -1  # the number of its sender's item before this one to this machine; -1 is not known
    age_ms: int = 0  # how long ago it was written, by the clocks of those who had it
    letter: Letter | None = None
    receipts: Sequence[Receipt] = ()
    relayed_ms: int = 0  # how long ago it came to the relay, by the relay's clock
    signed_ms: int = 0  # when it was sealed, by its sender's clock; signed
    tombstone: str = ""  # the code of why the relay has it no more
    refused: str = ""  # why it could not be opened
