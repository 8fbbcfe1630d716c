"""The ids of claude-ipc and the names they stand for.

Rules kept here: an id is 1 to 32 of A-Z a-z 0-9 _ -, and is shown as its holder wrote it; it stands for the telex
name that is the same in small letters (with an x in front where it begins with - or _), so two ids that differ by
case alone are one name and cannot both be alive; whoever is written to may also be given by any telex name, at another
machine too.
"""

from __future__ import annotations

from telex import limits
from telex.core import names
from telex.errors import IpcRefused, WrongWords

_FIRST = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
_REST = _FIRST | {"_", "-"}


def is_id(written: object, most_chars: int) -> bool:
    """Whether it is an id."""
    return isinstance(written, str) and 0 < len(written) <= most_chars and _REST.issuperset(written)


def name_of(written: str) -> str:
    """The telex name that an id stands for."""
    return names.fold(written if written[0] in _FIRST else f"x{written}")


def own(written: object, most_chars: int, complaint: str) -> str:
    """The name of an id that somebody wants to hold. Raises IpcRefused with the complaint."""
    if not is_id(written, most_chars):
        raise IpcRefused(words=complaint)
    assert isinstance(written, str)
    if name_of(written) in names.RESERVED:
        raise IpcRefused(words=f"Instance ID {written} is reserved")
    return name_of(written)


def target(written: object, most_chars: int) -> names.Target:
    """Whom a recipient's id, or any telex name or channel, means. Raises IpcRefused."""
    try:
        if is_id(written, most_chars):
            found = names.Target(kind="name", name=name_of(str(written)))
        elif isinstance(written, str) and len(written) <= 2 * limits.NAME_CHARS + 2:
            found = names.parse_target(written)
        else:
            raise IpcRefused(words="Invalid recipient ID format")
    except WrongWords:
        raise IpcRefused(words="Invalid recipient ID format") from None
    if found.kind != "channel" and found.name in names.RESERVED:
        raise IpcRefused(words=f"Recipient ID {written} is reserved; broadcast reaches everybody")
    return found
