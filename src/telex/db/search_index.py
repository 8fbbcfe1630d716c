"""The search index: the words of messages, put in many at a time, because that costs a third of a send one by one.

Rules kept here: the index itself knows what is in it, so that no mark can go wrong; whoever searches brings it up to
date first, so that no search misses the newest; what is not in it need not be taken out; it is written in a
transaction of its own, so that a damaged index or a full disk holds up no send; where nothing may be written the few
messages that it does not hold yet are compared one by one.
"""

from __future__ import annotations

from telex.db.connection import Store
from telex.errors import StoreFault, StoreShut

TYPE_CHECKING = False
if TYPE_CHECKING:
    from telex.db.connection import SqlValue


def refresh(db: Store) -> None:
    """Put in what is not in yet, if that can be done. Outside of a write."""
    try:
        with db.write():
            update(db)
    except StoreFault:
        pass  # it is still due, and doctor and whoever searches will say what is wrong


def update(db: Store) -> None:
    """Put in what is not in yet. Inside a write. Raises StoreFault."""
    db.run("index.update")


def find(db: Store, name: str, *values: SqlValue) -> list[int]:
    """The numbers that a query of the index finds, the newest messages included. Raises StoreFault."""
    found: list[int] | None = None
    newest: list[int] = []
    if db.value("index.any_due"):
        try:
            with db.write():
                update(db)
                found = _found(db, name, *values)
        except StoreShut:
            newest = _unindexed(db, str(values[0]))
        except StoreFault:  # on a full disk the index stays as it was, and the answer is right all the same
            if found is None:
                raise
    return newest + _found(db, name, *values) if found is None else found


def _unindexed(db: Store, match: str) -> list[int]:
    """The messages that the index does not hold and that have every phrase, the newest first."""
    phrases = [_words(part) for part in match[1:-1].split('" "')]
    return [
        number for number, body in db.rows("index.due") if all(f" {one} " in f" {_words(body)} " for one in phrases)
    ]


def _words(text: str) -> str:
    """The words of a text as the index tells them apart, nearly: in lower case, with one space between them."""
    return " ".join("".join([char if char.isalnum() else " " for char in text.casefold()]).split())


def _found(db: Store, name: str, *values: SqlValue) -> list[int]:
    return [number for (number,) in db.rows(name, *values)]
