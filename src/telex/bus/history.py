"""What was said: one message with its receipts, the log, a thread, searching."""

from __future__ import annotations

from telex import limits
from telex.bus.identity import Caller
from telex.bus.message_view import Letter, Receipt, letter, receipts
from telex.bus.recipients import find
from telex.core import names
from telex.core.message import short_id
from telex.core.record import Record
from telex.db import search_index
from telex.db.connection import Store
from telex.errors import NameUnknown, Usage
from telex.mail import addresses, messages

_NEWEST = 1 << 60


class Shown(Record):
    """A message with what became of it everywhere, and the replies it got."""

    message: Letter
    deliveries: list[Receipt]
    replies: list[str]
    sound: bool  # the stored row is what was sent


def show(db: Store, caller: Caller, written: str) -> Shown:
    """One message, whole, with every delivery. Raises MessageUnknown."""
    number = messages.number_of(db, written)
    found = messages.get(db, number)
    assert found is not None
    answers = [messages.get(db, n) for (n,) in db.rows("mail.replies", number)]
    replies = [short_id(one.n) for one in answers if one and not one.auto]
    one = letter(db, found, caller.address.id)
    return Shown(message=one, deliveries=receipts(db, number), replies=replies, sound=one.sound)


def log(
    db: Store, caller: Caller, *, partner: str = "", everything: bool = False, most: int, now_ms: int
) -> list[Letter]:
    """Newest first: what the caller sent and was sent; what went between it and `partner`; or everything."""
    me = caller.address.id
    if partner:
        rows = _with(db, caller, names.parse_target(partner), everything, most, now_ms)
    elif everything:
        rows = [n for (n,) in db.rows("history.everything", _NEWEST, most)]
    else:
        rows = [n for (n,) in db.rows("history.mine", me, _NEWEST, most)]
    return _letters(db, caller, rows)


def _with(db: Store, caller: Caller, target: names.Target, everything: bool, most: int, now_ms: int) -> list[int]:
    if target.kind == "channel":
        return [n for (n,) in db.rows("history.in_channel", target.written(), _NEWEST, most)]
    place = find(db, target, now_ms)
    if place is None:
        raise NameUnknown(to=target.written())
    if everything or place.id == caller.address.id:
        return [n for (n,) in db.rows("history.mine", place.id, _NEWEST, most)]
    return [n for (n,) in db.rows("history.between", caller.address.id, place.id, _NEWEST, most)]


def newest(db: Store) -> int:
    """The number of the newest message."""
    return int(db.value("history.newest"))


def since(db: Store, caller: Caller, number: int, *, everything: bool) -> list[Letter]:
    """What came after a message number, oldest first, for following the log."""
    rows = [n for (n,) in db.rows("history.after", number, limits.INBOX_WAITING)]
    if not everything:
        rows = [n for n in rows if db.value("history.concerns", n, caller.address.id)]
    return _letters(db, caller, rows)


def search(db: Store, caller: Caller, words: list[str], *, everything: bool, most: int) -> list[Letter]:
    """Messages that hold all the words, newest first. Raises Usage for no words."""
    given = addresses.in_utf8(" ".join(words)).replace("\0", " ").split()
    terms = ['"' + word.replace('"', '""') + '"' for word in given]
    if not terms:
        raise Usage(problem="search for what?", verb="search")
    match = " ".join(terms)
    me = caller.address.id
    if everything:
        found = search_index.find(db, "history.found", match, most)
    else:
        found = search_index.find(db, "history.found_mine", match, me, limits.SEARCH_ROWS, most)
        found = [number for number in found if db.value("history.concerns", number, me)]
    return _letters(db, caller, found[:most])


def thread(db: Store, caller: Caller, written: str) -> list[Letter]:
    """A conversation, oldest first: by any message of it, or by its topic word."""
    word = names.slug(written, default="-")
    rows = [n for (n,) in db.rows("history.topic", word)]
    if not rows:
        found = messages.get(db, messages.number_of(db, written))
        assert found is not None
        rows = [n for (n,) in db.rows("history.thread", found.thread or found.n)]
    return _letters(db, caller, rows)


def _letters(db: Store, caller: Caller, numbers: list[int]) -> list[Letter]:
    found = [one for number in numbers if (one := messages.get(db, number))]
    return [letter(db, one, caller.address.id, whole=False) for one in found]
