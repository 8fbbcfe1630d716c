"""A message: its kinds, its duties, and the hash that shows it whole.

Rules kept here: the kind alone decides whether a reply is owed and whether a reply may be given; kind and way
of addressing decide whether an idle session is woken; `row_hash` covers every field that gives a message its
meaning, so that a changed byte on disk is noticed before it is shown.
"""

from __future__ import annotations

from _blake2 import blake2b  # hashlib would import OpenSSL; the constructor is the same object

from telex import limits
from telex.core.record import Record
from telex.errors import BodyEmpty, BodyNotText, BodyTooLarge, KindUnknown

KINDS = ("note", "context", "request", "reply", "ack", "event")
OWES_REPLY = ("request",)

# What a session sent with its client's own tool, which telex only noted: no kind to send with, and without deliveries.
OBSERVED = "observed"
OWN_TOOLS = {"claude": "SendMessage"}  # by client
FAILED = '"success":false'  # in the data of an observed message
TAKES_NO_REPLY = ("ack", "event", OBSERVED)

IMPORTED = "import"  # the client of what a file says that telex or the person sent

DIRECT, CHANNEL, EVERYONE = "direct", "channel", "all"
WAKES = ("direct", "requests", "all", "never")


class Item(Record):
    """One message as its reader is shown it. Times are milliseconds since 1970, UTC."""

    n: int  # the store's own number; "m42" is how it is written
    sender: str  # a name from the grammar, without '@'
    sender_kind: str  # session, person or system
    client: str  # claude, shell, …; empty for a person
    place: str  # the directory the sender works in, as it was when it sent
    to: str  # how it was addressed: @frontend, #frontend or all
    kind: str
    body: str  # whole, or the head when `aside`
    size: int  # bytes of the whole body
    aside: bool = False  # the whole body lies beside the store
    data: str = ""  # a JSON object as text, or empty
    created_ms: int
    deadline_ms: int = 0  # a request's; 0 is none
    reply_to: int = 0  # the message this one answers; 0 is none
    auto: bool = False  # written by telex itself
    own: bool = False  # its reader sent it
    signed_ms: int = 0  # of another machine's letter, by its clock
    arrived_ms: int = 0  # likewise: when the relay had it, by this machine's clock


def short_id(n: int) -> str:
    """How a message's number is written: m42."""
    return f"m{n}"


def sent_with(client: str, kind: str) -> str:
    """The client's own tool that carried a message; '' for one that telex carried."""
    return OWN_TOOLS.get(client, "its client's own tool") if kind == OBSERVED else ""


def check_kind(kind: str) -> str:
    """Return kind. Raises KindUnknown."""
    if kind not in KINDS:
        raise KindUnknown(kind=kind[: limits.NAME_CHARS])
    return kind


def body_text(raw: bytes | str) -> str:
    """The body as text. Raises BodyEmpty, BodyNotText, BodyTooLarge."""
    try:
        data = raw if isinstance(raw, bytes) else raw.encode("utf-8", "surrogateescape")
        if len(data) > limits.BODY_MOST_BYTES:
            raise BodyTooLarge(most=limits.BODY_MOST_BYTES)
        text = data.decode("utf-8")
    except UnicodeError as problem:
        raise BodyNotText(problem=f"byte {getattr(problem, 'start', 0)} is not UTF-8") from None
    nul = text.find("\0")
    if nul >= 0:
        raise BodyNotText(problem=f"character {nul} is NUL")
    if not text.strip():
        raise BodyEmpty()
    return text


def digest(data: bytes) -> bytes:
    """16 bytes that name a body: its content address, and what finds a repeat."""
    return blake2b(data, digest_size=16).digest()


def row_hash(*parts: object) -> bytes:
    """16 bytes over all parts, each with its length in front so that no two lists of parts collide."""
    pieces = [part if isinstance(part, bytes) else str(part).encode() for part in parts]
    return blake2b(b"".join([b"%d:%b" % (len(piece), piece) for piece in pieces]), digest_size=16).digest()


def wakes(kind: str, via: str, quiet: bool, wake: str) -> bool:
    """Whether a message of this kind that came this way wakes an idle session with this setting."""
    if quiet or kind in ("ack", "event") or wake == "never":
        return False
    if wake == "all" or kind == "request":
        return True
    return wake == "direct" and via == DIRECT
